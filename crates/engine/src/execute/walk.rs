//! Walks a plan: every step whose dependencies are done runs, and this loop alone writes the state. Entries
//! that arrive together are written with one fsync.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Failure, Line, Op, Outcome, Shared, ends_the_run, write};
use crate::address::Address;
use crate::event::{Event, SkipReason, working};
use crate::kind::Error;
use crate::plan::{Action, ActionKind, Plan, Step};
use crate::prepare::known_outputs;
use crate::state::{self, Store, Transition};

/// The progress of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Waiting,
    Running,
    /// Still running, but the call that creates its object was accepted.
    Created,
    Done,
    /// Failed, or not started because of a failure or an interruption.
    Lost,
}

pub(super) struct Walk<'a, 'b> {
    plan: &'a Plan,
    shared: &'a Shared<'a>,
    store: &'b mut Store,
    /// In the order of the plan.
    status: Vec<Status>,
    /// Whether an error has occurred after which no other step can succeed.
    halted: bool,
    outcome: Outcome,
}

/// A step that has ended.
type Ended = (usize, Instant, Result<ActionKind, Failure>);
type Running<'a> = FuturesUnordered<BoxFuture<'a, Ended>>;

impl<'a, 'b> Walk<'a, 'b> {
    pub fn new(plan: &'a Plan, shared: &'a Shared<'a>, store: &'b mut Store) -> Self {
        let status = vec![Status::Waiting; plan.steps.len()];
        Self { plan, shared, store, status, halted: false, outcome: Outcome::default() }
    }

