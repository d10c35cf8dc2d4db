//! Walks a plan: whatever has all it needs runs, and this loop alone writes the state.
//!
//! Operations are plain `async` functions that send journal entries and wait until they are
//! durable. The loop gathers what has arrived together into one write and one fsync.

mod bring;
mod create;
mod delete;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::address::Address;
use crate::clock::Clock;
use crate::erased::{AnyKind, Registry};
use crate::event::{Event, Events};
use crate::kind::{Error, Fault, Live, Owner};
use crate::manifest::Manifest;
use crate::observe::{Observed, owner};
use crate::plan::{Action, Plan, Step};
use crate::prepare::known_outputs;
use crate::reference::Scope;
use crate::secret::Sealer;
use crate::state::{self, Creating, Data, Entry, Object, State, Store, Verb};

/// What a run may be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Operations under way at once.
    pub parallelism: usize,
    /// How long a new object may be invisible, and how long a create without a token may be
    /// outstanding. `None`: 120 s and each kind's own.
    pub settle: Option<Duration>,
    pub clock: Clock,
    /// Becomes true when no further step shall begin.
    pub stop: watch::Receiver<bool>,
}

/// What all stages of a run need.
pub struct Run<'a> {
    pub manifest: &'a Manifest,
    pub kinds: &'a Registry,
    /// Without outputs.
    pub scope: Scope,
    pub options: Options,
    pub events: &'a Events,
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub failed: Vec<(Address, Error)>,
    pub skipped: Vec<Address>,
    /// Steps that changed something.
    pub done: usize,
    pub interrupted: bool,
}

/// What all operations of a run share.
pub(crate) struct Shared<'a> {
    pub manifest: &'a Manifest,
    pub kinds: &'a Registry,
    pub observed: &'a Observed,
    pub lineage: String,
    pub owner: Owner,
    pub sealer: Sealer,
    pub options: Options,
    pub events: &'a Events,
    journal: mpsc::UnboundedSender<Line>,
}

/// An entry on its way to the journal.
struct Line {
    entry: Entry,
    written: oneshot::Sender<()>,
}

/// What one operation is given when it starts.
pub(crate) struct Op<'a> {
    pub number: u64,
    pub shared: &'a Shared<'a>,
    pub kind: &'a dyn AnyKind,
    pub address: Address,
    pub generation: u64,
    /// Outputs of what it needs, as they are now.
    pub scope: Scope,
    /// Identities of what it needs, as they are now.
    pub dependencies: BTreeMap<Address, Option<String>>,
    pub object: Option<Object>,
}

impl Op<'_> {
    /// Writes an entry; durable on return.
    pub async fn journal(&self, verb: Verb, step: state::Step, data: Data) -> Result<(), Error> {
        let entry = Entry {
            seq: 0,
            op: self.number,
            address: self.address.clone(),
            generation: self.generation,
            at: self.shared.options.clock.now().to_string(),
            verb,
            step,
            data,
        };
        let (written, confirmed) = oneshot::channel();
        let lost = || Error::terminal("the state could not be written");
        self.shared.journal.send(Line { entry, written }).map_err(|_| lost())?;
        confirmed.await.map_err(|_| lost())
    }

    pub fn tell(&self, event: Event) {
        let _ = self.shared.events.send(event);
    }

    pub fn live(&self) -> Option<&Live<Value>> {
        self.shared.observed.live.get(&self.address)?.as_ref()
    }

    pub fn grace(&self) -> Duration {
        self.shared.options.settle.unwrap_or(crate::observe::GRACE)
    }

    pub fn stopping(&self) -> bool {
        *self.shared.options.stop.borrow()
    }

    pub async fn run(mut self, step: &Step) -> Result<(), Error> {
        match step.action {
            Action::Create if step.gone => {
                self.forget_gone().await?;
                self.create().await
            }
            Action::Create => self.create().await,
            Action::Replace => self.replace(step).await,
            Action::Update | Action::Restart | Action::Record => self.update(step).await,
            Action::Delete => self.delete(step.id.as_deref().unwrap_or_default()).await,
        }
    }
}

/// Does what the plan says. The state is durable at every moment; [`Store::finish`] comes after.
pub(crate) async fn execute(
    run: &Run<'_>,
    plan: &Plan,
    observed: &Observed,
    store: &mut Store,
) -> Result<Outcome, state::Error> {
    let (journal, lines) = mpsc::unbounded_channel();
    let shared = Shared::new(run, observed, store.state(), journal);
    let mut walk = Walk::new(plan, &shared, &run.scope, store);
    walk.find_ready();
    walk.run(lines).await
}

