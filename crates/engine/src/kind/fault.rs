//! What goes wrong with a cloud: the closed list of what may be done about it, and its words.

use std::time::Duration;

/// Why a call to a cloud failed, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub fault: Fault,
    /// One line: what happened, with the service's own words.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
    /// The field of the file that it is about.
    pub field: Option<&'static str>,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What may be done about an error: a closed list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was done; the same call may succeed later (throttled, connection refused).
    Transient,
    /// Nothing was done, and it will work once something else has happened, usually soon.
    /// `what` completes "waiting for …".
    Awaiting { what: String, within: Duration },
    /// Somebody else changes the same object; look again, then repeat.
    Conflict,
    /// A create met an object of that name.
    NameTaken,
    /// Not permitted (exit code 4).
    Denied,
    /// Credentials are missing, wrong or expired (exit code 3).
    Credentials,
    /// Nothing was sent: the endpoint does not answer (exit code 3).
    Unreachable,
    /// The endpoint does not implement the call.
    Unsupported,
    /// The request was refused; repeating it is useless.
    Terminal,
    /// The call may or may not have been carried out (reply lost, 5xx, no id in the reply).
    Unknown,
}

impl Error {
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), hint: None, field: None, source: None }
    }

    pub fn terminal(message: impl Into<String>) -> Self {
        Self::new(Fault::Terminal, message)
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    #[must_use]
    pub fn with_field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }
}
