//! Undisturbed runs: what is created, changed, replaced and deleted, and in which order.

use std::time::Duration;

use stackwright_engine::kind::Fault;
use stackwright_testkit::world::{Fate, Thing, World};

use tokio::time::Instant;

use crate::support::{Ended, Stack};

const CHAIN: &str = "\
token:
  a: {size: 2, labels: {x: y}}
named:
  b: {motor: v1, rules: {upstream: '${token.a.id}'}}
plain:
  c: {shape: round, labels: {b: '${named.b.id}'}, word: hush}
";

fn written(world: &World) -> Vec<String> {
    let writes = world.deeds().into_iter().filter(stackwright_testkit::world::Deed::writes);
    writes.map(|deed| format!("{} {}", deed.verb, deed.kind)).collect()
}

/// Runs once more; the writing calls.
async fn writes(stack: &Stack) -> Vec<String> {
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    written(&stack.world)
}

fn the(stack: &Stack, address: &str) -> Thing {
    let things = stack.world.things();
    things.into_iter().find(|thing| thing.address() == Some(address)).expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn resources_are_created_in_dependency_order_and_then_unchanged() {
    let stack = Stack::new(CHAIN);
    assert_eq!(stack.plan().await, ["create token.a", "create named.b", "create plain.c"]);
    assert_eq!(writes(&stack).await, ["create token", "create named", "create plain"]);
    let id = the(&stack, "token.a").id;
    assert_eq!(the(&stack, "named.b").spec["rules"]["upstream"], id);
    stack.holds("made").await;
}

/// An object of a token is usable once created, those of other kinds when they are complete.
#[tokio::test(start_paused = true)]
async fn a_dependant_is_created_when_its_dependency_is_usable() {
    let start = Duration::from_secs(20);
    for (kind, dependant, waits) in [
        ("token", "{word: '${token.a.id}'}", false),
        ("token", "{depends_on: [token.a]}", true),
        ("token", "{word: '${token.a.id}', depends_on: [token.a]}", true),
        ("named", "{word: '${named.a.id}'}", true),
        ("untagged", "{word: '${untagged.a.id}'}", true),
    ] {
        let stack = Stack::new(&format!("{kind}:\n  a: {{}}\nplain:\n  b: {dependant}\n"));
        stack.world.late(Duration::ZERO, start);
        let begin = Instant::now();
        stack.reconcile().await;
        let created = the(&stack, "plain.b").visible.duration_since(begin);
        assert_eq!(created >= start, waits, "{kind}, {dependant}: created after {created:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_edit_changes_exactly_the_edited_field() {
    let mut stack = Stack::new(CHAIN);
    stack.reconcile().await;
    for (from, to, plan) in [
        ("size: 2", "size: 3", "update token.a"),
        ("{x: y}", "{x: z, more: m}", "update token.a"),
        ("{x: z, more: m}", "{more: m}", "update token.a"),
        ("motor: v1", "motor: v2", "restart named.b"),
        ("word: hush", "word: psst", "update plain.c"),
        ("size: 3, ", "", "update token.a"),
    ] {
        stack.file = stack.file.replace(from, to);
        assert_eq!(stack.plan().await, [plan], "{from} -> {to}");
        assert_eq!(writes(&stack).await.len(), 1, "{from} -> {to}");
        stack.holds(to).await;
    }
    let a = the(&stack, "token.a").spec;
    assert_eq!((&a["size"], a["labels"].get("x")), (&1.into(), None), "back to the default");
}

#[tokio::test(start_paused = true)]
async fn a_replacement_updates_dependents_before_the_old_object_is_deleted() {
    let mut stack = Stack::new(&CHAIN.replace("size: 2", "size: 2, shape: round"));
    stack.reconcile().await;
    let old = the(&stack, "token.a").id;
    stack.file = stack.file.replace("size: 2, shape: round", "size: 2, shape: square");
    assert_eq!(stack.plan().await, ["replace token.a", "delete token.a", "update named.b"]);
    assert_eq!(writes(&stack).await, ["create token", "update named", "delete token"]);
    let new = the(&stack, "token.a").id;
    assert_ne!(old, new);
    assert_eq!(the(&stack, "named.b").spec["rules"]["upstream"], new);
    stack.holds("replaced").await;
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_unique_name_is_deleted_before_it_is_re_created() {
    let mut stack = Stack::new("named:\n  b: {shape: round}\n");
    stack.reconcile().await;
    stack.file = stack.file.replace("round", "square");
    assert_eq!(writes(&stack).await, ["delete named", "create named"]);
    stack.holds("replaced").await;
}

#[tokio::test(start_paused = true)]
async fn removed_resources_are_deleted_dependents_first() {
    let mut stack = Stack::new(CHAIN);
    stack.reconcile().await;
    stack.file = "stack: s\n".to_owned();
    assert_eq!(writes(&stack).await, ["delete plain", "delete named", "delete token"]);
    stack.holds("emptied").await;
}

#[tokio::test(start_paused = true)]
async fn destroy_deletes_ours_and_leaves_the_rest() {
    let stack = Stack::new(CHAIN);
    stack.reconcile().await;
    stack.world.meddle(|things| {
        let foreign = Thing {
            id: "theirs".into(),
            spec: serde_json::json!({ "tags": {} }),
            ..things[0].clone()
        };
        things.push(foreign);
    });
    assert!(matches!(stack.run(true).await, Ended::Done(outcome) if outcome.done.len() == 3));
    let left: Vec<String> = stack.world.things().into_iter().map(|thing| thing.id).collect();
    assert_eq!(left, ["theirs"]);
    assert!(stack.state().resources.is_empty());
}

#[tokio::test(start_paused = true)]
async fn drift_is_repaired_and_unmanaged_keys_are_not_drift() {
    let stack = Stack::new(CHAIN);
    stack.reconcile().await;
    for (change, plan) in [
        ((|a| a["size"] = 9.into()) as fn(&mut serde_json::Value), &["update token.a"][..]),
        (|a| a["rules"]["foreign"] = "r".into(), &["update token.a"]),
        (|a| a["labels"]["foreign"] = "l".into(), &[]),
        (|a| a["motor"] = "other".into(), &[]),
    ] {
        stack.world.meddle(|things| change(&mut things[0].spec));
        assert_eq!(stack.plan().await, plan);
        stack.reconcile().await;
        stack.holds("drifted").await;
    }
    stack.world.meddle(|things| things[0].alive = false);
    assert_eq!(stack.plan().await, ["create token.a", "update named.b"]);
    stack.reconcile().await;
    stack.holds("ended by somebody").await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_skips_its_dependents_and_nothing_else() {
    let stack = Stack::new(&format!("{CHAIN}  d: {{}}\n"));
    stack.world.script(|deed| match (deed.verb, deed.kind) {
        ("create", "named") => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    });
    let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
    let failed: Vec<String> = outcome.failed.iter().map(|(at, _)| at.to_string()).collect();
    let skipped: Vec<String> = outcome.skipped.iter().map(ToString::to_string).collect();
    assert_eq!((failed, skipped), (vec!["named.b".to_owned()], vec!["plain.c".to_owned()]));
    let mut made: Vec<String> =
        stack.world.things().iter().filter_map(|t| t.address().map(str::to_owned)).collect();
    made.sort();
    assert_eq!(made, ["plain.d", "token.a"]);
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("gone on").await;
}

#[tokio::test(start_paused = true)]
async fn objects_of_another_state_are_refused_unless_adopted() {
    let first = Stack::new(CHAIN);
    first.reconcile().await;
    let mut second = Stack { world: first.world.clone(), ..Stack::new(CHAIN) };
    assert!(matches!(second.run(false).await, Ended::Refused(_)));
    assert_eq!(first.world.things().len(), 3);
    second.adopt = true;
    second.reconcile().await;
    second.adopt = false;
    second.holds("taken over").await;
    assert!(matches!(first.run(false).await, Ended::Refused(_)));
    assert!(matches!(first.run(true).await, Ended::Refused(_)));
    second.holds("left alone").await;
}

#[tokio::test(start_paused = true)]
async fn an_unnecessary_replacement_keeps_the_object() {
    let mut stack =
        Stack::new("named:\n  b: {shape: round}\ntoken:\n  a: {shape: '${named.b.id}'}\n");
    stack.reconcile().await;
    let before = the(&stack, "token.a").id;
    stack.file = stack.file.replace("round", "square");
    let plan = ["delete named.b", "delete token.a", "replace named.b", "replace token.a"];
    let mut planned = stack.plan().await;
    planned.sort();
    assert_eq!(planned, plan, "the new id is not known yet");
    // The name, and so the id, is the old one; the object is new, and dependents are updated.
    assert_eq!(writes(&stack).await, ["delete named", "create named", "update token"]);
    assert_eq!(the(&stack, "token.a").id, before);
    stack.holds("kept").await;
}

#[tokio::test(start_paused = true)]
async fn a_conflicting_change_is_waited_for() {
    let stack = Stack::new("token:\n  a: {size: 1}\n");
    stack.reconcile().await;
    let stack = Stack { file: stack.file.replace("size: 1", "size: 2"), ..stack };
    for fault in [Fault::Conflict, Fault::Transient, Fault::Unknown] {
        stack.world.meddle(|things| things[0].spec["size"] = 7.into());
        let since = Instant::now();
        let fails = fault.clone();
        stack.world.script(move |deed| match deed.verb {
            "update" if since.elapsed().as_secs() < 50 => Fate::Fails(fails.clone()),
            _ => Fate::Happens,
        });
        stack.reconcile().await;
        stack.holds(&format!("{fault:?} for 50 seconds")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn dependents_are_updated_after_a_replacement_despite_a_conflict() {
    let mut stack =
        Stack::new("named:\n  b: {shape: round}\nplain:\n  c: {rules: {to: '${named.b.id}'}}\n");
    stack.reconcile().await;
    stack.file = stack.file.replace("round", "square");
    for fault in [Fault::Conflict, Fault::Unknown] {
        let mut refused = false;
        stack.world.script(move |deed| match deed.verb {
            "update" if !std::mem::replace(&mut refused, true) => Fate::Fails(fault.clone()),
            _ => Fate::Happens,
        });
        stack.reconcile().await;
        let calls = ["delete named", "create named", "update plain", "update plain"];
        assert_eq!(written(&stack.world), calls);
        stack.file = stack.file.replace("square", "oval");
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_that_could_not_be_deleted_can_be_declared_again() {
    let mut stack = Stack::new(CHAIN);
    stack.reconcile().await;
    let whole = std::mem::replace(&mut stack.file, "stack: s\n".to_owned());
    stack.world.script(|deed| match (deed.verb, deed.kind) {
        ("delete", "plain") => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    });
    let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
    assert_eq!((outcome.failed.len(), outcome.skipped.len()), (1, 2));
    stack.file = whole;
    assert_eq!(stack.plan().await, [""; 0]);
    stack.reconcile().await;
    stack.holds("wanted again").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_after_a_failed_dependency() {
    let stack = Stack::new("token:\n  a: {}\n  b: {rules: {x: '${token.a.id}'}}\n");
    let stack = Stack { parallelism: 1, consistency_window: Duration::from_secs(9), ..stack };
    // Created, and never ready.
    stack.world.late(Duration::from_secs(900), Duration::ZERO);
    stack.world.script(|deed| match deed.verb {
        "observe" => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    });
    let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
    assert_eq!((outcome.failed.len(), outcome.skipped.len()), (1, 1), "{outcome:?}");
    assert_eq!(written(&stack.world), ["create token"]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_starts_nothing_and_reports_it() {
    let stack = Stack::new(CHAIN);
    stack.stop.send_replace(true);
    let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
    assert!(outcome.interrupted, "before it began");
    assert_eq!((outcome.done.len(), outcome.skipped.len()), (0, 3));
    stack.stop.send_replace(false);
    let stop = stack.stop.clone();
    stack.world.script(move |deed| {
        if deed.verb == "create" {
            stop.send_replace(true);
        }
        Fate::Happens
    });
    let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
    assert!(outcome.interrupted, "in its first step");
    assert_eq!((outcome.done.len(), outcome.skipped.len()), (1, 2));
    stack.stop.send_replace(false);
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("gone on").await;
}

#[tokio::test(start_paused = true)]
async fn a_new_dependency_is_recorded_without_a_change() {
    let mut stack = Stack::new("token:\n  a: {}\n  b: {}\n");
    stack.reconcile().await;
    stack.file = stack.file.replace("  b: {}", "  b: {depends_on: [token.a]}");
    assert_eq!(stack.plan().await, [""; 0]);
    assert_eq!(writes(&stack).await, [""; 0]);
    stack.file = "stack: s\n".to_owned();
    let b = the(&stack, "token.b").id;
    stack.world.script(move |deed| match deed.verb {
        "delete" => Fate::KillsAfter,
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Killed));
    assert!(stack.world.things().iter().all(|thing| thing.id != b), "the dependant goes first");
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_stays_while_a_dependent_refers_to_it() {
    let mut stack = Stack::new(&CHAIN.replace("size: 2", "size: 2, shape: round"));
    stack.reconcile().await;
    let old = the(&stack, "token.a").id;
    stack.file = stack.file.replace("size: 2, shape: round", "size: 2, shape: square");
    stack.world.script(|deed| match (deed.verb, deed.kind) {
        ("update", "named") => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    assert!(stack.world.things().iter().any(|thing| thing.id == old), "it is still needed");
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("released").await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_object_stays_until_the_new_one_is_ready() {
    let mut stack = Stack::new("token:\n  a: {shape: round}\n");
    stack.reconcile().await;
    stack.file = stack.file.replace("round", "square");
    stack.world.late(Duration::ZERO, Duration::from_secs(30));
    let since = Instant::now();
    stack.world.script(move |deed| {
        let is_early = deed.verb == "delete" && since.elapsed() < Duration::from_secs(30);
        if is_early { Fate::Fails(Fault::Terminal) } else { Fate::Happens }
    });
    stack.reconcile().await;
    stack.holds("replaced").await;
}

/// `named.b` is called `one`; then the file calls it `two`, and the delete of `one` fails.
async fn renamed() -> Stack {
    let mut stack = Stack::new("named:\n  b: {name: one}\n");
    stack.reconcile().await;
    stack.file = stack.file.replace("one", "two");
    stack.world.script(|deed| match deed.verb {
        "delete" => Fate::Fails(Fault::Terminal),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    stack.world.script(|_| Fate::Happens);
    stack.file = stack.file.replace("two", "one");
    stack
}

#[tokio::test(start_paused = true)]
async fn a_create_waits_until_its_former_name_is_free() {
    let stack = renamed().await;
    assert_eq!(writes(&stack).await, ["delete named", "delete named", "create named"]);
    stack.holds("renamed back").await;
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_former_name_is_not_confused_with_the_former_object() {
    let stack = renamed().await;
    stack.world.meddle(|things| things[0].alive = false);
    stack.reconcile().await;
    stack.holds("renamed back").await;
}

#[tokio::test(start_paused = true)]
async fn an_open_create_can_adopt_an_object_of_another_state() {
    let first = Stack::new("named:\n  b: {}\n");
    let second = Stack { world: first.world.clone(), ..Stack::new("named:\n  b: {}\n") };
    second.world.script(|deed| match deed.verb {
        "create" => Fate::KillsBefore,
        _ => Fate::Happens,
    });
    assert!(matches!(second.run(false).await, Ended::Killed));
    second.world.script(|_| Fate::Happens);
    first.reconcile().await;
    assert!(matches!(second.run(false).await, Ended::Refused(_)));
    let second = Stack { adopt: true, ..second };
    second.reconcile().await;
    second.holds("taken over").await;
}
