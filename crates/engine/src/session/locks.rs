//! What the cloud would not let go, asked before anything is done: a successor would be made beside an
//! object that stays.

use futures_util::future::join_all;

use super::{Error, Session};
use crate::observe::{Observed, Unseen, handle};
use crate::plan::{Action, Held, Hold, Plan};
use crate::state::{Phase, State};

impl Session<'_> {
    /// Asks of every object that exists and is to be deleted; what is locked holds the plan.
    pub(super) async fn lock(
        &self,
        plan: &mut Plan,
        state: &State,
        observed: &Observed,
    ) -> Result<(), Error> {
        let going = plan.steps.iter().filter(|step| step.action == Action::Delete);
        let asked = going.filter_map(|step| {
            let address = step.address.clone();
            let object = state.object(&address).filter(|object| {
                // What an earlier run has begun to delete is not asked of again.
                step.id.as_ref() == Some(&object.id) && object.phase != Phase::Deleting
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
                    let replaces = plan.replaces(&address);
                    let action = if replaces { Action::Replace } else { Action::Delete };
                    plan.held.push(Held { address, hold: Hold::Locked { protection, action } });
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
