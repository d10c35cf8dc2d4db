//! Observation: reads every object that the state knows, in batches, and finds owned objects that it
//! does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{join, join_all};
use serde_json::Value;

use crate::address::Address;
use crate::awaited::Awaited;
use crate::clock::Clock;
use crate::event::Events;
use crate::kind::{Error, Fault, Found, Handle, Live, Owner};
use crate::manifest::Resource;
use crate::prepare::stack_tag;
use crate::providers::{AnyProvider, Providers};
use crate::reference::Scope;
use crate::state::{Object, Phase, State};
use crate::wait::Wait;

/// The consistency window: how long an object may stay invisible after its create.
pub const GRACE: Duration = Duration::from_secs(120);

#[derive(Debug, Default)]
pub struct Observed {
    /// Live objects by address; `None` for one that is gone. Unreadable ones are missing.
    pub live: BTreeMap<Address, Option<Live<Value>>>,
    /// Objects the state does not know, with their kind.
    pub found: Vec<(&'static str, Found)>,
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

pub struct Survey<'a> {
    pub providers: &'a Providers,
    pub state: &'a State,
    pub resources: &'a BTreeMap<Address, Resource>,
    pub scope: &'a Scope,
    pub events: &'a Events,
    /// Search every kind for owned objects, not only where an address is missing.
    pub thorough: bool,
    /// Addresses for which no objects are searched.
    pub passed_over: &'a BTreeSet<Address>,
    pub clock: Clock,
    /// [`GRACE`], or what scales it.
    pub grace: Duration,
}

/// Returns the handle of an object that the state knows.
pub fn handle(address: &Address, object: &Object) -> Handle<Value> {
    Handle {
        address: address.clone(),
        id: object.id.clone(),
        generation: object.generation,
        outputs: object.outputs.clone(),
        applied: object.spec.clone(),
    }
}

/// Returns the owner whose objects are this state's.
pub fn owner(scope: &Scope, state: &State) -> Owner {
    Owner { stack: stack_tag(scope), lineage: state.lineage.clone() }
}

impl Observed {
    /// Tells whether an object could not be read.
    pub fn is_unseen(&self, address: &Address) -> bool {
        self.unseen.iter().any(|unseen| unseen.address.as_ref() == Some(address))
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
            let both = join(self.known(provider), self.unknown(provider));
            (provider.kind().name, both.await)
        });
        for (kind, (known, unknown)) in join_all(each).await {
            let mut fail = |address: Option<Address>, error: Error| {
                observed.unseen.push(Unseen { kind, address, error });
            };
            for (address, answer) in known {
                match answer {
                    Ok(live) => {
                        observed.live.insert(address, live);
                    }
                    Err(error) => fail(Some(address), error),
                }
            }
            match unknown {
                Ok(found) => observed.found.extend(found),
                Err(error) => fail(None, error),
            }
        }
        observed
    }

    async fn known(
        &self,
        provider: &dyn AnyProvider,
    ) -> Vec<(Address, Result<Option<Live<Value>>, Error>)> {
        let objects: Vec<(&Address, &Object)> = self
            .state
            .resources
            .iter()
            .filter(|(address, _)| address.kind() == provider.kind().name)
            .filter_map(|(address, record)| Some((address, record.object.as_ref()?)))
            .collect();
        if objects.is_empty() {
            return Vec::new();
        }
        let handles: Vec<_> = objects.iter().map(|(at, object)| handle(at, object)).collect();
        let conclusive: Vec<bool> =
            objects.iter().map(|(_, object)| self.is_conclusive(object)).collect();
        let answers = provider.observe(&handles).await;
        let seen = objects.iter().zip(handles).zip(answers).zip(conclusive);
        let seen = seen.map(|(((known, handle), answer), is_conclusive)| async move {
            let (address, object) = known;
            let answer = match answer {
                Ok(None) if !is_conclusive => self.again(provider, handle, object).await,
                other => other,
            };
            ((*address).clone(), answer)
        });
        join_all(seen).await
    }

    /// Tells whether an object that is not visible from now on is gone.
    fn is_conclusive(&self, object: &Object) -> bool {
        object.phase == Phase::Deleting || self.clock.age(&object.created) >= self.grace
    }

    /// Reads a young object again until its consistency window is over: it may be invisible and not
    /// gone.
    async fn again(
        &self,
        provider: &dyn AnyProvider,
        handle: Handle<Value>,
        object: &Object,
    ) -> Result<Option<Live<Value>>, Error> {
        let mut wait = Wait::new(&handle.address, self.events);
        let awaited = Awaited::Visible(handle.id.clone());
        // A clock that was set back must not extend the wait.
        let left = self.grace.saturating_sub(self.clock.age(&object.created));
        loop {
            let is_conclusive = !wait.pause(&awaited, left).await;
            match provider.observe_one(&handle).await {
                Ok(None) if !is_conclusive => {}
                answer => return answer,
            }
        }
    }

    /// Searches for owned objects if an address is missing or a create is open.
    async fn unknown(
        &self,
        provider: &dyn AnyProvider,
    ) -> Result<Vec<(&'static str, Found)>, Error> {
        let mut names = Vec::new();
        let mut open = false;
        let is_asked = |address: &Address| {
            address.kind() == provider.kind().name && !self.passed_over.contains(address)
        };
        for resource in self.resources.values().filter(|resource| is_asked(&resource.address)) {
            if self.state.object(&resource.address).is_none() {
                names.push(self.scope.fill(&resource.name));
            }
        }
        for (_, record) in self.state.resources.iter().filter(|(address, _)| is_asked(address)) {
            if let Some(creating) = &record.creating {
                open = true;
                names.extend(creating.spec["name"].as_str().map(str::to_owned));
            }
        }
        if names.is_empty() && !open && !self.thorough {
            return Ok(Vec::new());
        }
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
        match provider.find(&owner(self.scope, self.state), &names).await {
            Ok(found) => Ok(found
                .into_iter()
                .filter(|found| !known.contains(found.id.as_str()))
                .map(|found| (provider.kind().name, found))
                .collect()),
            // An endpoint that cannot search for objects cannot have created any either.
            Err(error) if error.fault == Fault::Unsupported => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
