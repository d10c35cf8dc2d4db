//! Objects that the state does not know: which of them this state owns, and which are somebody else's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::address::Address;
use crate::execute::{Attempts, Run};
use crate::kind::{Found, Live, Owner, tag};
use crate::manifest::Resource;
use crate::observe::{Observed, owner};
use crate::state::{Entry, State, Transition};

/// An object that somebody else owns and that the stack would need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub kind: &'static str,
    pub found: Found,
    pub why: Why,
    /// The resource whose place it takes.
    pub address: Option<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It belongs to another copy of this stack's state; `--adopt` takes it over.
    OtherLineage,
    /// It is in this state, and another copy has taken it over since.
    TakenOver,
    /// It is in this state, and another stack has made it its own since, or made another one of its name.
    OtherStack,
    /// This state owns it by its tags, beside the object that it knows.
    Duplicate,
    /// It has a name that this stack wants, and no owner or another one.
    NameTaken,
}

/// Compares what was found with what the state knows.
pub(crate) struct Claiming<'a> {
    run: &'a Run<'a>,
    /// Take over objects of another lineage.
    adopt: bool,
    state: &'a State,
    observed: &'a Observed,
    /// The resource of the file that has a name, by kind and name.
    named: BTreeMap<NameKey<'a>, &'a Address>,
    /// Creates whose outcome is unknown, by kind and name.
    open: BTreeMap<NameKey<'a>, Vec<Attempts>>,
}

impl<'a> Claiming<'a> {
    pub fn new(run: &'a Run<'a>, adopt: bool, state: &'a State, observed: &'a Observed) -> Self {
        let resources = run.manifest.resources.values();
        // Of two resources with one name, which are no conflict everywhere, the first one counts.
        let named = resources.rev().map(|resource| {
            let name = run.scope.fill(&resource.name);
            (name_key(run, resource.address.kind(), &name), &resource.address)
        });
        let mut open: BTreeMap<_, Vec<Attempts>> = BTreeMap::new();
        for (address, record) in &state.resources {
            if let Some(creating) = &record.creating {
                let attempts = Attempts::of(creating);
                let key = name_key(run, address.kind(), &attempts.name);
                open.entry(key).or_default().push(attempts);
            }
        }
        Self { run, adopt, state, observed, named: named.collect(), open }
    }

    /// Returns entries that adopt what this state owns, whoever else owns something. Two objects for one
    /// place, and objects that another copy of the state has taken over, are an error.
    pub fn owned(&self) -> Result<Vec<Entry>, Vec<Foreign>> {
        let is_conflict =
            |foreign: &Foreign| !matches!(foreign.why, Why::NameTaken | Why::OtherLineage);
        let (claims, foreign) = self.sorted();
        let conflicts: Vec<Foreign> = foreign.into_iter().filter(is_conflict).collect();
        if conflicts.is_empty() { Ok(claims) } else { Err(conflicts) }
    }

    /// Returns entries that adopt owned objects; objects of other owners are an error.
    pub fn claims(&self) -> Result<Vec<Entry>, Vec<Foreign>> {
        let (claims, foreign) = self.sorted();
        if foreign.is_empty() { Ok(claims) } else { Err(foreign) }
    }

    fn sorted(&self) -> (Vec<Entry>, Vec<Foreign>) {
        let owner = owner(&self.run.scope, self.state);
        let mut claims: Vec<Entry> = Vec::new();
        let mut claimed: BTreeSet<(Address, u64)> = BTreeSet::new();
        let mut foreign = self.taken_over();
        // If a state was lost during a replacement, the last generation is the object, and the others
        // wait to be deleted.
        let mut found: Vec<_> = self.observed.found.iter().collect();
        found.sort_by_key(|(_, found)| found.generation());
        for (kind, found) in found {
            match self.claim_one(&owner, kind, found) {
                Ok(Some((address, generation))) => {
                    if !claimed.insert((address.clone(), generation)) {
                        let why = Why::Duplicate;
                        let (found, address) = (found.clone(), Some(address));
                        foreign.push(Foreign { kind, found, why, address });
                        continue;
                    }
                    let at = self.run.options.clock.now().to_string();
                    claims.push(self.adoption(address, generation, found, at));
                }
                Ok(None) => {}
                // Only an open intent wants it, which the next run that writes closes.
                Err(Why::NameTaken) if self.named(kind, &found.name).is_none() => {}
                Err(why) => {
                    let address = self.named(kind, &found.name);
                    foreign.push(Foreign { kind, found: found.clone(), why, address });
                }
            }
        }
        (claims, foreign)
    }

    /// Returns the resource of the file that has a name.
    fn named(&self, kind: &str, name: &str) -> Option<Address> {
        self.named.get(&name_key(self.run, kind, name)).map(|address| (*address).clone())
    }

    /// Tells whether an open create, whose call takes no tags, has made an object.
    fn is_of_open_create(&self, kind: &str, found: &Found) -> bool {
        let Some(kind) = self.run.providers.kinds().get(kind) else { return false };
        let open = self.open.get(&name_key(self.run, kind.name, &found.name));
        open.into_iter().flatten().any(|open| open.made(kind, found))
    }

