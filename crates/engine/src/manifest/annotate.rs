//! Writes what kinds declare of their fields into the JSON schema, where the checker and editors read
//! it: units, addresses, texts with addresses in them, texts without references.
//!
//! The annotations have names of their own (`x-unit`, `x-address`, `x-mentions`, `x-literal`), which
//! other readers of the schema pass over. They are written here alone.

use serde_json::{Value, json};

use crate::kind::field::{AddressOf, Field, Mention, Unit};
use crate::registry::Kind;

pub(super) const UNIT: &str = "x-unit";
pub(super) const ADDRESS: &str = "x-address";
pub(super) const MENTIONS: &str = "x-mentions";
pub(super) const LITERAL: &str = "x-literal";

/// Annotates the section of `kind` in the schema of a whole file.
pub(super) fn annotate(document: &mut Value, kind: &Kind) {
    let mut definitions = document["definitions"].take();
    let resource = &mut document["properties"][kind.name]["additionalProperties"];
    for field in kind.fields.declared() {
        for annotation in annotations(field) {
            let keys: Vec<&str> = field.path.split('.').collect();
            annotation.put(resource, &keys, &mut definitions);
        }
    }
    document["definitions"] = definitions;
}

/// What is written at every value of one JSON type that a path leads to.
struct Annotation {
    of_type: &'static str,
    name: &'static str,
    value: Value,
}

fn annotations(field: &Field) -> impl Iterator<Item = Annotation> {
    let unit = field.unit.map(|unit| ("integer", UNIT, symbol(unit).into()));
    let address = field.address.map(|AddressOf { kind, output, prefix }| {
        ("string", ADDRESS, json!({ "kind": kind, "output": output, "prefix": prefix }))
    });
    let mentions = field.mentions.map(|Mention { kind, output, .. }| {
        ("string", MENTIONS, json!({ "kind": kind, "output": output }))
    });
    let literal = field.literal.map(|help| ("string", LITERAL, help.into()));
    let all = [unit, address, mentions, literal].into_iter().flatten();
    all.map(|(of_type, name, value)| Annotation { of_type, name, value })
}

fn symbol(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Megabytes => "MB",
        Unit::Gigabytes => "GB",
    }
}

impl Annotation {
    /// Annotates every way of writing the value at `keys` below `schema`.
    fn put(&self, schema: &mut Value, keys: &[&str], definitions: &mut Value) {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            let mut definition = definitions[name].take();
            self.put(&mut definition, keys, definitions);
            definitions[name] = definition;
            return;
        }
        for choice in ["anyOf", "allOf", "oneOf"] {
            for way in schema.get_mut(choice).and_then(Value::as_array_mut).into_iter().flatten() {
                self.put(way, keys, definitions);
            }
        }
        match keys {
            [] if self.has_type(schema) => schema[self.name] = self.value.clone(),
            [] => {}
            ["*", rest @ ..] => {
                for below in ["additionalProperties", "items"] {
                    if let Some(below) = schema.get_mut(below).filter(|below| below.is_object()) {
                        self.put(below, rest, definitions);
                    }
                }
            }
            [key, rest @ ..] => {
                if let Some(below) = schema.get_mut("properties").and_then(|all| all.get_mut(key)) {
                    self.put(below, rest, definitions);
                }
            }
        }
    }

    fn has_type(&self, schema: &Value) -> bool {
        match &schema["type"] {
            Value::Array(types) => types.iter().any(|one| one == self.of_type),
            one => one == self.of_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_reaches_every_way_of_writing_a_value() {
        let mut definitions = json!({
            "Disk": { "type": "object", "properties": { "size": { "type": ["integer", "null"] } } },
        });
        let mut schema = json!({ "properties": {
            "disks": { "anyOf": [
                { "type": "string" },
                { "type": "object", "additionalProperties": { "$ref": "#/definitions/Disk" } },
            ] },
            "sizes": { "type": "array", "items": { "type": "integer" } },
        } });
        let unit = Annotation { of_type: "integer", name: UNIT, value: json!("GB") };
        unit.put(&mut schema, &["disks", "*", "size"], &mut definitions);
        unit.put(&mut schema, &["sizes", "*"], &mut definitions);
        unit.put(&mut schema, &["disks"], &mut definitions);
        assert_eq!(definitions["Disk"]["properties"]["size"][UNIT], "GB");
        assert_eq!(schema["properties"]["sizes"]["items"][UNIT], "GB");
        assert_eq!(schema["properties"]["disks"]["anyOf"][0], json!({ "type": "string" }));
    }
}
