//! Output that cannot be written, and output for programs.

use std::fs::File;
use std::process::Stdio;

use serde_json::Value;
use stackwright_testkit::Emulator;

use crate::support::{Sandbox, sample_counts};

/// Runs the program with a stream that is a full disk; its exit code and the other stream.
fn on_a_full_disk(stack: &Sandbox, arguments: &[&str], stream: &str) -> (Option<i32>, String) {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("/dev/full"));
    let mut command = stack.command(arguments);
    match stream {
        "stdout" => command.stdout(full()),
        _ => command.stderr(full()),
    };
    let ran = command.output().expect("the program runs");
    let other = if stream == "stdout" { ran.stderr } else { ran.stdout };
    (ran.status.code(), String::from_utf8_lossy(&other).into_owned())
}

#[test]
fn a_run_goes_on_without_its_output_and_its_exit_code_says_so() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let (code, said) = on_a_full_disk(&stack, &["plan"], "stdout");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stdout cannot be written: No space left on device"), "{said}");
    assert!(said.contains("the command changed nothing"), "{said}");
    let (code, said) = on_a_full_disk(&stack, &["reconcile", "--yes", "--no-check"], "stderr");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("url = http"), "{said}");
    assert_eq!(emulator.census().counts(), sample_counts());
    stack.settled(&[]);
    let (code, _) = on_a_full_disk(&stack, &["plan", "--detailed-exitcode"], "stdout");
    assert_eq!(code, Some(1));
    let (code, _) = on_a_full_disk(&stack, &["--help"], "stdout");
    assert_eq!(code, Some(1));
    let (code, _) = on_a_full_disk(&stack, &["reconcile", "--yes", "--json"], "stdout");
    assert_eq!(code, Some(1));
    // Another error keeps its code.
    stack.edit("timeout: 30", "timout: 30");
    assert_eq!(on_a_full_disk(&stack, &["validate"], "stderr").0, Some(65));
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let stack = Sandbox::empty(9);
    let mut child = stack.command(&["schema"]).spawn().expect("the program runs");
    drop(child.stdout.take());
    let ran = child.wait_with_output().expect("it ends");
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
}

#[test]
fn every_command_prints_json_when_asked() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&["--no-check"]);
    let json = |arguments: &[&str]| stack.ok(&[arguments, &["--json"]].concat()).json();
    assert!(json(&["version"])["version"].is_string());
    assert!(json(&["output", "url"])["outputs"]["url"].is_string());
    let invoked = json(&["invoke", "ec2-control", "--payload", r#"{"action": "status"}"#]);
    assert_eq!(invoked["payload"]["statusCode"], 200, "{invoked}");
    assert_eq!(invoked["function_error"], Value::Null);
    let logged = stack.ok(&["logs", "ec2-control", "--json"]).stdout;
    let lines: Vec<Value> =
        logged.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["message"].is_string()), "{logged}");
}

#[test]
fn errors_are_json_when_json_was_asked_for() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let ran = stack.run(&["show", "--json", "--live", "role.x"]).code(1);
    assert_eq!(ran.json()["error"]["message"], "the state has no `role.x`", "without a state, too");
    stack.reconcile(&["--no-check"]);
    let ran = stack.run(&["show", "--json", "instance.wbe"]).code(1);
    let error = &ran.json()["error"];
    assert_eq!(error["message"], "the state has no `instance.wbe`");
    assert_eq!(error["exit_code"], 1);
    assert!(error["text"].to_string().contains("did you mean `instance.web`?"), "{error}");
    assert_eq!(ran.stderr, "");
    // One document, with the error in it.
    stack.edit("type: t2.micro", "type: t2.micro\n    protect: true");
    stack.reconcile(&["--no-check"]);
    stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
    let blocked = stack.run(&["plan", "--json"]).code(1).json();
    assert_eq!(blocked["error"]["message"], "plan is blocked", "{blocked}");
    let last = stack.run(&["reconcile", "--yes", "--json"]).code(1).stdout;
    let last: Value = serde_json::from_str(last.lines().last().unwrap_or_default()).expect("JSON");
    assert_eq!((&last["event"], &last["exit_code"]), (&"error".into(), &1.into()), "{last}");
    stack.edit("timeout: 30", "timout: 30");
    let invalid = stack.run(&["plan", "--json"]).code(65).json();
    assert_eq!(invalid["error"]["diagnostics"][0]["line"], 28, "{invalid}");
}
