//! Why fields change, and why objects are created, replaced and deleted.

use stackwright_engine::change::{ChangeReason, Path};
use stackwright_engine::plan::{
    Action, CreateReason, DeleteReason, Note, Noted, Plan, ReleaseReason, ReplaceOrder,
    ReplaceReason, Step,
};

use crate::support::{Stack, address, made, these};

fn step<'a>(plan: &'a Plan, of: &str) -> &'a Step {
    let found = plan.steps.iter().find(|step| step.address.as_str() == of);
    found.unwrap_or_else(|| panic!("no step for {of}: {plan:?}"))
}

async fn reasons(stack: &Stack, of: &str) -> Vec<ChangeReason> {
    let plan = stack.surveyed().await;
    step(&plan, of).action.changes().iter().map(|change| change.reason).collect()
}

/// A value that is known after apply is an edit where the file refers to something else now.
#[tokio::test(start_paused = true)]
async fn a_reference_that_was_just_written_is_an_edit() {
    let file = "token:\n  a: {shape: round}\nnamed:\n  b: {labels: {t: '${token.a.id}'}}\n";
    let mut stack = made(file).await;
    let whole = stack.file.clone();
    stack.file = whole.replace("token.a.id", "token.n.id").replace("  a:", "  n: {}\n  a:");
    assert_eq!(reasons(&stack, "named.b").await, [ChangeReason::Edited]);
    stack.file = whole.replace("round", "square");
    assert_eq!(reasons(&stack, "named.b").await, [ChangeReason::DependencyReplaced]);
}

#[tokio::test(start_paused = true)]
async fn drift_reports_a_default_that_somebody_else_has_changed() {
    let stack = made("token:\n  a: {}\n  b: {size: 5}\n").await;
    assert_eq!(stack.drift().await.notes, []);
    stack.world.meddle(|things| things[0].spec["size"] = 7.into());
    let drift = stack.drift().await;
    assert!(drift.steps.is_empty(), "the file does not have it: {drift:?}");
    let path = Path(vec!["size".to_owned()]);
    let note = Note::NotDefault { path, value: 7.into(), default: 1.into() };
    assert_eq!(drift.notes, [Noted { address: address("token.a"), note }]);
}

#[tokio::test(start_paused = true)]
async fn each_step_has_its_reason() {
    let mut stack = made("token:\n  a: {shape: round}\n  k: {retain: true}\n  z: {}\n").await;
    let id =
        |stack: &Stack, of: &str| stack.state().object(&address(of)).expect("known").id.clone();
    let (z, whole) = (id(&stack, "token.z"), stack.file.clone());
    stack.file = "stack: s\ntoken:\n  a: {shape: square}\n  n: {}\n".to_owned();
    let plan = stack.surveyed().await;
    let Action::Replace { reason, order, .. } = &step(&plan, "token.a").action else {
        panic!("{plan:?}")
    };
    let ReplaceReason::Changes(paths) = reason else { panic!("{reason:?}") };
    assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["shape"]);
    assert_eq!(*order, ReplaceOrder::CreateFirst);
    let old = plan.steps.iter().find(|step| step.deletes_old()).expect("the old object");
    assert!(matches!(old.action, Action::Delete { reason: DeleteReason::Replaced, .. }));
    assert!(matches!(
        step(&plan, "token.n").action,
        Action::Create { reason: CreateReason::New, .. }
    ));
    assert!(matches!(
        step(&plan, "token.k").action,
        Action::Release { reason: ReleaseReason::Retained, .. }
    ));
    assert!(matches!(
        &step(&plan, "token.z").action,
        Action::Delete { id, reason: DeleteReason::NotWanted, .. } if *id == z
    ));

    stack.file = whole;
    stack.selection.replaced = these(&["token.a"]);
    stack.world.meddle(|things| things.retain(|thing| thing.id != z));
    let plan = stack.surveyed().await;
    let requested = &step(&plan, "token.a").action;
    assert!(
        matches!(requested, Action::Replace { reason: ReplaceReason::Requested, .. }),
        "{requested:?}"
    );
    assert!(matches!(
        &step(&plan, "token.z").action,
        Action::Create { reason: CreateReason::Gone(id), .. } if *id == z
    ));
}

/// A field that the file does not have explains nothing to its reader.
#[tokio::test(start_paused = true)]
async fn a_replacement_is_explained_by_fields_of_the_file() {
    let mut stack = made("token:\n  a: {motor: v1, rigid: true}\n").await;
    stack.file = stack.file.replace("v1", "v2");
    let plan = stack.surveyed().await;
    let Action::Replace { reason: ReplaceReason::Changes(paths), .. } =
        &step(&plan, "token.a").action
    else {
        panic!("{plan:?}")
    };
    assert_eq!(paths.iter().map(ToString::to_string).collect::<Vec<_>>(), ["motor"]);
}
