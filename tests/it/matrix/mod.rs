//! Every field of every kind, in every way it can change: set from the start, changed in the file,
//! changed by hand, taken out of the file and put in again. For each: what the plan says, the calls
//! of the run, and that nothing is left to do.
//!
//! Each kind has one file with its rows and its tests. To add a kind, write its file and list its table
//! in [`TABLES`]. A kind without a table, and a field without a row, fail the suite.

mod address;
mod api;
mod function;
mod instance;
mod key_pair;
mod policy;
mod role;
mod row;
mod security_group;
mod walk;

use std::collections::BTreeSet;

use serde_json::Value;

use self::row::{Action, Removed, Seen, Table};
use crate::support::Sandbox;

/// The rows of every kind.
const TABLES: &[fn() -> Table] = &[
    address::table,
    api::table,
    function::table,
    instance::table,
    key_pair::table,
    policy::table,
    role::table,
    security_group::table,
];

/// Keys of every resource that reach no cloud: `verbs` goes through them.
const OURS: [&str; 5] = ["ignore", "protect", "renamed_from", "retain", "tags_exclusive"];

#[test]
fn every_field_has_a_row() {
    let schema = Sandbox::empty(0).ok(&["schema"]).json();
    let sections = schema["properties"].as_object().expect("sections");
    // A kind's resources have the keys of all resources.
    let resource = |section: &Value| section["additionalProperties"].clone();
    let is_kind = |section: &Value| resource(section)["properties"]["depends_on"].is_object();
    let kinds: BTreeSet<&str> =
        sections.iter().filter(|(_, s)| is_kind(s)).map(|(kind, _)| kind.as_str()).collect();
    let tables: Vec<Table> = TABLES.iter().map(|table| table()).collect();
    assert_eq!(kinds, tables.iter().map(Table::kind).collect(), "kinds and tables");
    for table in &tables {
        let mut fields = BTreeSet::new();
        collect(&schema, &resource(&sections[table.kind()]), "", &mut fields);
        let rows = table.rows.iter().map(|row| row.name).chain(OURS);
        let rows: BTreeSet<String> = rows.map(str::to_owned).collect();
        assert_eq!(rows, fields, "{}: rows, and fields of the schema", table.kind());
    }
}

/// The table of fields in docs/fields.md agrees with the rows.
#[test]
fn the_table_of_fields_agrees_with_the_rows() {
    let printed = Sandbox::empty(0).ok(&["schema", "--fields"]).stdout;
    for table in TABLES.iter().map(|table| table()) {
        let section = printed.split("\n## ").find(|part| part.starts_with(table.kind()));
        let section = section.expect("a section");
        for row in &table.rows {
            let line = [row.name, row.field()].into_iter().find_map(|name| {
                section.lines().find(|line| line.starts_with(&format!("| `{name}` |")))
            });
            let line = line.expect("a line");
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let change = match (&row.seen, row.action) {
                (Seen::Not, _) => "none",
                (_, Action::Update) if row.never_less => "in place; never smaller",
                (_, Action::Update) => "in place",
                (_, Action::Restart) => "restarts",
                (_, Action::Replace) => "replaces",
            };
            assert_eq!(cells[2], change, "{line}");
            let taken_out = cells[4].trim_end_matches(" |");
            match &row.removed {
                Removed::Needed => assert_eq!(taken_out, "required", "{line}"),
                Removed::Refused => assert_eq!(taken_out, "blocked", "{line}"),
                Removed::Replaces => assert_eq!(taken_out, "new object without it", "{line}"),
                Removed::Default(value) => assert_eq!(taken_out, format!("`{value}`"), "{line}"),
                Removed::Nothing | Removed::Becomes(_) => {
                    assert!(!["required", "blocked"].contains(&taken_out), "{line}");
                }
            }
        }
    }
}

/// The fields of a schema; of one that has fields of its own, those: `allow.effect`. One that may be
/// a text as well is also a field by itself: `image`, `image.owner`, `image.name`.
fn collect(whole: &Value, schema: &Value, path: &str, fields: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        return collect(whole, whole.pointer(pointer).expect("a definition"), path, fields);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let before = fields.len();
        collect(whole, field, &path, fields);
        if fields.len() == before {
            fields.insert(path);
        }
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            collect(whole, &schema[inner], path, fields);
        }
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        let before = fields.len();
        let choices = schema[choice].as_array();
        for one in choices.into_iter().flatten() {
            collect(whole, one, path, fields);
        }
        let is_text = |one: &Value| one["type"] == "string";
        if fields.len() > before && choices.into_iter().flatten().any(is_text) {
            fields.insert(path.to_owned());
        }
    }
}
