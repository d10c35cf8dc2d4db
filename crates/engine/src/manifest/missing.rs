//! What is said of an address that the stack does not have.

use std::collections::BTreeMap;

use super::diagnostic::{Diagnostic, nearest};
use super::source::Span;
use crate::address::Address;

/// How many addresses a help lists.
pub(super) const LISTED: usize = 8;
/// For how many names of a file a similar one is searched. Each is compared with all that there are, and more problems
/// than these nobody reads at a time.
pub(super) const SEARCHED: usize = 32;

/// The addresses that a stack has, to find the one that is meant by one that it does not have.
pub(super) struct Addresses<'a> {
    by_kind: BTreeMap<&'a str, Vec<&'a Address>>,
    /// All kinds that there are.
    kinds: &'a [&'static str],
    /// What was found for a name, and in which kind it was searched: many places may have the same wrong name.
    found: BTreeMap<(String, Option<String>), Option<&'a str>>,
}

impl<'a> Addresses<'a> {
    pub fn new(known: impl IntoIterator<Item = &'a Address>, kinds: &'a [&'static str]) -> Self {
        let mut by_kind: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for address in known {
            by_kind.entry(address.kind()).or_default().push(address);
        }
        Self { by_kind, kinds, found: BTreeMap::new() }
    }

    /// Reports that the stack does not have an address.
    pub fn missing(&mut self, address: &Address, span: &Span) -> Diagnostic {
        let message = format!("there is no `{address}` in this stack");
        Diagnostic::error(span.clone(), message).help(self.instead_of(address))
    }

    /// Returns the keys of a kind.
    pub fn keys(&self, kind: &str) -> impl Iterator<Item = &'a str> + use<'a, '_> {
        self.of_kind(kind).iter().map(|address| address.key())
    }

    /// Returns the key of a kind that is most similar to what was written.
    pub fn nearest_key(&mut self, written: &str, kind: &str) -> Option<&'a str> {
        self.nearest(written, Some(kind))
    }

    /// What may be meant.
    fn instead_of(&mut self, address: &Address) -> String {
        if let Some(near) = self.nearest(address.as_str(), None) {
            return format!("did you mean `{near}`?");
        }
        let kind = address.kind();
        if !self.kinds.contains(&kind) {
            return match nearest(kind, self.kinds.iter().copied()) {
                Some(near) => format!("did you mean the kind `{near}`?"),
                None => format!("`{kind}` is no kind; the kinds are: {}", self.kinds.join(", ")),
            };
        }
        match self.of_kind(kind) {
            [] => format!("add it to the file: `{kind}:` with the key `{}`", address.key()),
            known => {
                let known: Vec<&str> = known.iter().take(LISTED).map(|one| one.as_str()).collect();
                format!("there are: {}", known.join(", "))
            }
        }
    }

    /// Searches the keys of one kind, or the addresses of all.
    fn nearest(&mut self, written: &str, kind: Option<&str>) -> Option<&'a str> {
        let searched = (written.to_owned(), kind.map(str::to_owned));
        if let Some(found) = self.found.get(&searched) {
            return *found;
        }
        if self.found.len() == SEARCHED {
            return None;
        }
        let found = match kind {
            Some(kind) => nearest(written, self.keys(kind)),
            None => nearest(written, self.by_kind.values().flatten().map(|one| one.as_str())),
        };
        self.found.insert(searched, found);
        found
    }

    fn of_kind(&self, kind: &str) -> &[&'a Address] {
        self.by_kind.get(kind).map_or(&[], Vec::as_slice)
    }
}
