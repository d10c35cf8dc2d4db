//! Whose objects are whose: clones, stacks, clouds.

use stackwright_testkit::Emulator;

use crate::support::Sandbox;

#[test]
fn a_second_clone_is_refused_and_takes_over_with_adopt() {
    let emulator = Emulator::ministack().start();
    let first = Sandbox::sample(&emulator);
    first.ok(&["reconcile"]);

    let second = Sandbox::sample(&emulator);
    let refused = second.run(&["reconcile", "--yes"]).code(1).says("--adopt");
    for id in ["lambda-ec2-role", "ec2-control", "i-"] {
        assert!(refused.stderr.contains(id), "{id} is listed:\n{refused}");
    }
    second.run(&["plan"]).code(1);
    first.settled(&[]);

    let taken = second.reconcile(&["--adopt"]);
    assert!(!taken.finished.iter().any(|step| step.starts_with("create")), "{taken:?}");
    second.settled(&[]);
    assert_eq!(second.reconcile(&[]).writes, 0);

    // The first one's objects are another's now: it neither takes them back nor deletes them.
    first.run(&["reconcile", "--yes"]).code(1).says("taken over by another state");
    first.run(&["destroy", "--yes"]).code(1).says("taken over by another state");
    second.settled(&[]);
    assert_eq!(second.reconcile(&[]).checks, 1);
}

#[test]
fn a_lost_state_is_found_again_by_its_tags() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("removed");
    stack.run(&["reconcile"]).code(1).says("--adopt");
    let taken = stack.reconcile(&["--adopt"]);
    assert!(!taken.finished.iter().any(|step| step.starts_with("create")), "{taken:?}");
    stack.settled(&[]);
    stack.ok(&["destroy", "--yes"]);
    let apis = emulator.aws(&["apigateway", "get-rest-apis"]);
    assert_eq!(apis["items"].as_array().map(Vec::len), Some(0), "{apis}");
}

#[test]
fn two_stacks_in_one_folder_never_touch_each_other() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let other = stack
        .read("stack.yaml")
        .replace("stack: ec2-control", "stack: other")
        .replace("lambda-ec2-role", "other-role")
        .replace("function.ec2-control", "function.other")
        .replace("  ec2-control:", "  other:");
    stack.write("other.yaml", &other);
    stack.ok(&["reconcile"]);
    stack.reconcile(&["other.yaml"]);
    stack.settled(&[]);
    stack.settled(&["other.yaml"]);
    stack.ok(&["destroy", "--yes", "other.yaml"]);
    stack.settled(&[]);
    assert_eq!(stack.reconcile(&[]).checks, 1);
}

#[test]
fn one_stack_on_two_clouds_has_two_states() {
    let (here, there) = (Emulator::ministack().start(), Emulator::moto().start());
    let stack = Sandbox::sample(&here);
    let cloud = ["--cloud", &there.url()];
    stack.ok(&["reconcile"]);
    let made = stack.reconcile(&[&cloud[..], &["--no-check"]].concat());
    assert_eq!(made.finished.len(), 4, "{made:?}");
    stack.settled(&[]);
    stack.settled(&cloud);
    stack.ok(&[&["destroy", "--yes"], &cloud[..]].concat());
    stack.settled(&[]);
}

#[test]
fn a_name_that_somebody_else_has_is_not_taken() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let role = ["iam", "create-role", "--role-name", "lambda-ec2-role"];
    emulator.aws(&[&role[..], &["--assume-role-policy-document", trust]].concat());
    stack.run(&["reconcile"]).code(1).says("lambda-ec2-role").says("`name:`");
    stack.run(&["reconcile", "--adopt"]).code(1).says("was not made by it");
    assert!(
        emulator.aws(&["ec2", "describe-instances"])["Reservations"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
}
