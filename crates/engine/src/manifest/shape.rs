//! What a JSON schema says of a value: its types, its choices, and the words for them.

use serde_json::Value as Json;

use super::tree::{Node, Value};

pub(super) fn is_any(schema: &Json) -> bool {
    match schema {
        Json::Bool(_) | Json::Null => true,
        schema => {
            let shaped = ["type", "properties", "anyOf", "oneOf", "enum", "const", "$ref"];
            shaped.iter().all(|key| schema.get(key).is_none())
        }
    }
}

pub(super) fn types(schema: &Json) -> Vec<&str> {
    match &schema["type"] {
        Json::String(one) => vec![one],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn accepts(schema: &Json, kind: &str) -> bool {
    types(schema).contains(&kind)
}

pub(super) fn alternatives(schema: &Json) -> Option<&Vec<Json>> {
    schema["anyOf"].as_array().or_else(|| schema["oneOf"].as_array())
}

/// The values of an enumeration.
pub(super) fn choices(schema: &Json) -> Option<Vec<&str>> {
    if let Some(one) = schema["const"].as_str() {
        return Some(vec![one]);
    }
    if let Some(all) = schema["enum"].as_array() {
        return Some(all.iter().filter_map(Json::as_str).collect());
    }
    let all: Vec<_> = schema["oneOf"].as_array()?.iter().map(choices).collect::<Option<_>>()?;
    Some(all.into_iter().flatten().collect())
}

pub(super) fn fits(schema: &Json, node: &Node) -> bool {
    if is_any(schema) {
        return true;
    }
    match &node.value {
        Value::Null => accepts(schema, "null"),
        Value::Map(_) => accepts(schema, "object"),
        Value::List(_) => accepts(schema, "array"),
        Value::Bool(_) => accepts(schema, "boolean") || accepts(schema, "string"),
        Value::Number(..) => ["integer", "number", "string"].iter().any(|t| accepts(schema, t)),
        Value::Text(_) => accepts(schema, "string") || choices(schema).is_some(),
    }
}

/// What other versions of YAML, and people, write for `true` and `false`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

pub(super) fn noun(of: &str) -> Option<String> {
    let noun = match of {
        "string" => "a string",
        "integer" => "a number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => return None,
    };
    Some(noun.to_owned())
}
