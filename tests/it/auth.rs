//! An emulator that checks policies and runs the function as its role.

use serde_json::json;
use stackwright_testkit::Emulator;

use crate::support::{Sandbox, post, text};

#[test]
fn the_function_may_do_what_its_role_allows_and_nothing_else() {
    let emulator = Emulator::ministack().auth().start();
    let stack = Sandbox::sample(&emulator);
    assert_eq!(stack.reconcile(&[]).checks, 1);
    let url = stack.ok(&["output", "url"]).stdout.trim().to_owned();
    let ask = |action: &str| post(&url, &json!({ "action": action }).to_string());
    assert_eq!(ask("stop").0, 200);
    assert_eq!(ask("start").0, 200);

    stack.edit(", ec2:StopInstances]", "]");
    stack.ok(&["reconcile"]);
    let (status, answer) = ask("stop");
    assert_eq!(status, 500, "{answer}");
    assert!(!answer.to_string().contains("Traceback"), "{answer}");
    assert!(!text(&answer["message"]).contains("arn:"), "no details for callers: {answer}");
    assert_eq!(ask("status").0, 200);
}
