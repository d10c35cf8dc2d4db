//! The keys that every resource has, read alike for every kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Resource;
use super::diagnostic::{Diagnostic, nearest};
use super::placeholder::UNKNOWN;
use super::places::Places;
use super::tree::{Key, Node};
use crate::address::Address;
use crate::change::Path;
use crate::kind::{Comparison, FieldTable, tag};
use crate::lifecycle::{Guard, Ignored, Lifecycle};
use crate::reference::{self, Part, Reference};
use crate::registry::Kind;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct Common {
    /// The object's name in the cloud. Default: the key.
    #[schemars(extend("x-also-called" = ["function_name", "role_name", "group_name", "api_name", "instance_name"]))]
    name: Option<String>,
    /// Tags of this object, over those of the stack.
    tags: BTreeMap<String, String>,
    /// Addresses (`kind.key`) that it depends on, besides those that it refers to. This resource
    /// is created after they are complete, for example after an instance is running.
    depends_on: Vec<String>,
    /// Blocks every plan that would delete or replace it, also after it was removed from the file.
    protect: bool,
    /// When it is removed from the file, or with `destroy`, it is released instead of deleted: it stays
    /// in the cloud and leaves the state. It is never replaced.
    retain: bool,
    /// Fields that others change: `timeout`, `tags.Owner`, `environment.MODE`. They are set when it is
    /// created and ignored from then on.
    ignore: Vec<String>,
    /// Removes tags that are not in the file. By default they stay.
    tags_exclusive: bool,
    /// The address (or key) that it had before. The object stays and moves to the new address.
    renamed_from: Option<String>,
}

/// The schemas of the common keys.
pub(super) fn properties(generator: &mut SchemaGenerator) -> Map<String, Json> {
    let mut schema = Common::json_schema(generator).to_value();
    schema["properties"].as_object_mut().map(std::mem::take).unwrap_or_default()
}

/// Removes the common keys from a config that has the types of the schema.
fn take(config: &mut Map<String, Json>) -> Common {
    static KEYS: LazyLock<Vec<String>> = LazyLock::new(|| {
        properties(&mut SchemaGenerator::default()).into_iter().map(|(key, _)| key).collect()
    });
    let taken = KEYS.iter().filter_map(|key| config.remove_entry(key)).collect();
    serde_json::from_value(Json::Object(taken)).unwrap_or_default()
}

/// Where a resource is in a file.
pub(super) struct Place<'r, 'a> {
    pub places: &'r Places<'a>,
    pub key: &'a Key,
    pub node: &'a Node,
}

