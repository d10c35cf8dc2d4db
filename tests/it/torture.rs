//! The real binary killed at its calls, at three points each: one more run finishes the job, with
//! one object for each address and nothing besides.
//!
//! A few calls of each scenario by default; `STACKWRIGHT_TORTURE=all` takes every one.

use std::time::Duration;

use stackwright_testkit::{Act, Emulator, Point, Proxy};

use crate::support::{Sandbox, takes_all};

const POINTS: [Point; 3] = [Point::Arrived, Point::Committed, Point::Replied];

/// Every how many calls one is taken; odd to the number of points, so that they mix.
fn stride() -> usize {
    if takes_all() { 1 } else { 13 }
}

/// Runs the command and kills it at its call `number`; `false` when it had fewer.
fn killed(emulator: &Emulator, stack: &mut Sandbox, command: &[&str], at: (usize, Point)) -> bool {
    let (number, point) = at;
    let proxy = Proxy::before(emulator, move |call| match call.number == number {
        true => Act::Hold(point),
        false => Act::Pass,
    });
    stack.go_through(proxy.port());
    let mut running = stack.start(command);
    let held = loop {
        match proxy.try_held(Duration::from_millis(20)) {
            Some(_) => break true,
            None if running.has_ended() => break false,
            None => {}
        }
    };
    stack.go_through(emulator.port());
    if held {
        running.signal("KILL");
        running.wait().code(137);
    } else {
        running.wait().code(0);
    }
    held
}

/// Kills `command` at call after call; `finish` does what the next run must, and checks.
fn everywhere(
    emulator: &Emulator,
    stack: &mut Sandbox,
    mut prepare: impl FnMut(&Sandbox),
    command: &[&str],
    mut finish: impl FnMut(&Sandbox, &str),
) {
    let mut number = 0;
    loop {
        let mut any = false;
        for point in POINTS {
            prepare(stack);
            any |= killed(emulator, stack, command, (number, point));
            finish(stack, &format!("{command:?} killed at call {number}, {point:?}"));
        }
        if !any {
            assert!(number > 0, "{command:?} made no call");
            return;
        }
        number += stride();
    }
}

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];

fn converges(stack: &Sandbox, when: &str) {
    let ran = stack.run(RECONCILE);
    assert_eq!(ran.code, 0, "{when}: the next run:\n{ran}");
    let ran = stack.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{when}: the plan is not empty:\n{ran}");
}

fn destroyed(emulator: &Emulator, stack: &Sandbox, when: &str) {
    let ran = stack.run(&["destroy", "--yes"]);
    assert_eq!(ran.code, 0, "{when}: destroy:\n{ran}");
    assert_eq!(emulator.census().counts(), [0; 5], "{when}: left over");
}

#[test]
fn a_create_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    everywhere(
        &emulator,
        &mut stack,
        |_| {},
        RECONCILE,
        |stack, when| {
            converges(stack, when);
            assert_eq!(emulator.census().counts(), [1; 5], "{when}");
            destroyed(&emulator, stack, when);
        },
    );
}

#[test]
fn a_destroy_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    let make = |stack: &Sandbox| {
        stack.ok(RECONCILE);
    };
    let finish = |stack: &Sandbox, when: &str| destroyed(&emulator, stack, when);
    everywhere(&emulator, &mut stack, make, &["destroy", "--yes"], finish);
}

/// Swaps two texts of the file at each call.
fn flip<'a>(one: &'a str, other: &'a str) -> impl FnMut(&Sandbox) + 'a {
    let mut turned = false;
    move |stack| {
        if turned {
            stack.edit(other, one)
        } else {
            stack.edit(one, other)
        }
        turned = !turned;
    }
}

#[test]
fn an_update_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    stack.ok(RECONCILE);
    let mut timeout = flip("timeout: 30", "timeout: 60");
    let mut route = flip("POST /ec2:", "ANY /ec2/{id}:");
    let mut allow = flip("[ec2:StartInstances, ec2:StopInstances]", "[ec2:StartInstances]");
    let mut tag = flip("project: atelier", "project: workshop");
    let edit = |stack: &Sandbox| {
        timeout(stack);
        route(stack);
        allow(stack);
        tag(stack);
    };
    everywhere(&emulator, &mut stack, edit, RECONCILE, |stack, when| {
        converges(stack, when);
        assert_eq!(emulator.census().counts(), [1; 5], "{when}");
    });
}

#[test]
fn a_replacement_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    stack.ok(RECONCILE);
    let edit = flip("image: ami-ff0fea8310f3", "image: ami-1234567890ab");
    everywhere(&emulator, &mut stack, edit, RECONCILE, |stack, when| {
        converges(stack, when);
        assert_eq!(emulator.census().counts(), [1; 5], "{when}");
    });
}
