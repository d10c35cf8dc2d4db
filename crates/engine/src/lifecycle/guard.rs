//! What protects an object from deletion: written in the file and remembered in the state, so that
//! removing the resource from the file does not remove its protection.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guard {
    /// The object is neither deleted nor replaced.
    pub protect: bool,
    /// The object is released instead of deleted, and not replaced.
    pub retain: bool,
}

impl Guard {
    /// Everything that either of the two protects.
    pub fn or(self, other: Self) -> Self {
        Self { protect: self.protect || other.protect, retain: self.retain || other.retain }
    }

    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
