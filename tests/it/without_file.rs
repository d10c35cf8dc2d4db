//! `destroy --stack NAME`: the state is enough to delete what it has.

use stackwright_testkit::{Emulator, counts};

use crate::support::{Sandbox, sample_counts};

#[test]
fn a_stack_whose_file_has_a_mistake_or_is_lost_is_destroyed_by_its_state() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&["--no-check"]);
    let hint = "`stackwright destroy --stack ec2-control` needs the state alone, and no file";
    stack.edit("timeout: 30", "timout: 30");
    stack.run(&["destroy", "--yes"]).code(65).says("unknown key `timout`").says(hint);
    std::fs::remove_file(stack.path("stack.yaml")).expect("removed");
    stack.run(&["destroy", "--yes"]).code(64).says("there is no stack.yaml").says(hint);
    stack.run(&["destroy", "--yes", "-f", "stack.yaml"]).code(64).says(hint);

    let unknown = stack.run(&["destroy", "--yes", "--stack", "ec2-contrl"]).code(1);
    unknown.says("there is no state of a stack `ec2-contrl`").says("did you mean `ec2-control`?");
    let elsewhere = ["destroy", "--yes", "--stack", "ec2-control", "--cloud", "aws"];
    let ran =
        stack.run(&elsewhere).code(1).says("the stack ec2-control has no state at that place");
    ran.says("it has one at `--cloud local --region us-east-1`");
    assert_eq!(emulator.census().counts(), sample_counts(), "nothing was deleted so far");
    let show = "`stackwright show --stack ec2-control` needs the state alone, and no file";
    stack.run(&["show"]).code(64).says(show);
    stack.ok(&["-C", "handler", "show", "--stack", "ec2-control"]).says("instance.web");
    let shown = stack.ok(&["show", "--json", "--stack", "ec2-control", "role.lambda-ec2-role"]);
    let resources = shown.json()["resources"].as_object().map(|all| all.keys().len());
    assert_eq!(resources, Some(1));
    // Also from a folder below, as with a stack file.
    stack.ok(&["-C", "handler", "destroy", "--yes", "--stack", "ec2-control"]).says("4 deleted");
    assert_eq!(emulator.census().counts(), counts([]));
    stack.ok(&["destroy", "--stack", "ec2-control"]).says("the state is empty");
}

#[test]
fn protection_in_the_state_holds_without_the_file() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.edit("type: t2.micro", "type: t2.micro\n    protect: true");
    stack.reconcile(&["--no-check"]);
    let ran = stack.run(&["destroy", "--yes", "--stack", "ec2-control"]).code(1);
    ran.says("instance.web is protected");
    assert_eq!(emulator.census().counts(), sample_counts());
}

#[test]
fn of_several_states_one_is_chosen_by_its_place() {
    let (one, other) = (Emulator::ministack().start(), Emulator::ministack().start());
    let stack = Sandbox::sample(&one);
    let url = format!("http://127.0.0.1:{}", other.port());
    stack.reconcile(&["--no-check"]);
    stack.reconcile(&["--no-check", "--cloud", &url]);
    std::fs::remove_file(stack.path("stack.yaml")).expect("removed");
    let by_name = ["destroy", "--yes", "--stack", "ec2-control"];
    let ran = stack.run(&by_name).code(64).says("the stack ec2-control has 2 states");
    ran.says(&format!("`--cloud {url} --region us-east-1`"));
    stack.ok(&[&by_name[..], &["--cloud", &url]].concat());
    assert_eq!(other.census().counts(), counts([]));
    assert_eq!(one.census().counts(), sample_counts());
    // A state that was emptied is no choice.
    stack.ok(&by_name);
    assert_eq!(one.census().counts(), counts([]));
}

#[test]
fn a_mistake_in_the_file_keeps_nobody_from_what_the_state_knows() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&["--no-check"]);
    stack.edit("timeout: 30", "timout: 30");
    for (refused, instead) in [
        (&["output"][..], "show"),
        (&["state", "list"], "show"),
        (&["state", "show", "instance.web"], "show"),
        (&["invoke", "ec2-control"], "invoke ec2-control"),
        (&["logs", "function.ec2-control"], "logs function.ec2-control"),
    ] {
        let hint = format!("`stackwright {instead} --stack ec2-control` needs the state alone");
        stack.run(refused).code(65).says(&hint);
    }
    let by_name = ["invoke", "ec2-control", "--stack", "ec2-control"];
    stack.ok(&[&by_name[..], &["--payload", r#"{"body": "{\"action\": \"status\"}"}"#]].concat());
    stack.ok(&["logs", "ec2-control", "--stack", "ec2-control"]);
}
