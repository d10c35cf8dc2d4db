//! What the program prints while it waits, and when a run ends before its work is done.

use serde_json::Value;
use stackwright_testkit::{Act, Emulator, Point, Proxy, Refusal};

use crate::support::{Ran, Running, Sandbox, text};

/// A proxy that pauses every call of this name before the emulator gets it.
fn pausing(emulator: &Emulator, name: &'static str) -> Proxy {
    Proxy::before(emulator, move |call| match call.operation.name == name {
        true => Act::Pause(Point::Arrived),
        false => Act::Pass,
    })
}

/// The sample without its check, which makes calls that a proxy may pause.
const RECONCILE: &[&str] = &["reconcile", "--no-check"];

/// The last event of that name.
#[track_caller]
fn event(ran: &Ran, name: &str) -> Value {
    let lines = ran.stdout.lines();
    let mut events = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let found = events.rfind(|event| event["event"] == name);
    found.unwrap_or_else(|| panic!("no event {name}:\n{ran}"))
}

/// Interrupts a run at a paused call, and resumes the call.
fn interrupted(mut running: Running, proxy: &Proxy) -> Ran {
    proxy.paused();
    running.signal("INT");
    running.hear("press Ctrl-C again to stop at once");
    proxy.resume();
    running.wait().code(130)
}

#[test]
fn waiting_for_a_call_is_shown_with_its_address() {
    let emulator = Emulator::ministack().start();
    let proxy = pausing(&emulator, "RunInstances");
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let mut running = stack.start(RECONCILE);
    running.hear("… instance.web: waiting for EC2 to answer RunInstances, ");
    proxy.resume();
    running.wait().code(0);
}

#[test]
fn waiting_for_a_refresh_or_a_sign_in_is_shown() {
    let emulator = Emulator::ministack().start();
    for (call, line) in [
        ("GetCallerIdentity", ": waiting for STS to answer GetCallerIdentity, "),
        ("DescribeInstances", "… refreshing: waiting for EC2 to answer DescribeInstances"),
    ] {
        let proxy = pausing(&emulator, call);
        let stack = Sandbox::sample(&emulator);
        let mut running = stack.start(&["plan", "--cloud", &proxy.url()]);
        running.hear(line);
        // Not INT: what a shell starts in the background ignores that one.
        running.signal("TERM");
        running.wait().code(143);
    }
}

#[test]
fn an_interrupted_run_reports_its_progress_and_how_to_continue() {
    let emulator = Emulator::ministack().start();
    let proxy = pausing(&emulator, "CreateFunction");
    let stack = Sandbox::sample(&emulator).through(&proxy);
    std::fs::rename(stack.path("stack.yaml"), stack.path("my stack.yaml")).expect("renamed");
    let resume =
        "To continue, run: stackwright reconcile -f 'my stack.yaml' --region us-east-1 --no-check";
    let ran = stack.start(&[RECONCILE, &["my stack.yaml", "--region", "us-east-1"]].concat());
    let ran = interrupted(ran, &proxy)
        .says("interrupted; progress is saved")
        .says("  not started: api.EC2-Control-API")
        .says(resume);
    let line = |start: &str| {
        let mut lines = ran.stderr.lines();
        lines.find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no `{start}`:\n{ran}"))
    };
    for address in ["instance.web", "role.lambda-ec2-role"] {
        assert!(line("  done: ").contains(address), "{ran}");
    }
    // Its create was answered, and it is not ready yet.
    line("  interrupted: function.ec2-control");
    line("  incomplete: function.ec2-control: ec2-control was created and is not complete yet");

    // A second signal stops it at once: the create without an outcome is in the state.
    stack.ok(&["destroy", "--yes", "-f", "my stack.yaml"]);
    let mut running = stack.start(&["reconcile", "my stack.yaml"]);
    proxy.paused();
    running.signal("TERM");
    running.hear("press Ctrl-C again to stop at once");
    running.signal("TERM");
    running
        .wait()
        .code(143)
        .says("stopped; the next run recovers")
        .says("To continue, run: stackwright reconcile -f 'my stack.yaml'");
    proxy.resume();
    let shown = stack.ok(&["show", "-f", "my stack.yaml"]);
    shown.says("function.ec2-control: a create sent at");
}

