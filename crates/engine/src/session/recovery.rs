//! Recovery: creates that an earlier run left open are found, sent again or abandoned before anything else.

use super::{Error, Goal, Session};
use crate::address::Address;
use crate::execute::{self, Open};
use crate::prepare::{Secrets, known_outputs};
use crate::reference::Scope;
use crate::secret::Sealer;
use crate::state::{Creating, State, Store};

impl Session<'_> {
    /// Recovers creates that an earlier run left open. Writes.
    pub async fn recover(&self, store: &mut Store, goal: Goal) -> Result<(), Error> {
        let open: Vec<_> = store
            .state()
            .resources
            .iter()
            .filter_map(|(address, record)| Some((address.clone(), record.creating.clone()?)))
            .collect();
        let excluded = &self.selection.excluded;
        for (address, creating) in open.into_iter().filter(|(of, _)| !excluded.contains(of)) {
            if *self.run.options.stop.borrow() {
                break; // what is left is on record for the next run
            }
            let sealer = Sealer::new(&store.state().salt);
            let outputs = known_outputs(store.state());
            let scope = Scope { outputs, ..self.run.scope.clone() };
            let wanted = self.run.manifest.resources.get(&address);
            let secrets = wanted.map(|resource| Secrets::of(resource, &scope)).unwrap_or_default();
            let open = Open {
                spec: sealer.open(&creating.spec, &secrets.texts()),
                is_remade: goal == Goal::File && self.is_remade(store.state(), &address, &creating),
                creating,
            };
            let recovered = execute::recover(&self.run, store, &address, &open).await?;
            recovered.map_err(|failure| {
                let failure = Box::new(self.run.redacted_failure(failure));
                Error::Recovery { address, failure }
            })?;
        }
        Ok(())
    }

    /// Tells whether this run will create an object of the same name at that address.
    fn is_remade(&self, state: &State, address: &Address, creating: &Creating) -> bool {
        let wanted = self.run.manifest.resources.get(address);
        let Some((wanted, kind)) = wanted.zip(self.run.providers.kinds().get(address.kind()))
        else {
            return false;
        };
        let name = self.run.scope.fill(&wanted.name);
        let open = creating.spec["name"].as_str().unwrap_or_default();
        state.object(address).is_none() && kind.is_same_name(&name, open)
    }
}
