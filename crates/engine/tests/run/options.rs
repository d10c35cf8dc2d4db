//! Options of a run: ignored fields, targets and exclusions, imports, adoption, releases, saved plans.

use std::collections::BTreeMap;

use stackwright_engine::change::Path;
use stackwright_engine::kind::Fault;
use stackwright_engine::plan::{Note, Outdated, Saved, Selection};
use stackwright_engine::session::Error;
use stackwright_testkit::world::{Fate, Thing};

use crate::support::{Ended, PAIR, Stack, address, made, notes, steps, these};

#[tokio::test(start_paused = true)]
async fn an_ignored_field_keeps_the_value_of_others() {
    let mut stack = made(
        "token:\n  a: {size: 2, ignore: [size, labels.theirs], labels: {theirs: x, ours: y}}\n",
    )
    .await;
    stack.world.meddle(|things| {
        things[0].spec["size"] = 9.into();
        things[0].spec["labels"]["theirs"] = "z".into();
    });
    assert_eq!(stack.plan().await, [""; 0]);
    stack.file = stack.file.replace("size: 2", "size: 3");
    assert_eq!(stack.plan().await, [""; 0], "an edit of it is ignored as well");
    // The world's update sends the whole spec.
    stack.file = stack.file.replace("ours: y", "ours: new");
    stack.reconcile().await;
    let spec = stack.world.things()[0].spec.clone();
    assert_eq!((&spec["size"], &spec["labels"]["theirs"]), (&9.into(), &"z".into()));
    assert_eq!(spec["labels"]["ours"], "new");
    stack.holds("ours changed").await;
}

#[tokio::test(start_paused = true)]
async fn a_target_includes_its_dependencies_and_an_exclusion_its_dependents() {
    let mut stack = Stack::new(&format!("{PAIR}plain:\n  c: {{}}\n"));
    stack.selection.targets = these(&["named.b"]);
    assert_eq!(stack.plan().await, ["create token.a", "create named.b"]);
    stack.selection = Selection { excluded: these(&["token.a"]), ..Selection::default() };
    assert_eq!(stack.plan().await, ["create plain.c"]);
    stack.reconcile().await;
    assert_eq!(stack.world.things().len(), 1);
    stack.selection.excluded = these(&["named.b"]);
    stack.reconcile().await;
    stack.selection = Selection::default();
    stack.reconcile().await;
    stack.holds("in three parts").await;

    // A replacement of the target includes the dependents that refer to the old object.
    stack.file = stack.file.replace("round", "square");
    stack.selection.targets = these(&["token.a"]);
    assert_eq!(stack.plan().await, ["replace token.a", "delete token.a", "update named.b"]);
    stack.selection.targets = these(&["token.none"]);
    assert!(matches!(stack.run(false).await, Ended::Refused(Error::NoSuch(all)) if all.len() == 1));
    // Part of a destroy: dependents are deleted too.
    stack.selection.targets = these(&["token.a"]);
    assert!(matches!(stack.run(true).await, Ended::Done(outcome) if outcome.done.len() == 2));
    let left: Vec<&str> = stack.world.things().iter().map(|thing| thing.kind).collect();
    assert_eq!(left, ["plain"]);
}

#[tokio::test(start_paused = true)]
async fn an_excluded_resource_blocks_nothing() {
    let mut stack = made("token:\n  a: {shape: round, protect: true}\n  b: {}\n").await;
    stack.file = stack.file.replace("round", "square").replace("b: {}", "b: {size: 4}");
    stack.selection.excluded = these(&["token.a"]);
    assert_eq!(stack.plan().await, ["update token.b"]);
}

#[tokio::test(start_paused = true)]
async fn a_requested_replacement_happens_without_a_difference() {
    let mut stack = made(PAIR).await;
    let old = stack.world.things()[0].id.clone();
    stack.selection.replaced = these(&["token.a"]);
    stack.reconcile().await;
    stack.selection = Selection::default();
    stack.holds("replaced").await;
    assert!(stack.world.things().iter().all(|thing| thing.id != old));
}

