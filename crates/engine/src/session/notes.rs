//! What a plan's steps do not say: what the file says in vain, guards that come and go, and keys that
//! may have been renamed.

use super::Session;
use crate::address::Address;
use crate::plan::{Action, Plan, Step};
use crate::state::State;

impl Session<'_> {
    pub(super) fn ignored_edits(&self, plan: &Plan, state: &State) -> Vec<(Address, String)> {
        let mut notes = self.edits_ignored(plan);
        notes.extend(self.formers_unknown(plan, state));
        notes
    }

    /// Guards are the state's alone: no call says that they come or go.
    pub(super) fn guards(&self, plan: &Plan, state: &State) -> Vec<(Address, String)> {
        let resources = self.run.manifest.resources.values();
        let known = resources.filter(|resource| !plan.left_out.contains(&resource.address));
        known
            .filter_map(|resource| Some((resource, state.object(&resource.address)?.guard)))
            .flat_map(|(resource, then)| {
                let now = resource.lifecycle.guard;
                let told = move |name: &str, then: bool, now: bool| match (then, now) {
                    (false, true) => Some(format!("`{name}` holds once this has run")),
                    (true, false) => Some(format!("`{name}` is taken off by this run")),
                    _ => None,
                };
                let both = [
                    told("protect", then.protect, now.protect),
                    told("retain", then.retain, now.retain),
                ];
                both.into_iter().flatten().map(|note| (resource.address.clone(), note))
            })
            .collect()
    }

    /// One goes and one comes: it may be the same under another key.
    pub(super) fn renames(&self, plan: &Plan, state: &State) -> Vec<(Address, String)> {
        let only = |kind: &str, is_it: &dyn Fn(&Step) -> bool| {
            let mut all = plan.steps.iter().filter(|s| s.address.kind() == kind && is_it(s));
            all.next().filter(|_| all.next().is_none()).map(|step| step.address.clone())
        };
        let comes =
            |step: &Step| step.action == Action::Create && state.object(&step.address).is_none();
        let goes = |step: &Step| step.action == Action::Delete && !step.is_old;
        let kinds = self.run.providers.kinds().iter();
        let pairs =
            kinds.filter_map(|kind| Some((only(kind.name, &comes)?, only(kind.name, &goes)?)));
        let told = |address: &Address| {
            plan.steps.iter().any(|step| step.address == *address && step.why.is_some())
        };
        pairs
            .filter(|(address, former)| address != former && !told(address))
            .map(|(address, former)| {
                let key = former.key();
                let note =
                    format!("if it is {former} by another key, `renamed_from: {key}` keeps it");
                (address, note)
            })
            .collect()
    }

    /// Edits of fields that are left to others.
    fn edits_ignored(&self, plan: &Plan) -> Vec<(Address, String)> {
        let manifest = self.run.manifest;
        let note = |(address, path): &(Address, _)| {
            let resource = manifest.resources.get(address);
            let span = resource.and_then(|resource| resource.fields.get("ignore"));
            let place = span.map(|span| format!(" ({})", manifest.source.place(span.start)));
            let note = format!(
                "`{path}` was edited in vain: `ignore` leaves it to others{}",
                place.unwrap_or_default()
            );
            (address.clone(), note)
        };
        plan.ignored_edits.iter().map(note).collect()
    }

    /// PriorState addresses of what is made anew, by which nothing is known. Once a rename is done they
    /// may stay.
    fn formers_unknown(&self, plan: &Plan, state: &State) -> Vec<(Address, String)> {
        let created = plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Create && state.object(&step.address).is_none());
        let resources = created.filter_map(|step| self.run.manifest.resources.get(&step.address));
        let note = |(address, former): (&Address, &Address)| {
            let note = format!(
                "`renamed_from: {former}`: nothing is known of {former}; it may be taken out of the file"
            );
            (address.clone(), note)
        };
        resources
            .filter_map(|resource| Some((&resource.address, resource.renamed_from.as_ref()?)))
            .filter(|(_, former)| !state.resources.contains_key(*former))
            .map(note)
            .collect()
    }
}
