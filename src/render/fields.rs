//! Prints the fields of every resource type as Markdown: how each is changed, how it is compared, and
//! what happens when it is removed. The types' own tables and schemas are the only source.

use std::fmt::Write as _;

use serde_json::Value;
use stackwright_engine::change::Path;
use stackwright_engine::kind::{Comparison, FieldRule, UpdateCost};
use stackwright_engine::manifest;
use stackwright_engine::registry::{Kind, Registry};

const INTRODUCTION: &str = "\
# Fields

This page lists the fields of each resource type. `stackwright schema --fields` prints it from the
program's own tables; `just fields` updates this file.

- **Change**: what a change of the field does to the object.
  - *in place*: the object is updated and keeps working.
  - *restarts*: the object is stopped and started again.
  - *replaces*: a new object is created and the old one is deleted.
  - *refused*: the plan is blocked.
  - *never smaller*: a smaller value blocks the plan, unless `--replace` asks for a new object.
  - *none*: the field changes nothing in the cloud.
- **Compared**: how the plan detects a difference. A field that is not in the file is not compared, once
  its default has been set.
  - *with the cloud*: drift is detected and repaired. In a map, only the keys in the file are compared,
    and other keys are left alone (except with `tags_exclusive` and `managed_policies_exclusive`).
  - *with the cloud, exclusively*: as above, and items that are not in the file are removed.
  - *with the last apply*: the cloud does not report the field, so drift is not detected.
  - *by its fingerprint*: the cloud reports a value that it computes from the field: drift is detected by that,
    and repaired.
  - *while in the file*: the field is compared only as long as the file sets it.
  - *never*: the field is not compared.
- **Removed**: what happens when the field is removed from the file.
  - a value: this value is set. It is the default of AWS, or of stackwright where AWS has none.
  - *required*: the field cannot be removed.
  - *key of the resource*: the name follows the key in the file.
  - *new object without it*: the object is replaced.
  - *keys are removed*: the keys that the file had set are removed.
  - *left as it is*: the object keeps its value.
  - *blocked*: there is no default to return to, and the plan is blocked.
";

/// Returns the whole document.
pub fn fields(kinds: &Registry) -> String {
    let document = manifest::document(kinds);
    let mut text = INTRODUCTION.to_owned();
    for kind in kinds.iter() {
        let resource = &document["properties"][kind.name]["additionalProperties"];
        let _ = write!(text, "\n## {}\n\n{}\n\n", kind.name, sentence(resource));
        text.push_str(
            "| field | description | change | compared | removed |\n|---|---|---|---|---|\n",
        );
        for (field, schema) in resource["properties"].as_object().into_iter().flatten() {
            text.push_str(&row(kind, (&document, resource), field, schema));
            text.push_str(&parts(kind, &document, field, schema));
        }
    }
    text
}

/// Returns the row of one field.
fn row(kind: &Kind, (document, resource): (&Value, &Value), field: &str, schema: &Value) -> String {
    let required = resource["required"].as_array();
    let is_required = required.is_some_and(|all| all.iter().any(|required| required == field));
    if !is_of_the_object(kind, field) || kind.fields.is_directive(field) {
        return format!("| `{field}` | {} | none | never | – |\n", sentence(schema));
    }
    let path = Path(vec![field.to_owned()]);
    let (change, compared, removed) = columns(kind, &path, schema, is_map(document, schema));
    let removed = match field {
        _ if is_required => "required".to_owned(),
        "name" => "key of the resource".to_owned(),
        _ => removed,
    };
    format!("| `{field}` | {} | {change} | {compared} | {removed} |\n", sentence(schema))
}

