//! The three-way difference: what the file wants, what was last applied, what exists.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::Cost;

/// A place in a spec: `environment.INSTANCE_ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(pub Vec<String>);

impl Path {
    /// The first key: the field's name.
    pub fn field(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub path: Path,
    /// What exists (or, where it cannot be read, what was last applied). `None`: not there.
    pub before: Option<Value>,
    /// What shall be. `None`: the key goes away.
    pub after: Option<Value>,
    pub rule: Rule,
    pub cost: Cost,
}

/// Why a field differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The file was edited since the last run.
    Edited,
    /// The file was not; somebody changed the object.
    Drifted,
    /// The field was taken out of the file: the default is set again.
    Unset,
    /// The object has just been made or adopted and lacks it still.
    Missing,
    /// What it refers to was made anew under the same name.
    Rebound,
}
