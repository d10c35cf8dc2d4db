//! One run of one stack: recover, observe, claim, prepare, plan, execute. This module has the order; each
//! part has a module of its own.

mod drift;
mod given_again;
mod notes;
mod preparation;
mod protection;
mod recovery;
mod state_edits;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join;

use self::protection::Protections;
use crate::address::Address;
use crate::claim::Claiming;
pub use crate::claim::{Foreign, Why};
use crate::event::Event;
use crate::execute::{self, Failure, Outcome, Run};
use crate::graph::Graph;
use crate::kind;
use crate::manifest::Resource;
use crate::observe::{Observed, Search, Survey, Unseen};
use crate::plan::{self, ActionKind, Blocked, Note, Noted, Plan, Planning, Selection};
use crate::prepare::Wanted;
use crate::state::{self, Entry, State, Store, Transition, fold};

/// A run, from its first observation to its last write.
pub struct Session<'a> {
    pub run: Run<'a>,
    /// Adopt objects of this stack that belong to another copy of its state.
    pub adopt: bool,
    /// The part of the plan that was requested.
    pub selection: Selection,
}

/// The goal of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    File,
    /// `destroy`.
    Nothing,
}

/// Why a run ended before it changed anything. The messages are for developers: what a user reads is made of
/// the variants.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    State(#[from] state::Error),
    #[error("found objects cannot be adopted: {0}")]
    Unclaimed(#[from] state::Illegal),
    #[error("failed to read resources")]
    Unseen(Vec<Unseen>),
    #[error("found objects do not belong to this state")]
    Foreign(Vec<Foreign>),
    #[error("failed to prepare resources")]
    Unprepared(Vec<(Address, kind::Error)>),
    #[error("plan is blocked")]
    Blocked(Vec<Blocked>),
    #[error("neither the file nor the state has a requested address")]
    NoSuch(Vec<Address>),
    #[error("an object cannot be imported")]
    Import { address: Address, error: Box<kind::Error> },
    #[error("an open create cannot be recovered")]
    Recovery { address: Address, failure: Box<Failure> },
}

/// The result of a survey.
pub struct Surveyed {
    pub plan: Plan,
    observed: Observed,
    /// Entries that the state does not have yet: adopted objects and moved addresses.
    learnt: Vec<Entry>,
}

impl Surveyed {
    /// Tells whether an object that the state has is gone.
    pub fn is_gone(&self, address: &Address) -> bool {
        self.observed.live.get(address).is_some_and(Option::is_none)
    }
}

