//! What a plan reports beside its steps, a sentence for each note.

use stackwright_engine::plan::{Note, Noted};

use super::blocker::name;
use super::clean;
use super::value::brief;

pub fn sentence(noted: &Noted) -> String {
    let Noted { address, note } = noted;
    match note {
        Note::Observed(what) => clean(what),
        Note::Unmanaged(what) => format!("has {}, not in the file; left alone", clean(what)),
        Note::NotDefault { path, value, default } => format!(
            "has `{path}` {}, not in the file (the default is {}); left alone",
            brief(value),
            brief(default)
        ),
        Note::Unapplied(path) => format!(
            "`{path}` is not what the file says: the endpoint accepted the update and did not apply it; \
             it is sent again once the file changes it"
        ),
        Note::Unverifiable(path) => format!(
            "whether the object has this `{path}` cannot be seen; `--replace {address}` creates \
             another one that has it"
        ),
        Note::IgnoredEdit { path, place } => {
            let place = place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
            format!("the edit of `{path}` has no effect: `ignore` leaves it to others{place}")
        }
        Note::Moved { from } => format!("was {from}, and is the same object"),
        Note::MovedAndReplaced { from, name } => format!(
            "was {from}; `name: {}` keeps the object, if it is the name that differs",
            clean(name)
        ),
        Note::Adopted { id } => format!("{} exists; will be adopted", clean(id)),
        Note::PartAdopted(part) => {
            format!("{} exists and nobody owns it; will be adopted", clean(part))
        }
        Note::GuardAdded(guard) => format!("`{}` takes effect after this run", name(*guard)),
        Note::GuardRemoved(guard) => format!("`{}` ends with this run", name(*guard)),
        Note::UnknownFormer(former) => format!(
            "`renamed_from: {former}`: {former} is unknown; the line may be removed from the file"
        ),
        Note::PossibleRename { former, name } => {
            let key = former.key();
            let (name, keep) = match name {
                Some(name) => (format!(" with `name: {}`", clean(name)), "keep"),
                None => (String::new(), "keeps"),
            };
            format!(
                "if this is {former} under another key, `renamed_from: {key}`{name} {keep} the object"
            )
        }
    }
}

/// A kind whose objects a destroy could not search.
pub fn unsearched(kind: &str, why: &str) -> String {
    format!(
        "could not search for objects of {kind} that the state does not know; if there are any, they are kept: {}",
        clean(why)
    )
}
