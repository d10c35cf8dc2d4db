//! Runs that end before their work does: killed, interrupted, locked out.

use stackwright_testkit::{Act, Emulator, Point, Proxy, Refusal};

use crate::support::{Sandbox, text};

#[test]
fn a_run_killed_after_a_create_is_finished_by_the_next_one() {
    let emulator = Emulator::ministack().start();
    for create in ["RunInstances", "CreateRole", "CreateFunction", "CreateRestApi"] {
        let proxy = Proxy::before(&emulator, move |call| match call.operation.name == create {
            true => Act::Hold(Point::Committed),
            false => Act::Pass,
        });
        let stack = Sandbox::sample(&emulator).through(&proxy);
        let running = stack.start(&["reconcile"]);
        proxy.held();
        running.signal("KILL");
        running.wait().code(137);

        // What it left is told without a network.
        stack.ok(&["show"]).says("a create begun at");

        let stack = stack.at(&emulator);
        stack.reconcile(&[]);
        assert_eq!(emulator.census().counts(), [1, 1, 1, 1, 1], "killed after {create}");
        assert_eq!(stack.reconcile(&[]).writes, 0, "killed after {create}");
        stack.ok(&["destroy", "--yes"]);
        assert_eq!(emulator.census().counts(), [0; 5], "killed after {create}");
    }
}

#[test]
fn the_first_ctrl_c_lets_what_is_under_way_end_and_the_second_leaves() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "RunInstances" => Act::Hold(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);

    let running = stack.start(&["reconcile"]);
    proxy.held();
    running.signal("INT");
    proxy.release();
    running.wait().code(130).says("Go on with: stackwright reconcile");
    let shown = stack.ok(&["show", "--json"]).json();
    let id = text(&shown["resources"]["instance.web"]["object"]["id"]);
    assert!(id.starts_with("i-"), "the create under way was waited for: {shown:#}");
    assert_eq!(emulator.census().counts()[2..], [0, 0, 0], "nothing more was begun");
    stack.ok(&["destroy", "--yes"]);

    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut running = stack.start(&["reconcile"]);
        proxy.held();
        running.signal(signal);
        running.hear("once more to leave at once");
        running.signal(signal);
        running.wait().code(code);
        // The next run repeats the create first, with the same token, and then deletes its object.
        proxy.release();
        stack.ok(&["destroy", "--yes"]);
        proxy.held();
        assert_eq!(emulator.census().counts(), [0; 5]);
    }
}

#[test]
fn a_second_run_is_told_who_works_and_a_killed_one_blocks_nobody() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "RunInstances" => Act::Hold(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(&["reconcile"]);
    proxy.held();
    for arguments in [&["reconcile"][..], &["destroy", "--yes"]] {
        stack.run(arguments).code(6).says("process ").says("`stackwright reconcile`");
    }
    stack.ok(&["show"]);
    let others: Vec<_> = (0..19).map(|_| stack.start(&["reconcile"])).collect();
    for other in others {
        other.wait().code(6).says("another run holds the state");
    }
    running.signal("KILL");
    running.wait().code(137);
    stack.at(&emulator).reconcile(&[]);
}

#[test]
fn credentials_that_expire_on_the_way_end_the_run_and_the_next_one_goes_on() {
    let emulator = Emulator::ministack().start();
    let expired = Refusal::new(403, "ExpiredTokenException");
    let proxy = Proxy::before(&emulator, move |call| match call.number > 12 {
        true => Act::Refuse(expired),
        false => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let ran =
        stack.run(&["reconcile"]).code(3).says("then: stackwright reconcile").says("ExpiredToken");
    assert!(!ran.stderr.contains("panicked"), "{ran}");
    let made = emulator.census().counts();
    assert!(made != [0; 5] && made != [1; 5], "in the middle: {made:?}");
    let stack = stack.at(&emulator);
    stack.reconcile(&[]);
    assert_eq!(emulator.census().counts(), [1; 5]);
    stack.settled(&[]);
}
