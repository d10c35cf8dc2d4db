//! Puts a form of the protocols `query` and `ec2` back into the shape of its operation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, Value};

use super::check::Checker;
use super::shape::{Member, Operation, Protocol, Type};
use crate::request::form;

/// The fields of a form, and those that a shape has.
struct Fields {
    all: BTreeMap<String, String>,
    used: BTreeSet<String>,
}

impl Checker<'_> {
    /// The input of an operation; fields that it does not have are breaches.
    pub fn form(&mut self, operation: &Operation, body: &[u8]) -> Value {
        let mut fields = Fields { all: form(body).into_iter().collect(), used: BTreeSet::new() };
        fields.used.insert("Action".to_owned());
        if let Some(version) = fields.take("Version")
            && version != self.service.metadata.api_version
        {
            self.breach(&operation.name, format!("Version {version}"));
        }
        let input = operation.input.as_ref();
        let input = input.map(|target| self.filled(&target.shape, "", &mut fields));
        for unknown in fields.all.keys().filter(|name| !fields.used.contains(*name)) {
            self.breach(&format!("{}.{unknown}", operation.name), "is not a field");
        }
        input.unwrap_or_default()
    }

    fn filled(&self, name: &str, prefix: &str, fields: &mut Fields) -> Value {
        let shape = self.shape(name);
        match shape.of {
            Type::Structure => {
                let mut object = Map::new();
                for (name, member) in &shape.members {
                    let prefix = joined(prefix, &self.field(name, member));
                    if fields.has(&prefix) {
                        let value = self.filled(&member.shape, &prefix, fields);
                        object.insert(member.wire(name).to_owned(), value);
                    }
                }
                Value::Object(object)
            }
            Type::List => {
                let member = shape.member.as_ref().expect("a list has items");
                if fields.all.get(prefix).is_some_and(String::is_empty) {
                    fields.used.insert(prefix.to_owned());
                    return Value::Array(Vec::new());
                }
                let is_flat = self.service.metadata.protocol == Protocol::Ec2 || shape.flattened;
                let prefix =
                    if is_flat { prefix.to_owned() } else { joined(prefix, member.wire("member")) };
                let each = fields.indices(&prefix).into_iter();
                each.map(|at| self.filled(&member.shape, &format!("{prefix}.{at}"), fields))
                    .collect()
            }
            // No operation that is called has one: its fields are reported.
            Type::Map => Value::Object(Map::new()),
            of => scalar(of, &fields.take(prefix).unwrap_or_default()),
        }
    }

    /// The name of a member in a form.
    fn field(&self, name: &str, member: &Member) -> String {
        let wire = member.wire(name);
        match (self.service.metadata.protocol, &member.query_name) {
            (Protocol::Ec2, Some(name)) => name.clone(),
            (Protocol::Ec2, None) => {
                let mut letters = wire.chars();
                let first = letters.next().into_iter().flat_map(char::to_uppercase);
                first.chain(letters).collect()
            }
            _ => wire.to_owned(),
        }
    }
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<String> {
        let value = self.all.get(name).cloned()?;
        self.used.insert(name.to_owned());
        Some(value)
    }

    fn below<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a str> {
        let prefix = format!("{prefix}.");
        self.all.keys().filter_map(move |name| name.strip_prefix(&prefix))
    }

    fn has(&self, prefix: &str) -> bool {
        self.all.contains_key(prefix) || self.below(prefix).next().is_some()
    }

    fn indices(&self, prefix: &str) -> BTreeSet<usize> {
        self.below(prefix).filter_map(|rest| rest.split('.').next()?.parse().ok()).collect()
    }
}

fn joined(prefix: &str, name: &str) -> String {
    if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") }
}

/// Reads a text of a form, a path or a query as its type has it. What it cannot be stays a text.
pub fn scalar(of: Type, text: &str) -> Value {
    let read = match of {
        Type::Boolean => text.parse().ok().map(Value::Bool),
        Type::Integer | Type::Long => text.parse::<i64>().ok().map(Value::from),
        Type::Float | Type::Double => {
            text.parse().ok().and_then(Number::from_f64).map(Value::Number)
        }
        _ => None,
    };
    read.unwrap_or_else(|| Value::from(text))
}
