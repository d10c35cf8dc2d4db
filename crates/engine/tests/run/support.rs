//! One stack in one world: its runs, and the invariants after them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use stackwright_engine::Address;
use stackwright_engine::clock::Clock;
use stackwright_engine::event::{Event, Events};
use stackwright_engine::execute::{Options, Outcome, Run};
use stackwright_engine::manifest::{Manifest, Request, Source};
use stackwright_engine::plan::{ActionKind, Note, Plan, Removal, Selection};
use stackwright_engine::providers::Providers;
use stackwright_engine::session::{Error, Goal, Session};
use stackwright_engine::state::{Place, Salvage, State, Store};
use stackwright_testkit::world::{MemoryDisk, World};
use tokio::sync::{mpsc, watch};

/// One resource for each kind of create idempotency, depending on each other.
pub const CHAIN: &str = "\
token:
  a: {size: 2, shape: round}
named:
  b: {motor: v1, rules: {upstream: '${token.a.id}'}}
plain:
  c: {labels: {b: '${named.b.id}', a: '${token.a.id}'}, word: hush}
  d: {}
untagged:
  f: {labels: {a: '${token.a.id}'}}
";

/// Two resources, one of which depends on the other.
pub const PAIR: &str = "\
token:
  a: {size: 2, shape: round}
named:
  b: {rules: {upstream: '${token.a.id}'}}
";

/// [`CHAIN`] with a replacement, a restart, one resource less and one more.
pub fn edited(file: &str) -> String {
    file.replace("round", "square").replace("v1", "v2").replace("  d: {}\n", "  e: {size: 3}\n")
}

/// A stack's file, its state and its cloud.
pub struct Stack {
    pub world: World,
    pub disk: MemoryDisk,
    pub file: String,
    pub adopt: bool,
    pub selection: Selection,
    /// How long new objects may be invisible.
    pub consistency_window: Duration,
    pub clock: Clock,
    pub parallelism: usize,
    /// Becomes true when no further step may start.
    pub stop: watch::Sender<bool>,
    /// The file that was parsed last; parsing takes a good part of a simulated run.
    pub read: RefCell<Option<(String, Rc<Manifest>)>>,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    Done(Outcome),
    Refused(Error),
    /// By the world's script, or because the disk failed.
    Killed,
}

impl Stack {
    pub fn new(file: &str) -> Self {
        let (world, disk) = (World::new(), MemoryDisk::default());
        let (adopt, consistency_window, clock) = (false, Duration::ZERO, world.clock());
        let selection = Selection::default();
        let (parallelism, stop) = (4, watch::Sender::new(false));
        let file = format!("stack: s\n{file}");
        let read = RefCell::default();
        Self {
            world,
            disk,
            file,
            adopt,
            selection,
            consistency_window,
            clock,
            parallelism,
            stop,
            read,
        }
    }

    pub fn manifest(&self) -> Rc<Manifest> {
        let mut read = self.read.borrow_mut();
        if read.as_ref().is_none_or(|(text, _)| *text != self.file) {
            let source = Source::new("stack.yaml", self.file.as_str());
            let request =
                Request { cloud: None, region: None, env: &|_| None, needs_env: true, files: None };
            let manifest = Manifest::load(source, &request, &self.world.kinds())
                .unwrap_or_else(|invalid| panic!("{invalid:?}"));
            *read = Some((self.file.clone(), Rc::new(manifest)));
        }
        read.as_ref().map(|(_, manifest)| Rc::clone(manifest)).expect("just read")
    }

    /// Runs `reconcile` or `destroy`, and drops the run where the world's script kills it.
    pub async fn run(&self, destroys: bool) -> Ended {
        tokio::select! {
            biased;
            () = self.world.killed() => Ended::Killed,
            ended = self.try_run(destroys) => match ended {
                _ if self.disk.is_down() => Ended::Killed,
                Ok(outcome) => Ended::Done(outcome),
                Err(error) => Ended::Refused(error),
            },
        }
    }

