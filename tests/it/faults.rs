//! Calls that fail once: lost before or after they were done, refused, throttled. One run converges
//! nevertheless.
//!
//! The creating calls by default; `STACKWRIGHT_TORTURE=all` takes every call and fault.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use stackwright_testkit::{Act, Call, Emulator, Point, Proxy, Refusal, counts, figures};

use crate::support::{Sandbox, sample_counts, takes_all};

type Fault = (&'static str, fn(&Call) -> Act);

const LOST: Fault = ("the reply lost", |_| Act::Drop(Point::Committed));
const BROKEN_AFTER: Fault = ("a 500 after doing it", |_| Act::Misreport(Refusal::BROKEN));
const ALL: [Fault; 5] = [
    LOST,
    BROKEN_AFTER,
    ("the connection lost before", |_| Act::Drop(Point::Arrived)),
    ("a 500 instead of doing it", |_| Act::Refuse(Refusal::BROKEN)),
    ("a throttle", |call| Act::Refuse(Refusal::throttle(&call.operation.service))),
];

/// Which call of a run fails.
#[derive(Clone, Copy, Debug)]
enum At {
    First(&'static str),
    Number(usize),
}

impl At {
    fn is(self, call: &Call) -> bool {
        match self {
            Self::First(name) => call.operation.name == name,
            Self::Number(number) => call.number == number,
        }
    }
}

/// Creates the stack with one failing call and destroys it; `false` when there is no such call.
fn goes_wrong(emulator: &Emulator, stack: &mut Sandbox, at: At, (name, act): Fault) -> bool {
    let hit = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&hit);
    let proxy = Proxy::before(emulator, move |call| {
        match at.is(call) && !seen.swap(true, Ordering::SeqCst) {
            true => act(call),
            false => Act::Pass,
        }
    });
    stack.go_through(proxy.port());
    let ran = stack.run(&["reconcile", "--yes", "--no-check"]);
    stack.go_through(emulator.port());
    let call = proxy.log().into_iter().find(|call| at.is(call)).map(|call| call.operation.name);
    let when = format!("{at:?} {call:?}: {name}");
    assert_eq!(ran.code, 0, "{when}:\n{ran}");
    stack.settled(&[]);
    assert_eq!(emulator.census().counts(), sample_counts(), "{when}");
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(emulator.census().counts(), counts([]), "{when}");
    hit.load(Ordering::SeqCst)
}

#[test]
fn one_failing_call_loses_nothing_and_creates_nothing_twice() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    let creates = ["RunInstances", "CreateRole", "CreateFunction", "CreateRestApi"];
    for fault in ALL {
        let calls = if takes_all() {
            (0..)
                .take_while(|number| goes_wrong(&emulator, &mut stack, At::Number(*number), fault))
                .count()
        } else if [LOST.0, BROKEN_AFTER.0].contains(&fault.0) {
            for name in creates.into_iter().chain(["CreateDeployment"]) {
                let hit = goes_wrong(&emulator, &mut stack, At::First(name), fault);
                assert!(hit, "{name} was never called");
            }
            creates.len() + 1
        } else {
            continue;
        };
        assert!(calls > 4, "{}: {calls}", fault.0);
        figures::note("faults", json!({ "of": fault.0, "calls": calls, "lost": 0, "twice": 0 }));
    }
}

/// A successful reply without an id does not show which object was created.
#[test]
fn a_create_answered_without_an_id_is_not_a_success() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    const RAN: &str = "<RunInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
        <requestId>r</requestId><reservationId>r-1</reservationId><instancesSet/></RunInstancesResponse>";
    let answers: [Fault; 3] = [
        ("RunInstances", |_| Act::Say(RAN)),
        ("CreateFunction", |_| Act::Say("{}")),
        ("CreateRestApi", |_| Act::Say("{}")),
    ];
    for (call, act) in answers {
        let hit = goes_wrong(&emulator, &mut stack, At::First(call), ("no id in the reply", act));
        assert!(hit, "{call} was never called");
    }
}

/// Gone is success, also where the service answers the repeated call with an error of its own.
#[test]
fn a_delete_whose_reply_was_lost_ends_once_its_object_is_gone() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    for deletes in ["DeleteRestApi", "DeleteFunction", "DeleteRole"] {
        stack.ok(&["reconcile", "--yes", "--no-check"]);
        let is_repeated = AtomicBool::new(false);
        let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
            name if name != deletes => Act::Pass,
            _ if is_repeated.swap(true, Ordering::SeqCst) => Act::Refuse(Refusal::BROKEN),
            _ => Act::Drop(Point::Committed),
        });
        stack.go_through(proxy.port());
        stack.ok(&["destroy", "--yes"]);
        stack.go_through(emulator.port());
        let calls = proxy.log().into_iter().filter(|call| call.operation.name == deletes).count();
        assert!(calls <= 3, "{deletes} was sent {calls} times, the attempts of one call");
        assert_eq!(emulator.census().counts(), counts([]), "{deletes}");
    }
}

#[test]
fn a_reply_that_says_nothing_about_the_account_is_asked_for_again() {
    let emulator = Emulator::ministack().start();
    let calls = AtomicUsize::new(0);
    let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
        "GetCallerIdentity" => match calls.fetch_add(1, Ordering::SeqCst) {
            0 => Act::Refuse(Refusal::BROKEN),
            1 => Act::Drop(Point::Arrived),
            2 => Act::Cut(0),
            _ => Act::Pass,
        },
        _ => Act::Pass,
    });
    let url = format!("http://127.0.0.1:{}", proxy.port());
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["plan", "--cloud", &url]).says("4 to create");
    let asked = proxy.log().into_iter().filter(|call| call.operation.name == "GetCallerIdentity");
    assert_eq!(asked.count(), 4);
}
