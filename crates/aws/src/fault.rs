//! From an SDK error to the engine's closed list of faults, with what to do about it.

mod codes;
mod reply;

use std::error::Error as StdError;
use std::future::Future;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::kind::{Error, Fault, Result};

use self::codes::is_quota;
pub use self::codes::{Codes, Meaning, SHARED, by_code};
use crate::credentials::{self, Trouble};
use crate::pace::Interrupted;
use crate::unreached::Unreached;

/// Turns an SDK result into one of the engine's.
pub trait Explain<T> {
    /// `call` is the operation's name.
    fn explain(self, call: &str, codes: Codes) -> Result<T>;
}

impl<T, E> Explain<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn explain(self, call: &str, codes: Codes) -> Result<T> {
        self.map_err(|error| explain(call, error, codes))
    }
}

/// Tells whether an error says that something can never be read: the endpoint does not have the call, or the credentials
/// may not make it.
pub fn is_unreadable(error: &Error) -> bool {
    matches!(error.fault, Fault::Unsupported | Fault::Denied)
}

/// Returns `None` for what can never be read.
pub fn if_readable<T>(read: Result<T>) -> Result<Option<T>> {
    match read {
        Err(error) if is_unreadable(&error) => Ok(None),
        read => read.map(Some),
    }
}

/// Returns the service's error code, if the service answered with one.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// Returns one line in the service's own words, with the fault they mean.
pub fn explain<E>(call: &str, error: SdkError<E, HttpResponse>, codes: Codes) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = code(&error).unwrap_or_default().to_owned();
    let text = error.as_service_error().and_then(ProvideErrorMetadata::message);
    let encoded = text.and_then(reply::encoded_message);
    let said = match (text, &encoded) {
        (Some(text), Some(encoded)) => {
            let start: String = encoded.chars().take(12).collect();
            format!("{code}: {}", text.replace(encoded, &format!("{start}…")))
        }
        (Some(text), None) if !code.is_empty() => format!("{code}: {text}"),
        _ if !code.is_empty() => code.clone(),
        _ => without_code(&error),
    };
    let fault = fault(&error, codes);
    let decode = encoded.map(|encoded| {
        format!(
            "the credentials in use lack a permission; this command says which: \
             `aws sts decode-authorization-message --encoded-message {encoded}`"
        )
    });
    let message = format!("{call}: {said}");
    let hint = match fault {
        Fault::Credentials => Some(Trouble::of(&code, &error).advice()),
        Fault::Unreachable => Unreached::find(&error).map(Unreached::hint),
        _ => hint(&fault, &code),
    };
    let hint = decode.or_else(|| hint.map(str::to_owned));
    Error { hint, source: Some(Box::new(error)), ..Error::new(fault, message) }
}

/// Describes an error that no service has named: nothing was sent, or the reply is not one of AWS.
fn without_code<E>(error: &SdkError<E, HttpResponse>) -> String
where
    E: std::error::Error + 'static,
{
    let reply = error.raw_response();
    let unreached = Unreached::find(error).filter(|_| !credentials::is_absent(error));
    if is_interrupted(error) {
        innermost(error)
    } else if let Some(unreached) = unreached {
        unreached.to_string()
    } else if credentials::are_missing(error) {
        format!("no usable credentials ({})", credentials::why_missing(error))
    } else if let Some(reply) = reply {
        reply::unreadable(reply, &innermost(error))
    } else {
        innermost(error)
    }
}

fn fault<E>(error: &SdkError<E, HttpResponse>, codes: Codes) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match error {
        // A reply that cannot be parsed arrives here too, without a code and with its own status.
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            by_code(code, service.raw().status().as_u16(), codes)
        }
        _ if is_interrupted(error) => Fault::Transient,
        _ if credentials::is_absent(error) => Fault::Credentials,
        // Also of whoever should have given credentials: those of the user may be right.
        _ if Unreached::find(error).is_some() => Fault::Unreachable,
        _ if credentials::are_missing(error) => Fault::Credentials,
        SdkError::ConstructionFailure(_) => Fault::Terminal,
        _ => Fault::Unknown,
    }
}

/// Tells whether a call was not sent because the run is to stop.
fn is_interrupted(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| cause.is::<Interrupted>())
}

fn hint(fault: &Fault, code: &str) -> Option<&'static str> {
    Some(match fault {
        Fault::Terminal if is_quota(code) => {
            "a quota of the account is used up: delete what is not needed, or ask AWS for more (console: \
             Service Quotas)"
        }
        Fault::Denied => "the credentials in use lack this permission",
        _ => return None,
    })
}

/// Takes a delete of unknown outcome for done if a read shows that its object is gone: a lost reply may hide a
/// success, and a service may answer the repeated call with an error of its own.
pub async fn or_gone<T>(
    deleted: Result<()>,
    read: impl Future<Output = Result<Option<T>>>,
) -> Result<()> {
    match deleted {
        Err(error) if error.fault == Fault::Unknown => match read.await {
            Ok(None) => Ok(()),
            _ => Err(error),
        },
        other => other,
    }
}

/// Returns the error and its causes, outermost first.
pub fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// Returns the text of the cause that all others wrap.
pub fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests;
