//! Observation: reads every object that the state knows, in batches, and finds owned objects that it
//! does not know.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::Value;

use crate::address::Address;
use crate::awaited::Awaited;
use crate::clock::Clock;
use crate::event::Events;
use crate::kind::{Error, Fault, Found, Handle, Live, Memo, Owner, Sought};
use crate::manifest::Resource;
use crate::prepare::stack_tag;
use crate::providers::{AnyProvider, Providers, unanswered};
use crate::reference::Scope;
use crate::state::{Object, Phase, State};
use crate::wait::Wait;

/// The consistency window: how long an object may stay invisible after its create.
pub const GRACE: Duration = Duration::from_secs(120);

/// How long reads and searches are repeated that the service throttles, since the last one that it answered.
const THROTTLED: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct Observed {
    /// Live objects by address; `None` for one that is gone. Unreadable ones are missing.
    pub live: BTreeMap<Address, Option<Live<Value>>>,
    /// Objects the state does not know, with their kind.
    pub found: Vec<(&'static str, Found)>,
    /// The kinds whose owned objects were searched.
    pub searched: BTreeSet<&'static str>,
    pub unseen: Vec<Unseen>,
}

/// An object, or a kind, that could not be read.
#[derive(Debug)]
pub struct Unseen {
    pub kind: &'static str,
    /// `None`: the search for objects of that kind failed.
    pub address: Option<Address>,
    pub error: Error,
}

/// Where owned objects are searched that the state does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    Nowhere,
    /// In the kinds of which an address is missing, a create is open, or a known object is gone.
    WhereNeeded,
    Everywhere,
}

pub struct Survey<'a> {
    pub providers: &'a Providers,
    pub state: &'a State,
    pub resources: &'a BTreeMap<Address, Resource>,
    pub scope: &'a Scope,
    pub events: &'a Events,
    pub search: Search,
    /// Addresses for which no objects are searched.
    pub passed_over: &'a BTreeSet<Address>,
    pub clock: Clock,
    /// [`GRACE`], or what scales it.
    pub grace: Duration,
}

/// An object of the state, and its address.
type Known<'a> = (&'a Address, &'a Object);

/// Returns the handle of an object that the state knows.
pub fn handle(address: &Address, object: &Object) -> Handle<Value> {
    Handle {
        address: address.clone(),
        id: object.id.clone(),
        generation: object.generation,
        outputs: object.outputs.clone(),
        applied: object.spec.clone(),
        memo: Memo::default(),
    }
}

/// Returns the owner whose objects are this state's.
pub fn owner(scope: &Scope, state: &State) -> Owner {
    Owner { stack: stack_tag(scope), lineage: state.lineage.clone() }
}

impl Observed {
    /// Adds objects that a search found, each once.
    fn add(&mut self, kind: &'static str, found: Vec<Found>) {
        self.searched.insert(kind);
        let of_kind = self.found.iter().filter(|(of, _)| *of == kind);
        let known: HashSet<String> = of_kind.map(|(_, known)| known.id.clone()).collect();
        let new = found.into_iter().filter(|one| !known.contains(&one.id));
        self.found.extend(new.map(|one| (kind, one)));
    }

    /// Returns the addresses whose objects could not be read.
    pub fn unseen_addresses(&self) -> BTreeSet<&Address> {
        self.unseen.iter().filter_map(|unseen| unseen.address.as_ref()).collect()
    }
}

impl Unseen {
    /// Returns an address, or the name of a kind.
    pub fn what(&self) -> &str {
        self.address.as_ref().map_or(self.kind, Address::as_str)
    }
}

