//! `cloud: aws`, with a proxy in the place of AWS's hosts: TLS, credentials, the endpoints of the
//! services and of deployed APIs, pacing and consistency windows are those of AWS.

mod answers;
mod credentials;

use std::sync::atomic::{AtomicUsize, Ordering};

use stackwright_testkit::{Act, Call, Emulator, Proxy, Rules, certificates};

use crate::support::{Sandbox, sample_counts};

/// An empty folder whose calls to AWS go through the proxy; without credentials.
fn unsigned(emulator: &Emulator, proxy: &Proxy) -> Sandbox {
    trusting(Sandbox::empty(emulator.port()), proxy)
}

/// Sends every call that goes to AWS through the proxy.
fn trusting(stack: Sandbox, proxy: &Proxy) -> Sandbox {
    stack.write("authority.pem", &certificates().authority);
    let authority = stack.path("authority.pem").display().to_string();
    stack
        .env("HTTPS_PROXY", &proxy.url())
        .env("AWS_CA_BUNDLE", &authority)
        // A create that cannot be repeated waits for its outcome: shorter than on AWS.
        .env("STACKWRIGHT_CONSISTENCY_SECONDS", "5")
}

fn signed(stack: Sandbox) -> Sandbox {
    stack.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test")
}

#[test]
fn the_sample_lives_on_aws() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::strict(&emulator, Rules::all(1, 1.0), |_: &Call| Act::Pass);
    let stack = signed(trusting(Sandbox::sample(&emulator), &proxy));
    stack.edit("123456789012", "000000000000");
    stack.edit("cloud: local ", "cloud: aws ");
    assert_eq!(stack.reconcile(&[]).checks, 1);
    assert_eq!(emulator.census().counts(), sample_counts());
    let url = stack.ok(&["output", "url"]).stdout;
    assert!(url.contains(".execute-api.us-east-1.amazonaws.com/prod/ec2"), "{url}");
    stack.settled(&[]);
    stack.ok(&["destroy", "--yes"]);
    assert!(emulator.census().counts().is_empty(), "{:?}", emulator.census());
}

#[test]
fn a_certificate_that_is_not_trusted_is_named() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let stack = signed(unsigned(&emulator, &proxy)).env("AWS_CA_BUNDLE", "");
    stack.write("stack.yaml", "stack: s\ncloud: aws\naccount: '000000000000'\n");
    stack.run(&["plan"]).code(3).says("certificate").says("AWS_CA_BUNDLE");
    let lost = signed(unsigned(&emulator, &proxy)).env("AWS_CA_BUNDLE", "/nowhere.pem");
    lost.write("stack.yaml", "stack: s\ncloud: aws\naccount: '000000000000'\n");
    lost.run(&["plan"]).code(3).says("AWS_CA_BUNDLE: /nowhere.pem").says("unset it");
}

/// EC2 finds out after its reply that it cannot launch the instance.
#[test]
fn an_instance_that_ends_at_its_launch_is_an_error_at_once() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { dying: true, ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |_: &Call| Act::Pass);
    let stack = signed(unsigned(&emulator, &proxy));
    stack.write(
        "stack.yaml",
        "stack: s\ncloud: aws\naccount: '000000000000'\ninstance: {web: {image: ami-1, type: t2.micro}}\n",
    );
    let ran = stack.run(&["reconcile", "--yes"]).code(4);
    let ran =
        ran.says("was created and ended at once: Client.InternalError: Client error on launch");
    ran.says("the next run creates it again");
    assert_eq!(stack.reconcile(&[]).finished, ["create instance.web"]);
    stack.settled(&[]);
}

/// Other services refuse the unique id that a new role may have in the place of its ARN.
#[test]
fn the_arn_of_a_new_role_is_awaited() {
    let early = "<GetRoleResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>\
                 <Path>/</Path><RoleName>r</RoleName><RoleId>AROA1</RoleId><Arn>AROA1</Arn>\
                 <CreateDate>2026-03-01T12:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>";
    let emulator = Emulator::ministack().start();
    let early_reads = AtomicUsize::new(0);
    let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
        "CreateRole" => {
            early_reads.store(2, Ordering::Relaxed);
            Act::Pass
        }
        "GetRole" if early_reads.load(Ordering::Relaxed) > 0 => {
            early_reads.fetch_sub(1, Ordering::Relaxed);
            Act::Say(early)
        }
        _ => Act::Pass,
    });
    let stack = signed(unsigned(&emulator, &proxy));
    stack.write(
        "stack.yaml",
        "stack: s\ncloud: aws\naccount: '000000000000'\n\
         role: {r: {trust: lambda.amazonaws.com, path: /a/, managed_policies: ['arn:aws:iam::aws:policy/ReadOnlyAccess']}}\noutput: {arn: '${role.r.arn}'}\n",
    );
    stack.reconcile(&[]);
    stack.ok(&["output", "arn"]).says("arn:aws:iam::000000000000:role/a/r");
    stack.settled(&[]);
}

/// EC2 has accepted a new size, and shows the old one for a while.
#[test]
fn a_disk_that_is_being_modified_counts_as_modified() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { slow_disks: 20, ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |_: &Call| Act::Pass);
    let stack = signed(unsigned(&emulator, &proxy));
    stack.write(
        "stack.yaml",
        "stack: s\ncloud: aws\naccount: '000000000000'\ninstance:\n  web:\n    image: ami-1\n    type: t2.micro\n\
         \x20   volumes: {/dev/xvda: {size: 20}}\n",
    );
    stack.reconcile(&[]);
    let count = || proxy.log().iter().filter(|call| call.operation.name == "ModifyVolume").count();
    // An endpoint may launch with another size, which the same run corrects.
    let before = count();
    stack.edit("size: 20", "size: 30");
    assert_eq!(stack.reconcile(&[]).finished, ["update instance.web"]);
    assert_eq!(count() - before, 1);
    stack.settled(&[]);
}
