//! For tests: a change of one field.

use stackwright_engine::change::{Change, ChangeReason, Path};
use stackwright_engine::kind::UpdateCost;

/// Returns a change of an edited field, with nothing before it and nothing after.
pub fn edited(path: &[&str]) -> Change {
    let path = Path(path.iter().map(|&key| key.to_owned()).collect());
    Change {
        path,
        before: None,
        after: None,
        reason: ChangeReason::Edited,
        cost: UpdateCost::InPlace,
    }
}
