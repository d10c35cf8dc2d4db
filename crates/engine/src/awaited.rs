//! What an operation can wait for.

use std::fmt;

/// What an operation waits for. Its text completes "waiting for …".
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Awaited {
    /// Something else, in the words of the service or of its kind.
    Other(String),
    /// The object with this id, just created, is seen.
    Visible(String),
    /// The object with this id, just deleted, is no longer seen.
    Gone(String),
    /// The former object of this name is no longer seen.
    FormerGone(String),
    /// An object of this name, which a create met, is seen.
    NameVisible(String),
    /// What a create of unknown outcome may have created would be seen by now.
    EarlierCreate,
    /// The service accepts a create.
    CreateAccepted,
    /// It becomes clear what came of a create.
    CreateOutcome,
    /// It becomes clear what came of a change.
    ChangeOutcome,
    /// An accepted change is seen.
    ChangeVisible,
    /// Tags, just removed, are no longer seen.
    TagsGone,
    /// The service takes more calls.
    Capacity,
    /// Another change of the same object ends.
    OtherChange,
    /// The service gives an answer that can be read.
    ReadableAnswer,
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(what) => f.write_str(what),
            Self::Visible(id) => write!(f, "{id} to be visible"),
            Self::Gone(id) => write!(f, "{id} to be gone"),
            Self::FormerGone(name) => write!(f, "the former `{name}` to be gone"),
            Self::NameVisible(name) => write!(f, "the object named `{name}` to be visible"),
            Self::EarlierCreate => f.write_str("the object of an earlier create to be visible"),
            Self::CreateAccepted => f.write_str("the create to be accepted"),
            Self::CreateOutcome => f.write_str("the outcome of a create"),
            Self::ChangeOutcome => f.write_str("the outcome of an earlier call"),
            Self::ChangeVisible => f.write_str("the change to be visible"),
            Self::TagsGone => f.write_str("its tags to be gone"),
            Self::Capacity => f.write_str("the service to take more calls"),
            Self::OtherChange => f.write_str("another change of the same object"),
            Self::ReadableAnswer => f.write_str("an answer that can be read"),
        }
    }
}
