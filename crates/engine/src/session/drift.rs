//! Drift: what differs from what was last applied, whatever the file says.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Error, Session};
use crate::change::Path;
use crate::graph::Graph;
use crate::lifecycle::Guard;
use crate::observe::{Observed, Search, Unseen};
use crate::plan::{Note, Noted, Plan};
use crate::prepare::Wanted;
use crate::secret::Sealer;
use crate::state::{Phase, State};

/// Tells whether a value says nothing: `{}`, or a map of empty lists.
fn is_bare(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.iter().all(is_bare),
        Value::Object(map) => map.values().all(is_bare),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

impl Session<'_> {
    /// Returns the plan that would undo the drift, and what could not be read.
    pub async fn drift(&self, state: &State) -> Result<(Plan, Vec<Unseen>), Error> {
        let mut recorded = state.clone();
        recorded.resources.retain(|_, record| {
            let object = record.object.as_ref();
            object.is_some_and(|object| object.phase == Phase::Done && object.spec.is_some())
        });
        for record in recorded.resources.values_mut() {
            record.deposed.clear();
        }
        let observed = self.look_at(&recorded, &BTreeMap::new(), Search::Nowhere).await?;
        let taken_over = self.claiming(&recorded, &observed).taken_over();
        if !taken_over.is_empty() {
            return Err(Error::Foreign(taken_over));
        }
        let unseen = observed.unseen_addresses();
        recorded.resources.retain(|address, _| !unseen.contains(address));
        let mut needs = BTreeMap::new();
        let mut wanted = BTreeMap::new();
        for (address, record) in &recorded.resources {
            let Some(object) = &record.object else { continue };
            let resource = self.run.manifest.resources.get(address);
            let mut lifecycle =
                resource.map(|resource| resource.lifecycle.clone()).unwrap_or_default();
            let desired = object.spec.clone().unwrap_or_default();
            let symbolic = desired.clone();
            // A protected object that is gone or has failed has drifted like any other.
            lifecycle.guard = Guard::default();
            wanted.insert(address.clone(), Wanted { lifecycle, desired, symbolic });
            needs.insert(address.clone(), object.dependencies.keys().cloned().collect());
        }
        let graph = Graph::new(&needs).unwrap_or_default();
        let mut plan = self.plan(&recorded, &observed, &wanted, &graph);
        plan.notes.extend(self.changed_defaults(&recorded, &observed));
        Ok((plan, observed.unseen))
    }

    /// Returns a note for each field that has another value than its default, although neither the file nor a
    /// run has ever set it: somebody else did.
    fn changed_defaults(&self, state: &State, observed: &Observed) -> Vec<Noted> {
        let sealer = Sealer::new(&state.salt);
        let mut notes = Vec::new();
        for (address, live) in &observed.live {
            let applied = state.object(address).and_then(|object| object.spec.as_ref());
            let kind = self.run.providers.kinds().get(address.kind());
            let (Some(live), Some(applied), Some(kind)) = (live, applied, kind) else { continue };
            for (field, value) in live.spec.as_object().into_iter().flatten() {
                let Some(default) = kind.fields.default(field) else { continue };
                let is_set = applied.get(field).is_some_and(|value| !value.is_null());
                let is_same = sealer.same(value, default) || is_bare(value) && is_bare(default);
                if !is_set && !is_same && !value.is_null() {
                    let path = Path(vec![field.clone()]);
                    let note =
                        Note::NotDefault { path, value: value.clone(), default: default.clone() };
                    notes.push(Noted { address: address.clone(), note });
                }
            }
        }
        notes
    }
}
