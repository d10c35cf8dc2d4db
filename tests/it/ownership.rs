//! Ownership of objects: clones, stacks, clouds.

use serde_json::json;
use stackwright_testkit::kinds::KINDS;
use stackwright_testkit::{Act, Emulator, Point, Proxy, figures};

use crate::invariants::Witness;
use crate::support::Sandbox;

#[test]
fn a_second_clone_is_refused_unless_it_adopts() {
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
    first.run(&["reconcile", "--yes"]).code(1).says("was adopted by another copy");
    first.run(&["destroy", "--yes"]).code(1).says("was adopted by another copy");
    second.settled(&[]);
    assert_eq!(second.reconcile(&[]).checks, 1);
}

/// Everything gone from the folder of the state, or the snapshot alone.
#[test]
fn objects_of_a_lost_state_are_found_by_their_tags() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    stack.ok(&["reconcile"]);
    for lost in [".stackwright", ".stackwright/ec2-control/local/state.json"] {
        let lost_path = stack.path(lost);
        match lost_path.is_dir() {
            true => std::fs::remove_dir_all(lost_path).expect("removed"),
            false => std::fs::remove_file(lost_path).expect("removed"),
        }
        let (proxy, before) = (Proxy::before(&emulator, |_| Act::Pass), emulator.census());
        stack.go_through(proxy.port());
        let refused = stack.run(&["reconcile", "--yes"]).code(1).says("--adopt");
        stack.go_through(emulator.port());
        for kind in KINDS.iter().filter(|kind| kind.is_declared) {
            for id in before.ids(kind.name) {
                let is_listed = refused.stderr.contains(&id);
                assert_eq!(is_listed, !witness.is_theirs(kind, &id), "{id}:\n{refused}");
            }
        }
        assert!(proxy.log().iter().all(|call| !call.operation.writes), "nothing is touched");
        let taken = stack.reconcile(&["--adopt"]);
        assert!(!taken.finished.iter().any(|step| step.starts_with("create")), "{taken:?}");
        assert_eq!(emulator.census().counts(), before.counts(), "nothing twice");
        stack.settled(&[]);
        figures::note(
            "states lost",
            json!({ "lost_file": lost, "objects": 5, "lost": 0, "twice": 0 }),
        );
    }
    witness.destroyed(&stack, "found again");
}

/// A run that was killed, and then its files are damaged: `state rebuild` makes them readable again.
#[test]
fn damaged_files_are_rebuilt_and_nothing_is_lost() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    let files = ["state.json", "journal.jsonl"]
        .map(|name| format!(".stackwright/ec2-control/local/{name}"));
    for (damaged, text) in [(0, "}"), (0, ""), (1, "x\nx\n"), (1, "transition"), (0, "serial")] {
        let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
            "CreateFunction" => Act::Pause(Point::Committed),
            _ => Act::Pass,
        });
        stack.go_through(proxy.port());
        let running = stack.start(&["reconcile"]);
        proxy.paused();
        running.signal("KILL");
        running.wait().code(137);
        stack.go_through(emulator.port());

        let whole = stack.read(&files[damaged]);
        let broken = match whole.contains(text) && text.len() > 1 {
            true => whole.replacen(text, "other", 1),
            false => text.to_owned(),
        };
        stack.write(&files[damaged], &broken);
        let when = format!("{text:?} in {}", files[damaged]);
        for command in [&["reconcile", "--yes"][..], &["show"], &["destroy", "--yes"], &["plan"]] {
            stack.run(command).code(1).says("`stackwright state rebuild`");
        }
        let ran = stack.ok(&["state", "rebuild"]).says("damaged: ").says("kept as they were");
        assert!(ran.stderr.contains("the state has"), "{when}: {ran}");
        stack.ok(&["show"]);
        witness.finishes(&stack, &["create", "update"], &when);
        stack.ok(&["state", "rebuild"]).says("the files are whole");
        witness.destroyed(&stack, &when);
        figures::note("states damaged", json!({ "damage": when, "lost": 0, "twice": 0 }));
    }
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
fn a_name_taken_by_somebody_else_blocks_the_create() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let role = ["iam", "create-role", "--role-name", "lambda-ec2-role"];
    emulator.aws(&[&role[..], &["--assume-role-policy-document", trust]].concat());
    stack.run(&["reconcile"]).code(1).says("lambda-ec2-role").says("`name:`");
    let instances = emulator.aws(&["ec2", "describe-instances"]);
    assert!(instances["Reservations"].as_array().is_some_and(Vec::is_empty), "nothing was begun");
    // It has no owner's tags: it is adopted with `--adopt`, and only then.
    let plan = stack.plan(&["--adopt"]);
    let note = "lambda-ec2-role exists; will be adopted";
    assert!(plan["notes"].to_string().contains(note), "{plan:#}");
    // An object of another stack is never adopted.
    let mark = ["iam", "tag-role", "--role-name", "lambda-ec2-role", "--tags"];
    emulator.aws(&[&mark[..], &["Key=stackwright:stack,Value=us-east-1/other"]].concat());
    let refused = stack.run(&["reconcile", "--adopt"]).code(1);
    refused.says("does not belong to it").says("it belongs to the stack us-east-1/other");
}