    /// Returns objects of this state that another stack, or another copy of this state, has taken over: two states must
    /// not fight. Those of another stack are never adopted.
    pub fn taken_over(&self) -> Vec<Foreign> {
        let stack = owner(&self.run.scope, self.state).stack;
        let mut foreign = Vec::new();
        for (address, live) in &self.observed.live {
            let (Some(live), Some(object)) = (live, self.state.object(address)) else { continue };
            let Some(kind) = self.run.providers.kinds().get(address.kind()) else { continue };
            if object.spec.is_none() {
                continue; // adopted, and its tags are still to follow
            }
            let found = found(&object.id, live);
            let is_other = |tag: &str, ours: &str| found.tags.get(tag).is_some_and(|of| of != ours);
            let why = if is_other(tag::STACK, &stack) {
                Why::OtherStack
            } else if is_other(tag::LINEAGE, &self.state.lineage) && !self.adopt {
                Why::TakenOver
            } else {
                continue;
            };
            foreign.push(Foreign { kind: kind.name, found, why, address: Some(address.clone()) });
        }
        foreign
    }

    /// Returns address and generation of an object that this state owns; `None` for one that needs no
    /// entry.
    fn claim_one(
        &self,
        owner: &Owner,
        kind: &str,
        found: &Found,
    ) -> Result<Option<(Address, u64)>, Why> {
        let tagged = |tag: &str| found.tags.get(tag).map(String::as_str);
        let address = tagged(tag::ADDRESS).and_then(|text| text.parse::<Address>().ok());
        let address = address.filter(|address| address.kind() == kind);
        let generation = found.generation();
        let ours = tagged(tag::LINEAGE) == Some(&owner.lineage);
        match address {
            Some(address) if tagged(tag::STACK) == Some(&owner.stack) => {
                let record = self.state.resources.get(&address);
                let open = record.and_then(|record| record.creating.as_ref());
                // Another generation is one half of a replacement that a lost state knew.
                let is_gone = matches!(self.observed.live.get(&address), Some(None));
                let known = record.and_then(|record| record.object.as_ref()).filter(|_| !is_gone);
                let is_expected = ours && open.is_some_and(|open| open.generation == generation);
                if !ours && !self.adopt {
                    Err(Why::OtherLineage)
                } else if known.is_some_and(|known| known.generation == generation) {
                    Err(Why::Duplicate)
                } else if is_expected {
                    Ok(None) // the next run that writes takes it up
                } else {
                    Ok(Some((address, generation)))
                }
            }
            // The next run that writes recovers it.
            _ if self.is_of_open_create(kind, found) => Ok(None),
            // It has no owner, and `--adopt` asks for it by name.
            _ if self.adopt && !found.tags.contains_key(tag::STACK) => {
                match self.named(kind, &found.name) {
                    Some(address) if self.state.object(&address).is_none() => {
                        Ok(Some((address, 1)))
                    }
                    _ => Err(Why::NameTaken),
                }
            }
            _ => Err(Why::NameTaken),
        }
    }

    /// Returns an entry that imports an object without an owner, or of this state, for an address.
    pub fn import(&self, address: &Address, found: &Found) -> Result<Entry, Why> {
        let owner = owner(&self.run.scope, self.state);
        let tagged = |tag: &str| found.tags.get(tag);
        match tagged(tag::STACK) {
            Some(stack) if *stack != owner.stack => return Err(Why::NameTaken),
            Some(_) if tagged(tag::LINEAGE) != Some(&owner.lineage) && !self.adopt => {
                return Err(Why::OtherLineage);
            }
            _ => {}
        }
        let at = self.run.options.clock.now().to_string();
        Ok(self.adoption(address.clone(), found.generation(), found, at))
    }

    /// Dependencies are taken from the file, so that a destroy knows the order before any other run.
    fn adoption(&self, address: Address, generation: u64, found: &Found, at: String) -> Entry {
        let resource = self.run.manifest.resources.get(&address);
        let needs = resource.map(Resource::needs).into_iter().flatten();
        let guard = resource.map(|resource| resource.lifecycle.guard).unwrap_or_default();
        Entry {
            op: 0,
            address,
            generation,
            at,
            transition: Transition::Adopted {
                id: found.id.clone(),
                outputs: found.outputs.clone(),
                dependencies: needs.map(|need| (need, None)).collect(),
                guard,
            },
        }
    }
}

/// A name as the service compares it, and its kind.
type NameKey<'a> = (&'a str, String);

fn name_key<'a>(run: &Run<'_>, kind: &'a str, name: &str) -> NameKey<'a> {
    let known = run.providers.kinds().get(kind);
    (kind, known.map_or_else(|| name.to_owned(), |kind| kind.name_form(name).into_owned()))
}

/// Returns an observed object as one that was found.
pub(crate) fn found(id: &str, live: &Live<Value>) -> Found {
    Found {
        id: id.to_owned(),
        name: live.spec["name"].as_str().unwrap_or_default().to_owned(),
        tags: serde_json::from_value(live.spec["tags"].clone()).unwrap_or_default(),
        outputs: live.outputs.clone(),
        created: None,
    }
}
