//! Slips of the pen: each is reported once, and the rest of the file is checked as it was probably meant. Otherwise
//! one slip would show up as several problems, of which all but one are untrue.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use serde_json::{Map, Value as Json};

use super::check::{meant, unknown};
use super::diagnostic::Diagnostic;
use super::source::{Source, Span};
use super::tree::{Key, Node, Value};
use crate::registry::Registry;

/// Corrects a file, and collects what was wrong.
pub(super) struct Corrector<'a> {
    source: &'a Source,
    kinds: &'a Registry,
    schema: &'a Json,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Corrector<'a> {
    pub fn new(source: &'a Source, kinds: &'a Registry, schema: &'a Json) -> Self {
        Self { source, kinds, schema, diagnostics: Vec::new() }
    }

    /// Changes a file to what was probably meant, and returns what was wrong.
    pub fn correct(mut self, file: &mut Node) -> Vec<Diagnostic> {
        self.merge_duplicates(file);
        self.sections(file);
        let clouds = file.entries_mut().iter_mut().find(|(key, _)| key.text == "clouds");
        for (_, overlay) in clouds.map(|(_, clouds)| clouds.entries_mut()).unwrap_or_default() {
            self.sections(overlay);
        }
        self.diagnostics
    }

    /// Reports keys that are there twice. What they have is taken together.
    fn merge_duplicates(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::List(items) => items.iter_mut().for_each(|item| self.merge_duplicates(item)),
            Value::Map(entries) => {
                entries.iter_mut().for_each(|(_, node)| self.merge_duplicates(node));
                let mut names = BTreeSet::new();
                if !entries.iter().all(|(key, _)| names.insert(key.text.as_str())) {
                    self.merge_entries(entries);
                }
            }
            _ => {}
        }
    }

    fn merge_entries(&mut self, entries: &mut Vec<(Key, Node)>) {
        let mut report = |first: &Key, key: &Key| {
            let (line, _) = self.source.position(first.span.start);
            let message = format!("duplicate key `{}`, first on line {line}", key.text);
            self.diagnostics.push(Diagnostic::error(key.span.clone(), message));
        };
        *entries = distinct(std::mem::take(entries), &mut report);
    }

    /// Corrects the sections of the file, or of what is merged over it for a cloud.
    fn sections(&mut self, file: &mut Node) {
        let Value::Map(entries) = &mut file.value else { return };
        entries.retain(|(key, _)| !self.is_field_of_some_kind(key));
        self.misspelt(entries);
        for kind in self.kinds.iter() {
            let section = entries.iter_mut().find(|(key, _)| key.text == kind.name);
            if let (Some(fields), Some((_, section))) = (self.fields(kind.name), section) {
                self.beside_their_resource(kind.name, fields, section);
            }
        }
    }

    /// Reports a field of resources that is not indented at all.
    fn is_field_of_some_kind(&mut self, key: &Key) -> bool {
        let sections = self.schema["properties"].as_object();
        let is_known = sections.is_some_and(|known| meant(&key.text, known).is_some());
        let has_it = |kind: &&str| self.fields(kind).is_some_and(|of| of.contains_key(&key.text));
        let kinds = self.kinds.iter().map(|kind| kind.name).filter(has_it);
        let kinds: Vec<String> = kinds.map(|kind| format!("`{kind}`")).collect();
        let is_field = !is_known && !kinds.is_empty();
        if is_field {
            let field = &key.text;
            let is_of_all = kinds.len() == self.kinds.iter().count();
            let owners = if is_of_all { "resources".to_owned() } else { kinds.join(", ") };
            let message = format!("`{field}` is a field of {owners}, but is not indented");
            let help = "write it below the key of a resource, and indent it further";
            self.diagnostics.push(Diagnostic::error(key.span.clone(), message).help(help));
        }
        is_field
    }

    fn fields(&self, kind: &str) -> Option<&'a Map<String, Json>> {
        self.schema["properties"][kind]["additionalProperties"]["properties"].as_object()
    }

    /// Reports sections with a misspelt name: `instances` for `instance`.
    fn misspelt(&mut self, entries: &mut Vec<(Key, Node)>) {
        let Some(known) = self.schema["properties"].as_object() else { return };
        let mut is_corrected = false;
        for (key, _) in entries.iter_mut().filter(|(key, _)| !known.contains_key(&key.text)) {
            let Some(meant) = meant(&key.text, known) else { continue };
            self.diagnostics.push(unknown("", key, Some(known)));
            meant.clone_into(&mut key.text);
            is_corrected = true;
        }
        if is_corrected {
            *entries = distinct(std::mem::take(entries), &mut |_, _| {});
        }
    }

    /// Reports fields that are not indented below their resource, and so would be resources themselves.
    fn beside_their_resource(
        &mut self,
        kind: &str,
        fields: &Map<String, Json>,
        section: &mut Node,
    ) {
        let is_field = |(key, node): &(Key, Node)| {
            let is_resource = match &node.value {
                Value::Map(entries) => {
                    entries.is_empty()
                        || entries.iter().any(|(key, _)| fields.contains_key(&key.text))
                }
                Value::Null => true,
                _ => false,
            };
            fields.contains_key(&key.text) && !is_resource
        };
        let Value::Map(entries) = &mut section.value else { return };
        if !entries.iter().any(is_field) {
            return;
        }
        let mut resources: Vec<(Key, Node)> = Vec::with_capacity(entries.len());
        for entry in entries.drain(..) {
            if !is_field(&entry) {
                resources.push(entry);
                continue;
            }
            let (field, node) = entry;
            let message =
                format!("`{}` is a field of `{kind}`, but is indented like a resource", field.text);
            let wrong = Diagnostic::error(field.span.clone(), message);
            let help = match resources.last_mut() {
                Some((key, resource)) => {
                    let known = mem::replace(&mut resource.value, Value::Null);
                    resource.value = united([known, Value::Map(vec![(field, node)])]);
                    format!("indent it further than `{}`, to which it belongs", key.text)
                }
                None => "write the key of its resource above it, and indent it further".to_owned(),
            };
            self.diagnostics.push(wrong.help(help));
        }
        *entries = resources;
    }
}

/// Returns what several values of one key have together: the entries of maps, or the first value.
fn united(values: impl IntoIterator<Item = Value>) -> Value {
    let mut values = values.into_iter().filter(|value| !matches!(value, Value::Null));
    match values.next() {
        None => Value::Null,
        Some(Value::Map(first)) => {
            let maps = values.filter_map(|value| match value {
                Value::Map(entries) => Some(entries),
                _ => None,
            });
            Value::Map(distinct(first.into_iter().chain(maps.flatten()), &mut |_, _| {}))
        }
        Some(first) => first,
    }
}

/// Returns entries with each key once; what those with the same key have is taken together. `report` gets the first
/// of them and each other one.
fn distinct(
    entries: impl IntoIterator<Item = (Key, Node)>,
    report: &mut dyn FnMut(&Key, &Key),
) -> Vec<(Key, Node)> {
    let mut places = BTreeMap::new();
    let mut distinct: Vec<(Key, Span, Vec<Value>)> = Vec::new();
    for (key, Node { span, value }) in entries {
        let at = *places.entry(key.text.clone()).or_insert(distinct.len());
        match distinct.get_mut(at) {
            Some((first, _, values)) => {
                report(first, &key);
                values.push(value);
            }
            None => distinct.push((key, span, vec![value])),
        }
    }
    let united = |(key, span, values)| (key, Node { span, value: united(values) });
    distinct.into_iter().map(united).collect()
}
