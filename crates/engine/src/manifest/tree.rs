//! YAML text to a tree in which every key and value knows its place.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use serde_yaml::Spanned;
use serde_yaml::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use super::diagnostic::Diagnostic;
use super::source::{Source, Span};
use super::syntax;
use crate::work;

/// The largest file read, in bytes: some hundred thousand resources.
const LARGEST: usize = 16 << 20;
/// The most nodes of a file, those of its aliases counted where they are used: a small file may stand for a huge
/// one.
const MOST_NODES: usize = 1_000_000;

#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    /// With its text as written: `1.10` is 1.1 as a number and stays `1.10` as a string.
    Number(Number, String),
    Text(String),
    List(Vec<Node>),
    /// In the order of the file, including duplicate keys, which are reported later.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub struct Key {
    pub span: Span,
    pub text: String,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        let Value::Map(entries) = &self.value else { return None };
        entries
            .iter()
            .inspect(|_| work::count())
            .find(|(name, _)| name.text == key)
            .map(|(name, node)| (name, node))
    }

    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn entries_mut(&mut self) -> &mut [(Key, Node)] {
        match &mut self.value {
            Value::Map(entries) => entries,
            _ => &mut [],
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Number(_, text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The word that messages use for this value.
    pub fn noun(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(..) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// Parses one document. After a syntax error nothing else can be checked.
pub fn parse(source: &Source) -> Result<Node, Diagnostic> {
    if source.text.len() > LARGEST {
        let size = source.text.len();
        return Err(Diagnostic::error(
            0..1,
            format!("the file has {size} bytes, more than 16 MiB"),
        ));
    }
    let budget = serde_yaml::budget! { max_nodes: MOST_NODES, max_depth: 64 };
    let options = serde_yaml::options! {
        budget: budget,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        reject_unsupported_tags: true,
    };
    let raw: Spanned<Raw> = serde_yaml::from_str_with_options(&source.text, options)
        .map_err(|error| syntax::diagnostic(source, &error))?;
    Ok(node(raw, &source.text))
}

/// What serde reads, before numbers get back their text.
enum Raw {
    Null,
    Bool(bool),
    Number(Number),
    /// A number that JSON does not have: `.inf`, `1e999`.
    NoNumber,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let span = span(&raw.defined.span());
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Number(number) => Value::Number(number, written(text, &span)),
        Raw::NoNumber => Value::Text(written(text, &span)),
        Raw::Text(text) => Value::Text(text),
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(entries) => {
            let entry = |(key, value): (Spanned<String>, Spanned<Raw>)| {
                let key = Key { span: self::span(&key.defined.span()), text: key.value };
                (key, node(value, text))
            };
            Value::Map(entries.into_iter().map(entry).collect())
        }
    };
    Node { span, value }
}

fn written(text: &str, span: &Span) -> String {
    text.get(span.clone()).unwrap_or_default().trim().to_owned()
}

fn span(span: &serde_yaml::Span) -> Span {
    let start = span.byte_offset().unwrap_or(0) as usize;
    start..start + span.byte_len().unwrap_or(0) as usize
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        Ok(Number::from_f64(value).map_or(Raw::NoNumber, Raw::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: String) -> Result<Node, Diagnostic> {
        parse(&Source::new("stack.yaml", text))
    }

    #[test]
    fn a_file_of_ten_thousand_resources_is_read() {
        let resource = "  a: {code: ./handler, environment: {INSTANCE_ID: '${instance.web.id}'}}\n";
        let entries = (0..10_000).map(|at| resource.replace("  a", &format!("  function-{at}")));
        let tree = read(format!("function:\n{}", entries.collect::<String>())).expect("a tree");
        assert_eq!(tree.get("function").map(|all| all.entries().len()), Some(10_000));
    }

    #[test]
    fn a_small_file_that_stands_for_a_huge_one_is_refused() {
        let mut text = "x-0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
        for at in 1..9 {
            let of = format!("*x{}, ", at - 1).repeat(10);
            text += &format!("x-{at}: &x{at} [{of}]\n");
        }
        let refused = read(text).expect_err("a thousand million nodes");
        assert!(refused.message.contains("too"), "{refused:?}");
    }
}
