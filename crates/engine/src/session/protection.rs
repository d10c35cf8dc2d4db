//! Deletion protection of the cloud, asked before anything is done: otherwise a run would create a
//! successor beside an object that stays.

use futures_util::future::join_all;

use super::{Error, Session};
use crate::observe::{Observed, Unseen, handle};
use crate::plan::{Action, Blocked, Blocker, Plan};
use crate::state::{Phase, State};

impl Session<'_> {
    /// Asks for every object that exists and would be deleted; a protected object blocks the plan.
    pub(super) async fn lock(
        &self,
        plan: &mut Plan,
        state: &State,
        observed: &Observed,
    ) -> Result<(), Error> {
        let asked = plan.steps.iter().filter_map(|step| {
            let Action::Delete { id, .. } = &step.action else { return None };
            let address = step.address.clone();
            let object = state.object(&address).filter(|object| {
                // An object whose deletion an earlier run has started is not asked for again.
                *id == object.id && object.phase != Phase::Deleting
            })?;
            observed.live.get(&address)?.as_ref()?;
            let provider = self.run.providers.get(address.kind()).ok()?;
            let handle = handle(&address, object);
            Some(async move {
                let protection = provider.deletion_protection(&handle).await;
                (provider.kind().name, address, protection)
            })
        });
        let mut unseen = Vec::new();
        for (kind, address, answer) in join_all(asked.collect::<Vec<_>>()).await {
            match answer {
                Ok(None) => {}
                Ok(Some(protection)) => {
                    let blocker = Blocker::Locked { protection, removal: plan.removal(&address) };
                    plan.blocked.push(Blocked { address, blocker });
                }
                Err(error) => unseen.push(Unseen {
                    kind,
                    address: Some(address),
                    error: self.run.redacted(error),
                }),
            }
        }
        if unseen.is_empty() { Ok(()) } else { Err(Error::Unseen(unseen)) }
    }
}
