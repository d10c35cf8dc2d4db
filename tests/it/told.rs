//! What a person is told: while nothing seems to happen, and when a run ends before its work does.

use serde_json::Value;
use stackwright_testkit::{Act, Emulator, Point, Proxy, Refusal};

use crate::support::{Ran, Running, Sandbox, text};

/// A proxy that holds every call of this name before the emulator hears of it.
fn holding(emulator: &Emulator, name: &'static str) -> Proxy {
    Proxy::before(emulator, move |call| match call.operation.name == name {
        true => Act::Hold(Point::Arrived),
        false => Act::Pass,
    })
}

/// The sample without its check, which calls what a proxy may hold.
const RECONCILE: &[&str] = &["reconcile", "--no-check"];

/// The last event of that name.
#[track_caller]
fn event(ran: &Ran, name: &str) -> Value {
    let lines = ran.stdout.lines();
    let mut events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = events.rfind(|event| event["event"] == name);
    found.unwrap_or_else(|| panic!("no event {name}:\n{ran}"))
}

/// Ends a run by a signal at a held call, and lets that call go.
fn interrupted(mut running: Running, proxy: &Proxy) -> Ran {
    proxy.held();
    running.signal("INT");
    running.hear("once more to leave at once");
    proxy.release();
    running.wait().code(130)
}

#[test]
fn a_call_that_is_not_answered_is_told_with_its_address() {
    let emulator = Emulator::ministack().start();
    let proxy = holding(&emulator, "RunInstances");
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let mut running = stack.start(RECONCILE);
    running.hear("… instance.web: waiting for EC2 to answer RunInstances, ");
    proxy.release();
    running.wait().code(0);
}

#[test]
fn a_look_and_a_sign_in_that_are_not_answered_are_told() {
    let emulator = Emulator::ministack().start();
    for (call, line) in [
        ("GetCallerIdentity", ": waiting for STS to answer GetCallerIdentity, "),
        (
            "DescribeInstances",
            "… looking at what exists: waiting for EC2 to answer DescribeInstances",
        ),
    ] {
        let proxy = holding(&emulator, call);
        let stack = Sandbox::sample(&emulator);
        let mut running = stack.start(&["plan", "--cloud", &proxy.url()]);
        running.hear(line);
        // Not INT: what a shell starts in the background ignores that one.
        running.signal("TERM");
        running.wait().code(143);
    }
}

#[test]
fn after_an_interruption_it_is_told_what_is_done_and_open_and_how_to_go_on() {
    let emulator = Emulator::ministack().start();
    let proxy = holding(&emulator, "CreateFunction");
    let stack = Sandbox::sample(&emulator).through(&proxy);
    std::fs::rename(stack.path("stack.yaml"), stack.path("my stack.yaml")).expect("renamed");
    let go_on =
        "Go on with: stackwright reconcile -f 'my stack.yaml' --region us-east-1 --no-check";
    let ran = stack.start(&[RECONCILE, &["my stack.yaml", "--region", "us-east-1"]].concat());
    let ran = interrupted(ran, &proxy)
        .says("interrupted; everything is recorded")
        .says("  not begun: api.EC2-Control-API")
        .says(go_on);
    let line = |start: &str| {
        let mut lines = ran.stderr.lines();
        lines.find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no `{start}`:\n{ran}"))
    };
    for address in ["instance.web", "role.lambda-ec2-role"] {
        assert!(line("  done: ").contains(address), "{ran}");
    }
    // Its create was answered, and it is not ready yet.
    line("  cut short: function.ec2-control");
    line("  open: function.ec2-control: ec2-control was created and is not complete yet");

    // And where it is left before that: what has no outcome is on record.
    stack.ok(&["destroy", "--yes", "-f", "my stack.yaml"]);
    let mut running = stack.start(&["reconcile", "my stack.yaml"]);
    proxy.held();
    running.signal("TERM");
    running.hear("once more to leave at once");
    running.signal("TERM");
    running
        .wait()
        .code(143)
        .says("left at once, which is safe")
        .says("Go on with: stackwright reconcile -f 'my stack.yaml'");
    proxy.release();
    let shown = stack.ok(&["show", "-f", "my stack.yaml"]);
    shown.says("function.ec2-control: a create sent at");
}

