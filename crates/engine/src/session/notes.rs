//! Notes on what the steps of a plan do not show: edits without effect, protection that starts or ends,
//! and keys that may have been renamed.

use std::collections::BTreeMap;

use super::Session;
use super::protection::makes;
use crate::address::Address;
use crate::change::Path;
use crate::kind::UpdateCost;
use crate::lifecycle::GuardKind;
use crate::plan::{Action, CreateReason, DeleteReason, Note, Noted, Plan, Step};
use crate::prepare::Wanted;
use crate::state::State;

impl Session<'_> {
    /// Adds to each edit of an ignored field where the file ignores it.
    pub(super) fn place_ignored_edits(&self, plan: &mut Plan) {
        let manifest = self.run.manifest;
        for Noted { address, note } in &mut plan.notes {
            if let Note::IgnoredEdit { place, .. } = note {
                let resource = manifest.resources.get(address);
                let span = resource.and_then(|resource| resource.fields.get("ignore"));
                *place = span.map(|span| manifest.source.place(span.start));
            }
        }
    }

    /// What kinds say of steps that create or change objects.
    pub(super) fn remarks(&self, plan: &Plan, wanted: &BTreeMap<Address, Wanted>) -> Vec<Noted> {
        let mut notes = Vec::new();
        for step in &plan.steps {
            let Some((desired, changes)) = makes(step, wanted) else { continue };
            let Ok(provider) = self.run.providers.get(step.address.kind()) else { continue };
            notes.extend(provider.remarks(desired, changes).into_iter().map(|remark| Noted {
                address: step.address.clone(),
                note: Note::Observed(remark),
            }));
        }
        notes
    }

    /// Protection is in the state alone: no step shows that it starts or ends.
    pub(super) fn guards(&self, plan: &Plan, state: &State) -> Vec<Noted> {
        let mut notes = Vec::new();
        for (address, resource) in &self.run.manifest.resources {
            let Some(object) = state.object(address).filter(|_| !plan.skipped.contains(address))
            else {
                continue;
            };
            let (then, now) = (object.guard, resource.lifecycle.guard);
            for (kind, then, now) in [
                (GuardKind::Protect, then.protect, now.protect),
                (GuardKind::Retain, then.retain, now.retain),
            ] {
                if then != now {
                    let note = if now { Note::GuardAdded(kind) } else { Note::GuardRemoved(kind) };
                    notes.push(Noted { address: address.clone(), note });
                }
            }
        }
        notes
    }

    /// One object is deleted and one is created: it may be the same object with another key.
    pub(super) fn renames(&self, plan: &Plan, state: &State) -> Vec<Noted> {
        let only = |kind: &str, is_it: &dyn Fn(&Step) -> bool| {
            let mut all = plan.steps.iter().filter(|s| s.address.kind() == kind && is_it(s));
            all.next().filter(|_| all.next().is_none())
        };
        let comes = |step: &Step| creates(step, state).is_some();
        let goes = |step: &Step| {
            matches!(step.action, Action::Delete { reason: DeleteReason::NotWanted, .. })
        };
        let pairs = self
            .run
            .providers
            .kinds()
            .iter()
            .filter_map(|kind| Some((only(kind.name, &comes)?, only(kind.name, &goes)?)));
        // If the name identifies the object, the reason of the step says so.
        let is_open = |step: &Step| !matches!(creates(step, state), Some(CreateReason::NameOf(_)));
        pairs
            .filter(|(comes, goes)| comes.address != goes.address && is_open(comes))
            .map(|(comes, goes)| Noted {
                address: comes.address.clone(),
                note: Note::PossibleRename {
                    former: goes.address.clone(),
                    name: self.name_to_keep(&comes.address, &goes.address, state),
                },
            })
            .collect()
    }

    /// Returns the name of the object of `former`, if it would be replaced for the name that it would have at `address`.
    fn name_to_keep(&self, address: &Address, former: &Address, state: &State) -> Option<String> {
        let kind = self.run.providers.kinds().get(address.kind())?;
        let wanted = self.run.manifest.resources.get(address)?;
        let name = kind.name_of(state.object(former)?)?;
        let is_costly =
            kind.fields.rule(&Path(vec!["name".to_owned()])).update == UpdateCost::Replace;
        let is_other = name != self.run.scope.fill(&wanted.name);
        (is_costly && is_other).then(|| name.to_owned())
    }

    /// Former addresses that neither file nor state know, of resources that are created. After a rename
    /// `renamed_from` may stay in the file.
    pub(super) fn unknown_formers(&self, plan: &Plan, state: &State) -> Vec<Noted> {
        let created = plan.steps.iter().filter(|step| creates(step, state).is_some());
        let noted = |address: &Address| {
            let former = self.run.manifest.resources.get(address)?.renamed_from.clone()?;
            let is_unknown = !state.resources.contains_key(&former);
            let note = is_unknown.then_some(Note::UnknownFormer(former))?;
            Some(Noted { address: address.clone(), note })
        };
        created.filter_map(|step| noted(&step.address)).collect()
    }
}

/// Why a step creates an object for an address that the state does not have.
fn creates<'a>(step: &'a Step, state: &State) -> Option<&'a CreateReason> {
    match &step.action {
        Action::Create { reason, .. } if state.object(&step.address).is_none() => Some(reason),
        _ => None,
    }
}
