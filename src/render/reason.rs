//! Why something changes: a word for a plan, a sentence for an explanation.

use stackwright_engine::change::{Change, ChangeReason};
use stackwright_engine::kind::UpdateCost;
use stackwright_engine::plan::{
    Action, CreateReason, DeleteReason, ReleaseReason, ReplaceReason, Step,
};

use super::clean;

/// Completes "because …", where the changes of a step do not show why it is there.
pub fn step(step: &Step) -> Option<String> {
    match &step.action {
        Action::Create { reason, .. } => create(reason),
        Action::Replace { reason: ReplaceReason::Changes(_), .. } => None,
        Action::Replace { reason, .. } => Some(replace(reason)),
        Action::Delete { id, reason: DeleteReason::Gone, .. } => {
            Some(format!("{} no longer exists", clean(id)))
        }
        Action::Release { reason: ReleaseReason::Retained, .. } => {
            Some("`retain` keeps it in the cloud".to_owned())
        }
        _ => None,
    }
}

fn create(reason: &CreateReason) -> Option<String> {
    match reason {
        CreateReason::New | CreateReason::NameOfOld => None,
        CreateReason::Gone(id) => Some(format!("{} no longer exists", clean(id))),
        CreateReason::DeletionInterrupted => {
            Some("the deletion of its former object was interrupted, and is finished first".into())
        }
        CreateReason::NameOf(former) => Some(format!(
            "its name is that of {former}, which is deleted first; `renamed_from: {}` keeps the object",
            former.key()
        )),
    }
}

/// Completes "it is replaced, because …".
pub fn replace(reason: &ReplaceReason) -> String {
    match reason {
        ReplaceReason::Changes(paths) => {
            let fields: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
            format!("{} cannot be changed in place", fields.join(", "))
        }
        ReplaceReason::Failed(why) => clean(why),
        ReplaceReason::Requested => "`--replace` requests it".to_owned(),
    }
}

/// Completes a line of a plan: `(edited; needs a restart)`.
pub fn change_in_brief(change: &Change) -> String {
    let reason = match change.reason {
        ChangeReason::Edited => "edited",
        ChangeReason::Drifted => "drifted",
        ChangeReason::DefaultRestored if change.after.is_none() => "removed from the file",
        ChangeReason::DefaultRestored => "removed from the file: default restored",
        ChangeReason::NotApplied => "not applied yet",
        ChangeReason::AdoptedDifferently => "the object differs from the file",
        ChangeReason::DependencyReplaced => "dependency replaced",
        ChangeReason::DependencyRecreated => "dependency re-created under the same name",
        ChangeReason::Refreshed => "refreshed",
    };
    match change.cost {
        UpdateCost::InPlace => format!("({reason})"),
        UpdateCost::Restart => format!("({reason}; needs a restart)"),
        UpdateCost::GrowOnly | UpdateCost::Replace => format!("({reason}; needs a new object)"),
        UpdateCost::Refuse => format!("({reason}; refused)"),
    }
}

/// Why a field changes, as `explain` says it.
pub fn change(change: &Change) -> &'static str {
    match change.reason {
        ChangeReason::Edited => "edited: configuration changed since the last run",
        ChangeReason::Drifted => "drifted: changed outside since the last run; the file did not",
        ChangeReason::DefaultRestored if change.after.is_none() => {
            "removed from the file: the new object is created without it"
        }
        ChangeReason::DefaultRestored => "removed from the file: the default is set again",
        ChangeReason::NotApplied => {
            "not applied yet: the object was just created or adopted, and does not have it"
        }
        ChangeReason::AdoptedDifferently => {
            "the object that is adopted has another value than the file"
        }
        ChangeReason::DependencyReplaced => "dependency replaced: the value is known after apply",
        ChangeReason::DependencyRecreated => {
            "dependency re-created under the same name: the value is sent again"
        }
        ChangeReason::Refreshed => "refreshed: it was looked up again, and is another one now",
    }
}

/// What a change of a field does to its object.
pub fn cost(cost: UpdateCost) -> &'static str {
    match cost {
        UpdateCost::InPlace => "changed in place",
        UpdateCost::Restart => "the object is stopped for it, and started again if it was running",
        UpdateCost::GrowOnly => {
            "it never gets smaller: only a new object does, and only `--replace` makes one"
        }
        UpdateCost::Replace => "it cannot be changed in place: the object is replaced",
        UpdateCost::Refuse => "the file says that it must not be done",
    }
}
