//! What is said of checks.

use stackwright_engine::reference::Reference;

use crate::commands::check::Failure;

/// Why a check failed.
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::NoResource(address) => format!("{address} does not exist"),
        Failure::Unknown(Reference::Env(name)) => {
            format!("the environment variable {name} is not set")
        }
        Failure::Unknown(reference) => format!("${{{reference}}} is not known yet"),
        Failure::Call(message) => message.clone(),
        Failure::Status { status, wanted, body } => {
            format!("answered {status} instead of {wanted}: {body}")
        }
        Failure::Missing { wanted, body } => {
            format!("the answer does not contain `{wanted}`: {body}")
        }
    }
}

/// What to look at next. `functions`: those that may have answered.
pub fn hint(failure: &Failure, functions: &[&str]) -> Option<String> {
    match failure {
        Failure::NoResource(_) => Some("`stackwright reconcile` creates it".to_owned()),
        Failure::Unknown(Reference::Env(_)) => Some("set it, then run the checks again".to_owned()),
        Failure::Unknown(_) => {
            Some("`stackwright reconcile` completes what it refers to".to_owned())
        }
        Failure::Status { status: 400..500, .. } => {
            Some("does the API have that route, and does it let the call in?".to_owned())
        }
        _ if functions.is_empty() => None,
        _ => {
            let logs = functions.iter().map(|function| format!("`stackwright logs {function}`"));
            Some(format!("{} may show why", logs.collect::<Vec<_>>().join(" or ")))
        }
    }
}
