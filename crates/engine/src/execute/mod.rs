//! Executing a plan. Operations are plain `async` functions that send journal entries and wait until
//! they are durable; a [walk] starts them and writes what they send.

mod attempts;
mod converge;
mod create;
mod delete;
pub(crate) mod failure;
mod find;
mod ready;
mod release;
mod retry;
mod rival;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, oneshot, watch};

pub(crate) use self::attempts::Attempts;
pub use self::failure::Failure;
use self::retry::Budget;
use self::walk::Walk;
use crate::address::Address;
use crate::awaited::Awaited;
use crate::clock::Clock;
use crate::event::{Event, Events, working};
use crate::kind::{Error, Fault, Live, Milestone, Owner, UpdateCost};
use crate::manifest::Manifest;
use crate::observe::{Observed, owner};
use crate::plan::{Action, ActionKind, CreateReason, Plan, Step};
use crate::providers::{AnyProvider, Providers};
use crate::reference::Scope;
use crate::secret::Sealer;
use crate::state::{self, Creating, Entry, Object, State, Store, Transition};
use crate::wait::Wait;

/// The options of a run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of operations that may run at the same time.
    pub parallelism: usize,
    /// How long a new object may be invisible, and how long a create without a token may be
    /// outstanding. `None`: 120 s and each kind's own.
    pub consistency_window: Option<Duration>,
    pub clock: Clock,
    /// Becomes true when no further step may start.
    pub stop: watch::Receiver<bool>,
}

impl Options {
    /// How long an object may stay invisible after its create.
    pub fn grace(&self) -> Duration {
        self.consistency_window.unwrap_or(crate::observe::GRACE)
    }
}

/// The data that all stages of a run need.
pub struct Run<'a> {
    pub manifest: &'a Manifest,
    pub providers: &'a Providers,
    /// Without outputs.
    pub scope: Scope,
    pub options: Options,
    pub events: &'a Events,
}

impl Run<'_> {
    /// Redacts an error: services quote what they refuse.
    pub fn redacted(&self, error: Error) -> Error {
        Error { message: self.scope.redacted(&error.message), ..error }
    }

    /// As [`redacted`](Self::redacted), for the failure of a step.
    pub(crate) fn redacted_failure(&self, failure: Failure) -> Failure {
        let awaited = |awaited: Awaited| match awaited {
            Awaited::Other(what) => Awaited::Other(self.scope.redacted(&what)),
            other => other,
        };
        match failure {
            Failure::Call(error) => Failure::Call(self.redacted(error)),
            Failure::NameTaken { kind, name } => {
                Failure::NameTaken { kind, name: self.scope.redacted(&name) }
            }
            Failure::NeverReady(why) => Failure::NeverReady(self.scope.redacted(&why)),
            Failure::Ended(why) => Failure::Ended(self.scope.redacted(&why)),
            Failure::TimedOut { awaited: what, limit } => {
                Failure::TimedOut { awaited: awaited(what), limit }
            }
            Failure::Interrupted(what) => Failure::Interrupted(awaited(what)),
            other => other,
        }
    }
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub failed: Vec<(Address, Arc<Failure>)>,
    pub skipped: Vec<Address>,
    /// The addresses whose steps changed something, in the order in which they ended.
    pub done: Vec<Address>,
    pub interrupted: bool,
}

/// The data that all operations of a run share.
pub(crate) struct Shared<'a> {
    pub run: &'a Run<'a>,
    pub observed: &'a Observed,
    pub owner: Owner,
    pub sealer: Sealer,
    pub budget: Budget,
    /// Ids that the state knew when the run began, by kind; an address tag may lag behind a rename.
    pub known: BTreeSet<(String, String)>,
    walk: mpsc::UnboundedSender<Message>,
}

impl<'a> Shared<'a> {
    fn new(
        run: &'a Run<'a>,
        observed: &'a Observed,
        state: &State,
        walk: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let (owner, sealer) = (owner(&run.scope, state), Sealer::new(&state.salt));
        let budget = Budget::of(run.options.parallelism);
        let objects = state.resources.iter().flat_map(|(address, record)| {
            let all = record.object.iter().chain(&record.deposed);
            all.map(|object| (address.kind().to_owned(), object.id.clone()))
        });
        let known = objects.collect();
        Self { run, observed, owner, sealer, budget, known, walk }
    }
}

/// What an operation tells the walk.
enum Message {
    /// An entry on its way to the journal, and who waits until it is durable.
    Write(Box<Entry>, oneshot::Sender<()>),
    /// How far a step is, so that those that need no more may start.
    Reached(usize, Milestone),
}

/// The data of one operation.
pub(crate) struct Op<'a> {
    pub number: u64,
    /// The place of its step in the plan; `None`: a recovery.
    step: Option<usize>,
    pub shared: &'a Shared<'a>,
    pub provider: &'a dyn AnyProvider,
    pub address: Address,
    pub generation: u64,
    /// The outputs of its dependencies, as they are now.
    pub scope: Scope,
    /// The identities of its dependencies, as they are now.
    pub dependencies: BTreeMap<Address, Option<String>>,
    pub object: Option<Object>,
    /// The desired spec, as the plan has it.
    pub planned: Option<Value>,
    /// When the open create of an earlier run was first sent whose place it takes, RFC 3339.
    pub open_since: Option<String>,
}

