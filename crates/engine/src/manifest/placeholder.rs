//! What stands for a value that is wrong or missing, and has been reported: the rest of the file is checked all
//! the same, so that no mistake hides another one.

use serde_json::{Map, Value as Json};

use super::check::Checker;
use super::shape::{accepts, alternatives, choices};

/// The text that stands for one that is wrong or missing. To a kind it is a reference whose value is not known
/// yet.
pub(super) const UNKNOWN: &str = "${missing}";

impl<'a> Checker<'a> {
    /// Returns a value of the type that the schema asks for.
    pub fn placeholder(&self, schema: &'a Json) -> Json {
        let schema = self.follow(schema);
        if let Some(choices) = choices(schema) {
            return choices.first().copied().unwrap_or(UNKNOWN).into();
        }
        if let Some(alternatives) = alternatives(schema) {
            return alternatives.first().map_or(Json::Null, |one| self.placeholder(one));
        }
        if accepts(schema, "object") {
            let mut object = Map::new();
            self.complete(&mut object, schema);
            return object.into();
        }
        if accepts(schema, "array") {
            return vec![self.placeholder(&schema["items"])].into();
        }
        if accepts(schema, "integer") || accepts(schema, "number") {
            return schema.get("minimum").cloned().unwrap_or_else(|| 0.into());
        }
        if accepts(schema, "boolean") { false.into() } else { UNKNOWN.into() }
    }

    /// Adds the keys that an object needs and does not have.
    pub fn complete(&self, object: &mut Map<String, Json>, schema: &'a Json) {
        let required = schema["required"].as_array().into_iter().flatten();
        for key in required.filter_map(Json::as_str) {
            if !object.contains_key(key) {
                let value = self.placeholder(&schema["properties"][key]);
                object.insert(key.to_owned(), value);
            }
        }
    }
}
