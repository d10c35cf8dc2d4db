//! What is said of checks.

use crate::commands::check::Failure;

/// Why a check failed.
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Unknown(reference) => format!("{reference} is not known yet"),
        Failure::Call(message) => message.clone(),
        Failure::Status { status, wanted, body } => {
            format!("answered {status} instead of {wanted}: {body}")
        }
        Failure::Missing { wanted, body } => {
            format!("the answer does not contain `{wanted}`: {body}")
        }
    }
}

/// What to look at next.
pub fn hint(failure: &Failure) -> &'static str {
    match failure {
        Failure::Unknown(_) => "`stackwright reconcile` creates what it refers to",
        Failure::Status { status: 400..500, .. } => {
            "does the API have that route, and does it let the call in?"
        }
        _ => "`stackwright logs FUNCTION` may show why",
    }
}