#[test]
fn after_a_failure_too() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "CreateRole" => Act::Refuse(Refusal::new(403, "AccessDenied")),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    stack
        .run(&["reconcile"])
        .code(4)
        .says("1 failed; everything is recorded")
        .says("  done: instance.web")
        .says("  failed: role.lambda-ec2-role")
        .says("  not begun: function.ec2-control, api.EC2-Control-API")
        .says("Mend the cause, then: stackwright reconcile");
    let ran = stack.run(&["reconcile", "--json"]).code(4);
    let unfinished = event(&ran, "unfinished");
    assert_eq!(unfinished["failed"][0], "role.lambda-ec2-role", "{unfinished}");
    assert_eq!(unfinished["interrupted"], false);
    assert_eq!(unfinished["go_on"], "stackwright reconcile");
}

#[test]
fn an_interruption_of_the_look_ends_at_once_and_says_that_nothing_was_under_way() {
    let emulator = Emulator::ministack().start();
    let proxy = holding(&emulator, "DescribeInstances");
    let stack = Sandbox::sample(&emulator).through(&proxy);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = stack.start(RECONCILE);
        proxy.held();
        running.signal(signal);
        running
            .wait()
            .code(code)
            .says("interrupted; nothing was under way. Go on with: stackwright reconcile");
    }
    let running = stack.start(&["reconcile", "--json"]);
    proxy.held();
    running.signal("INT");
    let ran = running.wait().code(130);
    assert_eq!(event(&ran, "unfinished")["interrupted"], true);
}

#[test]
fn an_interrupted_recovery_ends_its_call_and_tells() {
    let emulator = Emulator::ministack().start();
    let proxy = holding(&emulator, "RunInstances");
    let mut stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(RECONCILE);
    proxy.held();
    running.signal("KILL");
    running.wait().code(137);

    // The next one sends it again, and is interrupted while it does.
    let second = holding(&emulator, "RunInstances");
    stack.go_through(second.port());
    let running = stack.start(RECONCILE);
    let ran = interrupted(running, &second)
        .says("recovered instance.web i-")
        .says("interrupted while settling what an earlier run left open; everything is recorded")
        .says("Go on with: stackwright reconcile");
    let mut done = ran.stderr.lines().filter(|line| !line.starts_with("  open: "));
    assert!(!done.any(|line| line.contains("created")), "nothing else was begun:\n{ran}");
    let shown = stack.ok(&["show", "--json"]).json();
    let id = text(&shown["resources"]["instance.web"]["object"]["id"]);
    assert!(id.starts_with("i-"), "what it made is known: {shown:#}");
}

#[test]
fn what_a_killed_run_left_is_told_when_it_is_taken_up() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "RunInstances" => Act::Hold(Point::Committed),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(RECONCILE);
    proxy.held();
    running.signal("KILL");
    running.wait().code(137);
    let stack = stack.at(&emulator);
    let ran = stack.ok(RECONCILE);
    let line = ran.stderr.lines().find(|line| line.starts_with("recovered instance.web i-"));
    let line = line.unwrap_or_else(|| panic!("not told:\n{ran}"));
    assert!(line.ends_with(": its create had happened; found by its tags"), "{line}");

    // A state that was lost.
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("lost");
    stack.ok(&[RECONCILE, &["--adopt"]].concat()).says("adopted instance.web i-");
}

#[test]
fn an_interruption_of_the_checks_says_that_the_resources_are_in_place() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.edit("status: 200", "status: 201");
    let mut running = stack.start(&["reconcile"]);
    running.hear("… check status: waiting for the expected answer, ");
    running.signal("INT");
    running
        .wait()
        .code(130)
        .says("interrupted in the checks, with all resources in place; everything is recorded")
        .says("Go on with: stackwright reconcile");
}
