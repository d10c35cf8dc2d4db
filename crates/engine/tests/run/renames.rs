//! Renames: `renamed_from`, and names that move from one address to another.

use stackwright_engine::kind::Fault;
use stackwright_engine::plan::{Action, CreateReason, Note, Selection};
use stackwright_engine::session::{Error, Why};
use stackwright_testkit::world::Fate;

use crate::support::{Ended, PAIR, Stack, address, made, notes, these};

#[tokio::test(start_paused = true)]
async fn renaming_an_address_keeps_the_object_and_its_dependents() {
    let mut stack = made(&PAIR.replace("  b: {", "  b: {name: b, ")).await;
    let before: Vec<String> = stack.world.things().into_iter().map(|thing| thing.id).collect();
    stack.file =
        "stack: s\ntoken:\n  first: {name: a, size: 2, shape: round, renamed_from: a}\nnamed:\n  \
        second: {name: b, renamed_from: named.b, rules: {upstream: '${token.first.id}'}}\n"
            .to_owned();
    assert_eq!(stack.plan().await, ["update token.first", "update named.second"]);
    stack.reconcile().await;
    stack.holds("renamed").await;
    let after: Vec<String> = stack.world.things().into_iter().map(|thing| thing.id).collect();
    assert_eq!(before, after);
    stack.file = "stack: s\n".to_owned();
    stack.reconcile().await;
    let deletes = stack.world.deeds().into_iter().filter(|deed| deed.verb == "delete");
    let order: Vec<&str> = deletes.map(|deed| deed.kind).collect();
    assert_eq!(order, ["named", "token"], "dependants first, as recorded under the new addresses");
}

