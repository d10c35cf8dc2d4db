//! What stands against a step, as the tables and what exists show it.

use super::decide::Making;
use super::{Held, Hold, Step};
use crate::address::Address;
use crate::change::{Change, Path, Rule};
use crate::diff::CannotUnset;
use crate::kind::UpdateCost;
use crate::lifecycle::Guard;
use crate::registry::Kind;
use crate::state::{Object, Phase};

impl Making<'_> {
    pub(super) fn hold(&mut self, address: &Address, hold: Hold) {
        self.plan.held.push(Held { address: address.clone(), hold });
    }

    /// Changes that the file itself does not want to happen.
    pub(super) fn refuse(&mut self, address: &Address, kind: &Kind, changes: &[Change]) {
        for change in changes.iter().filter(|change| change.cost == UpdateCost::Refuse) {
            let by = change.path.field();
            let of = kind.fields.computed_from(&change.path);
            let path = of.map_or(change.path.clone(), |of| Path(vec![of.to_owned()]));
            let hold = Hold::Refused { path, by: by.to_owned() };
            self.hold(address, hold);
        }
    }

    /// A guarded object is not replaced.
    pub(super) fn guard(&mut self, step: &Step, guard: Guard) {
        let name = match guard {
            Guard { protect: true, .. } => "protect",
            Guard { retain: true, .. } => "retain",
            _ => return,
        };
        let costly = step.changes.iter().filter(|change| change.cost == UpdateCost::Replace);
        let fields: Vec<String> = costly.map(|change| format!("`{}`", change.path)).collect();
        let because = match &step.why {
            Some(why) => why.clone(),
            None => format!("{} cannot be changed in place", fields.join(", ")),
        };
        let hold = Hold::Guarded { guard: name, action: step.action, because };
        self.hold(&step.address, hold);
    }

    /// What an object that stays can never come to.
    pub(super) fn keep(&mut self, step: &Step, stuck: Vec<CannotUnset>, otherwise: Vec<Path>) {
        for CannotUnset(path) in stuck {
            self.hold(&step.address, Hold::CannotUnset(path));
        }
        for change in step.changes.iter().filter(|change| change.cost == UpdateCost::GrowOnly) {
            let (path, now) = (change.path.clone(), change.before.clone().unwrap_or_default());
            self.hold(&step.address, Hold::NeverLess { path, now });
        }
        for path in otherwise {
            self.hold(&step.address, Hold::MadeOtherwise(path));
        }
    }
}

/// What a new object still lacks of what its create asked for, and only a create can give. Nothing
/// where the file was edited since: it asks for something else now.
pub(super) fn made_otherwise(object: &Object, changes: &[Change]) -> Vec<Path> {
    let costly = || changes.iter().filter(|change| change.cost == UpdateCost::Replace);
    let is_new = object.phase == Phase::Partial && object.spec.is_some();
    match is_new && costly().all(|change| change.rule == Rule::Missing) {
        true => costly().map(|change| change.path.clone()).collect(),
        false => Vec::new(),
    }
}
