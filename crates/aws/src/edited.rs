//! For tests: a field that was edited, by its path.

use stackwright_engine::change::{Change, ChangeReason, Path};
use stackwright_engine::kind::UpdateCost;

/// With nothing before it and nothing after.
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
