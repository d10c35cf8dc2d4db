//! The fields of one kind, compiled once from its declarations and its schema.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::field::{Comparison, Field, UpdateCost};
use crate::change::Path;

/// How the value at one path is changed and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRule {
    pub update: UpdateCost,
    pub compare: Comparison,
}

/// All that the engine knows of a kind's fields.
#[derive(Clone, Debug, Default)]
pub struct FieldTable {
    rows: Vec<Row>,
    /// Fields of the file that are this kind's own.
    of_config: BTreeSet<String>,
    /// AWS's own defaults, by top-level field.
    defaults: Map<String, Value>,
}

/// A declaration with its path taken apart. Rows are sorted by the length of their paths, longest
/// first, so that the first one that covers a path decides.
#[derive(Clone, Debug)]
struct Row {
    keys: Vec<&'static str>,
    field: Field,
}

impl Row {
    fn covers(&self, path: &Path) -> bool {
        let mut pairs = self.keys.iter().zip(&path.0);
        path.0.len() >= self.keys.len() && pairs.all(|(part, key)| *part == "*" || part == key)
    }
}

impl FieldTable {
    /// `schema`: that of the kind's `Config`.
    pub fn compile(fields: &[Field], schema: &Value) -> Self {
        let row = |field: &Field| Row { keys: field.path.split('.').collect(), field: *field };
        let mut rows: Vec<Row> = fields.iter().map(row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.keys.len()));
        let properties = schema["properties"].as_object();
        let directive = |name: &str| fields.iter().any(|f| f.is_directive && f.path == name);
        let defaults = properties.into_iter().flatten().filter_map(|(name, schema)| {
            let default = schema.get("default").filter(|default| !default.is_null());
            Some((name.clone(), default.filter(|_| !directive(name))?.clone()))
        });
        Self {
            of_config: properties.into_iter().flat_map(|all| all.keys().cloned()).collect(),
            defaults: defaults.collect(),
            rows,
        }
    }

    /// The declarations, as the kind wrote them.
    pub fn declared(&self) -> impl Iterator<Item = &Field> {
        self.rows.iter().map(|row| &row.field)
    }

    /// How the value at `path` is changed and compared: cost and comparison each come from the longest
    /// declared part of the path that has one.
    pub fn rule(&self, path: &Path) -> FieldRule {
        let covering = || self.rows.iter().filter(|row| row.covers(path)).map(|row| &row.field);
        FieldRule {
            update: covering().find_map(|field| field.update).unwrap_or(UpdateCost::InPlace),
            compare: covering().find_map(|field| field.compare).unwrap_or(Comparison::Managed),
        }
    }

    /// AWS's own default of a top-level field: what is set when a user removes it from the file.
    pub fn default(&self, field: &str) -> Option<&Value> {
        self.defaults.get(field)
    }

    /// Tells whether a user may write the field in the file, beside the keys of every resource.
    pub fn is_of_config(&self, field: &str) -> bool {
        self.of_config.contains(field)
    }

    /// Returns every field that a user may write, beside the keys of every resource.
    pub fn of_config(&self) -> impl Iterator<Item = &str> {
        self.of_config.iter().map(String::as_str)
    }

    /// Tells whether the field directs this program alone, so that no object has it.
    pub fn is_directive(&self, field: &str) -> bool {
        self.top(field).is_some_and(|field| field.is_directive)
    }

    /// Tells whether drift of the field is seen by a value that the cloud computes from it.
    pub fn is_fingerprinted(&self, field: &str) -> bool {
        self.top(field).is_some_and(|field| field.is_fingerprinted)
    }

    /// Tells whether plans hide the field as long as another one differs.
    pub fn is_internal(&self, field: &str) -> bool {
        self.top(field).is_some_and(|field| field.is_internal)
    }

    /// Tells whether the field is recorded as it is, secrets in it included.
    pub fn is_clear_text(&self, field: &str) -> bool {
        field == "name" || self.top(field).is_some_and(|field| field.is_clear_text)
    }

    /// The boolean field that makes the comparison of `field` exclusive.
    pub fn exclusive_switch(&self, field: &str) -> Option<&'static str> {
        self.top(field)?.exclusive_if
    }

    /// The field of the file that what stands at `path` is computed from, where that has another name.
    pub fn computed_from(&self, path: &Path) -> Option<&'static str> {
        self.rows.iter().filter(|row| row.covers(path)).find_map(|row| row.field.computed_from)
    }

    /// The path by which a user knows what stands at `path`: for an internal field, the field of the file
    /// that it is computed from, if there is one.
    pub fn shown(&self, path: &Path) -> Option<Path> {
        if !self.is_internal(path.field()) {
            return Some(path.clone());
        }
        self.computed_from(path).map(|of| Path(vec![of.to_owned()]))
    }

    /// Every computed field, with the field of the file that it is computed from.
    pub fn computed(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.declared().filter_map(|field| Some((field.path, field.computed_from?)))
    }

    fn top(&self, name: &str) -> Option<&Field> {
        self.declared().find(|field| field.path == name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kind::field;

    const FIELDS: &[Field] = &[
        field("volumes").replaces().ignored_when_unset(),
        field("volumes.*.size").grows_only().gigabytes(),
        field("volumes.*.type").in_place(),
        field("policies.own").computed_from("allow"),
        field("mode").directive(),
        field("launched").replaces().computed_from("type").internal(),
        field("deployed").internal(),
    ];

    fn table() -> FieldTable {
        let schema = json!({ "properties": {
            "volumes": {}, "mode": { "default": "stop" }, "size": { "default": 3 },
            "key": { "default": null },
        } });
        FieldTable::compile(FIELDS, &schema)
    }

    fn path(keys: &str) -> Path {
        Path(keys.split('.').map(str::to_owned).collect())
    }

    #[test]
    fn a_part_inherits_what_it_does_not_declare() {
        let rule = |keys: &str| {
            let FieldRule { update, compare } = table().rule(&path(keys));
            (update, compare)
        };
        use Comparison::{IgnoredWhenUnset, Managed};
        assert_eq!(rule("volumes"), (UpdateCost::Replace, IgnoredWhenUnset));
        assert_eq!(rule("volumes.sda.size"), (UpdateCost::GrowOnly, IgnoredWhenUnset));
        assert_eq!(rule("volumes.sda.type"), (UpdateCost::InPlace, IgnoredWhenUnset));
        assert_eq!(rule("volumes.sda.encrypted"), (UpdateCost::Replace, IgnoredWhenUnset));
        assert_eq!(rule("other.x"), (UpdateCost::InPlace, Managed));
    }

    #[test]
    fn a_default_is_one_of_aws_and_not_null() {
        let table = table();
        assert_eq!(table.default("size"), Some(&json!(3)));
        assert_eq!((table.default("mode"), table.default("key")), (None, None));
        assert!(table.is_of_config("mode") && !table.is_of_config("policies"));
    }

    #[test]
    fn a_part_of_a_computed_field_is_computed_too() {
        let table = table();
        assert_eq!(table.computed_from(&path("policies.own.Statement")), Some("allow"));
        assert_eq!(table.computed_from(&path("policies.other")), None);
    }

    #[test]
    fn an_internal_field_is_shown_as_that_which_it_is_computed_from() {
        let shown = |keys: &str| table().shown(&path(keys));
        assert_eq!(shown("volumes.sda"), Some(path("volumes.sda")));
        assert_eq!(shown("policies.own.Statement"), Some(path("policies.own.Statement")));
        assert_eq!(shown("launched"), Some(path("type")));
        assert_eq!(shown("deployed"), None);
    }
}
