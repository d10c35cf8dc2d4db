//! The JSON schema of a stack file, for the checker and for editors.

use std::collections::{BTreeMap, BTreeSet};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{annotate, common, measure};
use crate::registry::{Kind, Registry};

/// The keys beside the sections of kinds. Its doc comments are the descriptions of the schema.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    /// The stack's name: a letter, then letters, digits, `-` and `_`.
    #[schemars(extend("x-also-called" = ["name"]))]
    pub stack: String,
    /// The cloud: `local` (an emulator on this machine), `aws`, or the URL of an endpoint.
    #[serde(default)]
    #[schemars(extend("default" = "local"))]
    pub cloud: Option<String>,
    /// The AWS region.
    #[serde(default)]
    #[schemars(extend("default" = "us-east-1"))]
    pub region: Option<String>,
    /// The AWS account, twelve digits. Required for `cloud: aws`; checked before anything else.
    #[serde(default)]
    pub account: Option<String>,
    /// Tags of every object of the stack.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// HTTP calls that show whether the stack works; `reconcile` makes them at its end.
    #[serde(default)]
    pub check: BTreeMap<String, CheckConfig>,
    /// Values to print: `stackwright output NAME`.
    #[serde(default)]
    pub output: BTreeMap<String, String>,
}

/// One HTTP call and the expected answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckConfig {
    /// `METHOD URL`: `POST ${api.NAME.url}/path`.
    pub call: String,
    /// Sent as JSON; a string is sent as it is.
    #[serde(default)]
    pub body: Option<Value>,
    /// Request headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub expect: Option<ExpectConfig>,
}

/// The expected answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExpectConfig {
    /// The HTTP status.
    #[serde(default)]
    #[schemars(extend("default" = 200), range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// A string that the body must contain.
    #[serde(default)]
    pub contains: Option<String>,
    /// How long to retry: `30s`, `2m`, or a number of seconds.
    #[serde(default)]
    #[schemars(extend("default" = "30s"))]
    pub within: Option<String>,
}

/// The schema of a whole stack file, draft-07.
pub fn document(kinds: &Registry) -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut document = Header::json_schema(&mut generator).to_value();
    for kind in kinds.iter() {
        document["properties"][kind.name] = section(kind, &mut generator);
    }
    document["properties"]["clouds"] = json!({
        "type": "object",
        "description": "Overrides per cloud: what is merged over this file there. A key may contain anything that the file may.",
        "additionalProperties": { "type": "object" },
    });
    document["patternProperties"] = json!({
        "^x-": { "description": "A place for anchors; nothing reads it." },
    });
    document["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    document["title"] = "stackwright stack file".into();
    document["definitions"] = Value::Object(generator.take_definitions(true));
    for kind in kinds.iter() {
        let unmatched = annotate::annotate(&mut document, kind);
        // A misspelt path in `FIELDS` would go without its unit or its address in silence.
        debug_assert!(unmatched.is_empty(), "{}: the schema has no {unmatched:?}", kind.name);
    }
    drop_unused(&mut document);
    measure::allow(&mut document);
    document
}

/// Removes the definitions that nothing refers to any more: where they are used stands a copy.
fn drop_unused(document: &mut Value) {
    let mut definitions = document["definitions"].take();
    let mut used = BTreeSet::new();
    let mut open = references(document);
    while let Some(name) = open.pop() {
        if used.insert(name.clone()) {
            open.extend(references(&definitions[&name]));
        }
    }
    if let Some(all) = definitions.as_object_mut() {
        all.retain(|name, _| used.contains(name));
    }
    document["definitions"] = definitions;
}

/// Returns the names of the definitions that a schema refers to.
fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|at| at.rsplit('/').next());
            let below = map.values().flat_map(references);
            name.map(str::to_owned).into_iter().chain(below).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn section(kind: &Kind, generator: &mut SchemaGenerator) -> Value {
    let mut resource = kind.schema(generator).to_value();
    let mut common = common::properties(generator);
    match resource["properties"].as_object_mut() {
        Some(properties) => properties.append(&mut common),
        None => resource["properties"] = Value::Object(common),
    }
    resource["additionalProperties"] = false.into();
    json!({
        "type": "object",
        "description": resource["description"],
        "propertyNames": { "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,62}$" },
        "additionalProperties": resource,
    })
}
