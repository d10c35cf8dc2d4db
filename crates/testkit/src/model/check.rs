//! Checks a value against a shape.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use fancy_regex::Regex;
use serde_json::Value;

use super::shape::{Member, Service, Shape, Type};

pub struct Checker<'a> {
    pub service: &'a Service,
    pub breaches: Vec<Breach>,
}

/// What does not fit a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// `CreateRole.RoleName`
    pub at: String,
    /// The value that does not fit, where there is one.
    pub value: Option<String>,
    /// Completes the value, or the place: `is required`.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {value} {}", self.at, self.what),
            None => write!(f, "{}: {}", self.at, self.what),
        }
    }
}

impl<'a> Checker<'a> {
    pub fn new(service: &'a Service) -> Self {
        Self { service, breaches: Vec::new() }
    }

    pub fn shape(&self, name: &str) -> &'a Shape {
        self.service.shapes.get(name).unwrap_or_else(|| panic!("the model has no shape {name}"))
    }

    pub fn breach(&mut self, at: &str, what: impl Into<String>) {
        self.breaches.push(Breach { at: at.to_owned(), value: None, what: what.into() });
    }

    pub fn breach_of(&mut self, at: &str, value: impl Into<String>, what: impl Into<String>) {
        let value = Some(value.into());
        self.breaches.push(Breach { at: at.to_owned(), value, what: what.into() });
    }

    /// Checks a value whose members have the names that they have on the wire.
    pub fn value(&mut self, name: &str, value: &Value, at: &str) {
        let shape = self.shape(name);
        match (shape.of, value) {
            (Type::Structure, Value::Object(members)) => {
                let known = shape.members.iter();
                let known: HashMap<&str, (&String, &Member)> =
                    known.map(|(name, member)| (member.wire(name), (name, member))).collect();
                for (wire, value) in members {
                    match known.get(wire.as_str()) {
                        Some((name, member)) => {
                            self.value(&member.shape, value, &format!("{at}.{name}"));
                        }
                        None => self.breach(&format!("{at}.{wire}"), "is not a field"),
                    }
                }
                let given: BTreeSet<&String> =
                    members.keys().filter_map(|wire| Some(known.get(wire.as_str())?.0)).collect();
                for missing in shape.required.iter().filter(|name| !given.contains(name)) {
                    self.breach(&format!("{at}.{missing}"), "is required");
                }
            }
            (Type::List, Value::Array(items)) => {
                self.bounds(shape, items.len() as f64, "length ", at);
                for item in items {
                    let member = shape.member.as_ref().expect("a list has items");
                    self.value(&member.shape, item, &format!("{at}[]"));
                }
            }
            (Type::Map, Value::Object(entries)) => {
                self.bounds(shape, entries.len() as f64, "length ", at);
                let of = |member: &'a Option<Member>| &member.as_ref().expect("a map's").shape;
                for (key, value) in entries {
                    self.text(self.shape(of(&shape.key)), of(&shape.key), key, at);
                    self.value(of(&shape.value), value, &format!("{at}.*"));
                }
            }
            (Type::String, Value::String(text)) => self.text(shape, name, text, at),
            (Type::Blob, Value::String(_))
            | (Type::Boolean, Value::Bool(_))
            | (Type::Timestamp, Value::Number(_) | Value::String(_)) => {}
            (Type::Integer | Type::Long | Type::Float | Type::Double, Value::Number(number)) => {
                self.bounds(shape, number.as_f64().unwrap_or_default(), "", at);
            }
            (_, Value::Null) => {
                let operation = at.split('.').next().unwrap_or(at);
                self.breach_of(operation, at, "is null, and should be left out");
            }
            (expected, other) => {
                let expected = format!("{expected:?}").to_lowercase();
                self.breach_of(at, other.to_string(), format!("is no {expected}"));
            }
        }
    }

    /// Checks a number, or a length.
    fn bounds(&mut self, shape: &Shape, number: f64, what: &str, at: &str) {
        if let Some(min) = shape.min.filter(|min| number < *min) {
            self.breach_of(at, format!("{what}{number}"), format!("< {min}"));
        }
        if let Some(max) = shape.max.filter(|max| number > *max) {
            self.breach_of(at, format!("{what}{number}"), format!("> {max}"));
        }
    }

    fn text(&mut self, shape: &Shape, name: &str, text: &str, at: &str) {
        self.bounds(shape, text.chars().count() as f64, "length ", at);
        if !shape.values.is_empty() && !shape.values.iter().any(|value| value == text) {
            self.breach_of(at, format!("{text:?}"), format!("is none of {name}"));
        }
        if let Some(pattern) = &shape.pattern
            && !whole(pattern).is_match(text).expect("a pattern that ends")
        {
            self.breach_of(at, format!("{text:?}"), format!("does not match {pattern}"));
        }
    }
}

/// The pattern of a model, as one that fits a whole text.
fn whole(pattern: &str) -> Arc<Regex> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| {
        let regex = Regex::new(&format!(r"\A(?:{})\z", translated(pattern)));
        Arc::new(regex.unwrap_or_else(|error| panic!("{pattern}: {error}")))
    });
    Arc::clone(regex)
}

/// AWS's patterns are Java's: there, `\w`, `\d` and `\s` are ASCII.
fn translated(pattern: &str) -> String {
    let mut text = String::new();
    let mut is_class = false;
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            is_class = letter == '[' || is_class && letter != ']';
            text.push(letter);
            continue;
        }
        let set = match letters.next() {
            Some('w') => "a-zA-Z0-9_",
            Some('d') => "0-9",
            Some('s') => r" \t\n\x0B\f\r",
            other => {
                text.push('\\');
                text.extend(other);
                continue;
            }
        };
        text += &if is_class { set.to_owned() } else { format!("[{set}]") };
    }
    text.replace(r"\p{IsAlphabetic}", r"\p{Alphabetic}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_the_whole_text_and_ascii() {
        let fits = |pattern: &str, text: &str| whole(pattern).is_match(text).expect("it ends");
        assert!(fits(r"[\w+=,.@-]+", "a-b"));
        assert!(!fits(r"[\w+=,.@-]+", "\u{e9}"));
        assert!(!fits(r"[\w+=,.@-]+", "a b"));
        assert!(fits(r"\d{3}", "123") && !fits(r"\d{3}", "1234"));
        assert!(!fits(r"[^\s]+", "a\tb") && fits(r"[\]a]+", "a]"));
    }
}
