//! What a step does to one object, with everything it needs for that.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::change::{Change, ChangeReason, Path};
use crate::kind::FieldTable;

/// What a step does. `desired` is the spec that the object shall have, as far as it is known before
/// the apply; `id` is that of the object that the step is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A new object, where the state has none that can stay.
    Create { desired: Value, reason: CreateReason },
    /// The object is changed in place.
    Update { id: String, desired: Value, changes: Vec<Change> },
    /// The object is changed, and stopped and started for it.
    Restart { id: String, desired: Value, changes: Vec<Change> },
    /// A new object takes the place of `id`, whose deletion is a step of its own.
    Replace {
        id: String,
        desired: Value,
        changes: Vec<Change>,
        order: ReplaceOrder,
        reason: ReplaceReason,
        /// What goes with the old object: what others have put on it, and its parts.
        lost: Vec<String>,
    },
    /// The object is deleted.
    Delete {
        id: String,
        reason: DeleteReason,
        /// What goes with the object: what others have put on it, and its parts.
        lost: Vec<String>,
    },
    /// The object stays in the cloud and is removed from the state.
    Release { id: String, reason: ReleaseReason },
    /// Nothing changes in the cloud; the state records what is so.
    Record { id: String, desired: Value },
}

/// An [`Action`] without its data: for counts, events, saved plans and whoever shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    Create,
    Update,
    Restart,
    Replace,
    Delete,
    /// As a delete, of an object that no longer exists: what may be left beside it is deleted, and it leaves the
    /// state.
    Gone,
    Release,
    Record,
}

/// Why an object is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CreateReason {
    /// The file has it, and the state does not.
    New,
    /// The object of the state, which had this id, no longer exists.
    Gone(String),
    /// The deletion of the former object was interrupted, and is finished first.
    DeletionInterrupted,
    /// An old object of this address has the same unique name, and is deleted first.
    NameOfOld,
    /// The object of this address, which the file no longer has, has the same unique name and goes
    /// first.
    NameOf(Address),
}

/// Why an object is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplaceReason {
    /// The values at these paths cannot be changed in place.
    Changes(Vec<Path>),
    /// It will never work, for this reason, in the words of its kind.
    Failed(String),
    /// `--replace` names it.
    Requested,
}

/// Which object of a replacement exists first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaceOrder {
    CreateFirst,
    /// The unique name of the old object is needed for the new one.
    DeleteFirst,
}

/// Why an object is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeleteReason {
    /// The file does not have it, or everything is destroyed.
    NotWanted,
    /// As before, and the object no longer exists.
    Gone,
    /// The plan creates its successor.
    Replaced,
    /// An earlier run created its successor and did not come to delete it.
    Leftover,
}

/// Why an object is released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseReason {
    /// The file does not have it any more, and `retain` keeps it.
    Retained,
    /// `state rm` names it.
    Requested,
}

impl Action {
    pub fn kind(&self) -> ActionKind {
        match self {
            Self::Create { .. } => ActionKind::Create,
            Self::Update { .. } => ActionKind::Update,
            Self::Restart { .. } => ActionKind::Restart,
            Self::Replace { .. } => ActionKind::Replace,
            Self::Delete { reason: DeleteReason::Gone, .. } => ActionKind::Gone,
            Self::Delete { .. } => ActionKind::Delete,
            Self::Release { .. } => ActionKind::Release,
            Self::Record { .. } => ActionKind::Record,
        }
    }

    /// Tells whether the object is no longer the stack's afterwards.
    pub fn removes(&self) -> bool {
        matches!(self, Self::Delete { .. } | Self::Release { .. })
    }

    /// Tells whether an old object of the same address must be deleted before this.
    pub fn deletes_first(&self) -> bool {
        match self {
            Self::Create { reason, .. } => {
                matches!(reason, CreateReason::DeletionInterrupted | CreateReason::NameOfOld)
            }
            Self::Replace { order, .. } => *order == ReplaceOrder::DeleteFirst,
            _ => false,
        }
    }