/// A create that an earlier run left open.
pub(crate) struct Open {
    pub creating: Creating,
    /// The recorded request, if it can be rebuilt.
    pub spec: Option<Value>,
    /// Whether this run makes an object of the same name at the same address.
    pub is_remade: bool,
}

/// Settles one create that an earlier run left open.
pub(crate) async fn recover(
    run: &Run<'_>,
    store: &mut Store,
    address: &Address,
    open: &Open,
) -> Result<Result<(), Error>, state::Error> {
    let Some(kind) = run.kinds.get(address.kind()) else {
        return Ok(Err(Error::terminal("this kind is not known here")));
    };
    let observed = Observed::default();
    let (journal, mut lines) = mpsc::unbounded_channel();
    let shared = Shared::new(run, &observed, store.state(), journal);
    let op = Op {
        number: open.creating.op,
        shared: &shared,
        kind: kind.as_ref(),
        address: address.clone(),
        generation: open.creating.generation,
        scope: run.scope.clone(),
        dependencies: open.creating.dependencies.clone(),
        object: None,
    };
    let mut recovering = std::pin::pin!(op.recover(open));
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = lines.recv_many(&mut batch, 1024) => {
                write(store, &mut batch)?;
            }
            result = &mut recovering => return Ok(result),
        }
    }
}

/// One write and one fsync for all that arrived together.
fn write(store: &mut Store, batch: &mut Vec<Line>) -> Result<Vec<Entry>, state::Error> {
    let (mut entries, waiting): (Vec<_>, Vec<_>) =
        batch.drain(..).map(|line| (line.entry, line.written)).unzip();
    store.append(&mut entries)?;
    for written in waiting {
        // An operation that is gone has no use for the news.
        let _ = written.send(());
    }
    Ok(entries)
}

impl<'a> Shared<'a> {
    fn new(
        run: &'a Run<'_>,
        observed: &'a Observed,
        state: &State,
        journal: mpsc::UnboundedSender<Line>,
    ) -> Self {
        Self {
            manifest: run.manifest,
            kinds: run.kinds,
            observed,
            lineage: state.lineage.clone(),
            owner: owner(&run.scope, state),
            sealer: Sealer::new(&state.salt),
            options: run.options.clone(),
            events: run.events,
            journal,
        }
    }
}

struct Walk<'a, 'b> {
    plan: &'a Plan,
    shared: &'a Shared<'a>,
    scope: &'a Scope,
    store: &'b mut Store,
    ready: VecDeque<usize>,
    begun: BTreeSet<usize>,
    /// Made, though perhaps not complete: what needs it may begin.
    released: BTreeSet<usize>,
    finished: BTreeSet<usize>,
    /// Failed, or not begun because of a failure or an interruption.
    lost: BTreeSet<usize>,
    /// After an error that no further step can survive either.
    halted: bool,
    outcome: Outcome,
}

type Running<'a> = FuturesUnordered<BoxFuture<'a, (usize, Instant, Result<(), Error>)>>;

impl<'a, 'b> Walk<'a, 'b> {
    fn new(plan: &'a Plan, shared: &'a Shared<'a>, scope: &'a Scope, store: &'b mut Store) -> Self {
        Self {
            plan,
            shared,
            scope,
            store,
            ready: VecDeque::new(),
            begun: BTreeSet::new(),
            released: BTreeSet::new(),
            finished: BTreeSet::new(),
            lost: BTreeSet::new(),
            halted: false,
            outcome: Outcome::default(),
        }
    }

