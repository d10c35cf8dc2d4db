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
/// JSON schema's own.
pub(super) const EXAMPLES: &str = "examples";

/// Annotates the section of `kind` in the schema of a whole file. Returns the declared paths that lead to no
/// value of the type that their annotation is for.
pub(super) fn annotate(document: &mut Value, kind: &Kind) -> Vec<&'static str> {
    let definitions = document["definitions"].take();
    let resource = &mut document["properties"][kind.name]["additionalProperties"];
    let mut unmatched = Vec::new();
    for field in kind.fields.declared() {
        for annotation in annotations(field) {
            let keys: Vec<&str> = field.path.split('.').collect();
            if annotation.put(resource, &keys, &definitions) == 0 {
                unmatched.push(field.path);
            }
        }
    }
    document["definitions"] = definitions;
    unmatched
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
    let example = field.example.map(|example| ("string", EXAMPLES, json!([example])));
    let all = [unit, address, mentions, literal, example].into_iter().flatten();
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
    /// Annotates every way of writing the value at `keys` below `schema`, and returns their number. A
    /// definition is copied to where it is used: other fields may share it, and their values mean
    /// something else.
    fn put(&self, schema: &mut Value, keys: &[&str], definitions: &Value) -> usize {
        let reference = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next());
        if let Some(mut definition) = reference.map(|name| definitions[name].clone()) {
            let count = self.put(&mut definition, keys, definitions);
            if count > 0 {
                *schema = definition;
            }
            return count;
        }
        let mut count = 0;
        for choice in ["anyOf", "allOf", "oneOf"] {
            for way in schema.get_mut(choice).and_then(Value::as_array_mut).into_iter().flatten() {
                count += self.put(way, keys, definitions);
            }
        }
        match keys {
            [] if self.has_type(schema) => {
                schema[self.name] = self.value.clone();
                count += 1;
            }
            [] => {}
            ["*", rest @ ..] => {
                for below in ["additionalProperties", "items"] {
                    if let Some(below) = schema.get_mut(below).filter(|below| below.is_object()) {
                        count += self.put(below, rest, definitions);
                    }
                }
            }
            [key, rest @ ..] => {
                if let Some(below) = schema.get_mut("properties").and_then(|all| all.get_mut(key)) {
                    count += self.put(below, rest, definitions);
                }
            }
        }
        count
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
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;
    use crate::kind::{CreateIdempotency, ResourceType, field};
    use crate::manifest::schema;
    use crate::registry::Registry;

    #[derive(Deserialize, JsonSchema)]
    struct Config {
        #[serde(rename = "size")]
        _size: Option<u32>,
    }

    struct Misspelt;

    impl ResourceType for Misspelt {
        const NAME: &'static str = "disk";
        const OUTPUTS: &'static [&'static str] = &[];
        const FIELDS: &'static [Field] = &[field("sise").gigabytes()];
        const CREATE: CreateIdempotency = CreateIdempotency::Token;
        type Config = Config;
        type Spec = Value;
    }

    #[test]
    #[should_panic(expected = r#"disk: the schema has no ["sise"]"#)]
    fn a_path_that_the_schema_does_not_have_is_noticed() {
        schema::document(&Registry::new(vec![Kind::of::<Misspelt>()]));
    }

    fn definitions() -> Value {
        json!({
            "Disk": { "type": "object", "properties": { "size": { "type": ["integer", "null"] } } },
        })
    }

    fn gigabytes() -> Annotation {
        Annotation { of_type: "integer", name: UNIT, value: json!("GB") }
    }

    #[test]
    fn an_annotation_reaches_every_way_of_writing_a_value() {
        let definitions = definitions();
        let mut schema = json!({ "properties": {
            "disks": { "anyOf": [
                { "type": "string" },
                { "type": "object", "additionalProperties": { "$ref": "#/definitions/Disk" } },
            ] },
            "sizes": { "type": "array", "items": { "type": "integer" } },
        } });
        let mut put = |keys: &[&str]| gigabytes().put(&mut schema, keys, &definitions);
        let counts = [put(&["disks", "*", "size"]), put(&["sizes", "*"]), put(&["disks"])];
        assert_eq!(counts, [1, 1, 0], "a string has no unit");
        let disks = &schema["properties"]["disks"]["anyOf"];
        assert_eq!(disks[1]["additionalProperties"]["properties"]["size"][UNIT], "GB");
        assert_eq!(schema["properties"]["sizes"]["items"][UNIT], "GB");
        assert_eq!(disks[0], json!({ "type": "string" }));
    }

    #[test]
    fn fields_that_share_a_definition_share_no_annotation() {
        let definitions = definitions();
        let disk = json!({ "$ref": "#/definitions/Disk" });
        let mut schema = json!({ "properties": { "disk": disk, "memory": disk, "plain": disk } });
        let megabytes = Annotation { value: json!("MB"), ..gigabytes() };
        assert_eq!(gigabytes().put(&mut schema, &["disk", "size"], &definitions), 1);
        assert_eq!(megabytes.put(&mut schema, &["memory", "size"], &definitions), 1);
        let unit = |field: &str| &schema["properties"][field]["properties"]["size"][UNIT];
        assert_eq!((unit("disk"), unit("memory")), (&json!("GB"), &json!("MB")));
        assert_eq!(schema["properties"]["plain"], disk);
    }
}