    /// Returns the id of the object that exists before the step.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Create { .. } => None,
            Self::Update { id, .. }
            | Self::Restart { id, .. }
            | Self::Replace { id, .. }
            | Self::Delete { id, .. }
            | Self::Release { id, .. }
            | Self::Record { id, .. } => Some(id),
        }
    }

    /// Returns the desired spec; an object that is removed has none.
    pub fn desired(&self) -> Option<&Value> {
        match self {
            Self::Create { desired, .. }
            | Self::Update { desired, .. }
            | Self::Restart { desired, .. }
            | Self::Replace { desired, .. }
            | Self::Record { desired, .. } => Some(desired),
            Self::Delete { .. } | Self::Release { .. } => None,
        }
    }

    pub fn changes(&self) -> &[Change] {
        match self {
            Self::Update { changes, .. }
            | Self::Restart { changes, .. }
            | Self::Replace { changes, .. } => changes,
            _ => &[],
        }
    }

    /// Returns what is lost with the object: what others have put on it, and its parts.
    pub fn lost(&self) -> &[String] {
        match self {
            Self::Replace { lost, .. } | Self::Delete { lost, .. } => lost,
            _ => &[],
        }
    }

    /// Hides internal fields, unless nothing else explains what the step costs; the cost of a change of
    /// a computed field is shown at the field of the file that it is computed from.
    pub(super) fn hide_internal(&mut self, fields: &FieldTable) {
        if let Some(desired) = self.desired_mut().and_then(Value::as_object_mut) {
            desired.retain(|field, _| !fields.is_internal(field));
        }
        let Some(changes) = self.changes_mut() else { return };
        for (computed, of) in fields.computed() {
            let change = changes.iter().find(|change| change.path.field() == computed);
            let Some(cost) = change.map(|change| change.cost) else { continue };
            for change in changes.iter_mut().filter(|change| change.path.field() == of) {
                change.cost = change.cost.max(cost);
            }
        }
        // What somebody else has changed by itself follows from no other field.
        let drifted: Vec<Path> = changes
            .iter()
            .filter(|it| drifts(it, changes, fields))
            .map(|it| it.path.clone())
            .collect();
        let is_internal = |change: &Change| {
            fields.is_internal(change.path.field()) && !drifted.contains(&change.path)
        };
        let shown = changes.iter().filter(|change| !is_internal(change));
        let shown = shown.map(|change| change.cost).max();
        changes.retain(|change| !is_internal(change) || Some(change.cost) > shown);
    }

    fn desired_mut(&mut self) -> Option<&mut Value> {
        match self {
            Self::Create { desired, .. }
            | Self::Update { desired, .. }
            | Self::Restart { desired, .. }
            | Self::Replace { desired, .. }
            | Self::Record { desired, .. } => Some(desired),
            Self::Delete { .. } | Self::Release { .. } => None,
        }
    }

    fn changes_mut(&mut self) -> Option<&mut Vec<Change>> {
        match self {
            Self::Update { changes, .. }
            | Self::Restart { changes, .. }
            | Self::Replace { changes, .. } => Some(changes),
            _ => None,
        }
    }
}

/// Tells whether a field has drifted that does not only repeat the field that it is computed from.
fn drifts(change: &Change, all: &[Change], fields: &FieldTable) -> bool {
    let source = fields.computed_from(&change.path);
    let repeats = |other: &&Change| {
        (&other.before, &other.after) == (&change.before, &change.after)
            && source == Some(other.path.field())
    };
    change.reason == ChangeReason::Drifted && !all.iter().any(|other| repeats(&other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kind::{Field, UpdateCost, field};

    const FIELDS: &[Field] = &[
        field("size").restarts(),
        field("twin").replaces().computed_from("size").internal(),
        field("pending").restarts().internal(),
    ];

    fn change(field: &str, cost: UpdateCost, reason: ChangeReason) -> Change {
        Change { path: Path(vec![field.to_owned()]), before: None, after: None, reason, cost }
    }

    /// Returns the changes of these fields that a plan shows, with their costs.
    fn shown(fields: &[(&str, UpdateCost)]) -> Vec<(String, UpdateCost)> {
        let edited =
            |&(field, cost): &(&str, UpdateCost)| change(field, cost, ChangeReason::Edited);
        shown_of(fields.iter().map(edited).collect())
    }

    fn shown_of(changes: Vec<Change>) -> Vec<(String, UpdateCost)> {
        let mut action = Action::Restart { id: "x".to_owned(), desired: json!({}), changes };
        action.hide_internal(&FieldTable::compile(FIELDS, &json!({})));
        let changes = action.changes().iter();
        changes.map(|change| (change.path.field().to_owned(), change.cost)).collect()
    }

    #[test]
    fn an_internal_change_is_shown_if_nothing_else_explains_the_cost() {
        use UpdateCost::{InPlace, Replace, Restart};
        let tags = ("tags", InPlace);
        let owned = |(field, cost): (&str, UpdateCost)| (field.to_owned(), cost);
        assert_eq!(shown(&[("pending", Restart)]), [owned(("pending", Restart))]);
        assert_eq!(shown(&[("pending", Restart), ("size", Restart)]), [owned(("size", Restart))]);
        assert_eq!(shown(&[("pending", Restart), tags]), [("pending", Restart), tags].map(owned));
        assert_eq!(shown(&[("twin", Replace), ("size", Restart)]), [owned(("size", Replace))]);
    }

    #[test]
    fn an_internal_field_that_somebody_changed_is_shown_beside_others() {
        let drifted = |field: &str| change(field, UpdateCost::InPlace, ChangeReason::Drifted);
        let names = |changes: Vec<Change>| -> Vec<String> {
            shown_of(changes).into_iter().map(|(field, _)| field).collect()
        };
        assert_eq!(names(vec![drifted("pending"), drifted("tags")]), ["pending", "tags"]);
        // It repeats the field that it is computed from.
        assert_eq!(names(vec![drifted("twin"), drifted("size")]), ["size"]);
        let other = Change { before: Some(json!(1)), ..drifted("twin") };
        assert_eq!(names(vec![other, drifted("size")]), ["twin", "size"]);
    }
}
