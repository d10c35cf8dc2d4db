//! One field that differs: where, from what to what, why, and at what cost.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kind::field::UpdateCost;
use crate::reference;

/// A place in a spec: `environment.INSTANCE_ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(pub Vec<String>);

impl Path {
    /// The first key: the name of a top-level field.
    pub fn field(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The value at this place in a spec.
    pub fn within<'a>(&self, spec: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(spec, |value, key| value.get(key))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&reference::readable(&self.0.join(".")))
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub path: Path,
    /// What exists or, where the cloud does not report it, what was last applied. `None`: nothing.
    pub before: Option<Value>,
    /// What the file wants. `None`: the key is removed.
    pub after: Option<Value>,
    pub reason: ChangeReason,
    pub cost: UpdateCost,
}

/// Why a field changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeReason {
    /// The file was edited since the last run.
    Edited,
    /// The file was not; somebody changed the object.
    Drifted,
    /// The field was removed from the file: its default, if it has one, is set again.
    DefaultRestored,
    /// The object was just created or adopted and does not have the value yet.
    NotApplied,
    /// The object was adopted or imported and has another value than the file: nothing was applied to it so far.
    AdoptedDifferently,
    /// The value refers to a resource that is created or replaced: it is known after apply.
    DependencyReplaced,
    /// The value refers to an object that was re-created under the same name: the value is the same,
    /// and is sent again.
    DependencyRecreated,
    /// The value was looked up again and is another one, where the file says the same as before.
    Refreshed,
}
