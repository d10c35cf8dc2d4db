//! Two fresh clones of one stack that run at the same moment: at most one object of each address stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use stackwright_engine::execute::Failure;
use stackwright_engine::session::{Error, Why};
use stackwright_testkit::world::Fate;

use crate::support::{Ended, Stack, address};

fn clones(file: &str) -> (Stack, Stack) {
    let one = Stack::new(file);
    let other = Stack { world: one.world.clone(), ..Stack::new(file) };
    (one, other)
}

/// Runs both at the same moment: the clone that is done, then the other one, and why that one failed.
async fn race(one: Stack, other: Stack) -> (Stack, Stack, Arc<Failure>) {
    let (first, second) = tokio::join!(one.run(false), other.run(false));
    let failures = |ended: Ended| match ended {
        Ended::Done(outcome) => outcome.failed,
        ended => panic!("{ended:?}"),
    };
    match (failures(first).pop(), failures(second).pop()) {
        (None, Some((_, why))) => (one, other, why),
        (Some((_, why)), None) => (other, one, why),
        both => panic!("one of the two is done: {both:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_younger_of_two_objects_is_withdrawn() {
    for kind in ["token", "plain"] {
        let (one, other) = clones(&format!("{kind}:\n  a: {{}}\n"));
        let (done, withdrawn, why) = race(one, other).await;
        assert!(matches!(*why, Failure::Withdrawn { .. }), "{kind}: {why:?}");
        let creates = done.world.deeds().iter().filter(|deed| deed.verb == "create").count();
        assert_eq!(creates, 2, "{kind}: both have created");
        assert!(withdrawn.state().object(&address(&format!("{kind}.a"))).is_none());
        // It stops at the next run, too.
        assert!(matches!(withdrawn.run(false).await, Ended::Refused(_)), "{kind}");
        done.holds(kind).await;
        assert_eq!(done.world.things().len(), 1, "{kind}");
    }
}

/// A token is usable once it is created, and not before it is certain to stay.
#[tokio::test(start_paused = true)]
async fn nothing_starts_that_needs_a_withdrawn_object() {
    let (one, other) = clones("token:\n  a: {}\nplain:\n  b: {labels: {a: '${token.a.id}'}}\n");
    let (done, withdrawn, why) = race(one, other).await;
    assert!(matches!(*why, Failure::Withdrawn { .. }), "{why:?}");
    let deeds = done.world.deeds();
    let creates =
        |kind: &str| deeds.iter().filter(|d| (d.verb, d.kind) == ("create", kind)).count();
    assert_eq!((creates("token"), creates("plain")), (2, 1));
    assert!(withdrawn.state().resources.is_empty(), "{:?}", withdrawn.state().resources);
    done.holds("one of two").await;
}

#[tokio::test(start_paused = true)]
async fn a_unique_name_arbitrates_by_itself() {
    for kind in ["named", "untagged"] {
        let (one, other) = clones(&format!("{kind}:\n  a: {{}}\n"));
        let (done, _, why) = race(one, other).await;
        assert!(matches!(*why, Failure::NameTaken { .. }), "{kind}: {why:?}");
        done.holds(kind).await;
        assert_eq!(done.world.things().len(), 1, "{kind}");
    }
}

/// Both runs are killed after their creates, before they have looked again.
#[tokio::test(start_paused = true)]
async fn what_killed_runs_have_created_is_withdrawn_by_the_next() {
    let (one, other) = clones("token:\n  a: {}\n");
    let creates = Arc::new(AtomicUsize::new(0));
    one.world.script(move |deed| match deed.verb {
        "create" => {
            creates.fetch_add(1, SeqCst);
            Fate::Happens
        }
        "find" if creates.load(SeqCst) == 2 => Fate::KillsBefore,
        _ => Fate::Happens,
    });
    let ended = tokio::join!(one.run(false), other.run(false));
    assert!(matches!(ended, (Ended::Killed, Ended::Killed)), "{ended:?}");
    assert_eq!(one.world.things().len(), 2);
    one.world.script(|_| Fate::Happens);
    one.disk.reboot();
    other.disk.reboot();
    let (done, _, why) = race(one, other).await;
    assert!(matches!(*why, Failure::Withdrawn { .. }), "{why:?}");
    done.holds("killed").await;
    assert_eq!(done.world.things().len(), 1);
}

/// A run of the first clone is refused, so that nothing may say that a run would repair what it sees.
#[tokio::test(start_paused = true)]
async fn drift_of_what_another_clone_has_adopted_is_refused() {
    let (one, mut other) = clones("token:\n  a: {}\nnamed:\n  b: {}\n");
    one.reconcile().await;
    other.adopt = true;
    other.reconcile().await;
    let refused = one.try_drift().await;
    let Err(Error::Foreign(foreign)) = refused else { panic!("{refused:?}") };
    assert_eq!(foreign.len(), 2, "{foreign:?}");
    assert!(foreign.iter().all(|foreign| foreign.why == Why::TakenOver), "{foreign:?}");
    assert!(matches!(one.run(false).await, Ended::Refused(Error::Foreign(_))));
}

/// Another stack makes its own object under the name of one that somebody deleted. `--adopt` is for copies of this
/// state alone.
#[tokio::test(start_paused = true)]
async fn what_another_stack_has_made_meanwhile_is_never_adopted() {
    let mut one = Stack::new("named:\n  b: {size: 2}\n");
    one.reconcile().await;
    one.world.meddle(|things| things.iter_mut().for_each(|thing| thing.alive = false));
    let mut other = Stack { world: one.world.clone(), ..Stack::new("") };
    other.file = "stack: t\nnamed:\n  b: {size: 5}\n".to_owned();
    other.reconcile().await;
    let theirs = one.world.things();
    for adopt in [false, true] {
        one.adopt = adopt;
        let refused = one.run(false).await;
        let Ended::Refused(Error::Foreign(foreign)) = &refused else { panic!("{refused:?}") };
        assert_eq!(foreign[0].why, Why::OtherStack, "adopt: {adopt}");
        assert_eq!(one.world.things(), theirs, "it is as it was");
    }
}
