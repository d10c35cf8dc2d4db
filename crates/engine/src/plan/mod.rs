//! A plan says what will be done, in which order, and why. It is data: no clock, no I/O, no `async`.

pub(crate) mod action;
mod blocker;
mod by_name;
mod decide;
mod note;
mod order;
mod rebound;
mod saved;
mod select;

use std::collections::{BTreeMap, BTreeSet};

pub use self::action::{
    Action, ActionKind, CreateReason, DeleteReason, ReleaseReason, ReplaceOrder, ReplaceReason,
};
pub use self::blocker::{Blocked, Blocker, Removal};
use self::decide::Making;
pub use self::note::{Note, Noted};
use self::order::order;
pub(crate) use self::rebound::{rebound, recreated};
pub use self::saved::{Outdated, PlaceField, Saved, is_saved_plan};
pub use self::select::Selection;
use crate::address::Address;
use crate::graph::Graph;
use crate::observe::Observed;
use crate::prepare::Wanted;
use crate::registry::Registry;
use crate::state::{Object, State};

#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// Addresses with nothing to do.
    pub unchanged: Vec<Address>,
    pub notes: Vec<Noted>,
    /// Fields that the endpoint does not report, by kind: compared with what was last applied.
    pub unreported: BTreeMap<String, BTreeSet<String>>,
    /// Kinds whose objects could not be searched, with the reason: one that the state does not know stays.
    pub unsearched: BTreeMap<String, String>,
    /// Addresses that `--target` and `--exclude` leave out.
    pub skipped: BTreeSet<Address>,
    /// Why the plan must not be executed; empty if it may.
    pub blocked: Vec<Blocked>,
}

/// One thing to do to one object.
#[derive(Clone, Debug)]
pub struct Step {
    pub address: Address,
    /// The generation of the object that exists afterwards; for a delete, of the one that is deleted.
    pub generation: u64,
    pub action: Action,
    /// Steps that must be finished first.
    pub after: BTreeSet<usize>,
}

impl Step {
    fn new(address: &Address, generation: u64, action: Action) -> Self {
        Self { address: address.clone(), generation, action, after: BTreeSet::new() }
    }

    /// Releases an object, which stays in the cloud.
    pub fn release(address: &Address, object: &Object, reason: ReleaseReason) -> Self {
        let action = Action::Release { id: object.id.clone(), reason };
        Self::new(address, object.generation, action)
    }

    pub fn kind(&self) -> ActionKind {
        self.action.kind()
    }

    /// Tells whether the step deletes the old object of a replacement, of this plan or of an earlier one.
    pub fn deletes_old(&self) -> bool {
        let Action::Delete { reason, .. } = &self.action else { return false };
        matches!(reason, DeleteReason::Replaced | DeleteReason::Leftover)
    }
}

impl Plan {
    /// Tells whether the cloud is as the file wants it.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.kind() == ActionKind::Record)
    }

    /// Tells whether something is deleted or replaced: what a person is asked about.
    pub fn destroys(&self) -> bool {
        let destroys =
            |step: &Step| matches!(step.kind(), ActionKind::Delete | ActionKind::Replace);
        self.steps.iter().any(destroys)
    }

    /// Returns the steps that a person is shown: what changes something, a replacement once.
    pub fn shown(&self) -> impl Iterator<Item = &Step> {
        let replaced = self.steps.iter().filter(|step| step.kind() == ActionKind::Replace);
        let replaced: BTreeSet<&Address> = replaced.map(|step| &step.address).collect();
        self.steps.iter().filter(move |step| {
            let is_half = step.deletes_old() && replaced.contains(&step.address);
            !is_half && step.kind() != ActionKind::Record
        })
    }

    /// Returns how many objects each action is for.
    pub fn counts(&self) -> BTreeMap<ActionKind, usize> {
        let mut counts = BTreeMap::new();
        for step in self.shown() {
            *counts.entry(step.kind()).or_default() += 1;
        }
        counts
    }

    pub fn replaces(&self, address: &Address) -> bool {
        matches!(self.removal(address), Removal::Replace(_))
    }

    /// Returns how the object at an address is removed, if it is.
    pub fn removal(&self, address: &Address) -> Removal {
        let mut reasons = self.steps.iter().filter_map(|step| match &step.action {
            Action::Replace { reason, .. } if step.address == *address => Some(reason.clone()),
            _ => None,
        });
        reasons.next().map_or(Removal::Delete, Removal::Replace)
    }
}

/// Everything that a plan is made of.
pub struct Planning<'a> {
    pub kinds: &'a Registry,
    pub graph: &'a Graph,
    pub wanted: &'a BTreeMap<Address, Wanted>,
    pub state: &'a State,
    pub observed: &'a Observed,
    pub selection: &'a Selection,
}

/// Returns the plan: what differs, in order. It is pure. An object that could not be read has a step in any
/// case, so that the selection skips it, or does not, with all that depends on it.
pub fn plan(planning: &Planning<'_>) -> Plan {
    let mut making = Making::new(planning);
    for address in planning.graph.order() {
        match planning.wanted.get(address) {
            Some(wanted) if making.is_unseen(address) => making.presume(address, wanted),
            Some(wanted) => making.decide(address, wanted),
            None => {}
        }
    }
    making.removals();
    order(&mut making.plan.steps, planning);
    planning.selection.narrow(&mut making.plan);
    let mut plan = making.plan;
    plan.blocked.retain(|blocked| !plan.skipped.contains(&blocked.address));
    for step in &mut plan.steps {
        if let Some(kind) = planning.kinds.get(step.address.kind()) {
            step.action.hide_internal(&kind.fields);
        }
    }
    plan
}
