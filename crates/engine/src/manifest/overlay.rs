//! `clouds: {aws: {…}}` merged over the file. Every key and value keeps its span.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Diagnostic, nearest};
use super::missing::SEARCHED;
use super::source::Span;
use super::tree::{Key, Node, Value};
use crate::registry::Registry;

/// Merges `over` into `base`: maps key by key, anything else is replaced, and `null` removes a key.
pub(super) fn merge(base: &Node, over: &Node) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &over.value) else {
        return over.clone();
    };
    let places = below.iter().enumerate().map(|(at, (key, _))| (key.text.as_str(), at));
    let places: BTreeMap<&str, usize> = places.collect();
    let mut merged: Vec<Option<(Key, Node)>> = below.iter().cloned().map(Some).collect();
    for (key, node) in above {
        match (places.get(key.text.as_str()), &node.value) {
            (Some(&at), Value::Null) => merged[at] = None,
            (Some(&at), _) => merged[at] = Some((below[at].0.clone(), merge(&below[at].1, node))),
            (None, _) => merged.push(Some((key.clone(), node.clone()))),
        }
    }
    Node { span: base.span.clone(), value: Value::Map(merged.into_iter().flatten().collect()) }
}

/// Warns of resources that a cloud adds to the file and that have nearly the key of one of its own: what was meant to
/// change a resource would make a second one.
pub(super) fn additions(
    cloud: &str,
    base: &Node,
    over: &Node,
    kinds: &Registry,
) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for kind in kinds.iter() {
        let own = section(base, kind.name);
        let own_keys: BTreeSet<&str> = own.iter().map(|(key, _)| key.text.as_str()).collect();
        let added = section(over, kind.name).iter().map(|(key, _)| key);
        let added = added.filter(|key| !own_keys.contains(key.text.as_str()));
        for key in added.take(SEARCHED) {
            let near = nearest(&key.text, own.iter().map(|(key, _)| key.text.as_str()));
            let Some(near) = near.filter(|near| letters(near) != letters(&key.text)) else {
                continue;
            };
            let message = format!("`{}.{}` is in the cloud `{cloud}` alone", kind.name, key.text);
            let warning = Diagnostic::warning(key.span.clone(), message);
            warnings.push(
                warning.help(format!("did you mean `{near}`, which the file has for every cloud?")),
            );
        }
    }
    warnings
}

/// What is merged over a file for one cloud.
#[derive(Clone, Copy)]
pub(super) struct Overlay<'a> {
    pub cloud: &'a str,
    /// The file.
    pub base: &'a Node,
}

impl Overlay<'_> {
    /// Reports a resource that the overlay alone has and that is not whole: it is what remains of an override when
    /// the resource of the file gets another key. `None`: the file has the resource. `missing`: the keys that it lacks.
    pub fn unmatched(&self, kind: &str, key: &Key, missing: &[&str]) -> Option<Diagnostic> {
        let Self { cloud, base } = self;
        let own: Vec<&str> = section(base, kind).iter().map(|(key, _)| key.text.as_str()).collect();
        if own.contains(&key.text.as_str()) {
            return None;
        }
        let message = format!(
            "the cloud `{cloud}` overrides `{kind}.{}`, which the file does not have (any more)",
            key.text
        );
        let meant = match (own.as_slice(), nearest(&key.text, own.iter().copied())) {
            ([only], _) => format!("did you mean `{kind}.{only}`, the only {kind} of the file? "),
            (_, Some(near)) => format!("did you mean `{kind}.{near}`? "),
            _ => String::new(),
        };
        let missing: Vec<String> = missing.iter().map(|key| format!("`{key}`")).collect();
        let help = format!(
            "{meant}A resource of its own, for this cloud alone, needs {}",
            missing.join(" and ")
        );
        Some(Diagnostic::error(key.span.clone(), message).help(help))
    }
}

fn section<'a>(file: &'a Node, kind: &str) -> &'a [(Key, Node)] {
    file.get(kind).map(Node::entries).unwrap_or_default()
}

/// Returns a key without its digits: `web-1` and `web-2` are no slip of the pen.
fn letters(key: &str) -> String {
    key.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// The positions of the text that lie in a part of the file.
pub(super) struct Positions {
    /// In order, and apart from each other.
    spans: Vec<Span>,
}

impl Positions {
    pub fn of(part: &Node) -> Self {
        let mut all = Vec::new();
        spans(part, &mut all);
        all.sort_by_key(|span| span.start);
        let mut apart: Vec<Span> = Vec::new();
        for span in all {
            match apart.last_mut().filter(|last| span.start <= last.end) {
                Some(last) => last.end = last.end.max(span.end),
                None => apart.push(span),
            }
        }
        Self { spans: apart }
    }

    pub fn has(&self, position: usize) -> bool {
        let before = self.spans.partition_point(|span| span.start <= position);
        before.checked_sub(1).is_some_and(|at| self.spans[at].contains(&position))
    }
}

/// Collects the spans of a part of the file, and of all that is in it.
fn spans(node: &Node, all: &mut Vec<Span>) {
    all.push(node.span.clone());
    for (key, node) in node.entries() {
        all.push(key.span.clone());
        spans(node, all);
    }
    if let Value::List(items) = &node.value {
        items.iter().for_each(|item| spans(item, all));
    }
}

/// Returns the file without one of its top-level keys.
pub(super) fn without(node: &Node, key: &str) -> Node {
    let value = match &node.value {
        Value::Map(entries) => {
            Value::Map(entries.iter().filter(|(name, _)| name.text != key).cloned().collect())
        }
        other => other.clone(),
    };
    Node { span: node.span.clone(), value }
}

/// Returns the file without the top-level keys that start with `x-`: they are a place for anchors.
pub(super) fn without_extensions(mut file: Node) -> Node {
    if let Value::Map(entries) = &mut file.value {
        entries.retain(|(key, _)| !key.text.starts_with("x-"));
    }
    file
}
