//! What a user asks for beside the fields: guards, fields left to others, other addresses, a part of
//! the plan, objects taken up and let go.

use std::collections::{BTreeMap, BTreeSet};

use stackwright_engine::Address;
use stackwright_engine::kind::Fault;
use stackwright_engine::plan::{Action, Hold, Saved, Selection};
use stackwright_engine::session::{Error, Why};
use stackwright_testkit::world::{Fate, Thing};

use crate::support::{Ended, Stack, steps};

const PAIR: &str = "\
token:
  a: {size: 2, shape: round}
named:
  b: {rules: {upstream: '${token.a.id}'}}
";

fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

fn these(texts: &[&str]) -> BTreeSet<Address> {
    texts.iter().map(|text| address(text)).collect()
}

async fn made(file: &str) -> Stack {
    let stack = Stack::new(file);
    stack.reconcile().await;
    stack
}

/// Why a run does not begin, by address.
async fn refused(stack: &Stack, destroys: bool) -> Vec<(String, Hold)> {
    stack.world.script(|_| Fate::Happens);
    match stack.run(destroys).await {
        Ended::Refused(Error::Held(held)) => {
            assert_eq!(stack.world.writes(), 0);
            held.into_iter().map(|held| (held.address.to_string(), held.hold)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn guarded(hold: &Hold) -> (&str, Action) {
    match hold {
        Hold::Guarded { guard, action, .. } => (guard, *action),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_is_neither_replaced_nor_deleted_also_without_its_block() {
    let mut stack = made("token:\n  a: {shape: round, protect: true}\n").await;
    stack.file = stack.file.replace("round", "square");
    let held = refused(&stack, false).await;
    assert_eq!(
        (held[0].0.as_str(), guarded(&held[0].1)),
        ("token.a", ("protect", Action::Replace))
    );
    let whole = stack.file.clone();
    stack.file = "stack: s\n".to_owned();
    for destroys in [false, true] {
        let held = refused(&stack, destroys).await;
        assert_eq!(guarded(&held[0].1), ("protect", Action::Delete), "destroys {destroys}");
    }
    assert_eq!(stack.world.things().len(), 1);

    // Only the file takes it away, and then everything goes.
    stack.file = whole.replace(", protect: true", "");
    let held = refused(&stack, false).await;
    assert_eq!(
        guarded(&held[0].1),
        ("protect", Action::Replace),
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
async fn a_guard_is_on_record_from_the_intent_on() {
    let mut stack = Stack::new("token:\n  a: {protect: true}\n");
    stack.world.script(|deed| match deed.verb {
        "create" => Fate::KillsAfter,
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Killed));
    stack.file = "stack: s\n".to_owned();
    assert_eq!(guarded(&refused(&stack, false).await[0].1), ("protect", Action::Delete));
}

#[tokio::test(start_paused = true)]
async fn what_is_protected_and_gone_is_no_hindrance() {
    let mut stack = made("token:\n  a: {protect: true}\n").await;
    stack.world.meddle(|things| things[0].alive = false);
    assert_eq!(stack.plan().await, ["create token.a"]);
    stack.file = "stack: s\n".to_owned();
    stack.reconcile().await;
    stack.holds("gone").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_retained_stays_in_the_cloud_and_is_forgotten() {
    for destroys in [false, true] {
        let mut stack = made("token:\n  a: {shape: round, retain: true}\n  z: {}\n").await;
        stack.file = stack.file.replace("round", "square");
        assert_eq!(guarded(&refused(&stack, false).await[0].1), ("retain", Action::Replace));
        stack.file = "stack: s\n".to_owned();
        assert_eq!(stack.plan().await, ["forget token.a", "delete token.z"]);
        assert!(matches!(stack.run(destroys).await, Ended::Done(o) if o.failed.is_empty()));
        let left = stack.world.things();
        assert_eq!(left.len(), 1, "{left:?}");
        assert_eq!((left[0].address(), &left[0].spec["shape"]), (None, &"round".into()));
        assert!(stack.state().resources.is_empty());
        // A state that knows nothing looks everywhere for what is ours.
        assert_eq!(stack.plan().await, [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_ignored_is_left_to_others_and_never_sent_again() {
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
async fn another_address_keeps_the_object_and_all_that_needs_it() {
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

/// Renames one, lets go of another, deletes a third: killed at every call, and finished.
#[tokio::test(start_paused = true)]
async fn a_run_that_renames_and_forgets_can_be_killed_at_any_call() {
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
            let script = fate.clone();
            stack.world.script(move |deed| match deed.number == number {
                true => script.clone(),
                false => Fate::Happens,
            });
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
async fn a_target_brings_what_it_needs_and_an_exclusion_leaves_what_needs_it() {
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

    // A replacement of the target takes along what must let go of the old one.
    stack.file = stack.file.replace("round", "square");
    stack.selection.targets = these(&["token.a"]);
    assert_eq!(stack.plan().await, ["replace token.a", "delete token.a", "update named.b"]);
    stack.selection.targets = these(&["token.none"]);
    assert!(matches!(stack.run(false).await, Ended::Refused(Error::NoSuch(all)) if all.len() == 1));
    // Part of a destroy: dependants go along.
    stack.selection.targets = these(&["token.a"]);
    assert!(matches!(stack.run(true).await, Ended::Done(outcome) if outcome.done.len() == 2));
    let left: Vec<&str> = stack.world.things().iter().map(|thing| thing.kind).collect();
    assert_eq!(left, ["plain"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_holds_nothing_up() {
    let mut stack = made("token:\n  a: {shape: round, protect: true}\n  b: {}\n").await;
    stack.file = stack.file.replace("round", "square").replace("b: {}", "b: {size: 4}");
    stack.selection.excluded = these(&["token.a"]);
    assert_eq!(stack.plan().await, ["update token.b"]);
}

#[tokio::test(start_paused = true)]
async fn a_replacement_that_was_asked_for_is_one_though_nothing_differs() {
    let mut stack = made(PAIR).await;
    let old = stack.world.things()[0].id.clone();
    stack.selection.replaced = these(&["token.a"]);
    stack.reconcile().await;
    stack.selection = Selection::default();
    stack.holds("replaced").await;
    assert!(stack.world.things().iter().all(|thing| thing.id != old));
}

#[tokio::test(start_paused = true)]
async fn an_object_of_nobody_is_taken_up_by_its_id_and_then_brought_to_the_file() {
    let stack = made("token:\n  a: {size: 2}\n").await;
    stack.world.meddle(|things| {
        let spec = serde_json::json!({
            "name": "b", "tags": {"theirs": "1"}, "size": 7, "labels": {"foreign": "x"}, "rules": {},
        });
        things.push(Thing { kind: "named", id: "b".into(), spec, ..things[0].clone() });
    });
    let stack = Stack { file: format!("{}named:\n  b: {{size: 5}}\n", stack.file), ..stack };
    // By its name alone it is in the way.
    assert!(matches!(stack.run(false).await, Ended::Refused(Error::Foreign(_))));
    stack.import("named.b", "b").await.expect("it is free");
    assert_eq!(stack.plan().await, ["update named.b"]);
    stack.reconcile().await;
    stack.holds("imported").await;
    let spec = stack.world.things()[1].spec.clone();
    assert_eq!((&spec["size"], &spec["labels"]["foreign"]), (&5.into(), &"x".into()));
    assert_eq!(spec["tags"]["theirs"], "1");

    let again = stack.import("named.b", "b").await;
    assert!(matches!(again, Err(Error::Foreign(f)) if f[0].why == Why::Duplicate));
    assert!(matches!(stack.import("named.b", "none").await, Err(Error::Import { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_exists_is_taken_up_where_that_is_asked_for() {
    let first = made("named:\n  other: {}\n").await;
    first.world.meddle(|things| {
        let spec = serde_json::json!({ "name": "b", "tags": {}, "labels": {}, "rules": {} });
        things.push(Thing { id: "b".into(), spec, ..things[0].clone() });
    });
    let second = Stack { world: first.world.clone(), ..Stack::new("named:\n  b: {size: 5}\n") };
    let second = Stack { adopt: true, ..second };
    // It is alone in asking for its name; `other` belongs to another lineage of this very stack.
    first.world.meddle(|things| things[0].spec["tags"]["stackwright:stack"] = "elsewhere".into());
    assert_eq!(second.plan().await, ["update named.b"]);
    second.reconcile().await;
    assert_eq!(second.world.things()[1].spec["size"], 5);
    // One that another stack owns is not.
    let third = Stack { world: first.world.clone(), ..Stack::new("named:\n  other: {}\n") };
    let third = Stack { adopt: true, ..third };
    assert!(matches!(third.run(false).await, Ended::Refused(Error::Foreign(_))));
}

#[tokio::test(start_paused = true)]
async fn what_is_let_go_stays_and_is_made_anew_where_the_file_still_wants_it() {
    let stack = made(PAIR).await;
    let old = stack.world.things()[0].id.clone();
    stack.forget("token.a").await;
    assert_eq!(stack.world.things().len(), 2, "nothing was deleted");
    assert_eq!(stack.plan().await, ["create token.a", "update named.b"]);
    stack.reconcile().await;
    stack.holds("made anew").await;
    assert!(stack.world.things().iter().any(|thing| thing.id == old && thing.address().is_none()));
}

#[tokio::test(start_paused = true)]
async fn drift_is_told_against_what_was_applied_and_not_against_the_file() {
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
    assert_eq!(drift.steps[0].changes[0].after, Some(2.into()));
    assert_eq!(drift.steps[0].changes[0].before, Some(9.into()));
}

type Env = BTreeMap<String, String>;

async fn saved(stack: &Stack, env: &Env) -> Saved {
    let asked = (stack.selection.clone(), false);
    let plan = stack.surveyed().await;
    Saved::of(&plan, &stack.state_or_new(), env, asked).expect("random numbers")
}

/// Why a saved plan does not hold; empty: it does.
async fn moved(stack: &Stack, saved: &Saved, env: &Env) -> String {
    let checked = saved.check(&stack.surveyed().await, &stack.state_or_new(), env);
    checked.err().map(|moved| moved.to_string()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_saved_plan_holds_only_so_long_as_nothing_has_moved() {
    let mut stack = Stack::new(PAIR);
    let env = Env::from([("PW".to_owned(), "hush".to_owned())]);
    let first = saved(&stack, &env).await;
    assert!(!serde_json::to_string(&first).expect("JSON").contains("hush"));
    assert_eq!(moved(&stack, &first, &env).await, "");
    let other = Env::from([("PW".to_owned(), "psst".to_owned())]);
    assert!(moved(&stack, &first, &other).await.contains("otherwise"));
    let file = stack.file.clone();
    stack.file = file.replace("size: 2", "size: 3");
    assert!(moved(&stack, &first, &env).await.contains("token.a would be done otherwise"));
    stack.file = file.clone();
    stack.reconcile().await;
    assert!(moved(&stack, &first, &env).await.contains("the state has changed"));

    stack.file = file.replace("size: 2", "size: 3");
    let second = saved(&stack, &env).await;
    assert_eq!(moved(&stack, &second, &env).await, "");
    stack.world.meddle(|things| things[1].spec["rules"]["x"] = "y".into());
    assert!(moved(&stack, &second, &env).await.contains("named.b would be done otherwise"));
}

#[tokio::test(start_paused = true)]
async fn a_unique_name_passes_from_one_address_to_another() {
    let mut stack = made("named:\n  a: {name: x, size: 2}\n").await;
    stack.file = "stack: s\nnamed:\n  b: {name: x, size: 3}\n".to_owned();
    assert_eq!(stack.plan().await, ["create named.b", "delete named.a"]);
    let plan = stack.surveyed().await;
    let why = plan.steps[0].why.clone().unwrap_or_default();
    assert!(why.contains("named.a") && why.contains("renamed_from"), "{why}");
    stack.reconcile().await;
    stack.holds("passed on").await;
    let writes: Vec<&str> = stack.world.deeds().iter().map(|deed| deed.verb).collect();
    assert!(!writes.contains(&"create"), "the next run does nothing: {writes:?}");
}

#[tokio::test(start_paused = true)]
async fn tags_of_others_are_removed_where_that_is_asked_for() {
    let mut stack = made("token:\n  a: {tags: {ours: x}}\n").await;
    stack.world.meddle(|things| {
        for (key, value) in [("theirs", "1"), ("aws:cloudformation:stack", "2")] {
            things[0].spec["tags"][key] = value.into();
        }
    });
    assert_eq!(stack.plan().await, [""; 0]);
    stack.file = stack.file.replace("{ours: x}", "{ours: x}, tags_exclusive: true");
    let plan = stack.surveyed().await;
    let paths: Vec<String> = plan.steps[0].changes.iter().map(|c| c.path.to_string()).collect();
    assert_eq!(paths, ["tags.theirs"]);
    stack.reconcile().await;
    stack.holds("alone").await;
    let tags = stack.world.things()[0].spec["tags"].clone();
    assert_eq!((tags.get("theirs"), &tags["ours"]), (None, &"x".into()));
    assert_eq!(tags["aws:cloudformation:stack"], "2");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_for_a_successor_that_is_left_out() {
    let mut stack =
        made("token:\n  a: {size: 1}\nnamed:\n  b: {shape: round, rules: {a: '${token.a.id}'}}\n")
            .await;
    stack.file = stack.file.replace("round", "square").replace("size: 1", "size: 2");
    stack.selection.excluded = these(&["token.a"]);
    assert_eq!(stack.plan().await, [""; 0]);
    let left_out = stack.surveyed().await.left_out;
    assert_eq!(left_out, these(&["named.b", "token.a"]));
    stack.reconcile().await;
    assert_eq!(stack.world.things().len(), 2);
}

/// A guard is in the file, and the run that is to record it does not get that far.
#[tokio::test(start_paused = true)]
async fn a_guard_holds_however_the_object_came_into_the_state() {
    // Its create is answered by nobody, and it is found by its name.
    let mut found = Stack::new("named:\n  b: {protect: true}\n");
    found.world.script(|deed| match deed.verb {
        "create" => Fate::KillsAfter,
        _ => Fate::Happens,
    });
    assert!(matches!(found.run(false).await, Ended::Killed));
    found.file = "stack: s\n".to_owned();
    assert_eq!(guarded(&refused(&found, false).await[0].1), ("protect", Action::Delete));

    // It is taken up by its id.
    let mut stack = made("token:\n  a: {}\n").await;
    stack.world.meddle(|things| {
        let spec = serde_json::json!({ "name": "b", "tags": {}, "labels": {}, "rules": {} });
        things.push(Thing { kind: "named", id: "b".into(), spec, ..things[0].clone() });
    });
    let before = stack.file.clone();
    stack.file = format!("{before}named:\n  b: {{protect: true}}\n");
    stack.import("named.b", "b").await.expect("it is free");
    stack.file = before;
    assert_eq!(guarded(&refused(&stack, false).await[0].1), ("protect", Action::Delete));

    // It is written, and destroyed before any run has recorded it.
    let mut stack = made("token:\n  a: {}\n").await;
    stack.file = stack.file.replace("{}", "{protect: true}");
    assert_eq!(guarded(&refused(&stack, true).await[0].1), ("protect", Action::Delete));

    // The run that would record it fails at another change.
    stack.file = stack.file.replace("protect: true", "protect: true, size: 3");
    stack.world.script(|deed| match deed.verb {
        "update" => Fate::Fails(stackwright_engine::kind::Fault::Terminal),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    stack.file = "stack: s\n".to_owned();
    assert_eq!(guarded(&refused(&stack, false).await[0].1), ("protect", Action::Delete));
}

#[tokio::test(start_paused = true)]
async fn a_retained_object_keeps_its_name() {
    let mut stack = made("named:\n  a: {name: x, retain: true}\n").await;
    stack.file = "stack: s\nnamed:\n  b: {name: x}\n".to_owned();
    let held = refused(&stack, false).await;
    assert_eq!(held, [("named.b".to_owned(), Hold::NameKept(address("named.a")))]);
    assert_eq!(stack.world.things()[0].address(), Some("named.a"), "nothing was begun");
}

/// A moved object's address tag lags behind until its next update.
#[tokio::test(start_paused = true)]
async fn what_the_state_knows_by_another_address_is_not_found_again() {
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

/// What has a unique name goes before its successor, but not before all that one needs is there.
#[tokio::test(start_paused = true)]
async fn the_old_one_stays_where_its_successor_cannot_be_made() {
    let mut stack =
        made("token:\n  a: {size: 1}\nnamed:\n  b: {shape: round, rules: {a: '${token.a.id}'}}\n")
            .await;
    stack.file = stack.file.replace("round", "square").replace("size: 1", "size: 2");
    stack.world.script(|deed| match (deed.verb, deed.kind) {
        ("update", "token") => Fate::Fails(stackwright_engine::kind::Fault::Terminal),
        _ => Fate::Happens,
    });
    assert!(matches!(stack.run(false).await, Ended::Done(outcome) if outcome.failed.len() == 1));
    assert!(stack.world.things().iter().any(|thing| thing.kind == "named"), "it is still there");
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("replaced").await;
}

#[tokio::test(start_paused = true)]
async fn what_a_replacement_leaves_out_is_told() {
    let mut stack = made("token:\n  a: {shape: round, word: hush}\n").await;
    stack.file = stack.file.replace("shape: round, word: hush", "shape: square");
    let plan = stack.surveyed().await;
    let told: Vec<String> = plan.steps[0].changes.iter().map(|c| c.path.to_string()).collect();
    assert_eq!(told, ["shape", "word"]);
}

/// What the plan says of that address beside its steps.
async fn notes(stack: &Stack, of: &str) -> Vec<String> {
    let plan = stack.surveyed().await;
    let of_it = plan.notes.into_iter().filter(|(address, _)| address.as_str() == of);
    of_it.map(|(_, note)| note).collect()
}

#[tokio::test(start_paused = true)]
async fn a_former_address_that_nobody_knows_is_told_once() {
    let mut stack = Stack::new("token:\n  a: {renamed_from: b}\n");
    let said =
        "`renamed_from: token.b`: nothing is known of token.b; it may be taken out of the file";
    assert_eq!(notes(&stack, "token.a").await, [said]);
    stack.reconcile().await;
    assert_eq!(notes(&stack, "token.a").await, [""; 0], "it is made");
    stack.file = "stack: s\ntoken:\n  c: {name: a, renamed_from: a}\n".to_owned();
    assert_eq!(notes(&stack, "token.c").await, ["it was token.a, and is the same object"]);
    stack.reconcile().await;
    assert_eq!(notes(&stack, "token.c").await, [""; 0], "it may stay");
    // Gone by somebody else's hand, its former address is as little news.
    stack.world.meddle(|things| things[0].alive = false);
    assert_eq!(stack.plan().await, ["create token.c"]);
    assert_eq!(notes(&stack, "token.c").await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_edit_of_what_is_ignored_is_told_once_with_the_line_that_ignores_it() {
    let mut stack = made("token:\n  a:\n    size: 2\n    ignore: [size]\n").await;
    stack.world.meddle(|things| things[0].spec["size"] = 9.into());
    assert_eq!(notes(&stack, "token.a").await, [""; 0], "what others do is theirs");
    stack.file = stack.file.replace("size: 2", "size: 3");
    let said = "`size` was edited in vain: `ignore` leaves it to others (stack.yaml:5:5)";
    assert_eq!(notes(&stack, "token.a").await, [said]);
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    assert_eq!(stack.world.writes(), 0);
    assert_eq!(notes(&stack, "token.a").await, [""; 0]);
}

/// The old half of a replacement could not be deleted, its successor left the file, and another
/// resource takes the address.
#[tokio::test(start_paused = true)]
async fn an_address_at_which_old_objects_are_left_is_free_for_a_rename() {
    for kind in ["token", "named", "plain"] {
        let mut stack =
            made(&format!("{kind}:\n  a: {{name: a1, shape: round}}\n  b: {{}}\n")).await;
        let b = stack.world.things().into_iter().find(|thing| thing.name() == "b").expect("made");
        stack.file = stack.file.replace("name: a1, shape: round", "name: a2, shape: square");
        stack.world.script(|deed| match deed.verb {
            "delete" => Fate::Fails(Fault::Denied),
            _ => Fate::Happens,
        });
        assert!(matches!(stack.run(false).await, Ended::Done(o) if o.failed.len() == 1));
        // Its successor goes; it is refused once more.
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
        // And what comes after it has a generation of its own.
        stack.file = stack.file.replace("name: b", "name: b, shape: round");
        stack.reconcile().await;
        stack.holds(kind).await;
    }
}
