//! A selection is the requested part of a plan, and what that part needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Plan, Step};
use crate::address::Address;

/// What a user requests besides the file. An empty selection is everything that the file wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Only these are done, and what their steps wait for.
    pub targets: BTreeSet<Address>,
    /// Neither these are done nor what waits for their steps.
    pub excluded: BTreeSet<Address>,
    /// These are replaced, though nothing differs.
    pub replaced: BTreeSet<Address>,
    /// Whether what is looked up once and kept is looked up again.
    #[serde(default)]
    pub refreshes: bool,
}

impl Selection {
    /// Tells whether the selection leaves anything out.
    pub fn is_narrow(&self) -> bool {
        !self.targets.is_empty() || !self.excluded.is_empty()
    }

    /// Returns every address that the selection names.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.targets.iter().chain(&self.excluded).chain(&self.replaced)
    }

    /// Takes out of an ordered plan what was not requested.
    pub(super) fn narrow(&self, plan: &mut Plan) {
        let kept = self.kept(&plan.steps);
        let place: BTreeMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let steps = std::mem::take(&mut plan.steps);
        for (at, mut step) in steps.into_iter().enumerate() {
            if kept.contains(&at) {
                step.after = step.after.iter().filter_map(|at| place.get(at)).copied().collect();
                plan.steps.push(step);
            } else {
                plan.skipped.insert(step.address);
            }
        }
        // The old object of a replacement is the next run's to report.
        let kept: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
        plan.skipped.retain(|address| !kept.contains(address));
    }

    fn kept(&self, steps: &[Step]) -> BTreeSet<usize> {
        let of = |these: &BTreeSet<Address>| -> BTreeSet<usize> {
            let all = steps.iter().enumerate();
            all.filter(|(_, step)| these.contains(&step.address)).map(|(at, _)| at).collect()
        };
        let mut kept: BTreeSet<usize> = if self.targets.is_empty() {
            (0..steps.len()).collect()
        } else {
            closure(of(&self.targets), |at| steps[at].after.iter().copied().collect())
        };
        let mut dependants = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            step.after.iter().for_each(|need| dependants[*need].push(at));
        }
        let waiting = |at: usize| dependants[at].clone();
        let mut dropped = closure(of(&self.excluded), waiting);
        // Nothing is deleted for a successor that is not made.
        let unmade: BTreeSet<Address> = dropped
            .iter()
            .filter(|at| !steps[**at].action.removes())
            .map(|at| steps[*at].address.clone())
            .collect();
        dropped = closure(dropped.union(&of(&unmade)).copied().collect(), waiting);
        kept.retain(|at| !dropped.contains(at));
        kept
    }
}

/// Returns all that `next` leads to, the beginning included.
fn closure(start: BTreeSet<usize>, next: impl Fn(usize) -> Vec<usize>) -> BTreeSet<usize> {
    let mut all = start.clone();
    let mut fresh: Vec<usize> = start.into_iter().collect();
    while let Some(at) = fresh.pop() {
        fresh.extend(next(at).into_iter().filter(|at| all.insert(*at)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Action, DeleteReason, ReplaceOrder, ReplaceReason};

    fn update(address: &Address) -> Step {
        let (id, desired, changes) = (String::new(), Default::default(), Vec::new());
        Step::new(address, 1, Action::Update { id, desired, changes })
    }

    fn replace(address: &Address) -> Step {
        let (id, desired, changes) = (String::new(), Default::default(), Vec::new());
        let (order, reason) = (ReplaceOrder::CreateFirst, ReplaceReason::Requested);
        let lost = Vec::new();
        let action = Action::Replace { id, desired, changes, order, reason, lost };
        Step { after: [0, 2].into(), ..Step::new(address, 2, action) }
    }

    fn delete(address: &Address) -> Step {
        let (id, reason, lost) = (String::new(), DeleteReason::Replaced, Vec::new());
        Step::new(address, 1, Action::Delete { id, reason, lost })
    }

    /// Where a cycle was cut, a delete waits for nothing.
    #[test]
    fn an_old_object_is_skipped_with_its_successor() {
        let (x, r) = (Address::new("k", "x"), Address::new("k", "r"));
        let steps = [update(&x), replace(&r), delete(&r)];
        let of = |address: &Address| BTreeSet::from([address.clone()]);
        let without = Selection { excluded: of(&x), ..Selection::default() };
        assert_eq!(without.kept(&steps), [].into());
        let only = Selection { targets: of(&r), ..Selection::default() };
        assert_eq!(only.kept(&steps), [0, 1, 2].into());
    }
}
