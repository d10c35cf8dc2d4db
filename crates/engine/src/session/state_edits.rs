//! Edits of the state by file or command: moved addresses, imported objects, released objects.

use std::collections::BTreeMap;

use super::{Error, Foreign, Session, Surveyed, all_seen};
use crate::address::Address;
use crate::claim;
use crate::kind;
use crate::observe::{Observed, Search};
use crate::plan::{Plan, ReleaseReason, Step};
use crate::providers::bounded;
use crate::state::{Entry, Object, Record, State, Store, Transition};

impl Session<'_> {
    /// Returns entries that move what the file has at another address than the state.
    pub(super) fn moves(&self, state: &State) -> Vec<Entry> {
        let resources = self.run.manifest.resources.values();
        let moved = resources.filter_map(|resource| {
            let former = resource.renamed_from.as_ref()?;
            let record = state.resources.get(former)?;
            let known = state.resources.get(&resource.address);
            // Objects that replacements left there still wait to be deleted.
            let is_left = |known: &Record| {
                known.object.is_none() && [known, record].iter().all(|one| one.creating.is_none())
            };
            let left = known.map(|known| known.deposed.as_slice()).unwrap_or_default();
            let moved = || self.moved(former, &resource.address, record, left);
            known.is_none_or(is_left).then(moved)
        });
        moved.collect()
    }

    /// The generation is above those of the objects that are `left` at the new address.
    fn moved(
        &self,
        former: &Address,
        address: &Address,
        record: &Record,
        left: &[Object],
    ) -> Entry {
        let above = left.iter().map(|object| object.generation + 1).max();
        let generation = record.object.as_ref().map_or(1, |object| object.generation);
        let generation = generation.max(above.unwrap_or_default());
        self.by_word(address, generation, Transition::Moved { from: former.clone() })
    }

    /// Returns an entry that needs no call to a cloud.
    fn by_word(&self, address: &Address, generation: u64, transition: Transition) -> Entry {
        let at = self.run.options.clock.now().to_string();
        Entry { op: 0, address: address.clone(), generation, at, transition }
    }

    /// Moves a resource of the state to another address. Writes.
    pub fn relocate(
        &self,
        store: &mut Store,
        former: &Address,
        address: &Address,
    ) -> Result<(), Error> {
        let record = store.state().resources.get(former).cloned().unwrap_or_default();
        self.record(&[self.moved(former, address, &record, &[])], store)?;
        Ok(store.finish()?)
    }

    /// Plans to release one object, which stays in the cloud.
    pub async fn survey_to_release(
        &self,
        state: &State,
        address: &Address,
    ) -> Result<Surveyed, Error> {
        let mut alone = state.clone();
        alone.resources.retain(|known, _| known == address);
        let observed = all_seen(self.look_at(&alone, &BTreeMap::new(), Search::Nowhere).await?)?;
        let taken = self.claiming(state, &observed).taken_over();
        if !taken.is_empty() {
            return Err(Error::Foreign(taken));
        }
        let object = state.object(address);
        let release = |object| Step::release(address, object, ReleaseReason::Requested);
        let steps = object.map(release).into_iter().collect();
        let plan = Plan { steps, ..Plan::default() };
        Ok(Surveyed { plan, observed, learnt: Vec::new() })
    }

    /// Releases an object that cannot be read; its tags stay on it. Writes.
    pub fn disown(&self, store: &mut Store, address: &Address) -> Result<(), Error> {
        let Some(object) = store.state().object(address) else { return Ok(()) };
        let released = Transition::Released { id: object.id.clone() };
        let entry = self.by_word(address, object.generation, released);
        store.append(&[entry])?;
        Ok(store.finish()?)
    }

    /// Imports an object that somebody else created, for an address of the file. Writes.
    pub async fn import(
        &self,
        store: &mut Store,
        address: &Address,
        id: &str,
    ) -> Result<(), Error> {
        let entry = self.imported(store.state(), address, id).await?;
        self.record(&[entry], store)?;
        Ok(store.finish()?)
    }

    async fn imported(&self, state: &State, address: &Address, id: &str) -> Result<Entry, Error> {
        let failed = |error| Error::Import { address: address.clone(), error: Box::new(error) };
        let provider = self.run.providers.get(address.kind()).map_err(failed)?;
        bounded(id).map_err(|error| failed(kind::Error::terminal(error.message)))?;
        let kind = provider.kind();
        let handle = kind::Handle {
            address: address.clone(),
            id: id.to_owned(),
            generation: 1,
            outputs: BTreeMap::new(),
            applied: None,
            memo: kind::Memo::default(),
        };
        let seen = provider.observe_one(&handle).await;
        let live = seen.map_err(|error| failed(self.run.redacted(error)))?.ok_or_else(|| {
            let hint = "`stackwright import --help` says what the id of each type is";
            let message = format!("there is no {} `{id}`", kind.name);
            failed(kind::Error::terminal(message).with_hint(hint))
        })?;
        // A service may accept something else in place of the name, such as an ARN.
        let name = live.spec["name"].as_str().filter(|_| kind.id_is_name);
        let id = name.unwrap_or(id);
        let is_it = |object: &&Object| object.id == id;
        let mut known = state.resources.iter().filter(|(of, _)| of.kind() == address.kind());
        let known = known.find(|(_, record)| {
            record.object.iter().chain(&record.deposed).any(|object| is_it(&object))
        });
        if let Some((known, _)) = known {
            let message = format!("{} `{id}` is {known} in this state already", kind.name);
            let hint = if known == address {
                "there is nothing to import".to_owned()
            } else {
                format!("`stackwright state mv {known} {address}` gives it the other address")
            };
            return Err(failed(kind::Error::terminal(message).with_hint(hint)));
        }
        let found = claim::found(id, &live);
        self.claiming(state, &Observed::default()).import(address, &found).map_err(|why| {
            let (kind, address) = (kind.name, Some(address.clone()));
            Error::Foreign(vec![Foreign { kind, found, why, address }])
        })
    }
}
