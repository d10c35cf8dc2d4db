//! What to do when credentials cannot be used, by what went wrong.
//!
//! The SDK says in its texts alone why a profile gave no credentials. The program's tests
//! (`tests/it/aws/credentials.rs`) hold them against the SDK that is built.

/// Returns what to do. `code`: the service's, empty if nothing was sent; `said`: the error and its causes.
pub fn advice(code: &str, said: &str) -> &'static str {
    let says = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            return "the credentials have expired: sign in again (`aws sso login`, `aws login`, or new keys), \
                    then run again";
        }
        "RequestTimeTooSkewed" => return CLOCK,
        _ if says(&["Signature expired", "Signature not yet current"]) => return CLOCK,
        _ => {}
    }
    if says(&["SSO token", "sso/cache", "sso-session"])
        || says(&["GetRoleCredentials"]) && says(&["UnauthorizedException"])
    {
        "you are not signed in: `aws sso login`, then run again"
    } else if says(&["Login token", "login/cache"]) {
        "you are not signed in: `aws login`, then run again"
    } else if says(&["external process"]) {
        "the `credential_process` of the profile failed: run it by hand to see why"
    } else if says(&["identity resolver timed out"]) {
        "loading the credentials took too long: does the `credential_process` of the profile wait for \
         something?"
    } else if says(&["sts:AssumeRole", "MultiFactorAuthentication"]) {
        "the role of the profile was not given to these credentials. If it demands MFA (`mfa_serial`), get \
         credentials from the AWS CLI, which asks for the code: `eval \"$(aws configure export-credentials \
         --format env)\"`"
    } else if says(&["was not defined"]) {
        "there is no such profile: `aws configure list-profiles` shows those that there are"
    } else {
        "check the profile or AWS_ACCESS_KEY_ID, then run again"
    }
}

const CLOCK: &str =
    "the clock of this machine is wrong by more than five minutes: set it, then run again";

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
