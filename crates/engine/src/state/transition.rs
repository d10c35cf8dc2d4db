//! What a journal records: one variant for each thing that can happen to a resource, with exactly
//! the data that belongs to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::model::Dependencies;
use crate::address::Address;
use crate::lifecycle::Guard;

/// An intent is recorded before its call, an acceptance at the reply, and what is complete or
/// deleted when it has been observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transition {
    /// A create is about to be sent. It may take the place of an open create of the same operation,
    /// which asked for an object of the same name.
    CreateIntent { token: String, spec: Value, dependencies: Dependencies, guard: Guard },
    /// The open create is about to be sent again with the same token.
    CreateResent { token: String },
    /// The service has answered a create with an id, or the object was found by its tags. An object
    /// that was found has no fingerprints and no identity before it is complete.
    CreateAccepted {
        id: String,
        outputs: BTreeMap<String, String>,
        fingerprints: BTreeMap<String, String>,
        identity: Option<String>,
    },
    /// The open create has made nothing and never will. `message` is for a reader of the journal.
    CreateFailed { message: String },
    /// The object was observed to match the file, but for `unapplied`.
    Completed {
        spec: Value,
        outputs: BTreeMap<String, String>,
        fingerprints: BTreeMap<String, String>,
        unapplied: BTreeMap<String, String>,
        identity: Option<String>,
        dependencies: Dependencies,
        guard: Guard,
    },
    /// An update is about to be sent.
    UpdateIntent { guard: Guard },
    /// A delete is about to be sent. The object is being deleted until it is seen to be gone, whether or
    /// not the service has answered yet: an accepted delete is no entry of its own.
    DeleteIntent { id: String },
    /// The service has refused the delete. The object stays, perhaps without its orphans.
    DeleteRefused { id: String },
    /// The object was observed to be gone.
    Deleted { id: String },
    /// An object that exists belongs to this state from now on.
    Adopted {
        id: String,
        outputs: BTreeMap<String, String>,
        dependencies: Dependencies,
        guard: Guard,
    },
    /// The object stays in the cloud and belongs to this state no longer.
    Released { id: String },
    /// The resource had the address `from` before.
    Moved { from: Address },
}

impl Transition {
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateIntent { .. } => "intent to create",
            Self::CreateResent { .. } => "repeated create",
            Self::CreateAccepted { .. } => "accepted create",
            Self::CreateFailed { .. } => "failed create",
            Self::Completed { .. } => "completion",
            Self::UpdateIntent { .. } => "intent to update",
            Self::DeleteIntent { .. } => "intent to delete",
            Self::DeleteRefused { .. } => "refused delete",
            Self::Deleted { .. } => "deletion",
            Self::Adopted { .. } => "adoption",
            Self::Released { .. } => "release",
            Self::Moved { .. } => "move",
        }
    }
}
