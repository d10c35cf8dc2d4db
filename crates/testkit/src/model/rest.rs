//! Recognizes an operation of the protocol `rest-json` by its method and path, and puts path, query,
//! headers and body together.

use std::collections::BTreeMap;

use http::request::Parts;
use serde_json::{Map, Value};

use super::check::Checker;
use super::form::scalar;
use super::shape::{Member, Operation, Type};
use crate::request::{decoded, form};

/// The variables of a path by their names.
type Labels = BTreeMap<String, String>;

impl<'a> Checker<'a> {
    /// The operation and its input; `None` when no operation has such a path.
    pub fn rest(&mut self, head: &Parts, body: &[u8]) -> Option<(&'a Operation, Value)> {
        let query = form(head.uri.query().unwrap_or_default().as_bytes());
        let fitting = self
            .service
            .operations
            .values()
            .filter_map(|operation| Some((operation, labels(operation, head, &query)?)));
        // The one with the most literal parts.
        let (operation, labels) = fitting.min_by_key(|(_, labels)| labels.len())?;
        let Some(input) = &operation.input else { return Some((operation, Value::Null)) };
        let shape = self.shape(&input.shape);
        let mut whole = match &shape.payload {
            None if body.is_empty() => Map::new(),
            None => match serde_json::from_slice(body) {
                Ok(Value::Object(members)) => members,
                _ => {
                    self.breach(&operation.name, "the body is no JSON object");
                    Map::new()
                }
            },
            Some(payload) => self.payload(payload, &shape.members[payload], body),
        };
        let (_, fixed) = split(&operation.http.request_uri);
        for (name, _) in query.iter().filter(|(name, _)| !fixed.iter().any(|(key, _)| key == name))
        {
            let mut members = shape.members.iter().filter(|(_, it)| it.is_in("querystring"));
            // A map takes every parameter that is no other member's.
            let is_taken = |it: &Member| self.shape(&it.shape).of == Type::Map;
            if !members.any(|(member, it)| it.wire(member) == name || is_taken(it)) {
                self.breach(&format!("{}.{name}", operation.name), "is not a field");
            }
        }
        for (name, member) in shape.members.iter().filter(|(_, member)| member.location.is_some()) {
            let wire = member.wire(name);
            if let Some(value) = self.located(member, wire, head, &labels, &query)
                && whole.insert(wire.to_owned(), value).is_some()
            {
                self.breach(&format!("{}.{wire}", operation.name), "is not a field of the body");
            }
        }
        Some((operation, Value::Object(whole)))
    }

    fn payload(&self, name: &str, member: &Member, body: &[u8]) -> Map<String, Value> {
        let value = match self.shape(&member.shape).of {
            Type::Structure => serde_json::from_slice(body).unwrap_or_default(),
            _ => Value::String(String::from_utf8_lossy(body).into_owned()),
        };
        Map::from_iter([(member.wire(name).to_owned(), value)])
    }

    fn located(
        &self,
        member: &Member,
        wire: &str,
        head: &Parts,
        labels: &Labels,
        query: &[(String, String)],
    ) -> Option<Value> {
        let shape = self.shape(&member.shape);
        let mut given = query.iter().filter(|(name, _)| name == wire).map(|(_, value)| value);
        match member.location.as_deref()? {
            "uri" => labels.get(wire).map(|text| scalar(shape.of, text)),
            "querystring" if shape.of == Type::List => {
                let items: Vec<Value> = given.map(|value| Value::from(value.as_str())).collect();
                Some(Value::Array(items)).filter(|items| *items != Value::Array(Vec::new()))
            }
            "querystring" => given.next().map(|text| scalar(shape.of, text)),
            "header" => {
                let text = head.headers.get(wire)?.to_str().ok()?;
                Some(scalar(shape.of, text))
            }
            _ => None,
        }
    }
}

impl Member {
    fn is_in(&self, location: &str) -> bool {
        self.location.as_deref() == Some(location)
    }
}

/// The path of a template, and the query that it demands.
fn split(template: &str) -> (&str, Vec<(String, String)>) {
    let (path, query) = template.split_once('?').unwrap_or((template, ""));
    (path, query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect())
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.to_owned())
}

/// The variables of the path; `None`: it is another operation's.
fn labels(operation: &Operation, head: &Parts, query: &[(String, String)]) -> Option<Labels> {
    let (template, demanded) = split(&operation.http.request_uri);
    let is_demanded = |(name, value): &(String, String)| {
        query.iter().any(|(key, given)| key == name && (value.is_empty() || given == value))
    };
    if head.method.as_str() != operation.http.method || !demanded.iter().all(is_demanded) {
        return None;
    }
    let mut labels = Labels::new();
    let mut parts = head.uri.path().trim_matches('/').split('/');
    for wanted in template.trim_matches('/').split('/') {
        let label = wanted.strip_prefix('{').and_then(|label| label.strip_suffix('}'));
        let part = parts.next()?;
        match label {
            None if wanted == part => {}
            None => return None,
            Some(label) => {
                let rest: Vec<&str> = match label.ends_with('+') {
                    true => std::iter::once(part).chain(parts.by_ref()).collect(),
                    false => vec![part],
                };
                labels.insert(label.trim_end_matches('+').to_owned(), decoded(&rest.join("/")));
            }
        }
    }
    parts.next().is_none().then_some(labels)
}
