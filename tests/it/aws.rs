//! `cloud: aws`, with a proxy in the place of AWS's hosts: TLS, credentials, the endpoints of the
//! services and of deployed APIs, pacing and consistency windows are those of AWS.

use stackwright_testkit::{Act, Call, Emulator, Proxy, Rules, certificates};

use crate::support::{Sandbox, sample_counts};

/// The sample stack on AWS, in the account of the emulator.
fn on_aws(emulator: &Emulator, proxy: &Proxy) -> Sandbox {
    let stack = at_aws(Sandbox::sample(emulator), proxy);
    stack.edit("123456789012", "000000000000");
    stack.edit("cloud: local ", "cloud: aws ");
    stack
}

/// Sends every call that goes to AWS through the proxy.
fn at_aws(stack: Sandbox, proxy: &Proxy) -> Sandbox {
    stack.write("authority.pem", &certificates().authority);
    let authority = stack.path("authority.pem").display().to_string();
    stack
        .env("HTTPS_PROXY", &proxy.url())
        .env("AWS_CA_BUNDLE", &authority)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        // A create that cannot be repeated waits for its outcome: shorter than on AWS.
        .env("STACKWRIGHT_CONSISTENCY_SECONDS", "5")
}

#[test]
fn the_sample_lives_on_aws() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::strict(&emulator, Rules::all(1, 1.0), |_: &Call| Act::Pass);
    let stack = on_aws(&emulator, &proxy);
    assert_eq!(stack.reconcile(&[]).checks, 1);
    assert_eq!(emulator.census().counts(), sample_counts());
    stack.settled(&[]);
    stack.ok(&["destroy", "--yes"]);
    assert!(emulator.census().counts().is_empty(), "{:?}", emulator.census());
}
