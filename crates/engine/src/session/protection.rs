//! What the cloud is asked before anything is done, so that no plan promises what its run cannot do: whether
//! it protects objects from deletion, and whether parts that a step makes exist already.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::Value;

use super::{Error, Session};
use crate::address::Address;
use crate::change::Change;
use crate::kind::{self, DeletionProtection, ExistingPart};
use crate::observe::{Observed, Unseen, handle};
use crate::plan::{Action, ActionKind, Blocked, Blocker, Note, Noted, Plan, Step};
use crate::prepare::Wanted;
use crate::state::{Phase, State};

/// What was asked of objects by address: whether the cloud protects them from deletion.
pub(super) type Protections = BTreeMap<Address, kind::Result<Option<DeletionProtection>>>;

/// What was asked of objects by address: which parts of them exist already.
pub(super) type Parts = BTreeMap<Address, kind::Result<Vec<ExistingPart>>>;

impl Session<'_> {
    /// Asks for every object that exists and would be deleted; a protected object blocks the plan.
    /// `asked`: what some objects of this state were asked already.
    pub(super) async fn lock(
        &self,
        plan: &mut Plan,
        state: &State,
        observed: &Observed,
        mut asked: Protections,
    ) -> Result<(), Error> {
        let is_there = |address: &Address| matches!(observed.live.get(address), Some(Some(_)));
        let deleted = plan.steps.iter().filter_map(|step| {
            let Action::Delete { id, .. } = &step.action else { return None };
            let is_current = state.object(&step.address).is_some_and(|object| object.id == *id);
            (is_current && is_there(&step.address)).then_some(&step.address)
        });
        let deleted: BTreeSet<Address> = deleted.cloned().collect();
        let is_open = |of: &Address| deleted.contains(of) && !asked.contains_key(of);
        let more = self.protections(state, is_open).await;
        asked.extend(more);
        asked.retain(|address, _| deleted.contains(address));
        for (address, protection) in self.all_answered(asked)? {
            if let Some(protection) = protection {
                let blocker = Blocker::Locked { protection, removal: plan.removal(&address) };
                plan.blocked.push(Blocked { address, blocker });
            }
        }
        Ok(())
    }

    /// Asks whether the cloud protects objects of the state. One whose deletion an earlier run has started is
    /// not asked for again.
    pub(super) async fn protections(
        &self,
        state: &State,
        is_asked: impl Fn(&Address) -> bool,
    ) -> Protections {
        let asked = state.resources.iter().filter(|(address, _)| is_asked(address));
        let asked = asked.filter_map(|(address, record)| {
            let object = record.object.as_ref().filter(|object| object.phase != Phase::Deleting)?;
            let provider = self.run.providers.get(address.kind()).ok()?;
            let handle = handle(address, object);
            Some(async move {
                let protection = provider.deletion_protection(&handle).await;
                (handle.address, protection)
            })
        });
        join_all(asked).await.into_iter().collect()
    }

    /// Asks for every object that would be created or changed which parts beside it exist already. One that
    /// nobody owns is adopted, and one of somebody else blocks the plan. Others are only reported.
    /// `asked`: what was asked already, for objects to be created.
    pub(super) async fn parts(
        &self,
        plan: &mut Plan,
        wanted: &BTreeMap<Address, Wanted>,
        mut asked: Parts,
    ) -> Result<(), Error> {
        let made = plan.steps.iter().filter_map(|step| {
            let (desired, changes) = makes(step, wanted)?;
            let provider = self.run.providers.get(step.address.kind()).ok()?;
            Some((&step.address, provider, desired, changes))
        });
        let answers = made.map(|(address, provider, desired, changes)| {
            let asked = asked.remove(address);
            async move {
                let answer = match asked {
                    Some(answer) => answer,
                    None => provider.existing_parts(desired, changes).await,
                };
                (address.clone(), answer)
            }
        });
        let answers = join_all(answers).await;
        for (address, parts) in self.all_answered(answers)? {
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

    /// Asks which parts of objects exist that are to be created.
    pub(super) async fn existing_parts(&self, wanted: &BTreeMap<Address, Wanted>) -> Parts {
        let asked =
            wanted.iter().filter_map(|(address, wanted)| {
                let provider = self.run.providers.get(address.kind()).ok()?;
                Some(async move {
                    (address.clone(), provider.existing_parts(&wanted.desired, &[]).await)
                })
            });
        join_all(asked).await.into_iter().collect()
    }

    /// What could not be read is an error.
    fn all_answered<T>(
        &self,
        asked: impl IntoIterator<Item = (Address, kind::Result<T>)>,
    ) -> Result<BTreeMap<Address, T>, Error> {
        let mut answers = BTreeMap::new();
        let mut unseen = Vec::new();
        for (address, answer) in asked {
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
        ActionKind::Delete | ActionKind::Gone | ActionKind::Release | ActionKind::Record => None,
    }
}
