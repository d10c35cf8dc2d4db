//! Objects that the state does not know: which of them are ours, and which stand in the way.

use serde_json::Value;

use crate::address::Address;
use crate::execute::Run;
use crate::kind::{CreateIdempotency, Found, Live, Owner, tag};
use crate::manifest::Resource;
use crate::observe::{Observed, owner};
use crate::state::{Entry, State, Transition};

/// An object that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    pub kind: &'static str,
    pub found: Found,
    pub why: Why,
    /// Whose place it takes.
    pub address: Option<Address>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// This stack's name, another lineage: `--adopt` takes it over.
    OtherLineage,
    /// In our state, and taken over by another one since.
    TakenOver,
    /// Ours by its tags, beside the one that the state knows.
    Duplicate,
    /// A name that this stack wants; not made by it.
    NameTaken,
}

/// What was seen, against what the state knows.
pub(crate) struct Claiming<'a> {
    pub run: &'a Run<'a>,
    /// Take over what another lineage made.
    pub adopt: bool,
    pub state: &'a State,
    pub observed: &'a Observed,
}

impl Claiming<'_> {
    /// Found objects that are ours, as entries; those that stand in the way, as an error.
    pub fn claims(&self) -> Result<Vec<Entry>, Vec<Foreign>> {
        let owner = owner(&self.run.scope, self.state);
        let mut claims: Vec<Entry> = Vec::new();
        let mut foreign = self.taken_over();
        // Of several generations the last one is the object, and the others wait to be deleted: the
        // state was lost in the middle of a replacement.
        let mut found: Vec<_> = self.observed.found.iter().collect();
        found.sort_by_key(|(_, found)| found.generation());
        for (kind, found) in found {
            match self.claim_one(&owner, kind, found) {
                Ok(Some((address, generation))) => {
                    let same =
                        |claim: &Entry| claim.address == address && claim.generation == generation;
                    if claims.iter().any(same) {
                        let why = Why::Duplicate;
                        let (found, address) = (found.clone(), Some(address));
                        foreign.push(Foreign { kind, found, why, address });
                        continue;
                    }
                    let at = self.run.options.clock.now().to_string();
                    claims.push(self.adoption(address, generation, found, at));
                }
                Ok(None) => {}
                // Asked for by an open intent alone, which the next run that writes closes.
                Err(Why::NameTaken) if self.named(kind, &found.name).is_none() => {}
                Err(why) => {
                    let address = self.named(kind, &found.name);
                    foreign.push(Foreign { kind, found: found.clone(), why, address });
                }
            }
        }
        if foreign.is_empty() { Ok(claims) } else { Err(foreign) }
    }

    /// The resource of the file that shall bear a name.
    fn named(&self, kind: &str, name: &str) -> Option<Address> {
        let mut wanted = self.run.manifest.resources.values();
        let resource = wanted.find(|resource| {
            resource.address.kind() == kind && self.run.scope.fill(&resource.name) == name
        });
        resource.map(|resource| resource.address.clone())
    }

    /// Whether a create is open that takes no tags and asks for this name.
    fn is_of_an_intent(&self, kind: &str, found: &Found) -> bool {
        let kind = self.run.providers.kinds().get(kind);
        let is_untagged =
            kind.is_some_and(|kind| kind.create == CreateIdempotency::UniqueNameUntagged);
        let mut open = self.state.resources.iter().filter_map(|(address, record)| {
            record
                .creating
                .as_ref()
                .filter(|_| kind.is_some_and(|kind| address.kind() == kind.name))
        });
        is_untagged && open.any(|open| open.spec["name"] == found.name.as_str())
    }

    /// Objects of our state whose tags name another lineage now: two states must not fight.
    pub fn taken_over(&self) -> Vec<Foreign> {
        let mut foreign = Vec::new();
        for (address, live) in self.observed.live.iter().filter(|_| !self.adopt) {
            let (Some(live), Some(object)) = (live, self.state.object(address)) else { continue };
            let Some(kind) = self.run.providers.kinds().get(address.kind()) else { continue };
            if object.spec.is_none() {
                continue; // adopted, and its tags are still to follow
            }
            let found = found(&object.id, live);
            if found.tags.get(tag::LINEAGE).is_some_and(|lineage| *lineage != self.state.lineage) {
                let (kind, address) = (kind.name, Some(address.clone()));
                foreign.push(Foreign { kind, found, why: Why::TakenOver, address });
            }
        }
        foreign
    }

    /// Address and generation of an object that is ours; `None` for one that is nobody's business.
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
                // Another generation is one half of a replacement that the state has forgotten.
                let known = record.and_then(|record| record.object.as_ref());
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
            // An open create of this name may have made it, and the next run that writes decides.
            _ if !found.tags.contains_key(tag::STACK) && self.is_of_an_intent(kind, found) => {
                Ok(None)
            }
            // Nobody's by its tags: asked for by name.
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

    /// An object that a user names for an address: nobody's by its tags, or our own.
    pub fn import(&self, address: &Address, found: &Found) -> Result<Entry, Why> {
        let owner = owner(&self.run.scope, self.state);
        let tagged = |tag: &str| found.tags.get(tag);
        let of_kind = |of: &Address| of.kind() == address.kind();
        let is_known = self.state.resources.iter().any(|(of, record)| {
            let mut objects = record.object.iter().chain(&record.deposed);
            of_kind(of) && objects.any(|object| object.id == found.id)
        });
        match tagged(tag::STACK) {
            _ if is_known => return Err(Why::Duplicate),
            Some(stack) if *stack != owner.stack => return Err(Why::NameTaken),
            Some(_) if tagged(tag::LINEAGE) != Some(&owner.lineage) && !self.adopt => {
                return Err(Why::OtherLineage);
            }
            _ => {}
        }
        let at = self.run.options.clock.now().to_string();
        Ok(self.adoption(address.clone(), found.generation(), found, at))
    }

    /// What it needs is taken from the file, so that a destroy knows the order before any other run.
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

/// What was looked at, as what is found.
pub(crate) fn found(id: &str, live: &Live<Value>) -> Found {
    Found {
        id: id.to_owned(),
        name: live.spec["name"].as_str().unwrap_or_default().to_owned(),
        tags: serde_json::from_value(live.spec["tags"].clone()).unwrap_or_default(),
        outputs: live.outputs.clone(),
        created: None,
    }
}