#[tokio::test(start_paused = true)]
async fn an_import_by_id_converges_to_the_file() {
    let stack = made("token:\n  a: {size: 2}\n").await;
    stack.world.meddle(|things| {
        let spec = serde_json::json!({
            "name": "b", "tags": {"theirs": "1"}, "size": 7, "labels": {"foreign": "x"}, "rules": {},
        });
        things.push(Thing { kind: "named", id: "b".into(), spec, ..things[0].clone() });
    });
    let stack = Stack { file: format!("{}named:\n  b: {{size: 5}}\n", stack.file), ..stack };
    // Its name alone blocks the create.
    assert!(matches!(stack.run(false).await, Ended::Refused(Error::Foreign(_))));
    stack.import("named.b", "b").await.expect("it is free");
    assert_eq!(stack.plan().await, ["update named.b"]);
    stack.reconcile().await;
    stack.holds("imported").await;
    let spec = stack.world.things()[1].spec.clone();
    assert_eq!((&spec["size"], &spec["labels"]["foreign"]), (&5.into(), &"x".into()));
    assert_eq!(spec["tags"]["theirs"], "1");

    let again = stack.import("named.b", "b").await;
    let Err(Error::Import { error, .. }) = &again else { panic!("{again:?}") };
    assert!(error.message.contains("is named.b in this state already"), "{error:?}");
    assert!(matches!(stack.import("named.b", "none").await, Err(Error::Import { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_existing_name_is_adopted_on_request() {
    let first = made("named:\n  other: {}\n").await;
    first.world.meddle(|things| {
        let spec = serde_json::json!({ "name": "b", "tags": {}, "labels": {}, "rules": {} });
        things.push(Thing { id: "b".into(), spec, ..things[0].clone() });
    });
    let second = Stack { world: first.world.clone(), ..Stack::new("named:\n  b: {size: 5}\n") };
    let second = Stack { adopt: true, ..second };
    // `other` belongs to another copy of this stack's state.
    first.world.meddle(|things| things[0].spec["tags"]["stackwright:stack"] = "elsewhere".into());
    assert_eq!(second.plan().await, ["update named.b"]);
    second.reconcile().await;
    assert_eq!(second.world.things()[1].spec["size"], 5);
    // An object of another stack is not adopted.
    let third = Stack { world: first.world.clone(), ..Stack::new("named:\n  other: {}\n") };
    let third = Stack { adopt: true, ..third };
    assert!(matches!(third.run(false).await, Ended::Refused(Error::Foreign(_))));
}

#[tokio::test(start_paused = true)]
async fn a_released_object_stays_and_a_declared_one_is_created_again() {
    let stack = made(PAIR).await;
    let old = stack.world.things()[0].id.clone();
    stack.release("token.a").await;
    assert_eq!(stack.world.things().len(), 2, "nothing was deleted");
    assert_eq!(stack.plan().await, ["create token.a", "update named.b"]);
    stack.reconcile().await;
    stack.holds("re-created").await;
    assert!(stack.world.things().iter().any(|thing| thing.id == old && thing.address().is_none()));
}

#[tokio::test(start_paused = true)]
async fn drift_compares_with_the_applied_spec_and_not_with_the_file() {
    let mut stack = made(PAIR).await;
    assert_eq!(steps(&stack.drift().await), [""; 0]);
    stack.file = stack.file.replace("size: 2", "size: 4");
    assert_eq!(steps(&stack.drift().await), [""; 0], "an edit is no drift");
    stack.world.meddle(|things| {
        things[0].spec["size"] = 9.into();
        things[1].alive = false;
    });
    let drift = stack.drift().await;
    assert_eq!(steps(&drift), ["update token.a", "create named.b"]);
    assert_eq!(drift.steps[0].action.changes()[0].after, Some(2.into()));
    assert_eq!(drift.steps[0].action.changes()[0].before, Some(9.into()));
}

type Env = BTreeMap<String, String>;

async fn saved(stack: &Stack, env: &Env) -> Saved {
    let plan = stack.surveyed().await;
    Saved::of(&plan, &stack.state_or_new(), env, stack.selection.clone(), false)
        .expect("random numbers")
}

/// Why a saved plan is not valid any more; `None` when it is.
async fn outdated(stack: &Stack, saved: &Saved, env: &Env) -> Option<Outdated> {
    saved.check(&stack.surveyed().await, &stack.state_or_new(), env).err()
}

fn differs_at(text: &str) -> Option<Outdated> {
    Some(Outdated::Steps(Some(address(text))))
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_is_valid_until_something_changes() {
    let mut stack = Stack::new(PAIR);
    let env = Env::from([("PW".to_owned(), "hush".to_owned())]);
    let first = saved(&stack, &env).await;
    assert!(!serde_json::to_string(&first).expect("JSON").contains("hush"));
    assert_eq!(outdated(&stack, &first, &env).await, None);
    let other = Env::from([("PW".to_owned(), "psst".to_owned())]);
    assert_eq!(outdated(&stack, &first, &other).await, Some(Outdated::Steps(None)));
    let file = stack.file.clone();
    stack.file = file.replace("size: 2", "size: 3");
    assert_eq!(outdated(&stack, &first, &env).await, differs_at("token.a"));
    stack.file = file.clone();
    stack.reconcile().await;
    assert_eq!(outdated(&stack, &first, &env).await, Some(Outdated::State));

    stack.file = file.replace("size: 2", "size: 3");
    let second = saved(&stack, &env).await;
    assert_eq!(outdated(&stack, &second, &env).await, None);
    stack.world.meddle(|things| things[1].spec["rules"]["x"] = "y".into());
    assert_eq!(outdated(&stack, &second, &env).await, differs_at("named.b"));
}

#[tokio::test(start_paused = true)]
async fn unmanaged_tags_are_removed_on_request() {
    let mut stack = made("token:\n  a: {tags: {ours: x}}\n").await;
    stack.world.meddle(|things| {
        for (key, value) in [("theirs", "1"), ("aws:cloudformation:stack", "2")] {
            things[0].spec["tags"][key] = value.into();
        }
    });
    assert_eq!(stack.plan().await, [""; 0]);
    stack.file = stack.file.replace("{ours: x}", "{ours: x}, tags_exclusive: true");
    let plan = stack.surveyed().await;
    let paths: Vec<String> =
        plan.steps[0].action.changes().iter().map(|c| c.path.to_string()).collect();
    assert_eq!(paths, ["tags.theirs"]);
    stack.reconcile().await;
    stack.holds("alone").await;
    let tags = stack.world.things()[0].spec["tags"].clone();
    assert_eq!((tags.get("theirs"), &tags["ours"]), (None, &"x".into()));
    assert_eq!(tags["aws:cloudformation:stack"], "2");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_for_an_excluded_replacement() {
    let mut stack =
        made("token:\n  a: {size: 1}\nnamed:\n  b: {shape: round, rules: {a: '${token.a.id}'}}\n")
            .await;
    stack.file = stack.file.replace("round", "square").replace("size: 1", "size: 2");
    stack.selection.excluded = these(&["token.a"]);
    assert_eq!(stack.plan().await, [""; 0]);
    let skipped = stack.surveyed().await.skipped;
    assert_eq!(skipped, these(&["named.b", "token.a"]));
    stack.reconcile().await;
    assert_eq!(stack.world.things().len(), 2);
}

/// An object with a unique name is deleted before its replacement is created, but only when all
/// dependencies of the replacement exist.
#[tokio::test(start_paused = true)]
async fn a_replaced_object_stays_when_the_create_fails() {
    let mut stack =
        made("token:\n  a: {size: 1}\nnamed:\n  b: {shape: round, rules: {a: '${token.a.id}'}}\n")
            .await;
    stack.file = stack.file.replace("round", "square").replace("size: 1", "size: 2");
    stack.world.script(|deed| match (deed.verb, deed.kind) {
        ("update", "token") => Fate::Fails(Fault::Terminal),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    assert!(stack.world.things().iter().any(|thing| thing.kind == "named"), "it is still there");
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("replaced").await;
}

#[tokio::test(start_paused = true)]
async fn a_replacement_shows_removed_write_only_fields() {
    let mut stack = made("token:\n  a: {shape: round, word: hush}\n").await;
    stack.file = stack.file.replace("shape: round, word: hush", "shape: square");
    let plan = stack.surveyed().await;
    let changed: Vec<String> =
        plan.steps[0].action.changes().iter().map(|c| c.path.to_string()).collect();
    assert_eq!(changed, ["shape", "word"]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_an_ignored_field_is_reported_once_with_its_line() {
    let mut stack = made("token:\n  a:\n    size: 2\n    ignore: [size]\n").await;
    stack.world.meddle(|things| things[0].spec["size"] = 9.into());
    assert_eq!(notes(&stack, "token.a").await, [], "what others do is theirs");
    stack.file = stack.file.replace("size: 2", "size: 3");
    let (path, place) = (Path(vec!["size".to_owned()]), Some("stack.yaml:5:5".to_owned()));
    assert_eq!(notes(&stack, "token.a").await, [Note::IgnoredEdit { path, place }]);
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    assert_eq!(stack.world.writes(), 0);
    assert_eq!(notes(&stack, "token.a").await, []);
}
