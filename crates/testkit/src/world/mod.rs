//! A cloud in memory for the engine's own tests: strict where emulators are lax, eventually consistent
//! like AWS, and able to fail at any call. It uses no network and never waits by itself.
//!
//! Every call passes a [`Script`], which may fail it, lose its reply, or end the run at it.

mod disk;
mod kinds;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use stackwright_engine::clock::Clock;
use stackwright_engine::kind::{Error, Fault, Found, tag};
use stackwright_engine::providers::{AnyProvider, Providers, erase};
use stackwright_engine::registry::{Kind, Registry};
use tokio::sync::Notify;
use tokio::time::Instant;

pub use disk::{DiskFault, Loss, MemoryDisk};
pub use kinds::{Named, Plain, Sort, Sorts, Tokened, Untagged};

use self::kinds::Way;

/// One call of a kind's verb.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// From 0.
    pub number: usize,
    /// `create`, `update`, `delete`, `observe`, `find`.
    pub verb: &'static str,
    pub kind: &'static str,
}

impl Deed {
    pub fn writes(&self) -> bool {
        matches!(self.verb, "create" | "update" | "delete")
    }
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    Happens,
    /// Nothing is done.
    Fails(Fault),
    /// It is done, and the caller cannot know.
    ReplyIsLost,
    /// The run ends before it is done.
    KillsBefore,
    /// The run ends after it is done.
    KillsAfter,
}

type Script = Box<dyn FnMut(&Deed) -> Fate + Send>;

/// An object as the cloud keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub kind: &'static str,
    pub id: String,
    pub token: String,
    /// Name, tags and fields, as in the kind's spec.
    pub spec: Value,
    /// It is invisible before.
    pub visible: Instant,
    /// It is in transition before.
    pub settled: Instant,
    /// When it was created, RFC 3339.
    pub created: String,
    pub alive: bool,
    /// A deleted object is still found before.
    pub found_until: Option<Instant>,
}

impl Thing {
    pub fn name(&self) -> &str {
        self.spec["name"].as_str().unwrap_or_default()
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.spec["tags"][name].as_str()
    }

    /// `kind.key` by its tags; `None` for an object of others.
    pub fn address(&self) -> Option<&str> {
        self.tag(tag::ADDRESS)
    }

    fn found(&self) -> Found {
        Found {
            id: self.id.clone(),
            name: self.name().to_owned(),
            tags: serde_json::from_value(self.spec["tags"].clone()).unwrap_or_default(),
            outputs: self.outputs(),
            created: Some(self.created.clone()),
        }
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("id".to_owned(), self.id.clone())])
    }
}

#[derive(Clone, Copy, Default)]
struct Late {
    /// How long new objects are invisible.
    hidden: Duration,
    /// How long after that they are in transition.
    settling: Duration,
}

struct Inner {
    things: Vec<Thing>,
    deeds: Vec<Deed>,
    script: Script,
    late: Late,
    /// How long deleted objects are still found.
    lingering: Duration,
    clock: Clock,
    /// The newest of every part.
    newest: usize,
    killed: bool,
}

/// Cheap to clone; all clones are one cloud.
#[derive(Clone)]
pub struct World {
    inner: Arc<Mutex<Inner>>,
    killed: Arc<Notify>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    pub fn new() -> Self {
        let script: Script = Box::new(|_| Fate::Happens);
        let inner = Inner {
            things: Vec::new(),
            deeds: Vec::new(),
            script,
            late: Late::default(),
            lingering: Duration::ZERO,
            clock: Clock::start(),
            newest: 0,
            killed: false,
        };
        Self { inner: Arc::new(Mutex::new(inner)), killed: Arc::default() }
    }

    /// One kind for each way in which an unknown create is settled: `token`, `named`,
    /// `plain`, `untagged`.
    pub fn kinds(&self) -> Registry {
        Registry::new(vec![
            Kind::of::<Sort<Tokened>>(),
            Kind::of::<Sort<Named>>(),
            Kind::of::<Sort<Plain>>(),
            Kind::of::<Sort<Untagged>>(),
        ])
    }

