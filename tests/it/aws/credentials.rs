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
    let source = "[profile p]\nrole_arn = arn:aws:iam::000000000000:role/r\nsource_profile = q\n";
    check(source, &["there is no such profile", "aws configure list-profiles"]);
}

#[test]
fn a_profile_that_does_not_exist_is_named_with_those_that_do() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let check = |settings: &str, arguments: &[&str], parts: &[&str]| {
        let stack = with_profile(&emulator, &proxy, settings).env("AWS_PROFILE", "nope");
        let ran = stack.run(arguments).code(3);
        parts.iter().fold(ran, |ran, part| ran.says(part));
    };
    let settings = "[default]\n[profile staging]\n";
    let files = "in ~/.aws/config or ~/.aws/credentials";
    let by_variable = "AWS_PROFILE: there is no profile `nope`";
    check(settings, &["plan"], &[by_variable, files, "there are: default, staging"]);
    let by_option = "--profile: there is no profile `stagign`";
    let arguments = ["plan", "--profile", "stagign"];
    check(settings, &arguments, &[by_option, files, "did you mean `staging`?"]);
    check("", &["plan"], &[by_variable, "there are none yet"]);
    // As for the SDK, keys in the environment go before the variable.
    let stack = with_profile(&emulator, &proxy, settings).env("AWS_PROFILE", "nope");
    signed(stack).ok(&["plan"]);
}

/// Nobody has rejected what there is not.
#[test]
fn without_credentials_or_without_a_network_nobody_has_rejected_them() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let check = |variables: &[(&'static str, &str)], parts: &[&str]| {
        let stack = with_profile(&emulator, &proxy, "");
        let stack = variables.iter().fold(stack, |stack, (name, value)| stack.env(name, value));
        let ran = parts.iter().fold(stack.run(&["plan"]).code(3), |ran, part| ran.says(part));
        assert!(!ran.stderr.contains("rejected"), "{ran}");
    };
    check(&[], &["there are no credentials for AWS", "no metadata service", "aws sso login"]);
    let half = "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not";
    check(&[("AWS_ACCESS_KEY_ID", "a")], &["there are no credentials for AWS", half]);
    let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
    let through = |proxy, parts: &[&str]| {
        check(&[&keys[..], &[("HTTPS_PROXY", proxy)]].concat(), parts);
    };
    let refused =
        ["AWS was not reached", "the proxy 127.0.0.1:9 refuses connections", "HTTPS_PROXY"];
    through("http://me:secret@127.0.0.1:9", &refused);
    through("http://nobody.invalid:1", &["no address is known for the proxy nobody.invalid:1"]);
    through("http://[", &["HTTPS_PROXY does not name a proxy", "http://HOST:PORT"]);
    through("http://me:secret@localhost:99999", &["HTTPS_PROXY names a proxy whose port"]);
    through("socks5://localhost:1080", &["HTTPS_PROXY names a SOCKS proxy"]);
    // The variable for everything counts only where there is none for HTTPS.
    let stack = with_profile(&emulator, &proxy, "").env("ALL_PROXY", "socks5://localhost:1080");
    signed(stack).ok(&["plan"]);
}

/// Credentials that STS should give may be right, whatever happens on the way to it.
#[test]
fn a_role_that_cannot_be_asked_for_is_not_refused() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let role = "[profile p]\nrole_arn = arn:aws:iam::000000000000:role/r\nsource_profile = q\n\
                [profile q]\naws_access_key_id = a\naws_secret_access_key = b\n";
    let stack = with_profile(&emulator, &proxy, role).env("HTTPS_PROXY", "http://127.0.0.1:9");
    let ran = stack.run(&["plan", "--profile", "p"]).code(3).says("AWS was not reached");
    assert!(!ran.stderr.contains("was not given"), "{ran}");
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
