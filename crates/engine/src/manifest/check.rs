//! One generic checker: walks the spanned tree against a JSON schema and reports every problem.
//!
//! The value it returns has the types of the schema (a string where a string is wanted, however YAML
//! read it), with references as markers.

use std::collections::BTreeMap;
use std::mem;

use serde_json::{Map, Number, Value as Json};

use super::annotate;
use super::diagnostic::{Diagnostic, nearest};
use super::measure::{example, measured};
use super::missing::Addresses;
use super::shape::{accepts, alternatives, boolean, choices, fits, is_any, noun, types};
use super::source::Span;
use super::tree::{Key, Node, Value};
use crate::address::Address;
use crate::config::NUMBERS_ARE_TEXT;
use crate::reference;

/// The annotation of a property with its names elsewhere: in AWS's API, in other tools.
const ALSO_CALLED: &str = "x-also-called";

/// What references may name, and the environment.
pub(super) struct Known<'a> {
    /// Every address of the file with the outputs of its kind.
    pub outputs: &'a BTreeMap<Address, &'static [&'static str]>,
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Whether environment variables without a default must be set.
    pub needs_env: bool,
}

pub(super) struct Checker<'a> {
    /// The schema of the whole document, where `$ref` leads.
    pub root: &'a Json,
    pub known: Known<'a>,
    pub addresses: Addresses<'a>,
    pub diagnostics: Vec<Diagnostic>,
    /// The environment variables that were read.
    pub env: BTreeMap<String, String>,
}

impl<'a> Checker<'a> {
    pub fn error(&mut self, span: &Span, message: String) -> &mut Diagnostic {
        self.diagnostics.push(Diagnostic::error(span.clone(), message));
        self.diagnostics.last_mut().expect("just pushed")
    }

    /// Returns the value in the types of the schema; `None` if it is wrong (and reported) or not set.
    /// Messages call it `name`.
    pub fn value(&mut self, name: &str, node: &Node, schema: &'a Json) -> Option<Json> {
        let schema = self.follow(schema);
        if matches!(node.value, Value::Null) && !accepts(schema, "null") && !is_any(schema) {
            // For a map, its missing keys are reported instead.
            if schema["required"].as_array().is_none_or(Vec::is_empty) {
                self.error(&node.span, format!("`{name}` has no value"));
            }
            return None;
        }
        if let Some(choices) = choices(schema) {
            return self.choice(name, node, &choices);
        }
        if let Some(alternatives) = alternatives(schema) {
            let fits = |schema: &&Json| fits(self.follow(schema), node);
            return match alternatives.iter().find(fits) {
                Some(schema) => self.value(name, node, schema),
                None => self.wrong_type(name, node, schema),
            };
        }
        let is_text = node.text().is_some();
        match &node.value {
            Value::Null => None,
            _ if is_any(schema) => self.any(node, schema[NUMBERS_ARE_TEXT] == true),
            Value::Map(entries) if accepts(schema, "object") => self.object(name, entries, schema),
            Value::List(items) if accepts(schema, "array") => {
                Some(self.list(name, items, &schema["items"]))
            }
            _ if is_text && schema[annotate::UNIT].is_string() => self.scalar(name, node, schema),
            _ if is_text && accepts(schema, "string") => self.text(node, schema),
            _ if is_text => self.scalar(name, node, schema),
            _ => self.wrong_type(name, node, schema),
        }
    }

    /// Every item in its place, so that the others are checked beside a wrong one.
    fn list(&mut self, name: &str, items: &[Node], schema: &'a Json) -> Json {
        let items = items.iter().enumerate().map(|(at, item)| {
            let value = self.value(&format!("{name}[{at}]"), item, schema);
            value.unwrap_or_else(|| self.placeholder(schema))
        });
        items.collect()
    }

