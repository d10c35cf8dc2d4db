//! Where the parts of a file are, found without reading a map from its start for each of its problems.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ptr;

use super::source::Span;
use super::tree::{Key, Node, Value};
use crate::work;

/// The places of a file that does not change any more.
pub(super) struct Places<'a> {
    pub file: &'a Node,
    /// The positions of the keys of each map that was looked into, by the address of its node in memory.
    indexes: RefCell<HashMap<*const Node, HashMap<&'a str, usize>>>,
}

impl<'a> Places<'a> {
    pub fn new(file: &'a Node) -> Self {
        Self { file, indexes: RefCell::default() }
    }

    /// Returns the span of the longest part of `path` that exists: its key, or its item.
    pub fn of(&self, path: &[impl AsRef<str>]) -> Span {
        self.below(self.file, path)
    }

    /// As [`of`](Self::of), of a path that starts at a part of the file.
    pub fn below(&self, part: &'a Node, path: &[impl AsRef<str>]) -> Span {
        let mut here = (&part.span, part);
        for step in path {
            let step = step.as_ref();
            here = match (&here.1.value, step.parse::<usize>()) {
                (Value::List(items), Ok(at)) if at < items.len() => (&items[at].span, &items[at]),
                _ => match self.entry(here.1, step) {
                    Some((key, node)) => (&key.span, node),
                    None => break,
                },
            };
        }
        here.0.clone()
    }

    /// Returns a part of the file.
    pub fn get(&self, path: &[&str]) -> Option<&'a Node> {
        path.iter().try_fold(self.file, |node, key| Some(self.entry(node, key)?.1))
    }

    fn entry(&self, node: &'a Node, key: &str) -> Option<(&'a Key, &'a Node)> {
        let entries = node.entries();
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(ptr::from_ref(node)).or_insert_with(|| {
            // The first of two keys counts, as it does elsewhere.
            let keys = entries.iter().enumerate().rev();
            keys.inspect(|_| work::count()).map(|(at, (key, _))| (key.text.as_str(), at)).collect()
        });
        let (key, node) = &entries[*index.get(key)?];
        Some((key, node))
    }
}