#[test]
fn a_failed_run_reports_its_progress_and_how_to_continue() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "CreateRole" => Act::Refuse(Refusal::new(403, "AccessDenied")),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    stack
        .run(&["reconcile"])
        .code(4)
        .says("1 failed; progress is saved")
        .says("  done: instance.web")
        .says("  failed: role.lambda-ec2-role")
        .says("  not started: function.ec2-control, api.EC2-Control-API")
        .says("Fix the cause, then run: stackwright reconcile");
    let ran = stack.run(&["reconcile", "--json"]).code(4);
    let unfinished = event(&ran, "unfinished");
    assert_eq!(unfinished["failed"][0], "role.lambda-ec2-role", "{unfinished}");
    assert_eq!(unfinished["interrupted"], false);
    assert_eq!(unfinished["resume"], "stackwright reconcile");
}

#[test]
fn an_interrupted_refresh_ends_at_once() {
    let emulator = Emulator::ministack().start();
    let proxy = pausing(&emulator, "DescribeInstances");
    let stack = Sandbox::sample(&emulator).through(&proxy);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = stack.start(RECONCILE);
        proxy.paused();
        running.signal(signal);
        running
            .wait()
            .code(code)
            .says("interrupted; nothing was in progress. To continue, run: stackwright reconcile");
    }
    let running = stack.start(&["reconcile", "--json"]);
    proxy.paused();
    running.signal("INT");
    let ran = running.wait().code(130);
    assert_eq!(event(&ran, "unfinished")["interrupted"], true);
}

#[test]
fn an_interrupted_recovery_completes_its_call_and_reports_it() {
    let emulator = Emulator::ministack().start();
    let proxy = pausing(&emulator, "RunInstances");
    let mut stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(RECONCILE);
    proxy.paused();
    running.signal("KILL");
    running.wait().code(137);

    // The next run sends it again, and is interrupted meanwhile.
    let second = pausing(&emulator, "RunInstances");
    stack.go_through(second.port());
    let running = stack.start(RECONCILE);
    let ran = interrupted(running, &second)
        .says("recovered instance.web i-")
        .says("interrupted during recovery; progress is saved")
        .says("To continue, run: stackwright reconcile");
    let mut done = ran.stderr.lines().filter(|line| !line.starts_with("  incomplete: "));
    assert!(!done.any(|line| line.contains("created")), "nothing else was begun:\n{ran}");
    let shown = stack.ok(&["show", "--json"]).json();
    let id = text(&shown["resources"]["instance.web"]["object"]["id"]);
    assert!(id.starts_with("i-"), "what it made is known: {shown:#}");
}

#[test]
fn recovery_after_a_kill_is_reported() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "RunInstances" => Act::Pause(Point::Committed),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(RECONCILE);
    proxy.paused();
    running.signal("KILL");
    running.wait().code(137);
    let stack = stack.at(&emulator);
    let ran = stack.ok(RECONCILE);
    let line = ran.stderr.lines().find(|line| line.starts_with("recovered instance.web i-"));
    let line = line.unwrap_or_else(|| panic!("not reported:\n{ran}"));
    assert!(line.ends_with(": the create had succeeded; its object was found"), "{line}");

    // The state is lost.
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("lost");
    stack.ok(&[RECONCILE, &["--adopt"]].concat()).says("adopted instance.web i-");
}

#[test]
fn interrupted_checks_report_that_all_resources_are_in_place() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.edit("status: 200", "status: 201");
    let mut running = stack.start(&["reconcile"]);
    running.hear("… check status: waiting for the expected answer, ");
    running.signal("INT");
    running
        .wait()
        .code(130)
        .says("interrupted in the checks, with all resources in place; progress is saved")
        .says("To continue, run: stackwright reconcile");
}

#[test]
fn interrupted_checks_alone_report_which_were_done() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(RECONCILE);
    stack.edit("status: 200", "status: 201");
    let ahead = "check:\n  ahead:\n    call: POST ${api.EC2-Control-API.url}/ec2\n    \
                 body: {action: status}\n";
    stack.edit("check:\n", ahead);
    let mut running = stack.start(&["check"]);
    running.hear("… check status: waiting for the expected answer, ");
    running.signal("INT");
    let ran = running.wait().code(130);
    ran.says("interrupted in the checks\n  done: ahead\n  not done: status\n")
        .says("To continue, run: stackwright check");
}
