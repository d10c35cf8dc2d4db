//! `clouds: {aws: {…}}` merged over the file. Every key and value keeps its span.

use super::diagnostic::{Diagnostic, nearest};
use super::tree::{Key, Node, Value};
use crate::registry::Registry;

/// Merges `over` into `base`: maps key by key, anything else is replaced, and `null` removes a key.
pub(super) fn merge(base: &Node, over: &Node) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &over.value) else {
        return over.clone();
    };
    let mut merged = below.clone();
    for (key, node) in above {
        let place = merged.iter().position(|(name, _)| name.text == key.text);
        match (place, &node.value) {
            (Some(at), Value::Null) => {
                merged.remove(at);
            }
            (Some(at), _) => merged[at].1 = merge(&merged[at].1, node),
            (None, _) => merged.push((key.clone(), node.clone())),
        }
    }
    Node { span: base.span.clone(), value: Value::Map(merged) }
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
        let is_own = |key: &Key| own.iter().any(|(one, _)| one.text == key.text);
        for (key, _) in section(over, kind.name).iter().filter(|(key, _)| !is_own(key)) {
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

fn section<'a>(file: &'a Node, kind: &str) -> &'a [(Key, Node)] {
    file.get(kind).map(Node::entries).unwrap_or_default()
}

/// Returns a key without its digits: `web-1` and `web-2` are no slip of the pen.
fn letters(key: &str) -> String {
    key.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// Tells whether a position of the text lies in a part of the file.
pub(super) fn has(node: &Node, position: usize) -> bool {
    node.span.contains(&position)
        || match &node.value {
            Value::Map(entries) => entries
                .iter()
                .any(|(key, node)| key.span.contains(&position) || has(node, position)),
            Value::List(items) => items.iter().any(|item| has(item, position)),
            _ => false,
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
