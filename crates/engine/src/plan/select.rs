//! A part of a plan: what was asked for, and what that needs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Plan, Step};
use crate::address::Address;

/// What a user asks for besides the file. Empty: everything the file wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// These and what their steps wait for, nothing else.
    pub targets: BTreeSet<Address>,
    /// Neither these nor what waits for their steps.
    pub excluded: BTreeSet<Address>,
    /// Made anew, though nothing differs.
    pub replaced: BTreeSet<Address>,
    /// What is looked up once and kept, is looked up anew.
    #[serde(default)]
    pub refreshes: bool,
}

impl Selection {
    /// Whether it leaves anything out.
    pub fn is_narrow(&self) -> bool {
        !self.targets.is_empty() || !self.excluded.is_empty()
    }

    /// Every address that it names.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.targets.iter().chain(&self.excluded).chain(&self.replaced)
    }

    /// Takes out of an ordered plan what was not asked for.
    pub(super) fn narrow(&self, plan: &mut Plan) {
        let kept = self.kept(&plan.steps);
        let place: BTreeMap<usize, usize> = kept.iter().copied().zip(0..).collect();
        let steps = std::mem::take(&mut plan.steps);
        for (at, mut step) in steps.into_iter().enumerate() {
            if kept.contains(&at) {
                step.after = step.after.iter().filter_map(|at| place.get(at)).copied().collect();
                plan.steps.push(step);
            } else {
                plan.left_out.insert(step.address);
            }
        }
        // Of the old half of a replacement the next run tells.
        let kept: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
        plan.left_out.retain(|address| !kept.contains(address));
    }

    fn kept(&self, steps: &[Step]) -> BTreeSet<usize> {
        let of = |these: &BTreeSet<Address>| -> BTreeSet<usize> {
            let all = steps.iter().enumerate();
            all.filter(|(_, step)| these.contains(&step.address)).map(|(at, _)| at).collect()
        };
        let mut kept: BTreeSet<usize> = match self.targets.is_empty() {
            true => (0..steps.len()).collect(),
            false => closure(of(&self.targets), |at| steps[at].after.iter().copied().collect()),
        };
        let waiting = |at: usize| -> Vec<usize> {
            (0..steps.len()).filter(|later| steps[*later].after.contains(&at)).collect()
        };
        let mut dropped = closure(of(&self.excluded), waiting);
        // Nothing is deleted for a successor that is not made.
        let unmade: BTreeSet<Address> = dropped
            .iter()
            .filter(|at| !steps[**at].leaves())
            .map(|at| steps[*at].address.clone())
            .collect();
        dropped = closure(dropped.union(&of(&unmade)).copied().collect(), waiting);
        kept.retain(|at| !dropped.contains(at));
        kept
    }
}

/// All that `next` leads to, the beginning included.
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
    use crate::plan::Action;

    /// Where a knot was cut, a delete waits for nothing.
    #[test]
    fn an_old_half_stays_with_the_new_one() {
        let (x, r) = (Address::new("k", "x"), Address::new("k", "r"));
        let steps = [
            Step::new(&x, Action::Update, 1),
            Step { after: [0, 2].into(), ..Step::new(&r, Action::Replace, 2) },
            Step::new(&r, Action::Delete, 1),
        ];
        let of = |address: &Address| BTreeSet::from([address.clone()]);
        let without = Selection { excluded: of(&x), ..Selection::default() };
        assert_eq!(without.kept(&steps), [].into());
        let only = Selection { targets: of(&r), ..Selection::default() };
        assert_eq!(only.kept(&steps), [0, 1, 2].into());
    }
}
