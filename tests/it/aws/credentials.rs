//! Credentials that cannot be used: each in its own words.

use stackwright_testkit::{Act, Emulator, Proxy, Refusal};

use super::{signed, unsigned};
use crate::support::Sandbox;

const STACK: &str = "stack: s\ncloud: aws\nregion: us-east-1\naccount: '000000000000'\n";

/// A folder with a profile `p` of these settings.
fn with_profile(emulator: &Emulator, proxy: &Proxy, settings: &str) -> Sandbox {
    let stack = unsigned(emulator, proxy);
    std::fs::create_dir(stack.path(".aws")).expect("a folder");
    stack.write(".aws/config", settings);
    stack.write("stack.yaml", STACK);
    stack.env("AWS_EC2_METADATA_DISABLED", "true")
}

#[test]
fn a_profile_without_usable_credentials_says_what_to_do() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "AssumeRole" => Act::Refuse(Refusal::new(403, "AccessDenied").saying(
            "User: arn:aws:iam::000000000000:user/me is not authorized to perform: sts:AssumeRole",
        )),
        _ => Act::Pass,
    });
    let check = |settings: &str, parts: &[&str]| {
        let ran = with_profile(&emulator, &proxy, settings).run(&["plan", "--profile", "p"]);
        parts.iter().fold(ran.code(3), |ran, part| ran.says(part));
    };
    let session = "[profile p]\nsso_session = s\nsso_account_id = 000000000000\nsso_role_name = r\n\
                   [sso-session s]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start\n";
    check(session, &["you are not signed in: `aws sso login --profile p`"]);
    let start = "[profile p]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start\n\
                 sso_account_id = 000000000000\nsso_role_name = r\n";
    check(start, &["you are not signed in: `aws sso login --profile p`"]);
    let login = "[profile p]\nlogin_session = arn:aws:iam::000000000000:user/me\n";
    check(login, &["you are not signed in: `aws login --profile p`"]);
    let process = "[profile p]\ncredential_process = sh -c 'echo locked >&2; exit 1'\n";
    check(process, &["locked", "`credential_process` of the profile failed"]);
    let role = "[profile p]\nrole_arn = arn:aws:iam::000000000000:role/r\nsource_profile = q\n\
                mfa_serial = arn:aws:iam::000000000000:mfa/me\n\
                [profile q]\naws_access_key_id = a\naws_secret_access_key = b\n";
    check(role, &["not authorized to perform: sts:AssumeRole", "export-credentials --profile p"]);
    check("[profile q]\n", &["there is no such profile", "aws configure list-profiles"]);
}

#[test]
fn a_slow_credential_process_is_awaited() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let keys = r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b"}"#;
    let settings = "[profile p]\ncredential_process = sh -c 'sleep 7; cat keys.json'\n";
    let stack = with_profile(&emulator, &proxy, settings);
    stack.write("keys.json", keys);
    stack.ok(&["plan", "--profile", "p"]);
}

/// What STS answers to keys that cannot be used in this region now.
#[test]
fn refused_credentials_say_what_to_do() {
    let emulator = Emulator::ministack().start();
    let check = |refusal: Refusal, region: &str, parts: &[&str]| {
        let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
            "GetCallerIdentity" => Act::Refuse(refusal),
            _ => Act::Pass,
        });
        let stack = signed(unsigned(&emulator, &proxy));
        stack.write("stack.yaml", &STACK.replace("us-east-1", region));
        parts.iter().fold(stack.run(&["plan"]).code(3), |ran, part| ran.says(part));
    };
    let unknown = Refusal::new(403, "InvalidClientTokenId")
        .saying("The security token included in the request is invalid");
    check(unknown, "us-east-1", &["check the profile or AWS_ACCESS_KEY_ID"]);
    check(
        unknown,
        "ap-southeast-3",
        &[
            "the account has not enabled ap-southeast-3",
            "aws account enable-region --region-name ap-southeast-3",
        ],
    );
    let skewed = Refusal::new(403, "SignatureDoesNotMatch").saying(
        "Signature expired: 20261128T050000Z is now earlier than 20261128T053000Z (20261128T054500Z - 15 min.)",
    );
    check(skewed, "us-east-1", &["the clock of this machine is wrong"]);
    let expired = Refusal::new(403, "ExpiredToken")
        .saying("The security token included in the request is expired");
    check(expired, "us-east-1", &["the credentials have expired: sign in again"]);
}
