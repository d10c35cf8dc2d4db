//! What the cloud is asked before anything is done, so that no plan promises what its run cannot do: whether
//! it protects objects from deletion, and whether parts that a step makes exist already.

use std::collections::BTreeMap;

use futures_util::future::{Future, join_all};
use serde_json::Value;

use super::{Error, Session};
use crate::address::Address;
use crate::change::Change;
use crate::kind::{self, ExistingPart};
use crate::observe::{Observed, Unseen, handle};
use crate::plan::{Action, ActionKind, Blocked, Blocker, Note, Noted, Plan, Step};
use crate::prepare::Wanted;
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
            Some(async move { (address, provider.deletion_protection(&handle).await) })
        });
        for (address, protection) in self.answers(asked.collect()).await? {
            if let Some(protection) = protection {
                let blocker = Blocker::Locked { protection, removal: plan.removal(&address) };
                plan.blocked.push(Blocked { address, blocker });
            }
        }
        Ok(())
    }

    /// Asks for every object that would be created or changed which parts beside it exist already. One that
    /// nobody owns is adopted, and one of somebody else blocks the plan. Others are only reported.
    pub(super) async fn parts(
        &self,
        plan: &mut Plan,
        wanted: &BTreeMap<Address, Wanted>,
    ) -> Result<(), Error> {
        let asked = plan.steps.iter().filter_map(|step| {
            let (desired, changes) = makes(step, wanted)?;
            let provider = self.run.providers.get(step.address.kind()).ok()?;
            let address = step.address.clone();
            Some(async move { (address, provider.existing_parts(desired, changes).await) })
        });
        let answers = self.answers(asked.collect()).await?;
        for (address, parts) in answers {
            for part in parts {
                let address = address.clone();
                match part {
                    ExistingPart::Adoptable(part) => {
                        plan.notes.push(Noted { address, note: Note::PartAdopted(part) });
                    }
                    ExistingPart::Noted(sentence) => {
                        plan.notes.push(Noted { address, note: Note::Observed(sentence) });
                    }
                    ExistingPart::Taken { field, reason, hint } => {
                        let blocker = Blocker::PartTaken { field, reason, hint };
                        plan.blocked.push(Blocked { address, blocker });
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks at the same time. What could not be read is an error.
    async fn answers<T>(
        &self,
        asked: Vec<impl Future<Output = (Address, kind::Result<T>)>>,
    ) -> Result<BTreeMap<Address, T>, Error> {
        let mut answers = BTreeMap::new();
        let mut unseen = Vec::new();
        for (address, answer) in join_all(asked).await {
            match answer {
                Ok(answer) => {
                    answers.insert(address, answer);
                }
                Err(error) => {
                    let kind = self.run.providers.get(address.kind()).map(|of| of.kind().name);
                    unseen.push(Unseen {
                        kind: kind.unwrap_or_default(),
                        address: Some(address),
                        error: self.run.redacted(error),
                    });
                }
            }
        }
        if unseen.is_empty() { Ok(answers) } else { Err(Error::Unseen(unseen)) }
    }
}

/// What a step makes: the whole desired spec, and the changes of an object that exists.
pub(super) fn makes<'a>(
    step: &'a Step,
    wanted: &'a BTreeMap<Address, Wanted>,
) -> Option<(&'a Value, &'a [Change])> {
    let desired = &wanted.get(&step.address)?.desired;
    match step.kind() {
        ActionKind::Create | ActionKind::Replace => Some((desired, &[])),
        ActionKind::Update | ActionKind::Restart => Some((desired, step.action.changes())),
        ActionKind::Delete | ActionKind::Release | ActionKind::Record => None,
    }
}
