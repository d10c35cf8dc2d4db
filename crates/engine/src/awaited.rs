//! What an operation can wait for.

/// What an operation waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Awaited {
    /// Something else, in the words of the service or of its kind, which complete "waiting for …".
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
