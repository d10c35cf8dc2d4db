//! An older copy of the state, from a backup or another folder: what it does not know is found.

use std::collections::BTreeMap;
use std::time::Duration;

use stackwright_engine::kind::Fault;
use stackwright_engine::lifecycle::Guard;
use stackwright_engine::session::Error;
use stackwright_engine::state::{Entry, Store, Transition};
use stackwright_testkit::world::{Deed, Fate};

use crate::support::{Ended, Stack, address, made, place};

type Copy = BTreeMap<String, Vec<u8>>;

/// Puts a copy back, long after everything has become visible.
async fn put_back(stack: &Stack, copy: &Copy) {
    tokio::time::sleep(Duration::from_secs(300)).await;
    for name in stack.disk.contents().keys().filter(|name| !copy.contains_key(*name)) {
        stack.disk.meddle(name, None);
    }
    for (name, bytes) in copy {
        stack.disk.meddle(name, Some(bytes.clone()));
    }
}

/// Runs once more; the calls that create something.
async fn creates(stack: &Stack) -> usize {
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.world.deeds().iter().filter(|deed: &&Deed| deed.verb == "create").count()
}

const KINDS: [&str; 4] = ["token", "named", "plain", "untagged"];

#[tokio::test(start_paused = true)]
async fn a_successor_that_an_older_copy_does_not_know_is_adopted() {
    for kind in KINDS {
        let mut stack = Stack::new(&format!("{kind}:\n  a: {{shape: round}}\n"));
        stack.reconcile().await;
        let copy = stack.disk.contents();
        stack.file = stack.file.replace("round", "square");
        stack.reconcile().await;
        put_back(&stack, &copy).await;
        assert_eq!(creates(&stack).await, 0, "{kind}");
        stack.holds(kind).await;
        assert_eq!(stack.world.things().len(), 1, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_successor_beside_its_predecessor_is_adopted() {
    for kind in ["token", "plain"] {
        let mut stack = Stack::new(&format!("{kind}:\n  a: {{shape: round}}\n"));
        stack.reconcile().await;
        let copy = stack.disk.contents();
        stack.file = stack.file.replace("round", "square");
        stack.world.script(|deed| match deed.verb {
            "delete" => Fate::KillsBefore,
            _ => Fate::Happens,
        });
        assert!(matches!(stack.run(false).await, Ended::Killed));
        assert_eq!(stack.world.things().len(), 2, "{kind}");
        stack.disk.reboot();
        put_back(&stack, &copy).await;
        assert_eq!(creates(&stack).await, 0, "{kind}");
        stack.holds(kind).await;
        assert_eq!(stack.world.things().len(), 1, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_destroy_deletes_what_an_older_copy_does_not_know() {
    for kind in KINDS {
        let mut stack = Stack::new(&format!("{kind}:\n  a: {{}}\n"));
        stack.reconcile().await;
        let copy = stack.disk.contents();
        stack.file.push_str("  b: {}\n");
        stack.reconcile().await;
        put_back(&stack, &copy).await;
        stack.file = "stack: s\n".to_owned();
        assert!(matches!(stack.run(true).await, Ended::Done(outcome) if outcome.failed.is_empty()));
        assert_eq!(stack.world.things(), [], "{kind}");
    }
}

/// The copy knows an object that was deleted, and its address has another one of the same generation.
#[tokio::test(start_paused = true)]
async fn an_object_of_the_generation_of_one_that_is_gone_is_adopted() {
    for kind in KINDS {
        let mut stack = Stack::new(&format!("{kind}:\n  a: {{}}\n  b: {{}}\n"));
        stack.reconcile().await;
        let copy = stack.disk.contents();
        let file = stack.file.clone();
        stack.file = file.replace("  a: {}\n", "");
        stack.reconcile().await;
        stack.file = file;
        stack.reconcile().await;
        put_back(&stack, &copy).await;
        assert_eq!(creates(&stack).await, 0, "{kind}");
        stack.holds(kind).await;
        assert_eq!(stack.world.things().len(), 2, "{kind}");
    }
}

/// Protection lasts until the file removes it, also where an older copy knows the predecessor alone.
#[tokio::test(start_paused = true)]
async fn a_successor_keeps_the_guard_of_its_predecessor() {
    let mut stack = Stack::new("token:\n  a: {shape: round, protect: true}\n");
    stack.reconcile().await;
    let copy = stack.disk.contents();
    // Another copy of the state has replaced it.
    stack.file = stack.file.replace(", protect: true", "");
    stack.reconcile().await;
    stack.file = stack.file.replace("round", "square");
    stack.reconcile().await;
    put_back(&stack, &copy).await;
    stack.file = "stack: s\n".to_owned();
    let ended = stack.run(false).await;
    assert!(matches!(ended, Ended::Refused(Error::Blocked(_))), "{ended:?}");
    assert_eq!(stack.world.things().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_destroy_searches_the_other_kinds_where_one_cannot_be_searched() {
    let mut stack = Stack::new("token:\n  a: {}\nnamed:\n  b: {}\n");
    stack.reconcile().await;
    let copy = stack.disk.contents();
    stack.file.push_str("  c: {}\nplain:\n  d: {}\n");
    stack.reconcile().await;
    put_back(&stack, &copy).await;
    stack.world.script(|deed| match (deed.verb, deed.kind) {
        ("find", "named") => Fate::Fails(Fault::Denied),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(true).await, Ended::Done(outcome) if outcome.failed.is_empty()));
    let left = stack.world.things();
    assert_eq!(left.iter().map(|thing| thing.name()).collect::<Vec<_>>(), ["c"]);
    let plan = stack.plan_of_destroy().await;
    assert_eq!(plan.unsearched.keys().collect::<Vec<_>>(), ["named"]);
}

/// The entry that said that the first object of a name was deleted is lost. To delete it would delete the
/// second one, which has its name.
#[tokio::test(start_paused = true)]
async fn an_object_whose_name_was_given_again_is_not_deleted() {
    let stack = made("named:\n  b: {name: n}\n").await;
    let mut store = Store::open(Box::new(stack.disk.clone()), &place(), "test").expect("a state");
    let (id, outputs, dependencies) = ("n".to_owned(), BTreeMap::new(), BTreeMap::new());
    let former = Entry {
        op: 0,
        address: address("named.a"),
        generation: 1,
        at: "2020-01-01T00:00:00Z".to_owned(),
        transition: Transition::Adopted { id, outputs, dependencies, guard: Guard::default() },
    };
    store.append(&[former]).expect("written");
    store.finish().expect("written");
    drop(store);
    assert_eq!(stack.plan().await, [""; 0], "nothing is deleted");
    stack.reconcile().await;
    stack.holds("the name has one object").await;
    assert_eq!(stack.plan_of_destroy().await.steps.len(), 1);
}
