//! What the error codes of services mean. Those that all services share are here; each kind declares those of
//! its own calls.

use std::time::Duration;

use stackwright_engine::kind::Fault;

/// What the error codes of one kind's calls mean, beside those that all services share.
pub type Codes = &'static [(&'static str, Meaning)];

/// Of a call whose service has no codes of its own.
pub const SHARED: Codes = &[];

/// What an error code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Somebody else changes the same object.
    Conflict,
    /// An object of that name exists.
    NameTaken,
    /// The request was refused, whatever the HTTP status says.
    Refused,
    /// The service does not know yet what the call names. `what` completes "waiting for …"; `within`
    /// is the consistency window.
    NotYet { what: &'static str, within: Duration },
}

impl From<Meaning> for Fault {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Conflict => Self::Conflict,
            Meaning::NameTaken => Self::NameTaken,
            Meaning::Refused => Self::Terminal,
            Meaning::NotYet { what, within } => Self::Awaiting { what: what.to_owned(), within },
        }
    }
}

/// Codes come before the status: EC2 models no errors, and services send the same code with different
/// statuses.
pub fn by_code(code: &str, status: u16, codes: Codes) -> Fault {
    if let Some((_, meaning)) = codes.iter().find(|(own, _)| *own == code) {
        return (*meaning).into();
    }
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "EC2ThrottledException"
        | "SlowDown" => Fault::Transient,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "AuthFailure"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Fault::Credentials,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"
        // API Gateway sends it with status 401 to whoever lacks a permission.
        | "UnauthorizedException" => Fault::Denied,
        // The account has not accepted the terms of a product: no credentials help.
        "OptInRequired" => Fault::Terminal,
        // A quota is used up, and waiting frees none of it. API Gateway sends it with status 429.
        _ if is_quota(code) => Fault::Terminal,
        // Not `UnsupportedOperation`: with it EC2 refuses what the object cannot do.
        "InvalidAction"
        | "UnknownOperation"
        | "UnknownOperationException"
        | "NotImplemented"
        | "NotImplementedException"
        | "MethodNotAllowedException" => Fault::Unsupported,
        _ => match status {
            // A reply of success that cannot be parsed: something was done.
            ..=399 => Fault::Unknown,
            401 => Fault::Credentials,
            403 => Fault::Denied,
            // AWS sends a code with every refusal: this is a web server that does not know the path.
            404 if code.is_empty() => Fault::Unsupported,
            405 | 501 => Fault::Unsupported,
            429 => Fault::Transient,
            500.. => Fault::Unknown,
            _ => Fault::Terminal,
        },
    }
}

/// Tells whether a code says that a quota of the account is used up. `RequestLimitExceeded`, with which EC2
/// throttles, is none.
pub fn is_quota(code: &str) -> bool {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    code != "RequestLimitExceeded"
        && (code.ends_with("LimitExceeded") || code.ends_with("QuotaExceeded"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_codes_come_before_the_status() {
        let cases = [
            ("Throttling", 400, Fault::Transient),
            ("LimitExceeded", 409, Fault::Terminal),
            ("UnsupportedOperation", 400, Fault::Terminal),
            ("ExpiredToken", 403, Fault::Credentials),
            ("UnauthorizedOperation", 403, Fault::Denied),
            ("UnauthorizedException", 401, Fault::Denied),
            ("OptInRequired", 401, Fault::Terminal),
            ("LimitExceededException", 429, Fault::Terminal),
            ("RulesPerSecurityGroupLimitExceeded", 400, Fault::Terminal),
            ("ServiceQuotaExceededException", 402, Fault::Terminal),
            ("RequestLimitExceeded", 503, Fault::Transient),
            ("TooManyRequestsException", 429, Fault::Transient),
            ("InternalError", 500, Fault::Unknown),
            ("InternalFailure", 501, Fault::Unsupported),
            ("InvalidAMIID.NotFound", 400, Fault::Terminal),
            ("", 404, Fault::Unsupported),
        ];
        for (code, status, fault) in cases {
            assert_eq!(by_code(code, status, SHARED), fault, "{code} {status}");
        }
    }

    #[test]
    fn codes_of_a_kind_come_before_the_status() {
        const WHAT: &str = "the queue to be known";
        const WITHIN: Duration = Duration::from_secs(20);
        const OWN: Codes = &[
            ("NoRoom", Meaning::Refused),
            ("NoSuchQueue", Meaning::NotYet { what: WHAT, within: WITHIN }),
        ];
        assert_eq!(by_code("NoRoom", 500, OWN), Fault::Terminal);
        assert_eq!(by_code("NoRoom", 500, SHARED), Fault::Unknown);
        let awaiting = Fault::Awaiting { what: WHAT.to_owned(), within: WITHIN };
        assert_eq!(by_code("NoSuchQueue", 404, OWN), awaiting);
        assert_eq!(by_code("Throttling", 400, OWN), Fault::Transient);
    }
}