/// A run renames one object, releases another and deletes a third: killed at every call and finished.
#[tokio::test(start_paused = true)]
async fn a_rename_and_a_release_killed_anywhere_are_finished() {
    for fate in [Fate::KillsBefore, Fate::KillsAfter, Fate::ReplyIsLost] {
        for number in 0.. {
            let mut stack =
                made(&format!("{PAIR}plain:\n  c: {{retain: true}}\n  d: {{}}\n")).await;
            let things = stack.world.things();
            let token = things.into_iter().find(|thing| thing.kind == "token").expect("made");
            stack.file =
                "stack: s\ntoken:\n  first: {name: a, size: 3, shape: round, renamed_from: a}\nnamed:\n  \
                b: {rules: {upstream: '${token.first.id}'}}\n"
                    .to_owned();
            stack.world.fail(fate.clone(), move |deed| deed.number == number);
            let ended = stack.run(false).await;
            if stack.world.deeds().len() <= number {
                assert!(number > 8, "{ended:?}");
                break;
            }
            let when = format!("{fate:?} at call {number}");
            stack.disk.reboot();
            stack.world.script(|_| Fate::Happens);
            stack.reconcile().await;
            stack.holds(&when).await;
            let things = stack.world.things();
            let first = things.iter().find(|thing| thing.address() == Some("token.first"));
            assert_eq!(first.map(|thing| &thing.id), Some(&token.id), "{when}");
            let free = things.iter().filter(|thing| thing.address().is_none()).count();
            assert_eq!((things.len(), free), (3, 1), "{when}: {things:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_unique_name_passes_from_one_address_to_another() {
    let mut stack = made("named:\n  a: {name: x, size: 2}\n").await;
    stack.file = "stack: s\nnamed:\n  b: {name: x, size: 3}\n".to_owned();
    assert_eq!(stack.plan().await, ["create named.b", "delete named.a"]);
    let plan = stack.surveyed().await;
    let Action::Create { reason, .. } = &plan.steps[0].action else { panic!("{plan:?}") };
    assert_eq!(*reason, CreateReason::NameOf(address("named.a")));
    stack.reconcile().await;
    stack.holds("passed on").await;
    let writes: Vec<&str> = stack.world.deeds().iter().map(|deed| deed.verb).collect();
    assert!(!writes.contains(&"create"), "the next run does nothing: {writes:?}");
}

/// A moved object's address tag lags behind until its next update.
#[tokio::test(start_paused = true)]
async fn an_object_recorded_at_another_address_is_not_adopted() {
    let mut stack = made("token:\n  a: {name: x}\n").await;
    let id = stack.world.things()[0].id.clone();
    stack.file = "stack: s\ntoken:\n  a: {size: 7}\n  b: {name: x, renamed_from: c}\n".to_owned();
    stack.relocate("token.a", "token.b").await;
    stack.selection.targets = these(&["token.a"]);
    stack.world.script(|deed| match deed.verb {
        "create" => Fate::KillsBefore,
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Killed));
    stack.world.script(|_| Fate::Happens);
    stack.selection = Selection::default();
    stack.reconcile().await;
    stack.holds("moved").await;
    assert_eq!(stack.state().object(&address("token.b")).expect("known").id, id);
    assert_eq!(stack.world.things().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_former_address_is_reported_once() {
    let mut stack = Stack::new("token:\n  a: {renamed_from: b}\n");
    assert_eq!(notes(&stack, "token.a").await, [Note::UnknownFormer(address("token.b"))]);
    stack.reconcile().await;
    assert_eq!(notes(&stack, "token.a").await, [], "it is made");
    stack.file = "stack: s\ntoken:\n  c: {name: a, renamed_from: a}\n".to_owned();
    assert_eq!(notes(&stack, "token.c").await, [Note::Moved { from: address("token.a") }]);
    stack.reconcile().await;
    assert_eq!(notes(&stack, "token.c").await, [], "it may stay");
    // When others have deleted the object, its former address is not reported either.
    stack.world.meddle(|things| things[0].alive = false);
    assert_eq!(stack.plan().await, ["create token.c"]);
    assert_eq!(notes(&stack, "token.c").await, []);
}

/// A replaced object could not be deleted, its replacement was removed from the file, and another
/// resource takes the address.
#[tokio::test(start_paused = true)]
async fn an_address_with_only_deposed_objects_is_free_for_a_rename() {
    for kind in ["token", "named", "plain", "untagged"] {
        let mut stack =
            made(&format!("{kind}:\n  a: {{name: a1, shape: round}}\n  b: {{}}\n")).await;
        let b = stack.world.things().into_iter().find(|thing| thing.name() == "b").expect("made");
        stack.file = stack.file.replace("name: a1, shape: round", "name: a2, shape: square");
        stack.world.script(|deed| match deed.verb {
            "delete" => Fate::Fails(Fault::Denied),
            _ => Fate::Happens,
        });
        assert!(matches!(stack.run(false).await, Ended::Done(o) if o.failed.len() == 1));
        // Its replacement is deleted; its own delete is refused once more.
        let mut is_first = true;
        stack.world.script(move |deed| match deed.verb {
            "delete" if std::mem::take(&mut is_first) => Fate::Fails(Fault::Denied),
            _ => Fate::Happens,
        });
        stack.parallelism = 1;
        let other = format!("{kind}:\n  b: {{}}\n");
        stack.file = format!("stack: s\n{other}");
        let _ = stack.run(false).await;
        let a = address(&format!("{kind}.a"));
        let left = stack.state().resources[&a].clone();
        assert_eq!((left.object.is_some(), left.deposed.len()), (false, 1), "{kind}: {left:?}");

        stack.file = format!("stack: s\n{kind}:\n  a: {{name: b, renamed_from: b}}\n");
        stack.world.script(|_| Fate::Happens);
        stack.reconcile().await;
        stack.holds(kind).await;
        let things = stack.world.things();
        assert_eq!(things.iter().map(|thing| &thing.id).collect::<Vec<_>>(), [&b.id], "{kind}");
        // A later object has a new generation.
        stack.file = stack.file.replace("name: b", "name: b, shape: round");
        stack.reconcile().await;
        stack.holds(kind).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_removed_and_an_added_resource_may_be_a_rename() {
    for kind in ["token", "named", "plain", "untagged"] {
        let mut stack = made(&format!("{kind}:\n  a: {{}}\n")).await;
        let former = stack.world.things()[0].id.clone();
        stack.file = format!("stack: s\n{kind}:\n  b: {{}}\n");
        let name = Some("a".to_owned());
        let note = Note::PossibleRename { former: address(&format!("{kind}.a")), name };
        assert_eq!(notes(&stack, &format!("{kind}.b")).await, [note]);
        // With two added resources it is unclear which one is meant.
        stack.file += "  c: {}\n";
        assert_eq!(notes(&stack, &format!("{kind}.b")).await, []);
        // The advice is followed; the name stays, because another name would be another object.
        stack.file = format!("stack: s\n{kind}:\n  b: {{name: a, renamed_from: a}}\n");
        stack.reconcile().await;
        assert_eq!(stack.world.things()[0].id, former);
        assert_eq!(notes(&stack, &format!("{kind}.b")).await, []);
    }
}

/// As in IAM, where `Read` and `read` are one name.
#[tokio::test(start_paused = true)]
async fn a_name_of_another_case_is_the_same_name_where_the_service_ignores_it() {
    let mut stack = made("named:\n  a: {name: read}\n").await;
    stack.file = "stack: s\nnamed:\n  a: {name: READ}\n".to_owned();
    stack.reconcile().await;
    stack.holds("renamed").await;
    assert_eq!(stack.world.things()[0].name(), "READ");

    // Another address takes the name over.
    stack.file = "stack: s\nnamed:\n  b: {name: Read}\n".to_owned();
    assert_eq!(stack.plan().await, ["create named.b", "delete named.a"]);
    stack.reconcile().await;
    stack.holds("passed on").await;

    // Another stack sees whose it is before it creates anything.
    let mut other = Stack { world: stack.world.clone(), ..Stack::new("") };
    other.file = "stack: t\nnamed:\n  c: {name: read}\n".to_owned();
    let ended = other.run(false).await;
    let Ended::Refused(Error::Foreign(met)) = &ended else { panic!("{ended:?}") };
    assert_eq!((met[0].why, &met[0].address), (Why::NameTaken, &Some(address("named.c"))));
}