    pub async fn run(
        mut self,
        mut lines: mpsc::UnboundedReceiver<Line>,
    ) -> Result<Outcome, state::Error> {
        let mut running = Running::new();
        let mut stop = self.shared.run.options.stop.clone();
        let mut is_told = false;
        let mut batch = Vec::new();
        loop {
            self.begin(&mut running);
            if running.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                _ = lines.recv_many(&mut batch, 1024) => self.write(&mut batch)?,
                Some((at, since, result)) = running.next() => self.ended(at, since, result),
                Ok(()) = stop.changed(), if !is_told => {
                    is_told = true;
                    self.tell(Event::Stopping);
                }
            }
        }
        self.leave_the_rest();
        Ok(self.outcome)
    }

    fn tell(&self, event: Event) {
        let _ = self.shared.run.events.send(event);
    }

    fn is_stopping(&self) -> bool {
        *self.shared.run.options.stop.borrow()
    }

    /// Starts the steps that may start now, up to the limit of parallel operations.
    fn begin(&mut self, running: &mut Running<'a>) {
        for at in 0..self.plan.steps.len() {
            if self.status[at] != Status::Waiting {
                continue;
            }
            let step = &self.plan.steps[at];
            if let Some(lost) = step.after.iter().find(|at| self.status[**at] == Status::Lost) {
                let needed = self.plan.steps[*lost].address.clone();
                self.skip(at, SkipReason::Needs(needed));
            } else if step.after.iter().all(|need| self.may_follow(step, *need))
                && running.len() < self.shared.run.options.parallelism
                && !self.halted
                && !self.is_stopping()
            {
                self.start(at, running);
            }
        }
    }

    /// A step starts when its dependency is complete, or when it is created, if that is all the step needs.
    fn may_follow(&self, step: &Step, dependency: usize) -> bool {
        match self.status[dependency] {
            Status::Done => true,
            Status::Created => {
                !step.action.removes() && self.needs_no_more(step, &self.plan.steps[dependency])
            }
            _ => false,
        }
    }

    /// Tells whether a step may use an object that is created and not complete. Who writes `depends_on`
    /// wants it complete.
    fn needs_no_more(&self, step: &Step, dependency: &Step) -> bool {
        let run = self.shared.run;
        let resource = run.manifest.resources.get(&step.address);
        let is_asked_for = resource.is_some_and(|r| r.depends_on.contains(&dependency.address));
        let kind = run.providers.kinds().get(dependency.address.kind());
        !is_asked_for && kind.is_some_and(|kind| kind.is_usable_once_created)
    }

    fn start(&mut self, at: usize, running: &mut Running<'a>) {
        let step = &self.plan.steps[at];
        self.status[at] = Status::Running;
        if step.kind() != ActionKind::Record {
            self.tell(Event::Started { address: step.address.clone(), action: step.kind() });
        }
        let since = Instant::now();
        match self.op(step) {
            Ok(op) => {
                let operation = working(step.address.clone(), op.run(step));
                running.push(operation.map(move |ended| (at, since, ended)).boxed());
            }
            Err(unknown) => self.ended(at, since, Err(unknown.into())),
        }
    }

    fn op(&mut self, step: &Step) -> Result<Op<'a>, Error> {
        let run = self.shared.run;
        let provider = run.providers.get(step.address.kind())?;
        let state = self.store.state();
        let address = &step.address;
        let mut scope = run.scope.clone();
        scope.outputs = known_outputs(state);
        let needs = run.manifest.resources.get(address).map(|resource| resource.needs());
        let identity = |need: &Address| state.object(need).and_then(|o| o.identity.clone());
        let dependencies = needs.into_iter().flatten().map(|need| {
            let identity = identity(&need);
            (need, identity)
        });
        let dependencies = dependencies.collect();
        let record = state.resources.get(address);
        let all = record.into_iter().flat_map(|r| r.object.iter().chain(&r.deposed));
        let object = match (step.action.id(), step.action.removes()) {
            // An id may be a name that was used again.
            (Some(id), true) => all
                .clone()
                .find(|o| (o.id.as_str(), o.generation) == (id, step.generation))
                .cloned(),
            (Some(id), _) => all.clone().find(|object| object.id == id).cloned(),
            (None, _) => state.object(address).cloned(),
        };
        // An object created in the place of an open create continues that operation.
        let open = record.and_then(|record| record.creating.as_ref());
        let open = open.filter(|_| !step.action.removes());
        let (open_op, open_since) = (open.map(|open| open.op), open.map(|open| open.since.clone()));
        Ok(Op {
            number: open_op.unwrap_or_else(|| self.store.next_op()),
            shared: self.shared,
            provider,
            address: address.clone(),
            generation: step.generation,
            scope,
            dependencies,
            object,
            planned: step.action.desired().cloned(),
            open_since,
        })
    }

    fn write(&mut self, batch: &mut Vec<Line>) -> Result<(), state::Error> {
        for entry in write(self.store, batch)? {
            // The identity of an object that was found by its name is known only when it is complete.
            if matches!(entry.transition, Transition::CreateAccepted { .. })
                && let Some(at) = self.making(&entry.address)
            {
                self.status[at] = Status::Created;
            }
        }
        Ok(())
    }

    /// Returns the step that creates or changes an address.
    fn making(&self, address: &Address) -> Option<usize> {
        let steps = &mut self.plan.steps.iter();
        steps.position(|step| step.address == *address && !step.action.removes())
    }

    fn ended(&mut self, at: usize, since: Instant, result: Result<ActionKind, Failure>) {
        let step = &self.plan.steps[at];
        let address = step.address.clone();
        match result {
            Ok(action) => {
                self.status[at] = Status::Done;
                if step.kind() == ActionKind::Replace && action != ActionKind::Replace {
                    self.keep(&address);
                }
                if action != ActionKind::Record {
                    self.shared.budget.earn();
                    self.outcome.done.push(address.clone());
                    self.tell(Event::Finished { address, action, elapsed: since.elapsed() });
                }
            }
            Err(failure) => {
                let failure = Arc::new(self.shared.run.redacted_failure(failure));
                // Dependants that have started go on; no other one starts.
                let goes_on = matches!(*failure, Failure::NotApplied { is_recorded: true, .. });
                self.status[at] = if goes_on { Status::Done } else { Status::Lost };
                self.halted |= failure.fault().is_some_and(ends_the_run);
                self.tell(Event::Failed { address: address.clone(), failure: failure.clone() });
                self.outcome.failed.push((address, failure));
            }
        }
    }

    /// A replacement became an update: the object stays, and the step that deletes it is void.
    fn keep(&mut self, address: &Address) {
        let current = self.store.state().object(address).map(|object| object.id.as_str());
        for (status, step) in self.status.iter_mut().zip(&self.plan.steps) {
            let is_delete = step.address == *address
                && matches!(&step.action, Action::Delete { id, .. } if Some(id.as_str()) == current);
            if is_delete {
                *status = Status::Done;
            }
        }
    }

    fn skip(&mut self, at: usize, reason: SkipReason) {
        self.status[at] = Status::Lost;
        let step = &self.plan.steps[at];
        let address = step.address.clone();
        if step.deletes_old() && self.making(&address).is_some() {
            return; // its successor is reported
        }
        self.outcome.skipped.push(address.clone());
        self.tell(Event::Skipped { address, reason });
    }

    /// Skips the steps that were never started, after an interruption or behind failures.
    fn leave_the_rest(&mut self) {
        let waiting = |status: &Status| *status == Status::Waiting;
        let is_short = self.status.iter().any(waiting) || !self.outcome.failed.is_empty();
        self.outcome.interrupted = self.is_stopping() && is_short;
        let reason = if self.halted {
            SkipReason::Halted
        } else if self.outcome.interrupted {
            SkipReason::Interrupted
        } else {
            SkipReason::DependencyFailed
        };
        for at in 0..self.status.len() {
            if waiting(&self.status[at]) {
                self.skip(at, reason.clone());
            }
        }
    }
}
