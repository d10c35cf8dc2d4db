//! Addresses: `kind.key` identifies a resource in the file, the plan and the state.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::work;

/// The identity of a resource: `instance.web`. Never derived from its name in the cloud.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    text: String,
    dot: usize,
}

impl Address {
    /// `kind` and `key` are not checked here; the manifest checks them.
    pub fn new(kind: &str, key: &str) -> Self {
        Self { text: format!("{kind}.{key}"), dot: kind.len() }
    }

    pub fn kind(&self) -> &str {
        &self.text[..self.dot]
    }

    pub fn key(&self) -> &str {
        &self.text[self.dot + 1..]
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }
}

// Every look at an address among others is a comparison, so these are what a run's work is counted by.

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        work::count();
        self.text.cmp(&other.text)
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        work::count();
        self.text == other.text
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// Tells whether a text is a valid key of a resource: `[A-Za-z][A-Za-z0-9_-]{0,62}`.
pub fn is_key(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address; an address is `kind.key`, for example `instance.web`")]
pub struct NotAnAddress(pub String);

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        match text.split_once('.') {
            Some((kind, key)) if is_key(kind) && is_key(key) => Ok(Self::new(kind, key)),
            _ => Err(NotAnAddress(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_kind_and_key() {
        let address: Address = "function.ec2-control".parse().expect("an address");
        assert_eq!((address.kind(), address.key()), ("function", "ec2-control"));
        for wrong in ["function", "function.", ".x", "function.a.b", "function.9", "a b.c"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }
}
