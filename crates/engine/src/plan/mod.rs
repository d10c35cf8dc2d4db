//! What will be done, in which order, and why. A plan is data: no clock, no I/O, no `async`.

mod decide;
mod hold;
mod order;
mod saved;
mod select;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::decide::Making;
pub use self::decide::rebound;
use self::order::order;
pub use self::saved::{Moved, Saved};
pub use self::select::Selection;
use crate::address::Address;
use crate::change::{Change, Path};
use crate::graph::Graph;
use crate::kind::{DeletionProtection, FieldTable};
use crate::observe::Observed;
use crate::prepare::Wanted;
use crate::registry::Registry;
use crate::state::{Object, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Create,
    Update,
    Restart,
    Replace,
    Delete,
    /// It stays in the cloud, and the state knows it no more.
    Forget,
    /// Nothing changes in the cloud; the state learns what is so.
    Record,
}

#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Addresses with nothing to do.
    pub unchanged: Vec<Address>,
    pub notes: Vec<(Address, String)>,
    /// What the file says anew of fields that it leaves to others.
    pub ignored_edits: Vec<(Address, Path)>,
    /// Fields that the endpoint does not report, by kind: compared with what was last applied.
    pub unreported: BTreeMap<String, BTreeSet<String>>,
    /// What was not asked for.
    pub left_out: BTreeSet<Address>,
    /// What stands against it: not executed unless empty.
    pub held: Vec<Held>,
}

/// One thing to do to one object.
#[derive(Clone, Debug)]
pub struct Step {
    pub address: Address,
    pub action: Action,
    /// Of the object that will be there afterwards; for a delete, of the one that goes.
    pub generation: u64,
    pub changes: Vec<Change>,
    /// Why, where the changes do not tell.
    pub why: Option<String>,
    /// The object's id, if there is one now.
    pub id: Option<String>,
    /// What is wanted, as far as it is known. Not for deletes.
    pub desired: Option<Value>,
    /// What others have put on the object that goes, and what goes with it.
    pub lost: Vec<String>,
    /// The old object goes first, because its name is unique.
    pub delete_first: bool,
    /// The old object of a replacement, or one that an interrupted replacement left.
    pub is_old: bool,
    /// The object in the state is gone from the cloud.
    pub gone: bool,
    /// Steps that must be finished first.
    pub after: BTreeSet<usize>,
}

impl Step {
    fn new(address: &Address, action: Action, generation: u64) -> Self {
        Self {
            address: address.clone(),
            action,
            generation,
            changes: Vec::new(),
            why: None,
            id: None,
            desired: None,
            lost: Vec::new(),
            delete_first: false,
            is_old: false,
            gone: false,
            after: BTreeSet::new(),
        }
    }
}

impl Step {
    /// Lets go of an object, which stays in the cloud.
    pub fn forget(address: &Address, object: &Object) -> Self {
        let id = Some(object.id.clone());
        Self { id, ..Self::new(address, Action::Forget, object.generation) }
    }

    /// Whether the object is the stack's no longer afterwards.
    pub fn leaves(&self) -> bool {
        matches!(self.action, Action::Delete | Action::Forget)
    }

    /// Hides internal fields; what a change of a computed field costs is shown at the field of the
    /// file that it is computed from.
    fn hide_internal(&mut self, fields: &FieldTable) {
        for (computed, of) in fields.computed() {
            let change = self.changes.iter().find(|change| change.path.field() == computed);
            let Some(cost) = change.map(|change| change.cost) else { continue };
            for change in self.changes.iter_mut().filter(|change| change.path.field() == of) {
                change.cost = change.cost.max(cost);
            }
        }
        if let Some(desired) = self.desired.as_mut().and_then(Value::as_object_mut) {
            desired.retain(|field, _| !fields.is_internal(field));
        }
        let is_internal = |change: &Change| fields.is_internal(change.path.field());
        if !self.changes.iter().all(is_internal) {
            self.changes.retain(|change| !is_internal(change));
        }
    }
}

/// A step that must not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    pub address: Address,
    pub hold: Hold,
}

/// What stands against a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The field was taken out of the file and has no default to return to.
    CannotUnset(Path),
    /// Its unique name is that of an object that leaves the file and is retained.
    NameKept(Address),
    /// `guard`: `protect` or `retain`; `because` completes "it would be … because".
    Guarded { guard: &'static str, action: Action, because: String },
    /// What stands at `path` is `now`, and would have to become smaller.
    NeverLess { path: Path, now: Value },
    /// It was made as it was asked for, and this came out otherwise: another one would, too.
    MadeOtherwise(Path),
    /// The change at `path` is one that the field `by` refuses.
    Refused { path: Path, by: String },
    /// The cloud does not let the object be deleted, by itself or for its successor.
    Locked { protection: DeletionProtection, action: Action },
}

impl Plan {
    /// True when the cloud is as the file wants it.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Record)
    }

    /// True when something is deleted or replaced: what a person is asked about.
    pub fn destroys(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.action, Action::Delete | Action::Replace))
    }

    /// How many objects each action is for; the old half of a replacement is not counted again.
    pub fn counts(&self) -> BTreeMap<Action, usize> {
        let mut counts = BTreeMap::new();
        for step in &self.steps {
            let half = step.is_old && self.replaces(&step.address);
            if !half && step.action != Action::Record {
                *counts.entry(step.action).or_default() += 1;
            }
        }
        counts
    }

    pub fn replaces(&self, address: &Address) -> bool {
        self.steps.iter().any(|step| step.address == *address && step.action == Action::Replace)
    }
}

/// Everything that planning looks at.
pub struct Planning<'a> {
    pub kinds: &'a Registry,
    pub graph: &'a Graph,
    pub wanted: &'a BTreeMap<Address, Wanted>,
    pub state: &'a State,
    pub observed: &'a Observed,
    pub selection: &'a Selection,
}

/// The difference, ordered. Pure. What could not be looked at has a step in any case, so that it is left
/// out, or not, with all that hangs on it.
pub fn plan(planning: &Planning<'_>) -> Plan {
    let mut making = Making::new(planning);
    for address in planning.graph.order() {
        match planning.wanted.get(address) {
            Some(wanted) if planning.observed.is_unseen(address) => making.presume(address, wanted),
            Some(wanted) => making.decide(address, wanted),
            None => {}
        }
    }
    making.removals();
    order(&mut making.plan.steps, planning);
    planning.selection.narrow(&mut making.plan);
    let mut plan = making.plan;
    plan.held.retain(|held| !plan.left_out.contains(&held.address));
    for step in &mut plan.steps {
        if let Some(kind) = planning.kinds.get(step.address.kind()) {
            step.hide_internal(&kind.fields);
        }
    }
    plan
}