impl Op<'_> {
    /// Writes an entry; durable on return.
    pub async fn journal(&self, transition: Transition) -> Result<(), Error> {
        let entry = Entry {
            op: self.number,
            address: self.address.clone(),
            generation: self.generation,
            at: self.now(),
            transition,
        };
        let (written, confirmed) = oneshot::channel();
        let lost = || Error::terminal("the state could not be written");
        self.shared.walk.send(Message::Write(Box::new(entry), written)).map_err(|_| lost())?;
        confirmed.await.map_err(|_| lost())
    }

    /// Lets those steps start that need no more of a new object, which is certain to stay.
    fn reached(&self, milestone: Milestone) {
        if let Some(step) = self.step {
            let _ = self.shared.walk.send(Message::Reached(step, milestone));
        }
    }

    /// The time, RFC 3339.
    pub fn now(&self) -> String {
        self.shared.run.options.clock.now().to_string()
    }

    pub fn tell(&self, event: Event) {
        let _ = self.shared.run.events.send(event);
    }

    pub fn live(&self) -> Option<&Live<Value>> {
        self.shared.observed.live.get(&self.address)?.as_ref()
    }

    pub fn wait(&self) -> Wait<'_> {
        Wait::new(&self.address, self.shared.run.events)
    }

    pub fn grace(&self) -> Duration {
        self.shared.run.options.grace()
    }

    pub fn stopping(&self) -> bool {
        *self.shared.run.options.stop.borrow()
    }

    /// Executes a step, and returns what it did.
    pub async fn run(mut self, step: &Step) -> Result<ActionKind, Failure> {
        match &step.action {
            Action::Create { reason, .. } => {
                if matches!(reason, CreateReason::Gone(_)) {
                    self.record_gone().await?;
                }
                self.create().await?;
            }
            Action::Replace { reason, order, .. } => return self.replace(reason, *order).await,
            Action::Update { .. } | Action::Record { .. } => {
                self.update(UpdateCost::InPlace).await?
            }
            Action::Restart { .. } => self.update(UpdateCost::Restart).await?,
            Action::Delete { id, .. } => self.delete(id, step.deletes_old()).await?,
            Action::Release { id, .. } => self.release(id).await?,
        }
        Ok(step.kind())
    }
}

/// Executes a plan. The state is durable at every moment; [`Store::finish`] comes after.
pub(crate) async fn execute(
    run: &Run<'_>,
    plan: &Plan,
    observed: &Observed,
    store: &mut Store,
) -> Result<Outcome, state::Error> {
    let (walk, messages) = mpsc::unbounded_channel();
    let shared = Shared::new(run, observed, store.state(), walk);
    Walk::new(plan, &shared, store).run(messages).await
}

/// A create that an earlier run left open.
pub(crate) struct Open {
    pub creating: Creating,
    /// The recorded request, if it can be rebuilt.
    pub spec: Option<Value>,
    /// Whether this run creates an object of the same name at the same address.
    pub is_remade: bool,
}

/// Recovers one create that an earlier run left open.
pub(crate) async fn recover(
    run: &Run<'_>,
    store: &mut Store,
    address: &Address,
    open: &Open,
) -> Result<Result<(), Failure>, state::Error> {
    let provider = match run.providers.get(address.kind()) {
        Ok(provider) => provider,
        Err(unknown) => return Ok(Err(unknown.into())),
    };
    let observed = Observed::default();
    let (walk, mut messages) = mpsc::unbounded_channel();
    let shared = Shared::new(run, &observed, store.state(), walk);
    let op = Op {
        number: open.creating.op,
        step: None,
        shared: &shared,
        provider,
        address: address.clone(),
        generation: open.creating.generation,
        scope: run.scope.clone(),
        dependencies: open.creating.dependencies.clone(),
        object: None,
        planned: None,
        open_since: Some(open.creating.since.clone()),
    };
    let mut recovering = std::pin::pin!(working(address.clone(), op.recover(open)));
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            biased;
            _ = messages.recv_many(&mut batch, AT_ONCE) => {
                write(store, &mut batch)?;
            }
            result = &mut recovering => return Ok(result),
        }
    }
}

/// How many messages are taken together at most.
const AT_ONCE: usize = 1024;

/// Writes the entries that arrived together, with one fsync. Returns how far steps are.
fn write(
    store: &mut Store,
    batch: &mut Vec<Message>,
) -> Result<Vec<(usize, Milestone)>, state::Error> {
    let (mut entries, mut waiting, mut reached) = (Vec::new(), Vec::new(), Vec::new());
    for message in batch.drain(..) {
        match message {
            Message::Write(entry, written) => {
                entries.push(*entry);
                waiting.push(written);
            }
            Message::Reached(step, milestone) => reached.push((step, milestone)),
        }
    }
    if !entries.is_empty() {
        store.append(&entries)?;
    }
    for written in waiting {
        // The operation may have been dropped.
        let _ = written.send(());
    }
    Ok(reached)
}

/// Tells whether nothing else in this run can succeed after an error.
pub fn ends_the_run(fault: &Fault) -> bool {
    matches!(fault, Fault::Credentials | Fault::Unreachable)
}
