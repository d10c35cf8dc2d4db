//! Why credentials cannot be used, and what to do about it.
//!
//! Where the SDK has a type for it, the type decides. Of profiles, of a session that has ended and of a process
//! that failed it shows texts alone; the program's tests (`tests/it/aws/credentials.rs`) hold them against the SDK that is
//! built.

use std::error::Error as StdError;

use aws_config::meta::ProviderChainError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;

use crate::fault::{chain, innermost};

/// Why credentials cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The service says that they have expired.
    Expired,
    /// The service and this machine disagree about the time.
    Clock,
    /// There are none: no keys, no profile that has some, no metadata service.
    Absent,
    NoProfile,
    NoSsoSession,
    NoLoginSession,
    ProcessFailed,
    Slow,
    /// STS does not give the role of the profile to the credentials that ask for it.
    RoleRefused,
    /// The service does not know them.
    Rejected,
}

impl Trouble {
    /// `code`: the service's, empty if nothing was sent.
    pub fn of(code: &str, error: &(dyn StdError + 'static)) -> Self {
        match code {
            "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => return Self::Expired,
            "RequestTimeTooSkewed" => return Self::Clock,
            _ => {}
        }
        let by_type = with_attempts(error).into_iter().find_map(Self::by_type);
        by_type.unwrap_or_else(|| Self::by_text(code, error))
    }

    fn by_type(cause: &(dyn StdError + 'static)) -> Option<Self> {
        if cause.is::<AssumeRoleError>() {
            return Some(Self::RoleRefused);
        }
        match cause.downcast_ref()? {
            CredentialsError::ProviderTimedOut(_) => Some(Self::Slow),
            _ => None,
        }
    }

    fn by_text(code: &str, error: &(dyn StdError + 'static)) -> Self {
        let causes = with_attempts(error).into_iter();
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        let said = causes.join(" ");
        let says = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
        if says(&["Signature expired", "Signature not yet current"]) {
            Self::Clock
        } else if says(&["SSO token", "sso/cache", "sso-session"])
            || says(&["GetRoleCredentials"]) && says(&["UnauthorizedException"])
        {
            Self::NoSsoSession
        } else if says(&["Login token", "login/cache"]) {
            Self::NoLoginSession
        } else if says(&["external process"]) {
            Self::ProcessFailed
        } else if says(&[TIMED_OUT]) {
            Self::Slow
        } else if says(&["was not defined"]) {
            Self::NoProfile
        } else if code.is_empty() && (is_absent(error) || says(&["IMDS"])) {
            // The metadata service is asked last.
            Self::Absent
        } else {
            Self::Rejected
        }
    }

    /// Says what to do.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Expired => {
                "the credentials have expired: sign in again (`aws sso login`, `aws login`, or new keys), \
                 then run again"
            }
            Self::Clock => {
                "the clock of this machine is wrong by more than five minutes: set it, then run again"
            }
            Self::Absent => {
                "sign in (`aws sso login`, `aws login`), choose a profile (`--profile`, AWS_PROFILE), or set \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; then run again"
            }
            Self::NoProfile => {
                "there is no such profile: `aws configure list-profiles` shows those that there are"
            }
            Self::NoSsoSession => "you are not signed in: `aws sso login`, then run again",
            Self::NoLoginSession => "you are not signed in: `aws login`, then run again",
            Self::ProcessFailed => {
                "the `credential_process` of the profile failed: run it by hand to see why"
            }
            Self::Slow => {
                "loading the credentials took too long: does the `credential_process` of the profile wait \
                 for something?"
            }
            Self::RoleRefused => {
                "the role of the profile was not given to these credentials. If it demands MFA \
                 (`mfa_serial`), get credentials from the AWS CLI, which asks for the code: `eval \"$(aws \
                 configure export-credentials --format env)\"`"
            }
            Self::Rejected => "check the profile or AWS_ACCESS_KEY_ID, then run again",
        }
    }
}

/// What the SDK says when it has waited for credentials long enough.
const TIMED_OUT: &str = "identity resolver timed out";

/// Tells whether no credentials could be loaded, so that nothing was signed or sent.
pub fn are_missing(error: &(dyn StdError + 'static)) -> bool {
    let is_missing = |cause: &(dyn StdError + 'static)| {
        cause.is::<CredentialsError>() || cause.to_string().starts_with(TIMED_OUT)
    };
    chain(error).any(is_missing)
}

/// Tells whether there are no credentials at all: neither keys nor anything that could load some.
pub fn is_absent(error: &(dyn StdError + 'static)) -> bool {
    let mut causes = chain(error).filter_map(|cause| cause.downcast_ref());
    causes.any(|cause| matches!(cause, CredentialsError::CredentialsNotLoaded(_)))
}

/// Returns why no credentials could be loaded: what the SDK's own error wraps.
pub fn why_missing(error: &(dyn StdError + 'static)) -> String {
    let causes = chain(error).skip_while(|cause| !cause.is::<CredentialsError>()).skip(1);
    let said = causes.map(|cause| match cause.downcast_ref::<AllAttempts>() {
        Some(_) => {
            "no keys in the environment, no profile with some, no metadata service".to_owned()
        }
        None => cause.to_string(),
    });
    let said: Vec<String> = said.collect();
    if said.is_empty() { innermost(error) } else { said.join(": ") }
}

/// What the SDK has tried, one provider of credentials after the other.
type AllAttempts = ProviderChainError<CredentialsError>;

/// Returns an error and its causes, and those of every attempt to load credentials.
fn with_attempts<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let attempts = chain(error).filter_map(|cause| cause.downcast_ref::<AllAttempts>());
    let attempts = attempts.flat_map(AllAttempts::attempts);
    chain(error).chain(attempts.flat_map(|attempt| chain(attempt.error()))).collect()
}

/// Returns advice whose commands of the AWS CLI name the profile.
pub fn for_profile(advice: &str, profile: Option<&str>) -> String {
    let Some(profile) = profile else { return advice.to_owned() };
    ["aws sso login", "aws login", "export-credentials"]
        .iter()
        .fold(advice.to_owned(), |text, command| {
            text.replace(command, &format!("{command} --profile {profile}"))
        })
}

/// The regions that every account has; each other one must be enabled first.
///
/// Source: "AWS Regions" in the AWS account management guide.
const ENABLED: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Tells whether a region that is not enabled explains why a service does not know valid keys.
pub fn is_perhaps_disabled(region: &str, said: &str) -> bool {
    said.contains("InvalidClientTokenId") && !ENABLED.contains(&region)
}
