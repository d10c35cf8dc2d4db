//! Which steps of a plan may start now. Each dependency of each step is looked at once, so that the work of a
//! whole run grows with the size of its plan.

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

/// The steps of a plan, and what each of them still waits for. Steps are known by their place in the plan.
pub(super) struct Ready<'a> {
    status: Vec<Status>,
    /// The steps that each step still waits for.
    missing: Vec<BTreeSet<usize>>,
    /// The steps that wait for each step.
    dependants: Vec<Vec<usize>>,
    /// What waits for nothing, in the order of the plan.
    ready: BTreeSet<usize>,
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
        let ready = (0..missing.len()).filter(|at| missing[*at].is_empty()).collect();
        let status = vec![Status::Waiting; missing.len()];
        Self { status, missing, dependants, ready, of_address }
    }

    /// Takes the first step that may start, which is running from now on.
    pub fn start_next(&mut self) -> Option<usize> {
        let at = self.ready.pop_first()?;
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
        self.ready.remove(&at);
        for dependant in self.dependants[at].clone() {
            self.meets(at, dependant);
        }
    }

    /// What the step has achieved so far is enough for one of its dependants.
    pub fn meets(&mut self, at: usize, dependant: usize) {
        work::count();
        self.missing[dependant].remove(&at);
        if self.missing[dependant].is_empty() && self.is(dependant, Status::Waiting) {
            self.ready.insert(dependant);
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
        self.ready.remove(&at);
    }
}
