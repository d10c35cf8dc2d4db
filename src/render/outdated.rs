//! Why a saved plan is not applied.

use stackwright_engine::Address;
use stackwright_engine::plan::{Outdated, PlaceField};

/// Completes "nothing was changed: …".
pub fn phrase(outdated: &Outdated) -> String {
    match outdated {
        Outdated::Version => "the plan was written by another version".to_owned(),
        Outdated::Place { field, saved, now } => {
            format!("the plan is for the {} `{saved}`, and this is `{now}`", place(*field))
        }
        Outdated::State => "the state has changed since the plan was made".to_owned(),
        Outdated::Steps(differing) => {
            let what = differing.as_ref().map_or("the stack", Address::as_str);
            format!(
                "{what} would now change differently: the file, its code (or what a `build` makes of it), \
                 the environment or the cloud has changed"
            )
        }
    }
}

fn place(field: PlaceField) -> &'static str {
    match field {
        PlaceField::Stack => "stack",
        PlaceField::Cloud => "cloud",
        PlaceField::Region => "region",
        PlaceField::Account => "account",
    }
}
