//! What blocks a plan, and values that are resolved once.

use std::time::Duration;

use stackwright_engine::Address;
use stackwright_engine::change::Path;
use stackwright_engine::kind::Fault;
use stackwright_engine::plan::{ActionKind, Blocker};
use stackwright_engine::session::Error;
use stackwright_testkit::world::{Deed, Fate};

use crate::support::{Ended, Stack, removes};

async fn made(file: &str) -> Stack {
    let stack = Stack::new(file);
    stack.reconcile().await;
    stack
}

/// Runs; the blockers that keep it from starting.
async fn blockers(stack: &Stack, destroys: bool) -> Vec<Blocker> {
    let before = stack.world.writes();
    match stack.run(destroys).await {
        Ended::Refused(Error::Blocked(blocked)) => {
            assert_eq!(stack.world.writes(), before, "nothing was begun");
            blocked.into_iter().map(|blocked| blocked.blocker).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn refused() -> Vec<Blocker> {
    vec![Blocker::Refused { path: Path(vec!["shape".to_owned()]), by: "firm".to_owned() }]
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_file_refuses_is_blocked() {
    let mut stack = made("token:\n  a: {shape: round, firm: true}\n").await;
    assert_eq!(stack.plan().await, [""; 0]);
    stack.file = stack.file.replace("round", "square");
    assert_eq!(blockers(&stack, false).await, refused());
    // Also together with a change that replaces the object, and where both fields are edited at once.
    stack.selection.replaced.insert("token.a".parse().expect("an address"));
    assert_eq!(blockers(&stack, false).await, refused());
    stack.selection = Default::default();
    stack.file = stack.file.replace("firm: true", "size: 7, firm: true");
    assert_eq!(blockers(&stack, false).await, refused());
    let mut stack = made("token:\n  a: {shape: round}\n").await;
    stack.file = stack.file.replace("round", "square, firm: true");
    assert_eq!(blockers(&stack, false).await, refused());
    // Under another address it is the same object.
    stack.file = "stack: s\ntoken:\n  b: {shape: square, firm: true, renamed_from: a}\n".to_owned();
    assert_eq!(blockers(&stack, false).await, refused());

    stack.file = stack.file.replace(", firm: true", "");
    stack.reconcile().await;
    stack.holds("allowed").await;
    // Set, recorded, and removed again, alone and with another shape.
    stack.file = stack.file.replace("square", "square, firm: true");
    stack.reconcile().await;
    stack.file = stack.file.replace(", firm: true", "");
    assert_eq!(stack.plan().await, [""; 0]);
    stack.file = stack.file.replace("square", "oval");
    assert_eq!(stack.plan().await, ["replace token.b", "delete token.b"]);
    // An object that is gone has no former shape.
    stack.file = "stack: s\ntoken:\n  b: {shape: round, firm: true}\n".to_owned();
    stack.world.meddle(|things| things.iter_mut().for_each(|thing| thing.alive = false));
    stack.reconcile().await;
    stack.holds("re-created").await;
}

/// Otherwise the replacement would exist beside an object that cannot be deleted.
#[tokio::test(start_paused = true)]
async fn deletion_protection_in_the_cloud_blocks_the_plan() {
    let mut stack = made("token:\n  a: {shape: round, labels: {locked: so}}\n  z: {}\n").await;
    let locked = |blocker: &Blocker| match blocker {
        Blocker::Locked { protection, removal } => (protection.reason.clone(), removes(removal)),
        other => panic!("{other:?}"),
    };
    let whole = stack.file.clone();
    stack.file = whole.replace("round", "square");
    assert_eq!(locked(&blockers(&stack, false).await[0]), ("so".to_owned(), ActionKind::Replace));
    // Removing the label in the same run is too late: the existing object counts.
    stack.file = stack.file.replace("{locked: so}", "{}");
    assert_eq!(locked(&blockers(&stack, false).await[0]), ("so".to_owned(), ActionKind::Replace));
    stack.file = "stack: s\ntoken:\n  z: {}\n".to_owned();
    assert_eq!(locked(&blockers(&stack, false).await[0]), ("so".to_owned(), ActionKind::Delete));
    assert_eq!(locked(&blockers(&stack, true).await[0]), ("so".to_owned(), ActionKind::Delete));
    assert_eq!(stack.world.things().len(), 2);

    stack.file = whole.replace("{locked: so}", "{}");
    stack.reconcile().await;
    stack.file = stack.file.replace("round", "square");
    stack.reconcile().await;
    stack.holds("replaced").await;

    // Releasing the object does not delete it.
    stack.file = stack.file.replace("labels: {}", "retain: true, labels: {locked: so}");
    stack.reconcile().await;
    stack.file = "stack: s\n".to_owned();
    assert_eq!(stack.plan().await, ["release token.a", "delete token.z"]);
}

fn part(stack: &Stack) -> Option<String> {
    let address: Address = "token.a".parse().expect("an address");
    let spec = stack.state().object(&address)?.spec.clone()?;
    spec["part"].as_str().map(str::to_owned)
}

#[tokio::test(start_paused = true)]
async fn a_lookup_is_resolved_once() {
    let mut stack = made("token:\n  a: {part: p}\n").await;
    assert_eq!(part(&stack).as_deref(), Some("p-0"));
    stack.world.renew();
    assert_eq!(stack.plan().await, [""; 0]);
    // A replacement for another reason keeps the resolved value.
    stack.world.meddle(|things| things[0].alive = false);
    stack.reconcile().await;
    assert_eq!(part(&stack).as_deref(), Some("p-0"));
    stack.file = stack.file.replace("part: p", "part: p, shape: round");
    stack.reconcile().await;
    assert_eq!(part(&stack).as_deref(), Some("p-0"));

    stack.selection.refreshes = true;
    assert_eq!(stack.plan().await, ["replace token.a", "delete token.a"]);
    stack.reconcile().await;
    assert_eq!(part(&stack).as_deref(), Some("p-1"));
    assert_eq!(stack.plan().await, [""; 0], "resolved again, to the same");
    stack.selection.refreshes = false;
    stack.holds("refreshed").await;

    // Another name for the same part is not a change; another part is.
    stack.world.renew();
    stack.file = stack.file.replace("part: p", "part: q");
    stack.reconcile().await;
    assert_eq!(part(&stack).as_deref(), Some("q-2"));
}

/// It is not known by which lookup it was created: its value is right until a refresh is requested.
#[tokio::test(start_paused = true)]
async fn an_adopted_object_keeps_its_resolved_lookup() {
    let mut stack = made("token:\n  z: {}\n").await;
    stack.world.meddle(|things| {
        let spec = serde_json::json!({
            "name": "a", "tags": {}, "labels": {}, "rules": {}, "part": "old",
        });
        things.push(stackwright_testkit::world::Thing {
            id: "found".into(),
            spec,
            ..things[0].clone()
        });
    });
    stack.file.push_str("  a: {part: p}\n");
    stack.import("token.a", "found").await.expect("it is nobody's");
    stack.reconcile().await;
    assert_eq!(stack.plan().await, [""; 0]);
    assert_eq!(stack.world.things().iter().filter(|thing| thing.alive).count(), 2);
    // Also where another change replaces the object.
    stack.file = stack.file.replace("part: p", "part: p, shape: round");
    stack.reconcile().await;
    assert_eq!(part(&stack).as_deref(), Some("old"));
    stack.selection.refreshes = true;
    assert_eq!(stack.plan().await, ["replace token.a", "delete token.a"]);
}

/// One object that may not be read, or that a service fails to show.
#[tokio::test(start_paused = true)]
async fn an_unreadable_object_can_be_excluded_and_stops_nothing_else() {
    let file = "token:\n  t: {size: 1}\nnamed:\n  n: {size: 1, labels: {t: '${token.t.id}'}}\n\
                plain:\n  p: {size: 1, labels: {n: '${named.n.id}'}}\n  q: {size: 1}\n";
    let mut stack = made(file).await;
    let blind = |deed: &Deed| match (deed.verb, deed.kind) {
        ("observe", "named") => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    };
    let refused = |ended: Ended| match ended {
        Ended::Refused(Error::Unseen(unseen)) => {
            unseen.iter().map(|unseen| unseen.what().to_owned()).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    stack.world.script(blind);
    stack.file = stack.file.replace("size: 1", "size: 2");
    assert_eq!(refused(stack.run(false).await), ["named.n"]);
    assert_eq!(refused(stack.run(true).await), ["named.n"]);
    assert_eq!(stack.world.writes(), 0, "nothing is done by halves");
    let (_, unseen) = stack.drift_and_unseen().await;
    assert_eq!(unseen, ["named.n"]);

    // Neither the object nor its dependents.
    stack.selection.excluded.insert("named.n".parse().expect("an address"));
    assert_eq!(stack.plan().await, ["update token.t", "update plain.q"]);
    stack.reconcile().await;
    assert_eq!(stack.plan().await, [""; 0]);
    // Its dependencies are not replaced, and its recorded dependencies stay.
    stack.selection.replaced.insert("token.t".parse().expect("an address"));
    assert_eq!(stack.plan().await, ["replace token.t"]);
    stack.selection.replaced.clear();
    // A target that does not depend on it.
    stack.selection = Default::default();
    stack.selection.targets.insert("plain.q".parse().expect("an address"));
    assert_eq!(stack.plan().await, [""; 0]);
    stack.selection.targets.insert("plain.p".parse().expect("an address"));
    assert_eq!(refused(stack.run(false).await), ["named.n"]);

    stack.selection = Default::default();
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("seen again").await;
    // A dependent that matches the file is not affected.
    let unseen: Address = "named.n".parse().expect("an address");
    stack.world.script(blind);
    stack.selection.excluded.insert(unseen.clone());
    assert_eq!(stack.surveyed().await.skipped, [unseen].into());
}

/// Otherwise a file that was not edited would replace the object in every run.
#[tokio::test(start_paused = true)]
async fn a_field_that_a_create_did_not_honor_is_replaced_only_on_request() {
    let mut stack = Stack::new("token:\n  a: {shape: round}\n");
    stack.world.script(|deed| match deed.verb {
        "create" => Fate::Happens,
        "observe" => Fate::KillsBefore,
        _ => Fate::Happens,
    });
    stack.world.late(Duration::ZERO, Duration::from_secs(5));
    assert!(matches!(stack.run(false).await, Ended::Killed));
    stack.world.script(|_| Fate::Happens);
    stack.world.meddle(|things| things[0].spec["shape"] = "oval".into());
    let otherwise = Blocker::CreatedDifferently(Path(vec!["shape".to_owned()]));
    for _ in 0..2 {
        assert_eq!(blockers(&stack, false).await, std::slice::from_ref(&otherwise));
        assert_eq!(stack.world.things().len(), 1);
    }
    let edited = stack.file.replace("round", "square");
    let unedited = std::mem::replace(&mut stack.file, edited);
    assert_eq!(stack.plan().await, ["replace token.a", "delete token.a"]);
    stack.file = unedited;
    stack.selection.replaced.insert("token.a".parse().expect("an address"));
    stack.reconcile().await;
    stack.selection = Default::default();
    stack.holds("re-created").await;
}