impl Survey<'_> {
    /// Reads all kinds at the same time.
    pub async fn observe(&self) -> Observed {
        let mut observed = Observed::default();
        let each = self.providers.iter().map(|provider| async move {
            (provider.kind().name, self.observe_kind(provider).await)
        });
        for (kind, OfKind { known, searches }) in join_all(each).await {
            for (address, answer) in known {
                match answer {
                    Ok(live) => {
                        observed.live.insert(address, live);
                    }
                    Err(error) => {
                        let address = Some(address);
                        observed.unseen.push(Unseen { kind, address, error });
                    }
                }
            }
            for search in searches {
                match search {
                    Ok(found) => observed.add(kind, found),
                    Err(error) => observed.unseen.push(Unseen { kind, address: None, error }),
                }
            }
        }
        observed
    }

    /// Searches more kinds, before a new object takes the place of a known one: an older copy of the
    /// state does not know that it has a successor already.
    ///
    /// # Errors
    /// The kind that could not be searched.
    pub async fn search_kinds(
        &self,
        observed: &mut Observed,
        kinds: BTreeSet<&'static str>,
    ) -> Result<(), Unseen> {
        let providers = self.providers.iter().filter(|one| kinds.contains(one.kind().name));
        let each = providers.map(|provider| async move {
            let kind = provider.kind().name;
            let found = self.find(provider, self.names(provider, |_| true)).await;
            found.map(|found| (kind, found)).map_err(|error| Unseen { kind, address: None, error })
        });
        for found in join_all(each).await {
            let (kind, found) = found?;
            observed.add(kind, found);
        }
        Ok(())
    }

    async fn observe_kind(&self, provider: &dyn AnyProvider) -> OfKind {
        let (known, unknown) = join(self.known(provider), self.unknown(provider)).await;
        let mut searches: Vec<_> = unknown.into_iter().collect();
        let gone: BTreeSet<&Address> = known
            .iter()
            .filter(|(_, answer)| matches!(answer, Ok(None)))
            .map(|(at, _)| at)
            .collect();
        // What is gone may have a successor that a later run created, which this copy of the state does
        // not know.
        let needs_search = gone
            .iter()
            .any(|address| !self.is_being_deleted(address) && !self.passed_over.contains(*address));
        if needs_search && self.search != Search::Nowhere {
            let names = self.names(provider, |address| gone.contains(address));
            searches.push(self.find(provider, names).await);
        }
        OfKind { known, searches }
    }

    fn is_being_deleted(&self, address: &Address) -> bool {
        self.state.object(address).is_some_and(|object| object.phase == Phase::Deleting)
    }

    /// The names that the file has for some addresses of a kind.
    fn names(&self, provider: &dyn AnyProvider, take: impl Fn(&Address) -> bool) -> Vec<String> {
        let resources = self.resources.values();
        let of_kind = resources.filter(|one| one.address.kind() == provider.kind().name);
        let taken =
            of_kind.filter(|one| !self.passed_over.contains(&one.address) && take(&one.address));
        taken.map(|resource| self.scope.fill(&resource.name)).collect()
    }

    async fn known(&self, provider: &dyn AnyProvider) -> Vec<(Address, Answer)> {
        let objects: Vec<Known<'_>> = self
            .state
            .resources
            .iter()
            .filter(|(address, _)| address.kind() == provider.kind().name)
            .filter_map(|(address, record)| Some((address, record.object.as_ref()?)))
            .collect();
        if objects.is_empty() {
            return Vec::new();
        }
        let conclusive: Vec<bool> =
            objects.iter().map(|(_, object)| self.is_conclusive(object)).collect();
        let mut answers = self.read(provider, &objects).await;
        let invisible =
            objects.iter().zip(&mut answers).zip(conclusive).filter(
                |((_, answer), is_conclusive)| !is_conclusive && matches!(answer, Ok(None)),
            );
        let again = invisible.map(|((known, answer), _)| async move {
            *answer = self.again(provider, *known).await;
        });
        join_all(again).await;
        objects.into_iter().map(|(address, _)| address.clone()).zip(answers).collect()
    }

    /// Tells whether an object that is not visible from now on is gone.
    fn is_conclusive(&self, object: &Object) -> bool {
        object.phase == Phase::Deleting || self.clock.age(&object.created) >= self.grace
    }

    /// Reads a young object again until its consistency window is over: it may be invisible and not
    /// gone.
    async fn again(&self, provider: &dyn AnyProvider, known: Known<'_>) -> Answer {
        let (address, object) = known;
        let mut wait = Wait::new(address, self.events);
        let awaited = Awaited::Visible(object.id.clone());
        // A clock that was set back must not extend the wait.
        let left = self.grace.saturating_sub(self.clock.age(&object.created));
        loop {
            let is_conclusive = !wait.pause(&awaited, left).await;
            let answer = self.read(provider, &[known]).await.pop();
            match answer.unwrap_or_else(|| Err(unanswered())) {
                Ok(None) if !is_conclusive => {}
                answer => return answer,
            }
        }
    }

    /// Reads objects, and again those that the service refuses to read for now, all of them together: many reads
    /// may exceed a quota. An object whose reads stay refused has that error.
    async fn read(&self, provider: &dyn AnyProvider, objects: &[Known<'_>]) -> Vec<Answer> {
        let handle = |&(address, object): &Known<'_>| handle(address, object);
        let mut answers = provider.observe(objects.iter().map(handle).collect()).await;
        let mut wait: Option<Wait<'_>> = None;
        loop {
            let throttled: Vec<usize> = (0..objects.len())
                .filter(|at| answers[*at].as_ref().is_err_and(|e| e.fault == Fault::Transient))
                .collect();
            let Some(first) = throttled.first() else { return answers };
            let because = answers[*first].as_ref().err().map(|error| &error.message);
            let because = because.map(|message| self.scope.redacted(message));
            let (address, _) = objects[*first];
            let waiting = wait.get_or_insert_with(|| Wait::new(address, self.events));
            if !waiting.pause_because(&Awaited::Capacity, THROTTLED, because).await {
                return answers;
            }
            let refused = throttled.iter().map(|at| handle(&objects[*at])).collect();
            let again = provider.observe(refused).await;
            let is_nearer = again.iter().any(Result::is_ok);
            throttled.into_iter().zip(again).for_each(|(at, answer)| answers[at] = answer);
            if is_nearer {
                wait = None;
            }
        }
    }

    /// Searches for owned objects if an address is missing or a create is open. `None`: there is no need.
    async fn unknown(&self, provider: &dyn AnyProvider) -> Option<Result<Vec<Found>, Error>> {
        let mut names = self.names(provider, |address| self.state.object(address).is_none());
        let mut open = false;
        let is_asked = |address: &Address| {
            address.kind() == provider.kind().name && !self.passed_over.contains(address)
        };
        for (_, record) in self.state.resources.iter().filter(|(address, _)| is_asked(address)) {
            if let Some(creating) = &record.creating {
                open = true;
                names.extend(creating.spec["name"].as_str().map(str::to_owned));
            }
        }
        let is_needed = match self.search {
            Search::Nowhere => false,
            Search::WhereNeeded => !names.is_empty() || open,
            Search::Everywhere => true,
        };
        if is_needed { Some(self.find(provider, names).await) } else { None }
    }

    /// Finds owned objects, and those with one of the names, which the state does not know.
    async fn find(
        &self,
        provider: &dyn AnyProvider,
        mut names: Vec<String>,
    ) -> Result<Vec<Found>, Error> {
        names.sort();
        names.dedup();
        let known: BTreeSet<&str> = self
            .state
            .resources
            .iter()
            .filter(|(address, _)| address.kind() == provider.kind().name)
            .flat_map(|(_, record)| record.object.iter().chain(&record.deposed))
            .map(|object| object.id.as_str())
            .collect();
        let owner = owner(self.scope, self.state);
        let sought = Sought { owner: &owner, names: &names, address: None, known: &known };
        let whole_kind = Address::new(provider.kind().name, "all");
        let mut wait = Wait::new(&whole_kind, self.events);
        loop {
            let error = match provider.find(sought).await {
                Ok(mut found) => {
                    found.retain(|found| !known.contains(found.id.as_str()));
                    return Ok(found);
                }
                // An endpoint that cannot search for objects cannot have created any either.
                Err(error) if error.fault == Fault::Unsupported => return Ok(Vec::new()),
                Err(error) => error,
            };
            let because = Some(self.scope.redacted(&error.message));
            if error.fault != Fault::Transient
                || !wait.pause_because(&Awaited::Capacity, THROTTLED, because).await
            {
                return Err(error);
            }
        }
    }
}

/// What a read says of an object: `None` where it is gone.
type Answer = Result<Option<Live<Value>>, Error>;

/// What was observed of one kind.
struct OfKind {
    known: Vec<(Address, Answer)>,
    /// Owned objects that the state does not know, by search. Empty: there was no need to search.
    searches: Vec<Result<Vec<Found>, Error>>,
}