/// Returns the columns "change", "compared" and "removed" of a field.
fn columns(
    kind: &Kind,
    path: &Path,
    schema: &Value,
    is_map: bool,
) -> (&'static str, &'static str, String) {
    let FieldRule { update, compare } = kind.fields.rule(path);
    let change = match update {
        UpdateCost::InPlace => "in place",
        UpdateCost::Restart => "restarts",
        UpdateCost::GrowOnly => "in place; never smaller",
        UpdateCost::Replace => "replaces",
        UpdateCost::Refuse => "refused",
    };
    let is_fingerprinted = path.0.len() == 1 && kind.fields.is_fingerprinted(path.field());
    let compared = match compare {
        Comparison::WriteOnly if is_fingerprinted => "by its fingerprint",
        Comparison::Managed => "with the cloud",
        Comparison::Exclusive => "with the cloud, exclusively",
        Comparison::WriteOnly => "with the last apply",
        Comparison::IgnoredWhenUnset => "while in the file",
        Comparison::NotCompared => "never",
    };
    let default = schema.get("default").filter(|default| !default.is_null());
    let removed = match (default, compare, update) {
        (Some(default), ..) => format!("`{default}`"),
        (None, Comparison::IgnoredWhenUnset, _) => "left as it is".to_owned(),
        (None, _, UpdateCost::Replace) => "new object without it".to_owned(),
        _ if is_map => "keys are removed".to_owned(),
        _ => "blocked".to_owned(),
    };
    (change, compared, removed)
}

/// Returns rows for the parts of a field that have rules of their own, for example `volumes.size`.
fn parts(kind: &Kind, document: &Value, field: &str, schema: &Value) -> String {
    let mut text = String::new();
    for declared in kind.fields.declared().filter(|field| field.has_rule()) {
        let keys: Vec<&str> = declared.path.split('.').collect();
        let Some(rest) = keys.strip_prefix(&[field]).filter(|rest| !rest.is_empty()) else {
            continue;
        };
        let part = rest.iter().fold(schema, |schema, key| under(document, schema, key));
        let path = Path(keys.iter().map(|&key| key.to_owned()).collect());
        let (change, compared, removed) = columns(kind, &path, part, is_map(document, part));
        let name = keys.iter().filter(|key| **key != "*").copied().collect::<Vec<_>>().join(".");
        let _ =
            writeln!(text, "| `{name}` | {} | {change} | {compared} | {removed} |", sentence(part));
    }
    text
}

/// Returns the schema of one key of a map; `*` stands for any key.
fn under<'a>(document: &'a Value, schema: &'a Value, key: &str) -> &'a Value {
    if let Some(path) = schema["$ref"].as_str() {
        let known = document.pointer(path.trim_start_matches('#'));
        return known.map_or(&Value::Null, |schema| under(document, schema, key));
    }
    let own = match key {
        "*" => &schema["additionalProperties"],
        key => &schema["properties"][key],
    };
    if own.is_object() {
        return own;
    }
    let choices = ["anyOf", "allOf"].into_iter().flat_map(|of| schema[of].as_array()).flatten();
    let mut found = choices.map(|choice| under(document, choice, key));
    found.find(|found| found.is_object()).unwrap_or(&Value::Null)
}

/// Returns whether a schema describes a map.
fn is_map(document: &Value, schema: &Value) -> bool {
    if let Some(path) = schema["$ref"].as_str() {
        let known = document.pointer(path.trim_start_matches('#'));
        return known.is_some_and(|schema| is_map(document, schema));
    }
    let types = &schema["type"];
    let is_one = types.as_array().is_some_and(|all| all.iter().any(|of| of == "object"));
    let mut choices = ["anyOf", "allOf"].into_iter().flat_map(|of| schema[of].as_array());
    types == "object" || is_one || choices.any(|of| of.iter().any(|s| is_map(document, s)))
}

/// Returns whether a field belongs to the object in the cloud. `protect` and other lifecycle keys only
/// control this program; of the keys that every resource has, objects have `name` and `tags`.
fn is_of_the_object(kind: &Kind, field: &str) -> bool {
    ["name", "tags"].contains(&field) || kind.fields.is_of_config(field)
}

/// Returns the first sentence of a description, on one line.
fn sentence(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].trim_end_matches('.').replace('|', "\\|")
}
