//! Runs that end before their work does: killed, interrupted, locked out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::json;
use stackwright_testkit::{Act, Emulator, Point, Proxy, Refusal, counts, figures};

use crate::invariants::Witness;
use crate::support::{Ran, Sandbox, sample_counts, takes_all, text};

#[test]
fn a_run_killed_after_a_create_is_finished_by_the_next_one() {
    let emulator = Emulator::ministack().start();
    for create in ["RunInstances", "CreateRole", "CreateFunction", "CreateRestApi"] {
        let proxy = Proxy::before(&emulator, move |call| match call.operation.name == create {
            true => Act::Pause(Point::Committed),
            false => Act::Pass,
        });
        let stack = Sandbox::sample(&emulator).through(&proxy);
        let running = stack.start(&["reconcile"]);
        proxy.paused();
        running.signal("KILL");
        running.wait().code(137);

        // The open create is shown without a network.
        stack.ok(&["show"]).says("a create sent at");

        let stack = stack.at(&emulator);
        stack.reconcile(&[]);
        assert_eq!(emulator.census().counts(), sample_counts(), "killed after {create}");
        assert_eq!(stack.reconcile(&[]).writes, 0, "killed after {create}");
        stack.ok(&["destroy", "--yes"]);
        assert_eq!(emulator.census().counts(), counts([]), "killed after {create}");
    }
}

#[test]
fn a_plan_beside_a_run_names_the_run() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "CreateFunction" => Act::Pause(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(&["reconcile", "--no-check"]);
    proxy.paused();
    let ran = stack.ok(&["plan"]).says("another run is in progress (process ");
    assert!(!ran.stderr.contains("earlier run"), "{ran}");
    let document = stack.ok(&["plan", "--json"]).json();
    assert!(text(&document["run_in_progress"]).contains("`stackwright reconcile`"), "{document}");
    running.signal("KILL");
    running.wait().code(137);
    stack.at(&emulator).ok(&["plan"]).says("left incomplete by an earlier run");
}

#[test]
fn the_first_interrupt_lets_running_calls_end() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "RunInstances" => Act::Pause(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);

    let running = stack.start(&["reconcile"]);
    proxy.paused();
    running.signal("INT");
    proxy.resume();
    let ran = running.wait().code(130).says("To continue, run: stackwright reconcile");
    // The report lists them once, and no line for each comes before it.
    assert_eq!(ran.stderr.matches("not started").count(), 1, "{ran}");
    let shown = stack.ok(&["show", "--json"]).json();
    let id = text(&shown["resources"]["instance.web"]["object"]["id"]);
    assert!(id.starts_with("i-"), "the create under way was waited for: {shown:#}");
    let census = emulator.census();
    for kind in ["function", "api", "log_group"] {
        assert_eq!(census.count(kind), 0, "no {kind} was begun");
    }
    stack.ok(&["destroy", "--yes"]);
}

#[test]
fn a_second_run_names_the_first_and_a_killed_run_blocks_nobody() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "RunInstances" => Act::Pause(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator).through(&proxy);
    let running = stack.start(&["reconcile"]);
    proxy.paused();
    for arguments in [&["reconcile"][..], &["destroy", "--yes"]] {
        stack.run(arguments).code(6).says("process ").says("`stackwright reconcile`");
    }
    stack.ok(&["show"]);
    let since = Instant::now();
    let others: Vec<_> = (0..19).map(|_| stack.start(&["reconcile"])).collect();
    for other in others {
        other.wait().code(6).says("another run is in progress");
    }
    let ms = since.elapsed().as_millis() as u64;
    figures::note("runs at once", json!({ "runs": 20, "refused": 19, "all_refused_after_ms": ms }));
    running.signal("KILL");
    running.wait().code(137);
    stack.at(&emulator).reconcile(&[]);
}

/// A proxy that pauses the nth call that changes something.
fn pausing_write(emulator: &Emulator, number: usize) -> Proxy {
    let writes = Arc::new(AtomicUsize::new(0));
    Proxy::before(emulator, move |call| {
        match call.operation.writes && writes.fetch_add(1, Ordering::SeqCst) == number {
            true => Act::Pause(Point::Arrived),
            false => Act::Pass,
        }
    })
}

