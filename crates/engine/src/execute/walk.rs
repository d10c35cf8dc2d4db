//! Walks a plan: every step whose dependencies are done runs, and this loop alone writes the state. Entries
//! that arrive together are written with one fsync.

use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::ready::Ready;
use super::{AT_ONCE, Failure, Message, Op, Outcome, Shared, ends_the_run, write};
use crate::address::Address;
use crate::event::{Event, SkipReason, working};
use crate::kind::{Error, Milestone};
use crate::plan::{Action, ActionKind, Plan, Step};
use crate::prepare::outputs_of;
use crate::reference::Scope;
use crate::state::{self, Object, Record, Store};

pub(super) struct Walk<'a, 'b> {
    plan: &'a Plan,
    shared: &'a Shared<'a>,
    store: &'b mut Store,
    steps: Ready<'a>,
    /// Whether an error has occurred after which no other step can succeed.
    halted: bool,
    outcome: Outcome,
}

/// A step that has ended.
type Ended = (usize, Instant, Result<ActionKind, Failure>);
type Running<'a> = FuturesUnordered<BoxFuture<'a, Ended>>;

impl<'a, 'b> Walk<'a, 'b> {
    pub fn new(plan: &'a Plan, shared: &'a Shared<'a>, store: &'b mut Store) -> Self {
        let steps = Ready::new(plan);
        Self { plan, shared, store, steps, halted: false, outcome: Outcome::default() }
    }

    pub async fn run(
        mut self,
        mut messages: mpsc::UnboundedReceiver<Message>,
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
                _ = messages.recv_many(&mut batch, AT_ONCE) => self.write(&mut batch)?,
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
        while running.len() < self.shared.run.options.parallelism
            && !self.halted
            && !self.is_stopping()
            && let Some(at) = self.steps.start_next()
        {
            self.start(at, running);
        }
    }

    /// Tells whether a step may start once its dependency has reached this milestone. With `depends_on`, it starts when
    /// the dependency is complete.
    fn needs_no_more(&self, step: &Step, dependency: &Step, reached: Milestone) -> bool {
        let run = self.shared.run;
        let Some(kind) = run.providers.kinds().get(dependency.address.kind()) else { return false };
        let resource = run.manifest.resources.get(&step.address);
        let is_asked_for = resource.is_some_and(|r| r.depends_on.contains(&dependency.address));
        !step.action.removes() && !is_asked_for && reached >= kind.usable_once
    }

    fn start(&mut self, at: usize, running: &mut Running<'a>) {
        let step = &self.plan.steps[at];
        if step.kind() != ActionKind::Record {
            self.tell(Event::Started { address: step.address.clone(), action: step.kind() });
        }
        let since = Instant::now();
        match self.op(at) {
            Ok(op) => {
                let operation = working(step.address.clone(), op.run(step));
                running.push(operation.map(move |ended| (at, since, ended)).boxed());
            }
            Err(unknown) => self.ended(at, since, Err(unknown.into())),
        }
    }

    fn op(&mut self, at: usize) -> Result<Op<'a>, Error> {
        let step = &self.plan.steps[at];
        let run = self.shared.run;
        let provider = run.providers.get(step.address.kind())?;
        let state = self.store.state();
        let address = &step.address;
        let needs = run.manifest.resources.get(address).map(|resource| resource.needs());
        let needs = needs.unwrap_or_default();
        let scope = Scope { outputs: outputs_of(state, &needs), ..run.scope.clone() };
        let identity = |need: &Address| state.object(need).and_then(|o| o.identity.clone());
        let dependencies = needs.into_iter().map(|need| {
            let identity = identity(&need);
            (need, identity)
        });
        let dependencies = dependencies.collect();
        let record = state.resources.get(address);
        let object = record.and_then(|record| object_of(step, record)).cloned();
        // An object created in the place of an open create continues that operation.
        let open = record.and_then(|record| record.creating.as_ref());
        let open = open.filter(|_| !step.action.removes());
        let (open_op, open_since) = (open.map(|open| open.op), open.map(|open| open.since.clone()));
        Ok(Op {
            number: open_op.unwrap_or_else(|| self.store.next_op()),
            step: Some(at),
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

    fn write(&mut self, batch: &mut Vec<Message>) -> Result<(), state::Error> {
        for (at, reached) in write(self.store, batch)? {
            let steps = &self.plan.steps;
            let needs_no_more =
                |after: &usize| self.needs_no_more(&steps[*after], &steps[at], reached);
            let free: Vec<usize> = self.steps.dependants(at).filter(needs_no_more).collect();
            free.into_iter().for_each(|dependant| self.steps.meets(at, dependant));
        }
        Ok(())
    }

    /// Returns the step that creates or changes an address.
    fn making(&self, address: &Address) -> Option<usize> {
        let mut of = self.steps.of(address).iter().copied();
        of.find(|at| !self.plan.steps[*at].action.removes())
    }

    fn ended(&mut self, at: usize, since: Instant, result: Result<ActionKind, Failure>) {
        let step = &self.plan.steps[at];
        let address = step.address.clone();
        match result {
            Ok(action) => {
                self.steps.done(at);
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
                self.halted |= failure.fault().is_some_and(ends_the_run);
                self.tell(Event::Failed { address: address.clone(), failure: failure.clone() });
                self.outcome.failed.push((address, failure));
                if goes_on {
                    self.steps.done(at);
                    return;
                }
                for (dependant, need) in self.steps.lost(at) {
                    let needed = self.plan.steps[need].address.clone();
                    self.skipped(dependant, SkipReason::Needs(needed));
                }
            }
        }
    }

    /// A replacement became an update: the object stays, and the step that deletes it is void.
    fn keep(&mut self, address: &Address) {
        let current = self.store.state().object(address).map(|object| object.id.as_str());
        let is_void = |at: &usize| match &self.plan.steps[*at].action {
            Action::Delete { id, .. } => Some(id.as_str()) == current,
            _ => false,
        };
        let void: Vec<usize> = self.steps.of(address).iter().copied().filter(is_void).collect();
        void.into_iter().for_each(|at| self.steps.done(at));
    }

    /// Reports a step that was not started.
    fn skipped(&mut self, at: usize, reason: SkipReason) {
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
        let waiting = self.steps.waiting();
        let is_short = !waiting.is_empty() || !self.outcome.failed.is_empty();
        self.outcome.interrupted = self.is_stopping() && is_short;
        let reason = if self.halted {
            SkipReason::Halted
        } else if self.outcome.interrupted {
            SkipReason::Interrupted
        } else {
            SkipReason::DependencyFailed
        };
        for at in waiting {
            self.steps.give_up(at);
            self.skipped(at, reason.clone());
        }
    }
}

/// Returns the object that a step is about.
fn object_of<'a>(step: &Step, record: &'a Record) -> Option<&'a Object> {
    let mut all = record.object.iter().chain(&record.deposed);
    match (step.action.id(), step.action.removes()) {
        // An id may be a name that was used again.
        (Some(id), true) => {
            all.find(|object| (object.id.as_str(), object.generation) == (id, step.generation))
        }
        (Some(id), false) => all.find(|object| object.id == id),
        (None, _) => record.object.as_ref(),
    }
}