    /// Returns the schema that a reference leads to. A field that describes itself has its reference in `allOf`.
    pub fn follow(&self, schema: &'a Json) -> &'a Json {
        let mut schema = schema;
        loop {
            schema = match (schema["$ref"].as_str(), schema["allOf"].as_array()) {
                (Some(path), _) => {
                    self.root.pointer(path.trim_start_matches('#')).unwrap_or(&Json::Null)
                }
                (None, Some(all)) if let [one] = all.as_slice() => one,
                _ => return schema,
            };
        }
    }

    fn wrong_type(&mut self, name: &str, node: &Node, schema: &'a Json) -> Option<Json> {
        let mut wanted = Vec::new();
        self.nouns(schema, &mut wanted);
        let wanted = wanted.join(" or ");
        let found = match &node.value {
            Value::Number(_, text) => text,
            _ => node.noun(),
        };
        let schema = self.follow(schema);
        let example = |schema: &'a Json| schema[annotate::EXAMPLES][0].as_str();
        let item = example(&schema["items"]).map(|item| format!("[{item}]"));
        let example = example(schema).map(str::to_owned).or(item);
        let example = example.map(|example| format!("for example `{example}`"));
        let as_item = node.text().filter(|_| wanted == "a list" && self.fits_item(node, schema));
        let as_list = as_item.map(|text| format!("write `[{text}]`"));
        let keys = self.keys_of_map(schema).filter(|_| wanted == "a map");
        let boolean = node.text().filter(|_| accepts(schema, "boolean")).and_then(boolean);
        let boolean = boolean.map(|meant| format!("did you mean `{meant}`?"));
        self.error(&node.span, format!("`{name}` must be {wanted}, not {found}")).help =
            boolean.or(example).or(as_list).or(keys);
        None
    }

    /// Tells whether a value that is not in a list could be an item of the list that is wanted.
    fn fits_item(&self, node: &Node, schema: &'a Json) -> bool {
        let is_list = |schema: &&Json| accepts(schema, "array");
        let ways = alternatives(schema).into_iter().flatten().map(|one| self.follow(one));
        let list = ways.chain([schema]).find(is_list);
        list.is_some_and(|list| fits(self.follow(&list["items"]), node))
    }

    /// Names the keys of the map that is wanted, if it has some of its own.
    fn keys_of_map(&self, schema: &'a Json) -> Option<String> {
        let ways = alternatives(schema).into_iter().flatten().map(|one| self.follow(one));
        let keys = ways.chain([schema]).find_map(|one| one["properties"].as_object())?;
        let keys: Vec<String> = keys.keys().map(|key| format!("`{key}`")).collect();
        Some(format!("write a map with these keys: {}", keys.join(", ")))
    }

    /// Names what a schema accepts, each once.
    fn nouns(&self, schema: &'a Json, nouns: &mut Vec<String>) {
        let schema = self.follow(schema);
        let mut add = |noun: String| {
            if !nouns.contains(&noun) {
                nouns.push(noun);
            }
        };
        match (choices(schema), alternatives(schema)) {
            (Some(choices), _) => add(format!("one of {}", choices.join(", "))),
            (None, Some(all)) => all.iter().for_each(|schema| self.nouns(schema, nouns)),
            (None, None) => types(schema).into_iter().filter_map(noun).for_each(add),
        }
    }

    fn choice(&mut self, name: &str, node: &Node, choices: &[&str]) -> Option<Json> {
        let Some(text) = node.text() else {
            self.error(&node.span, format!("`{name}` must be one of {}", choices.join(", ")));
            return None;
        };
        if choices.contains(&text) {
            return Some(text.into());
        }
        let help =
            nearest(text, choices.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let message = format!("`{name}` must be one of {}, not `{text}`", choices.join(", "));
        self.error(&node.span, message).help = help;
        None
    }

    fn object(&mut self, name: &str, entries: &[(Key, Node)], of: &'a Json) -> Option<Json> {
        let properties = of["properties"].as_object();
        let others = &of["additionalProperties"];
        let mut object = Map::new();
        for (key, node) in entries {
            self.key(key);
            let known = properties.and_then(|all| all.get(&key.text));
            let schema = match known {
                Some(schema) => schema,
                None if others == &Json::Bool(false) => {
                    self.diagnostics.push(unknown(name, key, properties));
                    continue;
                }
                None => others,
            };
            if matches!(node.value, Value::Null) && known.is_some() {
                continue; // a key without a value counts as not written
            }
            let value = self.value(&key.text, node, schema);
            // What is wrong under a key that the user chose leaves the key itself to be checked.
            let value = value.or_else(|| known.is_none().then(|| self.placeholder(schema)));
            object.extend(value.map(|value| (key.text.clone(), value)));
        }
        self.complete(&mut object, of);
        Some(Json::Object(object))
    }

    fn key(&mut self, key: &Key) {
        let is_broken = reference::parse(&key.text).is_err() && !key.text.contains("${aws:");
        if reference::refers(&key.text) || is_broken {
            self.error(&key.span, "a key cannot contain a reference".to_owned()).help =
                Some("write the text itself; references can be used in values".to_owned());
        }
    }

    /// Reports missing keys at the key of the map, or the item of the list, that lacks them.
    pub fn required(&mut self, key: &Key, node: &Node, schema: &'a Json) {
        for missing in self.missing(node, schema) {
            self.error(&key.span, format!("`{}` needs `{missing}`", key.text));
        }
        self.required_below(key, node, schema);
    }

    /// As [`required`](Self::required), of what a map or a list contains.
    pub fn required_below(&mut self, key: &Key, node: &Node, schema: &'a Json) {
        let schema = self.fitting(node, schema);
        if let Value::List(items) = &node.value {
            for item in items {
                let entry =
                    Key { text: format!("an entry of {}", key.text), span: item.span.clone() };
                self.required(&entry, item, &schema["items"]);
            }
        }
        let properties = schema["properties"].as_object();
        for (key, node) in node.entries() {
            if let Some(schema) = properties.and_then(|properties| properties.get(&key.text)) {
                self.required(key, node, schema);
            }
        }
    }

    /// The required keys that a map does not have.
    pub fn missing(&self, node: &Node, schema: &'a Json) -> Vec<&'a str> {
        let schema = self.fitting(node, schema);
        let (Value::Map(_) | Value::Null) = node.value else { return Vec::new() };
        let properties = schema["properties"].as_object();
        let unknown: Vec<&str> = node
            .entries()
            .iter()
            .map(|(key, _)| key.text.as_str())
            .filter(|key| properties.is_some_and(|known| !known.contains_key(*key)))
            .collect();
        let is_there = |required: &str| {
            let value = node.get(required);
            // A misspelt key has been reported with a suggestion already.
            value.is_some_and(|node| !matches!(node.value, Value::Null))
                || unknown
                    .iter()
                    .any(|key| properties.is_some_and(|known| meant(key, known) == Some(required)))
        };
        let required = schema["required"].as_array().into_iter().flatten();
        required.filter_map(Json::as_str).filter(|required| !is_there(required)).collect()
    }

    /// The schema, or the one of its alternatives that a value is written as.
    fn fitting(&self, node: &Node, schema: &'a Json) -> &'a Json {
        let schema = self.follow(schema);
        let mut choices = alternatives(schema).into_iter().flatten().map(|one| self.follow(one));
        choices.find(|one| fits(one, node)).unwrap_or(schema)
    }

    /// A value of any shape, with references in its strings as markers. Its numbers may be texts.
    fn any(&mut self, node: &Node, numbers_are_text: bool) -> Option<Json> {
        match &node.value {
            Value::Null => Some(Json::Null),
            Value::Bool(value) => Some((*value).into()),
            Value::Number(_, written) if numbers_are_text => Some(written.as_str().into()),
            Value::Number(number, written) => self.exact(node, number, written),
            Value::Text(text) => self.marked(text, &node.span).map(Json::String),
            Value::List(items) => {
                // All of them first: one mistake hides no other.
                let items: Vec<Option<Json>> =
                    items.iter().map(|item| self.any(item, numbers_are_text)).collect();
                items.into_iter().collect()
            }
            Value::Map(entries) => {
                entries.iter().for_each(|(key, _)| self.key(key));
                let value = |(key, node): &(Key, Node)| {
                    (key.text.clone(), self.any(node, numbers_are_text))
                };
                let values: Vec<(String, Option<Json>)> = entries.iter().map(value).collect();
                values.into_iter().map(|(key, value)| Some((key, value?))).collect()
            }
        }
    }

    /// A number of JSON. A whole number of more than 64 bits would lose its last digits.
    fn exact(&mut self, node: &Node, number: &Number, written: &str) -> Option<Json> {
        if number.is_f64() && written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
            let message = format!("the number {written} is too large to be sent exactly");
            self.error(&node.span, message).help = Some(format!("write it as text: \"{written}\""));
            return None;
        }
        Some(Json::Number(number.clone()))
    }

    /// A number or boolean, also from a string that reads as one (`"30"`, `${env.TIMEOUT}`).
    fn scalar(&mut self, name: &str, node: &Node, schema: &'a Json) -> Option<Json> {
        let text = node.text()?;
        let marked = self.marked(text, &node.span)?;
        let scope = reference::Scope { env: mem::take(&mut self.env), ..Default::default() };
        let text = scope.fill(&marked);
        self.env = scope.env;
        if reference::markers(&text).next().is_some() && !self.known.needs_env {
            return None;
        }
        let number = |value: f64| serde_json::Number::from_f64(value).map(Json::Number);
        let unit = schema[annotate::UNIT].as_str();
        let value = match text.as_str() {
            _ if unit.is_some() => measured(&text, unit.unwrap_or_default()).map(Json::from),
            "true" | "false" if accepts(schema, "boolean") => Some(Json::Bool(text == "true")),
            _ if accepts(schema, "integer") => text.parse::<i64>().ok().map(Json::from),
            _ if accepts(schema, "number") => text.parse::<f64>().ok().and_then(number),
            _ => None,
        };
        match (value, unit) {
            (Some(value), _) => self.in_range(name, node, value, schema),
            (None, Some(unit)) => {
                let wanted = example(unit);
                self.error(&node.span, format!("`{name}` must be {wanted}, not `{text}`"));
                None
            }
            (None, None) => self.wrong_type(name, node, schema),
        }
    }

    fn in_range(&mut self, name: &str, node: &Node, value: Json, schema: &Json) -> Option<Json> {
        let number = value.as_f64();
        let least = schema["minimum"].as_f64();
        let most = schema["maximum"].as_f64();
        let below = number.zip(least).is_some_and(|(number, least)| number < least);
        let above = number.zip(most).is_some_and(|(number, most)| number > most);
        if !below && !above {
            return Some(value);
        }
        let range = match (least, most) {
            (Some(least), Some(most)) => format!("between {least} and {most}"),
            (Some(least), None) => format!("at least {least}"),
            (_, most) => format!("at most {}", most.unwrap_or_default()),
        };
        self.error(&node.span, format!("`{name}` must be {range}, not {value}"));
        None
    }
}

/// What is said of a key that a map does not have. `name`: of the map; empty for the file itself.
pub(super) fn unknown(name: &str, key: &Key, properties: Option<&Map<String, Json>>) -> Diagnostic {
    let message = match name {
        "" => format!("unknown key `{}`", key.text),
        name => format!("unknown key `{}` in `{name}`", key.text),
    };
    let help = match properties.and_then(|known| meant(&key.text, known)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            let names: Vec<&str> =
                properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
            format!("known keys: {}", names.join(", "))
        }
    };
    Diagnostic::error(key.span.clone(), message).help(help)
}

/// The key that somebody meant who wrote an unknown one: what AWS or other tools call it, or one that is
/// spelt nearly so.
pub(super) fn meant<'a>(written: &str, known: &'a Map<String, Json>) -> Option<&'a str> {
    let is_called = |schema: &Json| {
        let names = schema[ALSO_CALLED].as_array().into_iter().flatten();
        names.filter_map(Json::as_str).any(|name| name == written)
    };
    let called = known.iter().find(|(_, schema)| is_called(schema));
    let names = || known.keys().map(String::as_str);
    called.map(|(key, _)| key.as_str()).or_else(|| nearest(written, names()))
}