/// Returns one resource and reports problems of its common keys. `config` has the types of the schema.
pub(super) fn resource(
    kind: &Kind,
    mut config: Map<String, Json>,
    here: &Place<'_, '_>,
    stack_tags: &BTreeMap<String, String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Resource {
    let Place { places, key, node } = *here;
    let common = take(&mut config);
    let address = Address::new(kind.name, &key.text);
    let mut wrong = |path: &[String], message: String| {
        diagnostics.push(Diagnostic::error(places.below(node, path), message));
    };
    let name = common.name.unwrap_or_else(|| address.key().to_owned());
    // As it is written: a default takes the place of its reference.
    let written = node.get("name").and_then(Node::text).unwrap_or_default();
    if reference::parse(written).is_ok_and(|parts| parts.iter().any(may_change)) {
        wrong(
            &["name".into()],
            "`name` must not refer to an output or an environment variable".into(),
        );
    }
    for (tag, message) in wrong_tags(&common.tags) {
        wrong(&["tags".to_owned(), tag], message);
    }
    let mut tags = stack_tags.clone();
    tags.extend(common.tags);
    if tags.len() > tag::MOST {
        let (count, most) = (tags.len(), tag::MOST);
        let message = format!(
            "{address} has {count} tags, those of the stack included; AWS and stackwright leave room for {most}"
        );
        wrong(&["tags".to_owned()], message);
    }
    let mut depends_on = BTreeSet::new();
    for (at, need) in common.depends_on.iter().enumerate().filter(|(_, need)| *need != UNKNOWN) {
        match need.parse::<Address>() {
            Ok(need) => {
                depends_on.insert(need);
            }
            Err(error) => wrong(&["depends_on".into(), at.to_string()], error.to_string()),
        }
    }
    let renamed_from = common.renamed_from.map(|text| former(&address, &text));
    let renamed_from = renamed_from.transpose().unwrap_or_else(|why| {
        wrong(&["renamed_from".into()], why);
        None
    });
    for (at, path) in common.ignore.iter().enumerate().filter(|(_, path)| *path != UNKNOWN) {
        if let Some((why, help)) = not_to_ignore(kind, path) {
            let span = places.below(node, &["ignore", &at.to_string()]);
            diagnostics.push(Diagnostic { help, ..Diagnostic::error(span, why) });
        }
    }
    Resource {
        address,
        name,
        tags,
        depends_on,
        lifecycle: Lifecycle {
            guard: Guard { protect: common.protect, retain: common.retain },
            ignored: Ignored::new(with_computed(&kind.fields, common.ignore)),
            tags_exclusive: common.tags_exclusive,
        },
        renamed_from,
        config: Json::Object(config),
        span: key.span.clone(),
        fields: node
            .entries()
            .iter()
            .map(|(key, _)| (key.text.clone(), key.span.clone()))
            .collect(),
    }
}

/// Adds the fields of the normal form that are computed from ignored ones.
fn with_computed(fields: &FieldTable, mut ignored: Vec<String>) -> Vec<String> {
    let computed = fields.computed().filter(|(_, of)| ignored.iter().any(|path| path == of));
    let more: Vec<String> = computed.map(|(field, _)| field.to_owned()).collect();
    ignored.extend(more);
    ignored
}

/// Returns the tags that no service of AWS takes, and why.
pub(super) fn wrong_tags(tags: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let (longest_key, longest_value) = tag::LONGEST;
    let mut wrong = Vec::new();
    for (tag, value) in tags {
        let mut add = |message: String| wrong.push((tag.clone(), message));
        if tag::is_reserved(tag) {
            add(format!("tags starting with `{}` or `aws:` are reserved", tag::PREFIX));
        }
        if tag.is_empty() || tag.chars().count() > longest_key {
            add(format!("the key of a tag has 1 to {longest_key} characters"));
        }
        let is_known = reference::markers(value).next().is_none();
        if is_known && value.chars().count() > longest_value {
            add(format!("the value of a tag has at most {longest_value} characters"));
        }
    }
    wrong
}

/// Tells whether a part of a string may be another in the next run.
fn may_change(part: &Part) -> bool {
    matches!(part, Part::Reference { reference: Reference::Output(..) | Reference::Env(_), .. })
}

/// `role.old`, or `old` alone.
fn former(address: &Address, text: &str) -> Result<Address, String> {
    let whole =
        if text.contains('.') { text.to_owned() } else { format!("{}.{text}", address.kind()) };
    let former: Address = whole.parse().map_err(|error| format!("{error}"))?;
    if former.kind() != address.kind() {
        return Err(format!(
            "`renamed_from` must name an address of the kind `{}`, not `{}`",
            address.kind(),
            former.kind()
        ));
    }
    if former == *address {
        return Err("`renamed_from` names its present address".to_owned());
    }
    Ok(former)
}

/// Why a field, or a part of one, cannot be ignored, and what to write instead.
pub fn not_to_ignore(kind: &Kind, path: &str) -> Option<(String, Option<String>)> {
    let field = path.split('.').next().unwrap_or_default();
    let is_tags = field == "tags";
    let is_whole = |field: &str| {
        kind.fields.rule(&Path(vec![field.to_owned()])).compare == Comparison::Exclusive
    };
    if !is_tags && !kind.fields.is_of_config(field) {
        let fields = kind.fields.of_config().filter(|field| !is_whole(field));
        let known: Vec<&str> = fields.chain(["tags"]).collect();
        let help = match nearest(field, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`{}` has {}", kind.name, known.join(", ")),
        };
        return Some((format!("`{field}` is no field of `{}`", kind.name), Some(help)));
    }
    if is_tags && path.strip_prefix("tags.").is_some_and(tag::is_reserved) {
        return Some(("these tags say which state owns the object".to_owned(), None));
    }
    is_whole(field)
        .then(|| (format!("`{field}` is managed as a whole; no part of it can be ignored"), None))
}
