//! Types for configs that accept a short and a long form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// A value with a short form (`code: src`) and a long form (`code: {path: src, build: make}`). A value
/// that does not read as the short form is the long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShortOrLong<S, L> {
    Short(S),
    Long(L),
}

impl<'de, S: DeserializeOwned, L: DeserializeOwned> Deserialize<'de> for ShortOrLong<S, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match S::deserialize(&value) {
            Ok(short) => Ok(Self::Short(short)),
            Err(_) => L::deserialize(value).map(Self::Long).map_err(D::Error::custom),
        }
    }
}

impl<S: JsonSchema, L: JsonSchema> JsonSchema for ShortOrLong<S, L> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Or{}", S::schema_name(), L::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut ways = Vec::new();
        for way in [generator.subschema_for::<S>(), generator.subschema_for::<L>()] {
            // A form that has alternatives itself adds all of them.
            match way.get("anyOf").and_then(Value::as_array) {
                Some(several) => ways.extend(several.iter().cloned()),
                None => ways.push(way.to_value()),
            }
        }
        json_schema!({ "anyOf": ways })
    }
}

/// One string or a list of them: `actions: ec2:Run` or `actions: [a, b]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<String, Vec<String>>")]
#[schemars(inline, description = "")]
pub struct OneOrMany(pub Vec<String>);

impl From<ShortOrLong<String, Vec<String>>> for OneOrMany {
    fn from(written: ShortOrLong<String, Vec<String>>) -> Self {
        match written {
            ShortOrLong::Short(one) => Self(vec![one]),
            ShortOrLong::Long(many) => Self(many),
        }
    }
}

/// The annotation of a value of any shape whose numbers are texts.
pub(crate) const NUMBERS_ARE_TEXT: &str = "x-numbers-are-text";

/// The schema of a value of any shape whose numbers stay as they are written: `1.10` is the text `1.10`,
/// and 20 digits are 20 digits.
pub struct NumbersAsText;

impl JsonSchema for NumbersAsText {
    fn schema_name() -> Cow<'static, str> {
        "NumbersAsText".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ NUMBERS_ARE_TEXT: true })
    }
}
