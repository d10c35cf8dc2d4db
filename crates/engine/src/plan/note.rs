//! What a plan reports beside its steps.

use serde_json::Value;

use crate::address::Address;
use crate::change::Path;
use crate::lifecycle::GuardKind;

/// A note about one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    pub address: Address,
    pub note: Note,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// What the kind observed, in its words.
    Observed(String),
    /// What others have put on the object, in the words of its kind. It is left alone.
    Unmanaged(String),
    /// The field at `path`, which neither the file nor a run has set, is not its default.
    NotDefault { path: Path, value: Value, default: Value },
    /// The endpoint accepted an update of this path, and keeps another value than the file's.
    Unapplied(Path),
    /// Nobody can see whether the object, which was found, has the value at this path.
    Unverifiable(Path),
    /// The field at `path` was edited, and `ignore`, which stands at `place`, leaves it to others.
    IgnoredEdit { path: Path, place: Option<String> },
    /// The object had the address `from`, and is kept.
    Moved { from: Address },
    /// The object had the address `from` and is replaced; `name` is the name that it has.
    MovedAndReplaced { from: Address, name: String },
    /// The object with this id exists and will be in the state.
    Adopted { id: String },
    /// This part beside the object, a phrase of its kind, exists without an owner, and becomes the stack's.
    PartAdopted(String),
    /// The guard takes effect after this run.
    GuardAdded(GuardKind),
    /// The guard ends with this run.
    GuardRemoved(GuardKind),
    /// `renamed_from` names an address that neither the file nor the state has.
    UnknownFormer(Address),
    /// The object at this address goes while this one comes: it may be the same under another key.
    /// `name`: what `name:` must be for it, where a new name is a new object.
    PossibleRename { former: Address, name: Option<String> },
}
