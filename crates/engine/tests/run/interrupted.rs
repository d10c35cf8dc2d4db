//! Runs that are killed anywhere: before and after every call, and at every write to disk. One more
//! run finishes the work.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::kind::Fault;
use stackwright_engine::session::{Error, Why};
use stackwright_testkit::figures;
use stackwright_testkit::world::{Fate, Thing};
use tokio::time::Instant;

use crate::support::{CHAIN, Ended, Stack, edited, made};

/// Gives `fate` to one call of a run, call after call, until a run has fewer calls.
async fn at_every_call(fate: &Fate, hidden: Duration, settling: Duration) {
    let mut calls = 0;
    for destroys in [false, true] {
        for made_before in [false, true] {
            for number in 0.. {
                let mut stack = Stack::new(CHAIN);
                stack.world.late(hidden, settling);
                if !hidden.is_zero() {
                    stack.consistency_window = Duration::from_secs(30);
                }
                if made_before {
                    stack.reconcile().await;
                    stack.file = edited(&stack.file);
                }
                stack.world.fail(fate.clone(), move |deed| deed.number == number);
                let ended = stack.run(destroys).await;
                if stack.world.deeds().len() <= number {
                    assert!(number > 2 || (destroys && !made_before), "{ended:?}");
                    break;
                }
                calls += 1;
                stack.disk.reboot();
                let deed = stack.world.deeds()[number].clone();
                let when = format!(
                    "destroys {destroys}, made before {made_before}, {deed:?}: {fate:?}, {ended:?}"
                );
                stack.world.script(|_| Fate::Happens);
                if destroys {
                    let ended = stack.run(true).await;
                    assert!(
                        matches!(&ended, Ended::Done(o) if o.failed.is_empty()),
                        "{when}: {ended:?}"
                    );
                    assert_eq!(stack.world.things(), [], "{when}");
                    assert!(stack.state().resources.is_empty(), "{when}");
                } else {
                    match stack.run(false).await {
                        Ended::Done(outcome) if outcome.failed.is_empty() => {}
                        other => panic!("{when}: {other:?}"),
                    }
                    stack.holds(&when).await;
                }
            }
        }
    }
    let of = format!("{fate:?}, seen after {} s", hidden.as_secs());
    let figures = json!({ "of": of, "calls": calls, "lost": 0, "twice": 0 });
    figures::note("kills in memory", figures);
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_before_any_call_is_finished() {
    at_every_call(&Fate::KillsBefore, Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_killed_after_any_call_is_finished() {
    at_every_call(&Fate::KillsAfter, Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_visible_late_is_not_created_twice() {
    for fate in [Fate::Happens, Fate::KillsAfter, Fate::ReplyIsLost] {
        at_every_call(&fate, Duration::from_secs(20), Duration::from_secs(5)).await;
    }
}

/// The consistency window is 30 s here.
#[tokio::test(start_paused = true)]
async fn nothing_is_created_twice_within_the_consistency_window() {
    let mut runs = 0;
    for seconds in [1, 7, 14, 21, 28, 29] {
        for kind in ["token", "named", "plain", "untagged"] {
            let stack = Stack { consistency_window: Duration::from_secs(30), ..Stack::new(CHAIN) };
            stack.world.late(Duration::from_secs(seconds), Duration::ZERO);
            stack
                .world
                .fail(Fate::ReplyIsLost, move |deed| (deed.verb, deed.kind) == ("create", kind));
            stack.run(false).await;
            stack.world.script(|_| Fate::Happens);
            stack.reconcile().await;
            stack.holds(&format!("{kind} seen after {seconds} s")).await;
            runs += 1;
        }
    }
    figures::note(
        "visibility",
        json!({ "of": "in memory, up to 29 s of 30 s", "runs": runs, "lost": 0, "twice": 0 }),
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_creates_nothing_twice() {
    at_every_call(&Fate::ReplyIsLost, Duration::ZERO, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_is_repeated() {
    for fault in [Fault::Transient, Fault::Unknown, Fault::Conflict, Fault::Denied, Fault::Terminal]
    {
        at_every_call(&Fate::Fails(fault), Duration::ZERO, Duration::ZERO).await;
    }
}

/// A create killed at one call, and the run after it at another: every pair.
#[tokio::test(start_paused = true)]
async fn runs_converge_after_two_kills_in_a_row() {
    let mut pairs = 0;
    for first in [Fate::KillsBefore, Fate::KillsAfter] {
        for second in [Fate::KillsBefore, Fate::KillsAfter] {
            'firsts: for one in 0.. {
                for two in 0.. {
                    let stack = Stack::new(CHAIN);
                    if !killed(&stack, one, &first).await {
                        break 'firsts;
                    }
                    let again = killed(&stack, two, &second).await;
                    stack.world.script(|_| Fate::Happens);
                    stack.reconcile().await;
                    stack.holds(&format!("{first:?} at {one}, {second:?} at {two}")).await;
                    pairs += 1;
                    if !again {
                        break;
                    }
                }
            }
        }
    }
    assert!(pairs > 200, "{pairs}");
    figures::note("pairs of kills in memory", json!({ "pairs": pairs, "lost": 0, "twice": 0 }));
}

/// Gives `fate` to call `number` of one run; `false` when the run had fewer calls.
async fn killed(stack: &Stack, number: usize, fate: &Fate) -> bool {
    stack.world.fail(fate.clone(), move |deed| deed.number == number);
    let ended = stack.run(false).await;
    stack.disk.reboot();
    matches!(ended, Ended::Killed)
}

/// A stack that was killed after its create of `named.b`, which is not visible for a while.
async fn killed_while_invisible() -> Stack {
    let mut stack = Stack::new("named:\n  b: {}\n");
    stack.world.late(Duration::from_secs(20), Duration::ZERO);
    stack.consistency_window = Duration::from_secs(30);
    let dies = |verb: &str, kind: &str| (verb, kind) == ("create", "named");
    stack.world.fail(Fate::KillsAfter, move |deed| dies(deed.verb, deed.kind));
    assert!(matches!(stack.run(false).await, Ended::Killed));
    stack.world.script(|_| Fate::Happens);
    stack
}

#[tokio::test(start_paused = true)]
async fn a_late_object_survives_an_early_end_and_a_changed_file() {
    let mut stack = killed_while_invisible().await;
    stack.world.script(|deed| match deed.number {
        0 => Fate::Happens, // the create is looked for, and not seen
        _ => Fate::Fails(Fault::Denied),
    });
    assert!(matches!(stack.run(false).await, Ended::Refused(_)));
    stack.world.script(|_| Fate::Happens);
    stack.file = "stack: s\nplain:\n  c: {}\n".to_owned();
    stack.reconcile().await;
    stack.holds("the file no longer names it").await;
}

#[tokio::test(start_paused = true)]
async fn a_destroy_waits_for_a_late_object() {
    let stack = killed_while_invisible().await;
    assert!(matches!(stack.run(true).await, Ended::Done(_)));
    assert_eq!(stack.world.things(), []);
    assert!(stack.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_proves_nothing_about_an_earlier_attempt() {
    // In one run: the reply is lost, and the object is not visible yet when the token is sent again.
    let mut stack = Stack::new("token:\n  a: {}\n");
    stack.world.late(Duration::from_secs(20), Duration::ZERO);
    stack.consistency_window = Duration::from_secs(30);
    let mut fates = vec![Fate::Fails(Fault::Denied), Fate::ReplyIsLost];
    stack.world.script(move |deed| match deed.verb {
        "create" => fates.pop().unwrap_or(Fate::Happens),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    stack.world.script(|_| Fate::Happens);
    stack.file = "stack: s\n".to_owned();
    stack.reconcile().await;
    stack.holds("refused with its token").await;

    // Over two runs: the second may not create.
    let mut stack = killed_while_invisible().await;
    stack.world.script(|deed| match deed.verb {
        "create" => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    stack.world.script(|_| Fate::Happens);
    stack.file = "stack: s\n".to_owned();
    stack.reconcile().await;
    stack.holds("refused by its name").await;
}

#[tokio::test(start_paused = true)]
async fn a_late_object_of_a_former_file_converges_to_the_present_one() {
    let mut stack = killed_while_invisible().await;
    stack.file = "stack: s\nnamed:\n  b: {word: psst}\n".to_owned();
    stack.reconcile().await;
    stack.holds("also what cannot be read back").await;
}

const UNTAGGED: &str = "untagged:\n  f: {size: 2}\n";

/// RFC 3339.
fn in_seconds(stack: &Stack, seconds: i64) -> String {
    (stack.clock.now() + SignedDuration::from_secs(seconds)).to_string()
}

/// An object of that name without an owner.
async fn foreign(created: impl FnOnce(&Stack) -> String) -> Thing {
    let made = made(UNTAGGED).await;
    let mut foreign = made.world.things().remove(0);
    foreign.spec["tags"] = json!({});
    foreign.created = created(&made);
    foreign
}

/// The tags follow the create, so that a run may end between the two.
#[tokio::test(start_paused = true)]
async fn an_untagged_object_of_an_open_create_gets_its_tags() {
    for fate in [Fate::KillsAfter, Fate::ReplyIsLost] {
        let stack = Stack::new(UNTAGGED);
        let sent = fate.clone();
        stack.world.script(move |deed| match deed.verb {
            "create" => sent.clone(),
            _ => Fate::Happens,
        });
        stack.run(false).await;
        stack.world.script(|_| Fate::Happens);
        stack.reconcile().await;
        let things = stack.world.things();
        assert_eq!(things.len(), 1, "{fate:?}: {things:?}");
        assert_eq!(things[0].address(), Some("untagged.f"), "{fate:?}");
        stack.holds(&format!("{fate:?}")).await;
    }
}

/// The recorded intent stands for the tags, so it is recorded only when the name is free: also where
/// somebody takes the name after the plan, and the create's reply is lost.
#[tokio::test(start_paused = true)]
async fn an_untagged_object_of_somebody_else_is_never_adopted() {
    let mut foreign = foreign(|stack| in_seconds(stack, 60)).await;
    foreign.visible = Instant::now() + Duration::from_millis(10);

    let stack = Stack::new("token:\n  a: {}\nuntagged:\n  f: {labels: {a: '${token.a.id}'}}\n");
    let theirs = foreign.clone();
    stack.world.meddle(|things| things.push(theirs));
    let mut has_failed = false;
    stack.world.script(move |deed| match (deed.verb, deed.kind) {
        // Its retry takes longer than the foreign object needs to become visible.
        ("create", "token") if !std::mem::replace(&mut has_failed, true) => {
            Fate::Fails(Fault::Transient)
        }
        ("create", "untagged") => Fate::ReplyIsLost,
        _ => Fate::Happens,
    });
    let ended = stack.run(false).await;
    assert!(matches!(&ended, Ended::Done(outcome) if outcome.failed.len() == 1), "{ended:?}");
    let untagged = stack.world.things().into_iter().find(|thing| thing.kind == "untagged");
    assert_eq!(untagged, Some(foreign), "it is as it was");
    assert!(!stack.state().resources.contains_key(&Address::new("untagged", "f")));
}

/// An object that becomes visible after the intent, and was created before it.
#[tokio::test(start_paused = true)]
async fn an_untagged_object_that_is_older_than_the_intent_is_never_adopted() {
    let mut foreign = foreign(|stack| in_seconds(stack, -5)).await;
    foreign.visible = Instant::now() + Duration::from_millis(10);
    let stack = Stack::new(UNTAGGED);
    let theirs = foreign.clone();
    stack.world.meddle(|things| things.push(theirs));
    let mut has_failed = false;
    stack.world.script(move |deed| match deed.verb {
        // The foreign object becomes visible while the retry waits.
        "create" if !std::mem::replace(&mut has_failed, true) => Fate::ReplyIsLost,
        _ => Fate::Happens,
    });
    let ended = stack.run(false).await;
    assert!(matches!(&ended, Ended::Done(outcome) if outcome.failed.len() == 1), "{ended:?}");
    assert_eq!(stack.world.things(), [foreign], "it is as it was");
    assert!(!stack.state().resources.contains_key(&Address::new("untagged", "f")));
}

/// Somebody takes the name between a killed run and the next one.
#[tokio::test(start_paused = true)]
async fn an_untagged_object_that_is_newer_than_all_attempts_is_never_adopted() {
    let foreign = foreign(|stack| in_seconds(stack, 3600)).await;
    let stack = Stack::new(UNTAGGED);
    stack.world.fail(Fate::KillsBefore, |deed| deed.verb == "create");
    assert!(matches!(stack.run(false).await, Ended::Killed));
    stack.world.script(|_| Fate::Happens);
    let theirs = foreign.clone();
    stack.world.meddle(|things| things.push(theirs));
    let ended = stack.run(false).await;
    let Ended::Refused(Error::Foreign(met)) = &ended else { panic!("{ended:?}") };
    assert_eq!((met.len(), met[0].why), (1, Why::NameTaken));
    assert_eq!(stack.world.things(), [foreign], "it is as it was");
}

/// The first attempt has made the object, and the last was sent much later.
#[tokio::test(start_paused = true)]
async fn an_untagged_object_of_the_first_attempt_is_recovered_after_later_ones() {
    let stack = Stack::new(UNTAGGED);
    stack.world.late(Duration::from_secs(7200), Duration::ZERO);
    stack.world.fail(Fate::KillsAfter, |deed| deed.verb == "create");
    assert!(matches!(stack.run(false).await, Ended::Killed));
    tokio::time::advance(Duration::from_secs(3600)).await;
    stack.world.fail(Fate::KillsBefore, |deed| deed.verb == "create");
    assert!(matches!(stack.run(false).await, Ended::Killed));
    tokio::time::advance(Duration::from_secs(3600)).await;
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("of the first attempt").await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_given_again_once_it_is_seen_to_be_free() {
    let mut stack = Stack::new("named:\n  n: {shape: round}\n");
    stack.reconcile().await;
    stack.world.linger(Duration::from_secs(20));
    stack.file = stack.file.replace("round", "square");
    stack.reconcile().await;
    assert_eq!(stack.world.things()[0].spec["shape"], "square");
    stack.holds("replaced").await;
}

/// A run ended before the tags were set, so that only the state knows whose object it is.
#[tokio::test(start_paused = true)]
async fn an_untagged_predecessor_that_is_still_found_is_awaited() {
    let mut stack = Stack::new("untagged:\n  f: {shape: round}\n");
    stack.consistency_window = Duration::from_secs(60);
    stack.world.fail(Fate::KillsBefore, |deed| deed.verb == "update");
    assert!(matches!(stack.run(false).await, Ended::Killed));
    assert_eq!(stack.world.things()[0].address(), None, "it has no tags");
    stack.world.script(|_| Fate::Happens);
    stack.world.linger(Duration::from_secs(20));
    stack.file = stack.file.replace("round", "square");
    stack.reconcile().await;
    assert_eq!(stack.world.things()[0].spec["shape"], "square");
    stack.holds("replaced").await;
}
