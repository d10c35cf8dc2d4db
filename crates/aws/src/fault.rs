//! From an SDK error to the engine's closed list of faults.

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::kind::{Error, Fault, Result};

/// Turns an SDK result into one of ours. `call` is the operation's name.
pub trait Explain<T> {
    fn explain(self, call: &str) -> Result<T>;
}

impl<T, E> Explain<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn explain(self, call: &str) -> Result<T> {
        self.map_err(|error| explain(call, error))
    }
}

/// The service's error code, if the service answered with one.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// One line in the service's own words, with the fault they mean.
pub fn explain<E>(call: &str, error: SdkError<E, HttpResponse>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let fault = fault(&error);
    let said = match error.as_service_error() {
        Some(service) => {
            let code = service.code().unwrap_or("no error code");
            match service.message() {
                Some(message) => format!("{code}: {message}"),
                None => code.to_owned(),
            }
        }
        None => innermost(&error),
    };
    let mut explained = Error::new(fault, format!("{call}: {said}"));
    explained.hint = hint(&explained.fault).map(str::to_owned);
    explained.with_source(error)
}

fn fault<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Fault
where
    E: std::error::Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(service) => {
            by_code(service.err().code().unwrap_or_default(), service.raw().status().as_u16())
        }
        _ if chain(error).any(|cause| cause.is::<CredentialsError>()) => Fault::Credentials,
        SdkError::ConstructionFailure(_) => Fault::Terminal,
        // The connector names what failed before anything was sent: name look-up, connect, TLS.
        SdkError::DispatchFailure(_) if chain(error).any(before_sending) => Fault::Unreachable,
        _ => Fault::Unknown,
    }
}

/// EC2 and IAM have no modelled errors for most of these, so codes it is.
fn by_code(code: &str, status: u16) -> Fault {
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "LimitExceededException"
            if status == 429 || code.contains("hrottl") || code.starts_with("Request") =>
        {
            Fault::Transient
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "AuthFailure"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "OptInRequired" => Fault::Credentials,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Fault::Denied,
        "EntityAlreadyExists" | "ResourceAlreadyExistsException" => Fault::NameTaken,
        "ConflictException"
        | "ResourceConflictException"
        | "ConcurrentModification"
        | "ConcurrentModificationException"
        | "PreconditionFailedException"
        | "OperationAbortedException"
        | "DeleteConflict" => Fault::Conflict,
        "InvalidAction"
        | "UnknownOperation"
        | "UnknownOperationException"
        | "NotImplemented"
        | "NotImplementedException"
        | "UnsupportedOperation"
        | "MethodNotAllowedException" => Fault::Unsupported,
        _ => match status {
            429 => Fault::Transient,
            501 | 405 => Fault::Unsupported,
            500.. => Fault::Unknown,
            403 => Fault::Denied,
            _ => Fault::Terminal,
        },
    }
}

fn hint(fault: &Fault) -> Option<&'static str> {
    Some(match fault {
        Fault::Credentials => {
            "check the profile or AWS_ACCESS_KEY_ID, then run again; nothing is lost"
        }
        Fault::Unsupported => "the endpoint does not implement this call",
        Fault::Denied => "the credentials in use lack this permission",
        _ => return None,
    })
}

fn before_sending(cause: &(dyn std::error::Error + 'static)) -> bool {
    let text = cause.to_string();
    [
        "ConnectError",
        "tcp connect error",
        "dns error",
        "Connection refused",
        "client error (Connect)",
    ]
    .iter()
    .any(|mark| text.contains(mark))
}

fn chain<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |cause| cause.source())
}

fn innermost(error: &(impl std::error::Error + 'static)) -> String {
    let causes: Vec<String> = chain(error).map(ToString::to_string).collect();
    causes.last().cloned().unwrap_or_else(|| DisplayErrorContext(error).to_string())
}