    async fn run(
        mut self,
        mut lines: mpsc::UnboundedReceiver<Line>,
    ) -> Result<Outcome, state::Error> {
        let mut running = Running::new();
        let mut stop = self.shared.options.stop.clone();
        let mut batch = Vec::new();
        loop {
            self.begin(&mut running);
            if running.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                _ = lines.recv_many(&mut batch, 1024) => {
                    self.write(&mut batch)?;
                    self.find_ready();
                }
                Some((at, since, result)) = running.next() => {
                    self.finished(at, since, result);
                    self.find_ready();
                }
                Ok(()) = stop.changed(), if !self.outcome.interrupted => {
                    self.outcome.interrupted = true;
                    let _ = self.shared.events.send(Event::Stopping);
                }
            }
        }
        self.leave_the_rest();
        Ok(self.outcome)
    }

    fn stopped(&self) -> bool {
        self.halted || *self.shared.options.stop.borrow()
    }

    fn begin(&mut self, running: &mut Running<'a>) {
        while !self.stopped() && running.len() < self.shared.options.parallelism {
            let Some(at) = self.ready.pop_front() else { return };
            let step = &self.plan.steps[at];
            if step.action != Action::Record {
                let (address, action) = (step.address.clone(), step.action);
                let _ = self.shared.events.send(Event::Started { address, action });
            }
            let since = Instant::now();
            match self.op(step) {
                Some(op) => running.push(op.run(step).map(move |r| (at, since, r)).boxed()),
                None => {
                    self.finished(at, since, Err(Error::terminal("this kind is not known here")))
                }
            }
        }
    }

    fn op(&mut self, step: &Step) -> Option<Op<'a>> {
        let state = self.store.state();
        let address = &step.address;
        let mut scope = self.scope.clone();
        scope.outputs = known_outputs(state);
        let needs = self.shared.manifest.resources.get(address).map(|r| r.needs());
        let identity = |need: &Address| state.object(need).and_then(|o| o.identity.clone());
        let dependencies = needs.into_iter().flatten().map(|need| {
            let identity = identity(&need);
            (need, identity)
        });
        let dependencies = dependencies.collect();
        let record = state.resources.get(address);
        let all = record.into_iter().flat_map(|r| r.object.iter().chain(&r.deposed));
        let object = match (&step.id, step.action) {
            (Some(id), _) => all.clone().find(|object| object.id == *id).cloned(),
            (None, _) => state.object(address).cloned(),
        };
        // What is made in the place of an open create continues that operation.
        let open = record.and_then(|record| record.creating.as_ref()).map(|open| open.op);
        let open = open.filter(|_| step.action != Action::Delete);
        Some(Op {
            number: open.unwrap_or_else(|| self.store.next_op()),
            shared: self.shared,
            kind: self.shared.kinds.get(address.kind())?.as_ref(),
            address: address.clone(),
            generation: step.generation,
            scope,
            dependencies,
            object,
        })
    }

    fn write(&mut self, batch: &mut Vec<Line>) -> Result<(), state::Error> {
        for entry in write(self.store, batch)? {
            if (entry.verb, entry.step) == (Verb::Create, state::Step::Result) {
                let made =
                    |step: &Step| step.address == entry.address && step.action != Action::Delete;
                self.released.extend(self.plan.steps.iter().position(made));
            }
        }
        Ok(())
    }

    fn finished(&mut self, at: usize, since: Instant, result: Result<(), Error>) {
        let step = &self.plan.steps[at];
        let address = step.address.clone();
        match result {
            Ok(()) => {
                self.released.insert(at);
                self.finished.insert(at);
                if step.action != Action::Record {
                    self.outcome.done += 1;
                    let (action, elapsed) = (step.action, since.elapsed());
                    let _ = self.shared.events.send(Event::Finished { address, action, elapsed });
                }
            }
            Err(error) => {
                let error = Error { message: self.scope.redacted(&error.message), ..error };
                // What has begun on its outputs goes on; nothing else begins on them.
                self.released.remove(&at);
                self.lost.insert(at);
                self.halted |= ends_the_run(&error.fault);
                let (message, hint) = (error.to_string(), error.hint.clone());
                let failed = Event::Failed { address: address.clone(), message, hint };
                let _ = self.shared.events.send(failed);
                self.outcome.failed.push((address, error));
            }
        }
    }

    fn find_ready(&mut self) {
        for (at, step) in self.plan.steps.iter().enumerate() {
            if self.begun.contains(&at) {
                continue;
            }
            if let Some(lost) = step.after.iter().find(|need| self.lost.contains(need)) {
                let because = format!("it needs {}", self.plan.steps[*lost].address);
                self.skip(at, because);
            } else if step.after.iter().all(|need| self.may_follow(at, *need)) {
                self.begun.insert(at);
                self.ready.push_back(at);
            }
        }
    }

    /// A make may follow the bare creation of what it needs; a delete waits for completion.
    fn may_follow(&self, at: usize, need: usize) -> bool {
        match self.plan.steps[at].action {
            Action::Delete => self.finished.contains(&need),
            _ => self.released.contains(&need),
        }
    }

    fn skip(&mut self, at: usize, because: String) {
        self.begun.insert(at);
        self.lost.insert(at);
        let address = self.plan.steps[at].address.clone();
        self.outcome.skipped.push(address.clone());
        let _ = self.shared.events.send(Event::Skipped { address, because });
    }

    /// After an interruption, and behind failures: what was never begun.
    fn leave_the_rest(&mut self) {
        let left: Vec<usize> = (0..self.plan.steps.len())
            .filter(|at| !self.begun.contains(at) || self.ready.contains(at))
            .collect();
        for at in left {
            let because = if self.halted {
                "the run could not go on"
            } else if self.outcome.interrupted {
                "the run was interrupted"
            } else {
                "something it needs failed"
            };
            self.skip(at, because.to_owned());
        }
    }
}

/// True for errors after which nothing else in this run can succeed either.
pub fn ends_the_run(fault: &Fault) -> bool {
    matches!(fault, Fault::Credentials | Fault::Unreachable)
}
