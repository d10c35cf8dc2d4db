//! The fields of every kind as Markdown: how each is changed, compared and taken back. From the
//! kinds' own tables and schemas; there is no other list.

use std::fmt::Write as _;

use serde_json::Value;
use stackwright_engine::change::Path;
use stackwright_engine::kind::{Comparison, FieldRule, UpdateCost};
use stackwright_engine::manifest;
use stackwright_engine::registry::{Kind, Registry};

const INTRODUCTION: &str = "\
# Fields

What a change of each field does, how the plan compares it, and what it returns to when it is taken
out of the file. Printed from the program's own tables by `stackwright schema --fields`; `just fields`
writes it again.

- **Change** — *in place*: the object stays and goes on working. *Restarts*: it is stopped and started
  again. *Replaces*: another object is made, and the plan says so. *Never smaller*: a smaller number is
  refused, unless `--replace` asks for another object.
- **Compared** — *with what exists*: somebody else's change is seen and repaired; of a map only the keys
  in the file count, others are left alone (but for `tags_exclusive` and `managed_policies_exclusive`).
  *Whole*: also what is not in the file is seen, and taken away. *With what was last applied*: the cloud
  does not tell it. *While it is in the file*: taken out, it is from then on somebody else's business. A
  field that is not in the file is not compared, once its default has been set.
- **Taken out** — the value that is then set, which is AWS's own default where nothing else is said;
  `needed`: it cannot be; `refused`: there is no value to return to, and the plan says so.
";

/// The whole document.
pub fn fields(kinds: &Registry) -> String {
    let document = manifest::document(kinds);
    let mut text = INTRODUCTION.to_owned();
    for kind in kinds.iter() {
        let resource = &document["properties"][kind.name]["additionalProperties"];
        let _ = write!(text, "\n## {}\n\n{}\n\n", kind.name, sentence(resource));
        text.push_str("| field | | change | compared | taken out |\n|---|---|---|---|---|\n");
        for (field, schema) in resource["properties"].as_object().into_iter().flatten() {
            text.push_str(&row(kind, (&document, resource), field, schema));
            text.push_str(&parts(kind, &document, field, schema));
        }
    }
    text
}

fn row(kind: &Kind, (document, resource): (&Value, &Value), field: &str, schema: &Value) -> String {
    let required = resource["required"].as_array();
    let is_needed = required.is_some_and(|all| all.iter().any(|needed| needed == field));
    if !is_of_the_object(kind, field) || kind.fields.is_directive(field) {
        return format!("| `{field}` | {} | nothing | not at all | – |\n", sentence(schema));
    }
    let path = Path(vec![field.to_owned()]);
    let (change, compared, taken_out) = told(kind, &path, schema, is_map(document, schema));
    let taken_out = match field {
        _ if is_needed => "needed".to_owned(),
        "name" => "the key".to_owned(),
        _ => taken_out,
    };
    format!("| `{field}` | {} | {change} | {compared} | {taken_out} |\n", sentence(schema))
}

/// What is written of a change, a comparison, and a removal from the file.
fn told(
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
    let compared = match compare {
        Comparison::Managed => "with what exists",
        Comparison::Exclusive => "whole",
        Comparison::WriteOnly => "with what was last applied",
        Comparison::IgnoredWhenUnset => "while it is in the file",
        Comparison::NotCompared => "not at all",
    };
    let default = schema.get("default").filter(|default| !default.is_null());
    let taken_out = match (default, compare, update) {
        (Some(default), ..) => format!("`{default}`"),
        (None, Comparison::IgnoredWhenUnset, _) => "left as it is".to_owned(),
        (None, _, UpdateCost::Replace) => "made anew without it".to_owned(),
        _ if is_map => "its keys go".to_owned(),
        _ => "refused".to_owned(),
    };
    (change, compared, taken_out)
}

/// Parts of a field that are changed otherwise than the whole.
fn parts(kind: &Kind, document: &Value, field: &str, schema: &Value) -> String {
    let mut text = String::new();
    for declared in kind.fields.declared().filter(|field| field.has_rule()) {
        let keys: Vec<&str> = declared.path.split('.').collect();
        let Some(rest) = keys.strip_prefix(&[field]).filter(|rest| !rest.is_empty()) else {
            continue;
        };
        let part = rest.iter().fold(schema, |schema, key| under(document, schema, key));
        let path = Path(keys.iter().map(|&key| key.to_owned()).collect());
        let (change, compared, taken_out) = told(kind, &path, part, is_map(document, part));
        let name = keys.iter().filter(|key| **key != "*").copied().collect::<Vec<_>>().join(".");
        let _ = writeln!(
            text,
            "| `{name}` | {} | {change} | {compared} | {taken_out} |",
            sentence(part)
        );
    }
    text
}

/// The schema of one key of a map; `*`: of any.
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

/// Keys that every resource has direct this program; no object has them, except for these two.
fn is_of_the_object(kind: &Kind, field: &str) -> bool {
    ["name", "tags"].contains(&field) || kind.fields.is_of_config(field)
}

/// The first sentence of a description, in one line.
fn sentence(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
    let end = text.find(". ").map_or(text.len(), |at| at + 1);
    text[..end].trim_end_matches('.').replace('|', "\\|")
}
