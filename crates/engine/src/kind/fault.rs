//! Errors of calls to a cloud, and the closed list of what can be done about them.

use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of a call to a cloud.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub fault: Fault,
    /// One line: what happened, in the words of the service.
    pub message: String,
    /// What the user can do.
    pub hint: Option<String>,
    /// The field of the file that caused it.
    pub field: Option<&'static str>,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What can be done about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was done, and the same call may succeed later (throttled, connection refused).
    Transient,
    /// Nothing was done, and the call will succeed once something else has happened, usually soon.
    /// `what` completes "waiting for …".
    Awaiting { what: String, within: Duration },
    /// Somebody else is changing the same object: observe again, then retry.
    Conflict,
    /// A create found its name taken.
    NameTaken,
    /// The credentials lack a permission (exit code 4).
    Denied,
    /// Credentials are missing, wrong or expired (exit code 3).
    Credentials,
    /// The endpoint does not answer, and nothing was sent (exit code 3).
    Unreachable,
    /// The endpoint does not implement the call.
    Unsupported,
    /// The request was refused, and a retry is useless.
    Terminal,
    /// Nobody knows whether the call was carried out (reply lost, 5xx, no id in the reply).
    Unknown,
}

impl Error {
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), hint: None, field: None, source: None }
    }

    /// Returns the error for one more of the objects that it concerns, without its source.
    #[must_use]
    pub fn again(&self) -> Self {
        let Self { fault, message, hint, field, .. } = self;
        Self { hint: hint.clone(), field: *field, ..Self::new(fault.clone(), message.clone()) }
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
