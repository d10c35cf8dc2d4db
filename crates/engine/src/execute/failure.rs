//! Why a step, or the recovery of a create, fails.

use std::time::Duration;

use crate::awaited::Awaited;
use crate::change::Path;
use crate::kind::{Error, Fault, UpdateCost};

#[derive(Debug)]
pub enum Failure {
    /// A call failed for good, or something else whose message says all.
    Call(Error),
    /// With everything known, the change at `path` costs more than the plan said.
    NotPlanned { path: Path, cost: UpdateCost },
    /// The new object does not have the value at this path that its create requested.
    CreatedDifferently(Path),
    /// The cloud accepted an update of these paths, and they still differ.
    NotApplied {
        paths: Vec<Path>,
        /// Whether `ignore` may name all of them.
        may_ignore: bool,
        /// Whether the state has recorded that the endpoint keeps its own values: the next run does not
        /// send them again, and dependants go on.
        is_recorded: bool,
    },
    /// The unique name that a create asks for is that of somebody else's object.
    NameTaken { kind: String, name: String },
    /// Another copy of this stack created the object `elder` for this address first; this one was deleted.
    Withdrawn { elder: String },
    /// A create has more than one object, with these ids.
    Ambiguous(Vec<String>),
    /// The object will never be ready, for this reason, in the words of its kind.
    NeverReady(String),
    /// The new object has ended by itself, for this reason, in the words of its kind.
    Ended(String),
    /// What was waited for did not come within `limit`.
    TimedOut { awaited: Awaited, limit: Duration },
    /// The run was interrupted while the operation waited for this.
    Interrupted(Awaited),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl Failure {
    /// What may be done about it; nothing is known where no call failed.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Call(error) => Some(&error.fault),
            Self::NameTaken { .. } => Some(&Fault::NameTaken),
            _ => None,
        }
    }
}
