//! What the file says in vain, as notes of a plan: nobody would see it otherwise.

use super::Session;
use crate::address::Address;
use crate::plan::{Action, Plan};
use crate::state::State;

impl Session<'_> {
    pub(super) fn in_vain(&self, plan: &Plan, state: &State) -> Vec<(Address, String)> {
        let mut notes = self.edits_ignored(plan);
        notes.extend(self.formers_unknown(plan, state));
        notes
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
        plan.in_vain.iter().map(note).collect()
    }

    /// Former addresses of what is made anew, by which nothing is known. Once a rename is done they
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
