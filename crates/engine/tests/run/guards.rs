//! Guards against deletion in the file: `protect` and `retain`.

use stackwright_engine::kind::Fault;
use stackwright_engine::lifecycle::GuardKind;
use stackwright_engine::plan::{Action, ActionKind, Blocker, CreateReason, Note};
use stackwright_engine::session::Error;
use stackwright_testkit::world::{Fate, Thing};

use crate::support::{Ended, Stack, address, made, notes, removes};

/// Runs; the blockers that keep it from starting, by address.
async fn refused(stack: &Stack, destroys: bool) -> Vec<(String, Blocker)> {
    stack.world.script(|_| Fate::Happens);
    match stack.run(destroys).await {
        Ended::Refused(Error::Blocked(blocked)) => {
            assert_eq!(stack.world.writes(), 0);
            blocked.into_iter().map(|one| (one.address.to_string(), one.blocker)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn guarded(blocker: &Blocker) -> (GuardKind, ActionKind) {
    match blocker {
        Blocker::Guarded { guard, removal } => (*guard, removes(removal)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn replacing_or_deleting_a_protected_object_is_blocked() {
    let mut stack = made("token:\n  a: {shape: round, protect: true}\n").await;
    stack.file = stack.file.replace("round", "square");
    let blocked = refused(&stack, false).await;
    assert_eq!(
        (blocked[0].0.as_str(), guarded(&blocked[0].1)),
        ("token.a", (GuardKind::Protect, ActionKind::Replace))
    );
    let whole = stack.file.clone();
    stack.file = "stack: s\n".to_owned();
    for destroys in [false, true] {
        let blocked = refused(&stack, destroys).await;
        assert_eq!(
            guarded(&blocked[0].1),
            (GuardKind::Protect, ActionKind::Delete),
            "destroys {destroys}"
        );
    }
    assert_eq!(stack.world.things().len(), 1);

    // Only the file removes the guard, and then everything is deleted.
    stack.file = whole.replace(", protect: true", "");
    let blocked = refused(&stack, false).await;
    assert_eq!(
        guarded(&blocked[0].1),
        (GuardKind::Protect, ActionKind::Replace),
        "the run that records it is first"
    );
    stack.file = stack.file.replace("square", "round");
    stack.reconcile().await;
    stack.file = stack.file.replace("round", "square");
    stack.reconcile().await;
    stack.holds("replaced").await;
    stack.file = "stack: s\n".to_owned();
    stack.reconcile().await;
    stack.holds("deleted").await;
}

#[tokio::test(start_paused = true)]
async fn a_guard_is_in_the_state_from_the_intent_on() {
    let mut stack = Stack::new("token:\n  a: {protect: true}\n");
    stack.world.script(|deed| match deed.verb {
        "create" => Fate::KillsAfter,
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Killed));
    stack.file = "stack: s\n".to_owned();
    assert_eq!(
        guarded(&refused(&stack, false).await[0].1),
        (GuardKind::Protect, ActionKind::Delete)
    );
}

#[tokio::test(start_paused = true)]
async fn a_protected_object_that_is_gone_blocks_nothing() {
    let mut stack = made("token:\n  a: {protect: true}\n").await;
    stack.world.meddle(|things| things[0].alive = false);
    assert_eq!(stack.plan().await, ["create token.a"]);
    stack.file = "stack: s\n".to_owned();
    stack.reconcile().await;
    stack.holds("gone").await;
}

/// A guard is in the file, and the run that should record it ends earlier.
#[tokio::test(start_paused = true)]
async fn a_guard_applies_to_created_adopted_and_imported_objects() {
    // Its create gets no answer, and the object is found by its name.
    let mut found = Stack::new("named:\n  b: {protect: true}\n");
    found.world.script(|deed| match deed.verb {
        "create" => Fate::KillsAfter,
        _ => Fate::Happens,
    });
    assert!(matches!(found.run(false).await, Ended::Killed));
    found.file = "stack: s\n".to_owned();
    assert_eq!(
        guarded(&refused(&found, false).await[0].1),
        (GuardKind::Protect, ActionKind::Delete)
    );

    // It is imported by its id.
    let mut stack = made("token:\n  a: {}\n").await;
    stack.world.meddle(|things| {
        let spec = serde_json::json!({ "name": "b", "tags": {}, "labels": {}, "rules": {} });
        things.push(Thing { kind: "named", id: "b".into(), spec, ..things[0].clone() });
    });
    let before = stack.file.clone();
    stack.file = format!("{before}named:\n  b: {{protect: true}}\n");
    stack.import("named.b", "b").await.expect("it is free");
    stack.file = before;
    assert_eq!(
        guarded(&refused(&stack, false).await[0].1),
        (GuardKind::Protect, ActionKind::Delete)
    );

    // It is set, and the stack is destroyed before any run has recorded it.
    let mut stack = made("token:\n  a: {}\n").await;
    stack.file = stack.file.replace("{}", "{protect: true}");
    assert_eq!(
        guarded(&refused(&stack, true).await[0].1),
        (GuardKind::Protect, ActionKind::Delete)
    );

    // The run that would record it fails at another change.
    stack.file = stack.file.replace("protect: true", "protect: true, size: 3");
    stack.world.script(|deed| match deed.verb {
        "update" => Fate::Fails(Fault::Terminal),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    stack.file = "stack: s\n".to_owned();
    assert_eq!(
        guarded(&refused(&stack, false).await[0].1),
        (GuardKind::Protect, ActionKind::Delete)
    );
}

#[tokio::test(start_paused = true)]
async fn a_retained_object_is_released() {
    for destroys in [false, true] {
        let mut stack = made("token:\n  a: {shape: round, retain: true}\n  z: {}\n").await;
        stack.file = stack.file.replace("round", "square");
        assert_eq!(
            guarded(&refused(&stack, false).await[0].1),
            (GuardKind::Retain, ActionKind::Replace)
        );
        stack.file = "stack: s\n".to_owned();
        assert_eq!(stack.plan().await, ["release token.a", "delete token.z"]);
        assert!(matches!(stack.run(destroys).await, Ended::Done(o) if o.failed.is_empty()));
        let left = stack.world.things();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!((left[0].address(), &left[0].spec["shape"]), (None, &"round".into()));
        assert!(stack.state().resources.is_empty());
        // With an empty state, all our objects are searched for.
        assert_eq!(stack.plan().await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_retained_object_keeps_its_name() {
    let mut stack = made("named:\n  a: {name: x, retain: true}\n").await;
    stack.file = "stack: s\nnamed:\n  b: {name: x}\n".to_owned();
    let blocked = refused(&stack, false).await;
    assert_eq!(blocked, [("named.b".to_owned(), Blocker::NameRetained(address("named.a")))]);
    assert_eq!(stack.world.things()[0].address(), Some("named.a"), "nothing was begun");
    let plan = stack.surveyed().await;
    let action = |at: usize| (&plan.steps[at].action, plan.steps[at].address.as_str());
    let (created, released) = (action(0), action(1));
    assert!(
        matches!(created, (Action::Create { reason: CreateReason::New, .. }, "named.b")),
        "nothing is deleted for it: {created:?}"
    );
    assert!(matches!(released, (Action::Release { .. }, "named.a")), "{released:?}");
}

/// `retain` keeps only what is there.
#[tokio::test(start_paused = true)]
async fn a_retained_object_that_is_gone_leaves_its_name() {
    let mut stack = made("named:\n  a: {name: x, retain: true}\n").await;
    stack.file = "stack: s\nnamed:\n  b: {name: x}\n".to_owned();
    stack.world.meddle(|things| things[0].alive = false);
    stack.reconcile().await;
    stack.holds("created under the free name").await;
}

/// No call depends on it.
#[tokio::test(start_paused = true)]
async fn a_guard_that_is_added_or_removed_is_noted_once() {
    let mut stack = made("token:\n  a: {}\n").await;
    let with = |guard: &str| format!("stack: s\ntoken:\n  a: {{{guard}}}\n");
    for (guard, noted) in [
        ("protect: true", vec![Note::GuardAdded(GuardKind::Protect)]),
        (
            "retain: true",
            vec![Note::GuardRemoved(GuardKind::Protect), Note::GuardAdded(GuardKind::Retain)],
        ),
        ("", vec![Note::GuardRemoved(GuardKind::Retain)]),
    ] {
        stack.file = with(guard);
        assert_eq!(notes(&stack, "token.a").await, noted, "{guard}");
        assert_eq!(stack.plan().await, [""; 0]);
        stack.reconcile().await;
        assert_eq!(notes(&stack, "token.a").await, [], "{guard}");
    }
}