impl Session<'_> {
    /// Observes, claims owned objects, and plans. Writes nothing.
    pub async fn survey(&self, state: &State) -> Result<Surveyed, Error> {
        self.known(state)?;
        let mut learnt = self.moves(state);
        let mut state = folded(Cow::Borrowed(state), &learnt)?;
        let (observed, mut ahead) = join(self.look(&state), self.ahead(&state)).await;
        let mut observed = observed?;
        let (mut plan, wanted) = loop {
            let claims = self.claims(&state, &observed)?;
            if !claims.is_empty() {
                state = folded(state, &claims)?;
                // The file may have changed the address of a found object since.
                let moves = self.moves(&state);
                state = folded(state, &moves)?;
                let searched = std::mem::take(&mut observed.searched);
                observed = self.look(&state).await?;
                observed.searched.extend(searched);
                learnt.extend(claims.into_iter().chain(moves));
                ahead = None;
            }
            let given_again = self.given_again(&state);
            state = folded(state, &given_again)?;
            learnt.extend(given_again);
            let wanted = match ahead.as_mut().and_then(|ahead| ahead.wanted.take()) {
                Some(wanted) => wanted,
                None => self.prepare(&state, Some(&observed)).await?,
            };
            let plan = self.plan(&state, &observed, &wanted, &self.run.manifest.graph);
            if !self.search_successors(&state, &plan, &mut observed).await? {
                break (plan, wanted);
            }
        };
        seen(&plan, &mut observed)?;
        self.lock(&mut plan, &state, &observed, Protections::new()).await?;
        let parts = ahead.map(|ahead| ahead.parts).unwrap_or_default();
        self.parts(&mut plan, &wanted, parts).await?;
        let learnt_notes: Vec<Noted> =
            learnt.iter().filter_map(|entry| noted(entry, &plan, &state)).collect();
        plan.notes.extend(learnt_notes);
        self.place_ignored_edits(&mut plan);
        plan.notes.extend(self.remarks(&plan, &wanted));
        for notes in [Self::unknown_formers, Self::guards, Self::renames] {
            plan.notes.extend(notes(self, &plan, &state));
        }
        Ok(Surveyed { plan, observed, learnt })
    }

    /// Searches the kinds of which the plan replaces an object: an older copy of the state does not know
    /// that it was replaced already. Returns whether something was found.
    async fn search_successors(
        &self,
        state: &State,
        plan: &Plan,
        observed: &mut Observed,
    ) -> Result<bool, Error> {
        let replaced = plan.steps.iter().filter(|step| step.kind() == ActionKind::Replace);
        let kinds = replaced.filter_map(|step| self.run.providers.kinds().get(step.address.kind()));
        let unsearched =
            kinds.map(|kind| kind.name).filter(|kind| !observed.searched.contains(kind));
        let unsearched: BTreeSet<&str> = unsearched.collect();
        if unsearched.is_empty() {
            return Ok(false);
        }
        let before = observed.found.len();
        let survey = self.surveying(state, &self.run.manifest.resources, Search::WhereNeeded);
        survey.search_kinds(observed, unsearched).await.map_err(|unseen| {
            let error = self.run.redacted(unseen.error);
            Error::Unseen(vec![Unseen { error, ..unseen }])
        })?;
        Ok(observed.found.len() > before)
    }

    /// Checks that every requested address is in the file or in the state.
    fn known(&self, state: &State) -> Result<(), Error> {
        let is_known = |address: &Address| {
            self.run.manifest.resources.contains_key(address)
                || state.resources.contains_key(address)
        };
        let strange: Vec<Address> =
            self.selection.addresses().filter(|address| !is_known(address)).cloned().collect();
        if strange.is_empty() { Ok(()) } else { Err(Error::NoSuch(strange)) }
    }

    /// Plans to delete everything.
    pub async fn survey_for_destroy(&self, state: &State) -> Result<Surveyed, Error> {
        // Everything that this state owns goes, also what an older copy of it does not know.
        let resources = &self.run.manifest.resources;
        let (mut observed, mut protections) = join(
            self.observed(state, resources, Search::Everywhere),
            self.protections(state, |_| !self.selection.is_narrow()),
        )
        .await;
        // What is known is deleted also where a kind's objects cannot be searched; the plan says so.
        let unsearched = unsearched(&mut observed);
        let mut learnt = self.claiming(state, &observed).owned().map_err(Error::Foreign)?;
        let adopting = folded(Cow::Borrowed(state), &learnt)?;
        let given_again = self.given_again(&adopting);
        let state = &folded(adopting, &given_again)?;
        learnt.extend(given_again);
        self.known(state)?;
        if !learnt.is_empty() {
            observed = self.look_at(state, resources, Search::Nowhere).await?;
            protections = Protections::new();
        }
        let wanted = BTreeMap::new();
        let mut plan = self.plan(&self.guarded(state), &observed, &wanted, &Graph::default());
        plan.unsearched = unsearched;
        seen(&plan, &mut observed)?;
        self.lock(&mut plan, state, &observed, protections).await?;
        let adopted: Vec<Noted> =
            learnt.iter().filter_map(|entry| noted(entry, &plan, state)).collect();
        plan.notes.extend(adopted);
        Ok(Surveyed { plan, observed, learnt })
    }

    /// Returns the state with the protection that the file asks for, which counts also before a run has
    /// recorded it.
    fn guarded<'a>(&self, state: &'a State) -> Cow<'a, State> {
        let mut guarded = Cow::Borrowed(state);
        for (address, resource) in &self.run.manifest.resources {
            let Some(object) = state.object(address) else { continue };
            let guard = object.guard.or(resource.lifecycle.guard);
            if guard != object.guard {
                let record = guarded.to_mut().resources.get_mut(address);
                if let Some(object) = record.and_then(|record| record.object.as_mut()) {
                    object.guard = guard;
                }
            }
        }
        guarded
    }

    /// Plans to create everything: for an empty state, without an endpoint.
    pub async fn plan_offline(&self, state: &State) -> Result<Plan, Error> {
        self.known(state)?;
        let wanted = self.prepare(state, None).await?;
        let mut plan = self.plan(state, &Observed::default(), &wanted, &self.run.manifest.graph);
        plan.notes.extend(self.remarks(&plan, &wanted));
        Ok(plan)
    }

    fn plan(
        &self,
        state: &State,
        observed: &Observed,
        wanted: &BTreeMap<Address, Wanted>,
        graph: &Graph,
    ) -> Plan {
        let (kinds, selection) = (self.run.providers.kinds(), &self.selection);
        plan::plan(&Planning { kinds, graph, wanted, state, observed, selection })
    }

    /// Adopts all owned objects that the state does not know. Writes.
    pub async fn adopt_owned(&self, store: &mut Store) -> Result<(), Error> {
        let wanted = &self.run.manifest.resources;
        let observed = all_seen(self.look_at(store.state(), wanted, Search::Everywhere).await?)?;
        let claims = self.claims(store.state(), &observed)?;
        self.record(&claims, store)?;
        Ok(store.finish()?)
    }

    fn record(&self, entries: &[Entry], store: &mut Store) -> Result<(), Error> {
        if entries.is_empty() {
            return Ok(());
        }
        store.append(entries)?;
        for entry in entries {
            let address = entry.address.clone();
            let _ = self.run.events.send(match entry.transition.clone() {
                Transition::Moved { from } => Event::Moved { address, former: from },
                Transition::Adopted { id, .. } => Event::Adopted { address, id },
                _ => continue,
            });
        }
        Ok(())
    }

    async fn look(&self, state: &State) -> Result<Observed, Error> {
        // An empty state may be one that was lost, also for resources that the file no longer has.
        let is_lost = self.adopt || state.resources.is_empty();
        let search = if is_lost { Search::Everywhere } else { Search::WhereNeeded };
        self.look_at(state, &self.run.manifest.resources, search).await
    }

    /// Observes. An unreadable object may still be excluded from the plan; a kind whose objects cannot be
    /// searched is an error.
    async fn look_at(
        &self,
        state: &State,
        resources: &BTreeMap<Address, Resource>,
        search: Search,
    ) -> Result<Observed, Error> {
        let observed = self.observed(state, resources, search).await;
        let is_unsearched = observed.unseen.iter().any(|unseen| unseen.address.is_none());
        if is_unsearched { all_seen(observed) } else { Ok(observed) }
    }

    /// Observes; what could not be read or searched is in the answer.
    async fn observed(
        &self,
        state: &State,
        resources: &BTreeMap<Address, Resource>,
        search: Search,
    ) -> Observed {
        let mut observed = self.surveying(state, resources, search).observe().await;
        for unseen in &mut observed.unseen {
            unseen.error.message = self.run.scope.redacted(&unseen.error.message);
        }
        observed
    }

    fn surveying<'a>(
        &'a self,
        state: &'a State,
        resources: &'a BTreeMap<Address, Resource>,
        search: Search,
    ) -> Survey<'a> {
        Survey {
            providers: self.run.providers,
            state,
            resources,
            scope: &self.run.scope,
            events: self.run.events,
            clock: self.run.options.clock,
            search,
            passed_over: &self.selection.excluded,
            grace: self.run.options.grace(),
        }
    }

    fn claiming<'a>(&'a self, state: &'a State, observed: &'a Observed) -> Claiming<'a> {
        Claiming::new(&self.run, self.adopt, state, observed)
    }

    /// Returns entries that adopt owned objects; objects of other owners are an error.
    fn claims(&self, state: &State, observed: &Observed) -> Result<Vec<Entry>, Error> {
        self.claiming(state, observed).claims().map_err(Error::Foreign)
    }

    /// Executes a plan, unless it is blocked. The state is durable at every moment, and folded at the end.
    pub async fn execute(&self, surveyed: &Surveyed, store: &mut Store) -> Result<Outcome, Error> {
        let blocked = &surveyed.plan.blocked;
        if !blocked.is_empty() {
            return Err(Error::Blocked(blocked.clone()));
        }
        self.record(&surveyed.learnt, store)?;
        let outcome =
            execute::execute(&self.run, &surveyed.plan, &surveyed.observed, store).await?;
        store.finish()?;
        Ok(outcome)
    }
}