    fn under_way<'a>(
        &self,
        manifest: &'a Manifest,
        providers: &'a Providers,
        events: &'a Events,
    ) -> Run<'a> {
        let scope = manifest.scope("000000000000");
        let options = Options {
            parallelism: self.parallelism,
            consistency_window: Some(self.consistency_window),
            clock: self.clock,
            stop: self.stop.subscribe(),
        };
        Run { manifest, providers, scope, options, events }
    }

    async fn try_run(&self, destroys: bool) -> Result<Outcome, Error> {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let mut store = Store::open(Box::new(self.disk.clone()), &place(), "test")?;
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let run = self.under_way(&manifest, &providers, &events);
        let session = self.session(run);
        let goal = if destroys { Goal::Nothing } else { Goal::File };
        session.recover(&mut store, goal).await?;
        let surveyed = if destroys {
            session.survey_for_destroy(store.state()).await?
        } else {
            session.survey(store.state()).await?
        };
        session.execute(&surveyed, &mut store).await
    }

    /// `state rebuild`. `false` when it was lost which objects belong to this state.
    pub async fn rebuild(&mut self) -> bool {
        let rebuilt = self.try_rebuild().await;
        rebuilt.unwrap_or_else(|error| panic!("rebuild: {error:?}")).knows_lineage
    }

    pub async fn try_rebuild(&mut self) -> Result<Salvage, Error> {
        self.world.script(|_| stackwright_testkit::world::Fate::Happens);
        let disk = Box::new(self.disk.clone());
        let (mut store, salvage) = Store::rebuild(disk, &place(), "test", "kept")?;
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let run = self.under_way(&manifest, &providers, &events);
        let adopt = self.adopt || !salvage.knows_lineage;
        let session = Session { adopt, ..self.session(run) };
        session.adopt_owned(&mut store).await?;
        Ok(salvage)
    }

    /// The steps of the plan in order, as `create token.a`; nothing is written.
    pub async fn plan(&self) -> Vec<String> {
        steps(&self.surveyed().await)
    }

    /// The state; an empty one before the first run.
    pub fn state_or_new(&self) -> State {
        let known = Store::peek(&self.disk, &place()).expect("a state");
        known.unwrap_or_else(|| State { place: place(), ..State::default() })
    }

    pub async fn surveyed(&self) -> Plan {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let session = self.session(self.under_way(&manifest, &providers, &events));
        session.survey(&self.state_or_new()).await.expect("a plan").plan
    }

    /// The plan to delete everything.
    pub async fn plan_of_destroy(&self) -> Plan {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let session = self.session(self.under_way(&manifest, &providers, &events));
        session.survey_for_destroy(&self.state_or_new()).await.expect("a plan").plan
    }

    pub async fn drift(&self) -> Plan {
        self.drift_and_unseen().await.0
    }

    /// With the addresses whose objects could not be read.
    pub async fn drift_and_unseen(&self) -> (Plan, Vec<String>) {
        self.try_drift().await.expect("a look")
    }

    pub async fn try_drift(&self) -> Result<(Plan, Vec<String>), Error> {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let session = self.session(self.under_way(&manifest, &providers, &events));
        let (plan, unseen) = session.drift(&self.state()).await?;
        Ok((plan, unseen.iter().map(|unseen| unseen.what().to_owned()).collect()))
    }

    /// `import`.
    pub async fn import(&self, address: &str, id: &str) -> Result<(), Error> {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let mut store = Store::open(Box::new(self.disk.clone()), &place(), "test")?;
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let session = self.session(self.under_way(&manifest, &providers, &events));
        session.import(&mut store, &address.parse().expect("an address"), id).await
    }

    /// `state mv`.
    pub async fn relocate(&self, former: &str, address: &str) {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let mut store =
            Store::open(Box::new(self.disk.clone()), &place(), "test").expect("a state");
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let session = self.session(self.under_way(&manifest, &providers, &events));
        let [former, address] = [former, address].map(|text| text.parse().expect("an address"));
        session.relocate(&mut store, &former, &address).expect("it is free");
    }

    /// `state rm`.
    pub async fn release(&self, address: &str) {
        let (manifest, providers) = (self.manifest(), self.world.providers());
        let mut store =
            Store::open(Box::new(self.disk.clone()), &place(), "test").expect("a state");
        let (events, _heard) = mpsc::unbounded_channel::<Event>();
        let session = self.session(self.under_way(&manifest, &providers, &events));
        let address = address.parse().expect("an address");
        let surveyed = session.survey_to_release(store.state(), &address).await.expect("a look");
        let outcome = session.execute(&surveyed, &mut store).await.expect("it is done");
        assert!(outcome.failed.is_empty(), "{outcome:?}");
    }

    fn session<'a>(&self, run: Run<'a>) -> Session<'a> {
        Session { run, adopt: self.adopt, selection: self.selection.clone() }
    }

    /// Runs to the end; panics otherwise.
    #[track_caller]
    pub fn reconcile(&self) -> impl Future<Output = ()> {
        let at = std::panic::Location::caller();
        async move {
            match self.run(false).await {
                Ended::Done(outcome) if outcome.failed.is_empty() && outcome.skipped.is_empty() => {
                }
                other => panic!("{at}: {other:?}"),
            }
        }
    }

    /// The calls of the last run, what is in the cloud, and the journal.
    pub fn description(&self) -> String {
        let deeds = self.world.deeds().into_iter().map(|d| format!("{} {}", d.verb, d.kind));
        let things = self.world.things().into_iter().map(|t| format!("{} {:?}", t.id, t.address()));
        let journal = self.disk.contents().remove("journal.jsonl").unwrap_or_default();
        format!(
            "  calls: {}\n  things: {}\n{}",
            deeds.collect::<Vec<_>>().join(", "),
            things.collect::<Vec<_>>().join(", "),
            String::from_utf8_lossy(&journal)
        )
    }

    pub fn state(&self) -> State {
        Store::peek(&self.disk, &place()).expect("a readable state").unwrap_or_default()
    }

    /// Checks the invariants after an uninterrupted run: each address has one object, the state
    /// knows it and nothing else, nothing is open, and the next run writes nothing.
    pub async fn holds(&self, when: &str) {
        let mut made: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for thing in self.world.things() {
            if let Some(address) = thing.address() {
                made.entry(address.to_owned()).or_default().push(thing.id);
            }
        }
        let state = self.state();
        assert_eq!(state.open(), [], "{when}: open");
        let known: BTreeMap<String, Vec<String>> = state
            .resources
            .iter()
            .map(|(address, record)| {
                (address.to_string(), record.object.iter().map(|o| o.id.clone()).collect())
            })
            .collect();
        assert_eq!(known, made, "{when}: what is known, and what is");
        for thing in self.world.things() {
            let Some(address) = thing.address() else { continue };
            let of = &self.manifest().resources[&address.parse().expect("an address")].config;
            // A write-only field may differ without being seen.
            assert_eq!(thing.spec["word"], of["word"], "{when}: the word of {address}");
        }
        let wanted: Vec<String> =
            self.manifest().resources.keys().map(ToString::to_string).collect();
        assert_eq!(
            made.keys().cloned().collect::<Vec<_>>(),
            wanted,
            "{when}: what is, and is wanted"
        );
        self.world.script(|_| stackwright_testkit::world::Fate::Happens);
        self.reconcile().await;
        assert_eq!(self.world.writes(), 0, "{when}: {:?}", self.world.deeds());
    }
}

