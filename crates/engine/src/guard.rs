//! What keeps an object from being deleted: written in the file, remembered in the state, so that
//! taking the resource out of the file does not take its guard away.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Guard {
    /// Neither deleted nor replaced.
    pub protect: bool,
    /// Left in the cloud and forgotten where it would be deleted; not replaced.
    pub retain: bool,
}

impl Guard {
    /// Whatever either of them holds.
    pub fn or(self, other: Self) -> Self {
        Self { protect: self.protect || other.protect, retain: self.retain || other.retain }
    }

    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}
