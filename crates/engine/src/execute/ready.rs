//! Which steps of a plan may start now. Each dependency of each step is looked at once, so that the work of a
//! whole run grows with the size of its plan.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::address::Address;
use crate::plan::Plan;
use crate::work;

/// The progress of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Waiting,
    Running,
    Done,
    /// Failed, or not started because of a failure or an interruption.
    Lost,
}

/// The order in which steps start that may start at the same time. What the longest chain waits for comes first:
/// a hundred steps that nothing needs must not take the places of one that everything needs. Of two, the one comes
/// first that has waited for the longer chain itself, and then the order of the plan decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    behind: Reverse<usize>,
    before: Reverse<usize>,
    at: usize,
}

/// The steps of a plan, and what each of them still waits for. Steps are known by their place in the plan.
pub(super) struct Ready<'a> {
    status: Vec<Status>,
    /// The steps that each step still waits for.
    missing: Vec<BTreeSet<usize>>,
    /// The steps that wait for each step.
    dependants: Vec<Vec<usize>>,
    ranks: Vec<Rank>,
    /// What waits for nothing.
    ready: BTreeSet<Rank>,
    of_address: BTreeMap<&'a Address, Vec<usize>>,
}

impl<'a> Ready<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        let missing: Vec<BTreeSet<usize>> =
            plan.steps.iter().map(|step| step.after.clone()).collect();
        let mut dependants = vec![Vec::new(); missing.len()];
        let mut of_address: BTreeMap<&Address, Vec<usize>> = BTreeMap::new();
        for (at, step) in plan.steps.iter().enumerate() {
            step.after.iter().for_each(|need| dependants[*need].push(at));
            of_address.entry(&step.address).or_default().push(at);
        }
        let ranks = ranks(&missing, &dependants);
        let ready = ranks.iter().filter(|rank| missing[rank.at].is_empty()).copied().collect();
        let status = vec![Status::Waiting; missing.len()];
        Self { status, missing, dependants, ranks, ready, of_address }
    }

    /// Takes the first step that may start, which is running from now on.
    pub fn start_next(&mut self) -> Option<usize> {
        let Rank { at, .. } = self.ready.pop_first()?;
        self.status[at] = Status::Running;
        Some(at)
    }

    fn is(&self, at: usize, status: Status) -> bool {
        self.status[at] == status
    }

    /// Returns the steps that were never started.
    pub fn waiting(&self) -> Vec<usize> {
        (0..self.status.len()).filter(|at| self.is(*at, Status::Waiting)).collect()
    }

    /// Returns all steps of an address.
    pub fn of(&self, address: &Address) -> &[usize] {
        self.of_address.get(address).map_or(&[], Vec::as_slice)
    }

    /// Returns the steps that wait for one.
    pub fn dependants(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        self.dependants[at].iter().copied()
    }

    /// The step is complete: whatever waits for it does so no longer.
    pub fn done(&mut self, at: usize) {
        self.status[at] = Status::Done;
        self.ready.remove(&self.ranks[at]);
        for dependant in self.dependants[at].clone() {
            self.meets(at, dependant);
        }
    }

    /// What the step has achieved so far is enough for one of its dependants.
    pub fn meets(&mut self, at: usize, dependant: usize) {
        work::count();
        self.missing[dependant].remove(&at);
        if self.missing[dependant].is_empty() && self.is(dependant, Status::Waiting) {
            self.ready.insert(self.ranks[dependant]);
        }
    }

    /// The step is lost, and with it everything that waits for it. Returns the steps that are lost because of
    /// it, each with a step that it needs.
    pub fn lost(&mut self, at: usize) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        let mut fresh = vec![at];
        self.give_up(at);
        while let Some(lost) = fresh.pop() {
            for dependant in self.dependants[lost].clone() {
                work::count();
                // One that has started already goes on.
                if self.is(dependant, Status::Waiting) {
                    self.give_up(dependant);
                    all.push((dependant, lost));
                    fresh.push(dependant);
                }
            }
        }
        all.sort_unstable();
        all
    }

    /// Does not start the step.
    pub fn give_up(&mut self, at: usize) {
        self.status[at] = Status::Lost;
        self.ready.remove(&self.ranks[at]);
    }
}

fn ranks(needs: &[BTreeSet<usize>], dependants: &[Vec<usize>]) -> Vec<Rank> {
    let needs: Vec<Vec<usize>> = needs.iter().map(|all| all.iter().copied().collect()).collect();
    let (behind, before) = (chains(&needs, dependants), chains(dependants, &needs));
    let rank = |at| Rank { behind: Reverse(behind[at]), before: Reverse(before[at]), at };
    (0..needs.len()).map(rank).collect()
}

/// Returns the length of the longest chain that begins at each step and follows `onward`, whose reverse is `back`.
/// Steps in a cycle, which no plan has, count as having none.
fn chains(back: &[Vec<usize>], onward: &[Vec<usize>]) -> Vec<usize> {
    let mut lengths = vec![0; onward.len()];
    let mut open: Vec<usize> = onward.iter().map(Vec::len).collect();
    let mut known: Vec<usize> = (0..onward.len()).filter(|at| open[*at] == 0).collect();
    while let Some(at) = known.pop() {
        for &former in &back[at] {
            work::count();
            lengths[former] = lengths[former].max(lengths[at] + 1);
            open[former] -= 1;
            if open[former] == 0 {
                known.push(former);
            }
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_longest_chain_waits_for_comes_first() {
        // 0 and 1 are alone, 4 needs 3 and 2, and 3 needs 2.
        let needs: Vec<BTreeSet<usize>> = [vec![], vec![], vec![], vec![2], vec![3, 2]]
            .map(|all| all.into_iter().collect())
            .into();
        let dependants = vec![vec![], vec![], vec![3, 4], vec![4], vec![]];
        let mut ranks = ranks(&needs, &dependants);
        ranks.sort();
        let order: Vec<usize> = ranks.iter().map(|rank| rank.at).collect();
        assert_eq!(order, [2, 3, 4, 0, 1]);
    }
}