/// Returns an error if something could not be read.
fn all_seen(observed: Observed) -> Result<Observed, Error> {
    if observed.unseen.is_empty() { Ok(observed) } else { Err(Error::Unseen(observed.unseen)) }
}

/// Takes out the kinds that could not be searched, with the reason.
fn unsearched(observed: &mut Observed) -> BTreeMap<String, String> {
    let failed = observed.unseen.extract_if(.., |unseen| unseen.address.is_none());
    failed.map(|unseen| (unseen.kind.to_owned(), unseen.error.message)).collect()
}

/// Returns an error if the plan has a step for an object that could not be read, because it was not
/// excluded.
fn seen(plan: &Plan, observed: &mut Observed) -> Result<(), Error> {
    let asked: BTreeSet<&Address> = plan.steps.iter().map(|step| &step.address).collect();
    let is_asked = |unseen: &mut Unseen| {
        unseen.address.as_ref().is_some_and(|address| asked.contains(address))
    };
    let asked: Vec<Unseen> = observed.unseen.extract_if(.., is_asked).collect();
    if asked.is_empty() { Ok(()) } else { Err(Error::Unseen(asked)) }
}

/// Copies the state only if there is an entry: it may be large.
fn folded<'a>(mut state: Cow<'a, State>, entries: &[Entry]) -> Result<Cow<'a, State>, Error> {
    for entry in entries {
        fold(state.to_mut(), entry)?;
    }
    Ok(state)
}

/// What a plan reports of what the state is about to record.
fn noted(entry: &Entry, plan: &Plan, state: &State) -> Option<Noted> {
    let note = match &entry.transition {
        Transition::Moved { from } if plan.replaces(&entry.address) => {
            let object = state.object(&entry.address)?;
            let name = object.spec.as_ref().and_then(|spec| spec["name"].as_str());
            let name = name.unwrap_or(&object.id).to_owned();
            Note::MovedAndReplaced { from: from.clone(), name }
        }
        Transition::Moved { from } => Note::Moved { from: from.clone() },
        Transition::Adopted { id, .. } => Note::Adopted { id: id.clone() },
        _ => return None,
    };
    Some(Noted { address: entry.address.clone(), note })
}