/// After the first signal no step starts; steps that were running may end.
fn begins_nothing_more(ran: &Ran, code: i32, is_first: bool, when: &str) {
    let names: Vec<String> = ran
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|event| text(&event["event"]).to_owned())
        .collect();
    let stop = names.iter().position(|name| name == "stopping");
    let after = names.iter().skip(stop.unwrap_or(names.len()));
    assert!(!after.into_iter().any(|name| name == "started"), "{when}: {ran}");
    let is_reported = names.contains(&"unfinished".to_owned()) && ran.stdout.contains("resume");
    match ran.code {
        0 => assert!(!is_first && !names.contains(&"skipped".to_owned()), "{when}: {ran}"),
        other => assert!(other == code && is_reported, "{when}: {ran}"),
    }
}

/// One signal: running calls end and nothing else starts. Two signals: the program stops at once. At
/// every call that changes something; at some of them by default.
#[test]
fn a_run_stopped_by_a_signal_anywhere_is_finished_by_the_next_one() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    let (stride, mut signals) = (if takes_all() { 1 } else { 5 }, 0);
    for number in (0..).step_by(stride) {
        let mut any = false;
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            for twice in [false, true] {
                let proxy = pausing_write(&emulator, number);
                stack.go_through(proxy.port());
                let how = if twice { "--color=never" } else { "--json" };
                let mut running = stack.start(&["reconcile", "--yes", "--no-check", how]);
                let paused = running.is_paused(&proxy);
                stack.go_through(emulator.port());
                let when = format!("{signal} at write {number}, twice: {twice}");
                if paused {
                    any = true;
                    signals += 1;
                    running.signal(signal);
                    if twice {
                        running.hear("press Ctrl-C again to stop at once");
                        running.signal(signal);
                    } else {
                        proxy.resume();
                    }
                    let ran = running.wait();
                    witness.is_silent(&ran, &when);
                    if twice {
                        assert_eq!(ran.code, code, "{when}: {ran}");
                    } else {
                        begins_nothing_more(&ran, code, number == 0, &when);
                    }
                } else {
                    running.wait().code(0);
                }
                drop(proxy);
                witness.always(&stack, &when);
                witness.finishes(&stack, &["create", "update"], &when);
                witness.destroyed(&stack, &when);
            }
        }
        if !any {
            break;
        }
    }
    assert!(signals >= 4, "{signals} signals");
    figures::note("signals", json!({ "signals": signals, "lost": 0, "twice": 0 }));
}

#[test]
fn a_run_whose_credentials_expire_is_finished_by_the_next_one() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    let expired = Refusal::new(403, "ExpiredTokenException");
    let (stride, mut runs) = (if takes_all() { 1 } else { 13 }, 0);
    // The first call finds out whether there is a cloud at all.
    for last in (1..).step_by(stride) {
        let proxy = Proxy::before(&emulator, move |call| match call.number >= last {
            true => Act::Refuse(expired),
            false => Act::Pass,
        });
        stack.go_through(proxy.port());
        let ran = stack.run(&["reconcile", "--yes", "--no-check"]);
        stack.go_through(emulator.port());
        let when = format!("expired after {last} calls");
        let is_whole = proxy.log().len() <= last;
        assert_eq!(ran.code, if is_whole { 0 } else { 3 }, "{when}: {ran}");
        assert!(is_whole || ran.stderr.contains("ExpiredToken"), "{when}: {ran}");
        witness.is_silent(&ran, &when);
        witness.always(&stack, &when);
        witness.finishes(&stack, &["create", "update"], &when);
        witness.destroyed(&stack, &when);
        if is_whole {
            break;
        }
        runs += 1;
    }
    assert!(runs > 2, "{runs}");
    figures::note("expired credentials", json!({ "runs": runs, "lost": 0, "twice": 0 }));
}

#[test]
fn an_edit_that_is_undone_leaves_an_update_of_which_nothing_is_to_be_done() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "UpdateFunctionConfiguration" => Act::Pause(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&["--no-check"]);
    let stack = stack.through(&proxy);
    stack.edit("timeout: 30", "timeout: 60");
    let running = stack.start(&["reconcile", "--no-check"]);
    proxy.paused();
    running.signal("KILL");
    running.wait().code(137);
    let stack = stack.at(&emulator);
    let continues = "left incomplete by an earlier run; `reconcile` continues it:";
    stack.ok(&["plan"]).says(continues).says("1 to update");
    stack.edit("timeout: 60", "timeout: 30");
    let ran = stack.ok(&["plan"]).says("but matches the file now").says("nothing to do");
    assert!(!ran.stderr.contains(continues), "{ran}");
    stack.reconcile(&["--no-check"]);
    let ran = stack.ok(&["plan"]);
    assert!(!ran.stderr.contains("incomplete"), "{ran}");
}
