//! Drift: what differs from what was last applied, whatever the file says.

use std::collections::BTreeMap;

use super::{Error, Session};
use crate::graph::Graph;
use crate::lifecycle::Guard;
use crate::observe::{Search, Unseen};
use crate::plan::Plan;
use crate::prepare::Wanted;
use crate::state::{Phase, State};

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
        recorded.resources.retain(|address, _| !observed.is_unseen(address));
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
        Ok((self.plan(&recorded, &observed, &wanted, &graph), observed.unseen))
    }
}