    /// Providers of these kinds, which call this world.
    pub fn providers(&self) -> Providers {
        fn connect<W: Way>(world: &World, kinds: &Registry) -> Arc<dyn AnyProvider> {
            let kind = kinds.get(W::NAME).expect("a kind of this world");
            erase(kind.clone(), Sorts::<W>::of(world))
        }
        let kinds = self.kinds();
        let providers = vec![
            connect::<Tokened>(self, &kinds),
            connect::<Named>(self, &kinds),
            connect::<Plain>(self, &kinds),
            connect::<Untagged>(self, &kinds),
        ];
        Providers::new(kinds, providers)
    }

    /// Decides what happens to the calls from now on, which are counted from 0 again.
    pub fn script(&self, script: impl FnMut(&Deed) -> Fate + Send + 'static) {
        let mut inner = self.inner();
        inner.script = Box::new(script);
        inner.deeds.clear();
        inner.killed = false;
    }

    /// Gives `fate` to the calls that `meets` chooses, from now on.
    pub fn fail(&self, fate: Fate, mut meets: impl FnMut(&Deed) -> bool + Send + 'static) {
        self.script(move |deed| if meets(deed) { fate.clone() } else { Fate::Happens });
    }

    /// Objects created from now on are invisible for `hidden`, and then in transition for `settling`.
    pub fn late(&self, hidden: Duration, settling: Duration) {
        self.inner().late = Late { hidden, settling };
    }

    /// Objects deleted from now on are shown for that long afterwards, and their names are not free before.
    pub fn linger(&self, lingering: Duration) {
        self.inner().lingering = lingering;
    }

    /// The clock by which objects are created.
    pub fn clock(&self) -> Clock {
        self.inner().clock
    }

    /// Resolves when a call has killed the run, which its caller then drops.
    pub async fn killed(&self) {
        while !self.inner().killed {
            self.killed.notified().await;
        }
    }

    /// The calls since the last [`script`](Self::script).
    pub fn deeds(&self) -> Vec<Deed> {
        self.inner().deeds.clone()
    }

    pub fn writes(&self) -> usize {
        self.deeds().iter().filter(|deed| deed.writes()).count()
    }

    /// All objects that exist.
    pub fn things(&self) -> Vec<Thing> {
        self.inner().things.iter().filter(|thing| thing.alive).cloned().collect()
    }

    /// Changes or deletes objects as others may.
    pub fn meddle(&self, change: impl FnOnce(&mut Vec<Thing>)) {
        change(&mut self.inner().things);
    }

    /// Publishes a newer version of every part.
    pub fn renew(&self) {
        self.inner().newest += 1;
    }

    pub(crate) fn newest(&self) -> usize {
        self.inner().newest
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a call: the script decides its fate, `work` is done unless it fails, and a lost reply is kept
    /// back.
    async fn call<T>(
        &self,
        verb: &'static str,
        kind: &'static str,
        work: impl FnOnce(&mut Inner) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // The calls of one run interleave, as over a network.
        tokio::task::yield_now().await;
        let (fate, reply) = {
            let mut inner = self.inner();
            let deed = Deed { number: inner.deeds.len(), verb, kind };
            inner.deeds.push(deed.clone());
            let fate = (inner.script)(&deed);
            let reply = match &fate {
                Fate::Fails(fault) => Err(Error::new(fault.clone(), "as the script says")),
                Fate::KillsBefore => Err(Error::terminal("killed")),
                _ => work(&mut inner),
            };
            (fate, reply)
        };
        match fate {
            Fate::Happens | Fate::Fails(_) => reply,
            Fate::ReplyIsLost => Err(Error::new(Fault::Unknown, "the reply is lost")),
            Fate::KillsBefore | Fate::KillsAfter => {
                self.inner().killed = true;
                self.killed.notify_waiters();
                std::future::pending().await
            }
        }
    }
}
