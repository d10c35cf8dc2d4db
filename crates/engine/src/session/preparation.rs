//! Preparing: what the file wants becomes specs, with the outputs that the state knows.

use std::collections::BTreeMap;

use serde_json::Value;

use super::protection::Parts;
use super::{Error, Session};
use crate::address::Address;
use crate::at_once::at_once;
use crate::kind::{self, PriorState};
use crate::manifest::Resource;
use crate::observe::Observed;
use crate::prepare::{Preparing, Secrets, Wanted, known_outputs};
use crate::reference::{Reference, Scope};
use crate::secret::Sealer;
use crate::state::State;

/// How many resources are prepared at a time: some need a call for it.
const AT_ONCE: usize = 64;

/// What is known of a stack without a state before its objects are searched.
pub(super) struct Ahead {
    /// Taken when the plan is made.
    pub wanted: Option<BTreeMap<Address, Wanted>>,
    pub parts: Parts,
}

impl Session<'_> {
    /// Prepares everything, and asks which parts exist, while objects are searched: with an empty state, neither
    /// depends on what the search finds, unless it finds objects of this stack.
    pub(super) async fn ahead(&self, state: &State) -> Option<Ahead> {
        if !state.resources.is_empty() {
            return None;
        }
        // What fails here fails again, and is reported then.
        let wanted = self.prepare(state, Some(&Observed::default())).await.ok()?;
        let parts = self.existing_parts(&wanted).await;
        Some(Ahead { wanted: Some(wanted), parts })
    }

    /// `observed`: `None` without a cloud.
    pub(super) async fn prepare(
        &self,
        state: &State,
        observed: Option<&Observed>,
    ) -> Result<BTreeMap<Address, Wanted>, Error> {
        let known = Scope { outputs: known_outputs(state), ..self.run.scope.clone() };
        let known = &known;
        let prepared = at_once(AT_ONCE, self.run.manifest.resources.values(), |resource| {
            let prior = match observed {
                Some(observed) => self.prior(state, observed, &resource.address),
                None => PriorState::Offline,
            };
            async move {
                let prepared = self.prepare_one(state, resource, known, prior).await;
                (resource.address.clone(), prepared)
            }
        });
        let mut wanted = BTreeMap::new();
        let mut failed = Vec::new();
        for (address, prepared) in prepared.await {
            match prepared {
                Ok(prepared) => {
                    wanted.insert(address, prepared);
                }
                Err(error) => failed.push((address, self.run.redacted(error))),
            }
        }
        if failed.is_empty() { Ok(wanted) } else { Err(Error::Unprepared(failed)) }
    }

    /// Returns the prior state, from which values that are looked up once are taken.
    fn prior(&self, state: &State, observed: &Observed, address: &Address) -> PriorState {
        let Some(object) = state.object(address).filter(|_| !self.selection.refreshes) else {
            return PriorState::None;
        };
        let live = observed.live.get(address).and_then(Option::as_ref);
        match (&object.spec, live) {
            (Some(spec), _) => PriorState::Applied(spec.clone()),
            (None, Some(live)) => PriorState::Found(live.spec.clone()),
            (None, None) => PriorState::None,
        }
    }

    async fn prepare_one(
        &self,
        state: &State,
        resource: &Resource,
        known: &Scope,
        prior: PriorState,
    ) -> Result<Wanted, kind::Error> {
        let provider = self.run.providers.get(resource.address.kind())?;
        let preparing = Preparing {
            manifest: self.run.manifest,
            lineage: &state.lineage,
            provider,
            resource,
            generation: state.object(&resource.address).map_or(1, |object| object.generation),
            prior,
        };
        let sealer = Sealer::new(&state.salt);
        let sealed =
            |(spec, secrets): (Value, Secrets)| secrets.seal(&spec, provider.kind(), &sealer);
        let desired = sealed(preparing.spec(known).await?);
        let is_known = |reference: &Reference| match reference {
            Reference::Output(of, _) => known.outputs.contains_key(of),
            _ => false,
        };
        let refers = resource.references().iter().any(is_known);
        let symbolic = if refers {
            // No value is looked up a second time.
            let prior = PriorState::Applied(desired.clone());
            sealed(Preparing { prior, ..preparing }.spec(&self.run.scope).await?)
        } else {
            desired.clone()
        };
        Ok(Wanted { lifecycle: resource.lifecycle.clone(), desired, symbolic })
    }
}
