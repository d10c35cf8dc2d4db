//! A secret reaches the cloud and nothing else.

use std::path::Path;

use stackwright_testkit::{Emulator, counts};

use crate::support::{Ran, Sandbox};

const FIRST: &str = "canary-4f1c-first";
const SECOND: &str = "canary-4f1c-second";

fn silent(ran: Ran) -> Ran {
    for secret in [FIRST, SECOND] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{secret}:\n{ran}");
    }
    ran
}

/// No canary is in any file of a folder.
pub fn nowhere_below(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            nowhere_below(&path);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("canary-4f1c"), "{} holds a secret", path.display());
        }
    }
}

#[test]
fn a_secret_is_sent_and_compared_but_never_printed_or_stored() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator).env("PASSWORD", FIRST);
    stack.edit(
        "      INSTANCE_ID: ${instance.web.id}",
        "      INSTANCE_ID: ${instance.web.id}\n      PASSWORD: x-${env.PASSWORD}",
    );
    let sent = || {
        let get = ["lambda", "get-function-configuration", "--function-name", "ec2-control"];
        emulator.aws(&get)["Environment"]["Variables"]["PASSWORD"].clone()
    };
    for arguments in [&["validate"][..], &["plan"], &["-vv", "reconcile"], &["plan", "--json"]] {
        silent(stack.ok(arguments));
    }
    assert_eq!(sent(), format!("x-{FIRST}"));
    stack.settled(&[]);

    let stack = stack.env("PASSWORD", SECOND);
    silent(stack.ok(&["plan"]).says("PASSWORD"));
    silent(stack.ok(&["-vv", "reconcile"]));
    assert_eq!(sent(), format!("x-{SECOND}"));
    for arguments in [&["show"][..], &["show", "--json"], &["show", "--live"], &["output"]] {
        silent(stack.ok(arguments));
    }

    // A value that others have put in a secret's place is a secret too.
    let theirs = "Variables={PASSWORD=canary-4f1c-theirs,INSTANCE_ID=i-1}";
    let set = ["lambda", "update-function-configuration", "--function-name", "ec2-control"];
    emulator.aws(&[&set[..], &["--environment", theirs]].concat());
    let plan = silent(stack.ok(&["plan"]).says("another value (secret)"));
    assert!(!plan.stdout.contains("canary"), "{plan}");
    silent(stack.ok(&["reconcile"]));
    assert_eq!(sent(), format!("x-{SECOND}"));
    nowhere_below(&stack.path(""));
}

#[test]
fn a_secret_that_is_also_a_common_word_disturbs_nothing() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator).env("STAGE", "prod").env("ALSO", "ec2-control");
    stack.edit(
        "tags: {project: atelier}",
        "tags: {project: atelier, a: '${env.STAGE}', b: '${env.ALSO}'}",
    );
    stack.ok(&["reconcile"]);
    stack.settled(&[]);
    stack.edit("stage: prod", "stage: ${env.STAGE}");
    stack.settled(&[]);
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(emulator.census().counts(), counts([]));
}
