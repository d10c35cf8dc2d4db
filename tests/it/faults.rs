//! Calls that fail once: lost before or after they were carried out, refused, throttled. One run
//! gets over it, and what exists is what the file says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stackwright_testkit::{Act, Call, Emulator, Point, Proxy, Refusal};

use crate::support::Sandbox;

type Fault = (&'static str, fn(&Call) -> Act);

const FAULTS: [Fault; 5] = [
    ("the connection lost before", |_| Act::Drop(Point::Arrived)),
    ("the reply lost", |_| Act::Drop(Point::Committed)),
    ("a 500 instead of doing it", |_| Act::Refuse(Refusal::BROKEN)),
    ("a 500 after doing it", |_| Act::Misreport(Refusal::BROKEN)),
    ("a throttle", |call| Act::Refuse(Refusal::throttle(&call.operation.service))),
];

fn stride() -> usize {
    if std::env::var("STACKWRIGHT_TORTURE").is_ok_and(|value| value == "all") { 1 } else { 17 }
}

#[test]
fn one_failing_call_stops_nothing() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    let mut failures = Vec::new();
    let mut number = 0;
    loop {
        let mut any = false;
        for (name, act) in FAULTS {
            let hit = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&hit);
            let proxy = Proxy::before(&emulator, move |call| {
                if call.number != number {
                    return Act::Pass;
                }
                seen.store(true, Ordering::SeqCst);
                act(call)
            });
            stack.go_through(proxy.port());
            let ran = stack.run(&["reconcile", "--yes", "--no-check"]);
            let call = proxy.log().get(number).map(|call| call.operation.clone());
            stack.go_through(emulator.port());
            any |= hit.load(Ordering::SeqCst);
            let when = format!("call {number} {call:?}: {name}");
            if ran.code != 0 {
                failures.push(format!("{when}: {ran}"));
                stack.ok(&["reconcile", "--yes", "--no-check"]);
            }
            stack.settled(&[]);
            assert_eq!(emulator.census().counts(), [1; 5], "{when}");
            stack.ok(&["destroy", "--yes"]);
            assert_eq!(emulator.census().counts(), [0; 5], "{when}");
        }
        if !any {
            break;
        }
        number += stride();
    }
    assert!(failures.is_empty(), "{} runs failed:\n{}", failures.len(), failures.join("\n\n"));
}