/// How a blocked plan would remove an object.
pub fn removes(removal: &Removal) -> ActionKind {
    match removal {
        Removal::Delete => ActionKind::Delete,
        Removal::Replace(_) => ActionKind::Replace,
    }
}

pub fn place() -> Place {
    Place {
        stack: "s".into(),
        cloud: "local".into(),
        region: "us-east-1".into(),
        account: "000000000000".into(),
    }
}

/// The steps that change something, as the plan lists them: what must come first is in `after`.
pub fn steps(plan: &Plan) -> Vec<String> {
    let real = plan.steps.iter().filter(|step| step.kind() != ActionKind::Record);
    real.map(|step| format!("{:?} {}", step.kind(), step.address).to_lowercase()).collect()
}

pub async fn made(file: &str) -> Stack {
    let stack = Stack::new(file);
    stack.reconcile().await;
    stack
}

pub fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

pub fn these(texts: &[&str]) -> BTreeSet<Address> {
    texts.iter().map(|text| address(text)).collect()
}

/// What the plan reports of that address beside its steps.
pub async fn notes(stack: &Stack, of: &str) -> Vec<Note> {
    let plan = stack.surveyed().await;
    let of_it = plan.notes.into_iter().filter(|noted| noted.address.as_str() == of);
    of_it.map(|noted| noted.note).collect()
}
