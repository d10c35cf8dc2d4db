//! Why a plan must not be executed, as far as field tables, state and observed objects show it.

use serde_json::Value;

use super::action::ReplaceReason;
use super::decide::Making;
use crate::address::Address;
use crate::change::{Change, ChangeReason, Path};
use crate::diff::CannotUnset;
use crate::kind::{DeletionProtection, UpdateCost};
use crate::lifecycle::{Guard, GuardKind};
use crate::registry::Kind;
use crate::state::{Object, Phase};

/// A step that must not be executed, and with it its plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub address: Address,
    pub blocker: Blocker,
}

/// Why a step must not be executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// The field was removed from the file and has no default to return to.
    CannotUnset(Path),
    /// The object needs the unique name of one that leaves the file and is retained.
    NameRetained(Address),
    /// The object of `former` has the unique name and must go first, and cannot: `by` uses it.
    NameInUse { former: Address, by: Address },
    /// The file, or the state, guards the object.
    Guarded { guard: GuardKind, removal: Removal },
    /// The value at `path` is `now` and cannot become smaller.
    CannotShrink { path: Path, now: Value },
    /// The object was created as requested, and the value at this path came out differently. Another
    /// one would, too.
    CreatedDifferently(Path),
    /// The field `by` refuses the change at `path`.
    Refused { path: Path, by: String },
    /// A part that `field` asks for exists and is somebody else's.
    PartTaken { field: &'static str, reason: String, hint: String },
    /// The cloud does not let the object be deleted.
    Locked { protection: DeletionProtection, removal: Removal },
}

/// How an object would be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    Delete,
    Replace(ReplaceReason),
}

impl Making<'_> {
    pub(super) fn block(&mut self, address: &Address, blocker: Blocker) {
        self.plan.blocked.push(Blocked { address: address.clone(), blocker });
    }

    /// Blocks changes that the file itself refuses.
    pub(super) fn block_refused(&mut self, address: &Address, kind: &Kind, changes: &[Change]) {
        for change in changes.iter().filter(|change| change.cost == UpdateCost::Refuse) {
            let by = change.path.field();
            let of = kind.fields.computed_from(&change.path);
            let path = of.map_or(change.path.clone(), |of| Path(vec![of.to_owned()]));
            self.block(address, Blocker::Refused { path, by: by.to_owned() });
        }
    }

    /// Blocks `address` if the object of `former` must be deleted before it, and the service does not
    /// delete an object that is used. What leaves the file in the same run is deleted earlier.
    pub(super) fn block_name_in_use(&mut self, kind: &Kind, address: &Address, former: &Address) {
        if kind.is_deleted_while_used {
            return;
        }
        if let Some(by) = self.staying_dependant(former) {
            self.block(address, Blocker::NameInUse { former: former.clone(), by });
        }
    }

    /// Returns a resource of the file whose object needs that of `address`, as the state has recorded.
    fn staying_dependant(&self, address: &Address) -> Option<Address> {
        let resources = self.on.state.resources.iter();
        let mut dependants = resources.filter(|(_, record)| {
            record.object.as_ref().is_some_and(|object| object.dependencies.contains_key(address))
        });
        let by = dependants.find(|(by, _)| self.on.wanted.contains_key(*by));
        by.map(|(by, _)| by.clone())
    }

    /// Blocks the removal of a guarded object.
    pub(super) fn block_guarded(&mut self, address: &Address, guard: Guard, removal: Removal) {
        if let Some(guard) = guard.kind() {
            self.block(address, Blocker::Guarded { guard, removal });
        }
    }

    /// Blocks what an object that stays can never have.
    pub(super) fn block_impossible(
        &mut self,
        address: &Address,
        changes: &[Change],
        cannot_unset: Vec<CannotUnset>,
    ) {
        for CannotUnset(path) in cannot_unset {
            self.block(address, Blocker::CannotUnset(path));
        }
        for change in changes.iter().filter(|change| change.cost == UpdateCost::GrowOnly) {
            let (path, now) = (change.path.clone(), change.before.clone().unwrap_or_default());
            self.block(address, Blocker::CannotShrink { path, now });
        }
    }
}

/// Returns the fields of a new object that came out differently from what its create requested, and that
/// only a create can set; none if the file was edited since, for it requests something else now.
pub(super) fn created_differently(object: &Object, changes: &[Change]) -> Vec<Path> {
    let costly = || changes.iter().filter(|change| change.cost == UpdateCost::Replace);
    let is_new = object.phase == Phase::Partial && object.spec.is_some();
    if is_new && costly().all(|change| change.reason == ChangeReason::NotApplied) {
        costly().map(|change| change.path.clone()).collect()
    } else {
        Vec::new()
    }
}
