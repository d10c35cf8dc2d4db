//! What protects an object from deletion: written in the file and remembered in the state, so that
//! removing the resource from the file does not remove its protection.

use serde::{Deserialize, Serialize};

/// One key of a [`Guard`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardKind {
    Protect,
    Retain,
}

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

    /// The key that keeps the object first of all.
    pub fn kind(self) -> Option<GuardKind> {
        let protect = self.protect.then_some(GuardKind::Protect);
        protect.or(self.retain.then_some(GuardKind::Retain))
    }

    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
