//! `clouds: {aws: {…}}` merged over the file. Every key and value keeps its span.

use super::tree::{Node, Value};

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
