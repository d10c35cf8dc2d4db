//! What a change of a field costs, and how the field is compared: declared by kinds, used by [`change`](crate::change).

use serde::{Deserialize, Serialize};

/// How one field (a path into the spec, dots between keys, `*` for any key) is changed and compared.
#[derive(Clone, Copy, Debug)]
pub struct Field(pub &'static str, pub Cost, pub Compare);

/// What a change costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    InPlace,
    /// The object is stopped and started for it.
    Restart,
    /// In place towards a larger number, as a change says then. Of a change itself: the number is to be
    /// smaller, which is not done; only a new object has it, and nobody is given one unasked.
    NeverLess,
    /// The object is made anew.
    Replace,
    /// It is not done: the file says so.
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Keys the user never set are not ours.
    Managed,
    /// Keys the user never set are drift.
    Exclusive,
    /// Cannot be read back: compared with what was last applied.
    Recorded,
    /// Taken out of the file means: from now on somebody else's business.
    Released,
    /// Only recorded: never a difference.
    Noted,
}
