//! Fields that refer to an object which was re-created under the same name: their value is the same, and yet
//! no longer valid.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::address::Address;
use crate::change::{Change, ChangeReason, Path};
use crate::kind::UpdateCost;
use crate::reference::{self, Reference};
use crate::state::Dependencies;

/// Returns the dependencies whose identity is not the recorded one. `identity`: the present one.
pub fn recreated<'a>(
    recorded: &'a Dependencies,
    identity: impl Fn(&Address) -> Option<&'a str>,
) -> BTreeSet<&'a Address> {
    let moved = recorded.iter().filter(|(need, then)| {
        let now = identity(need);
        then.is_some() && now.is_some() && then.as_deref() != now
    });
    moved.map(|(need, _)| need).collect()
}

/// Returns the changes of a spec's top-level fields that refer to one of `recreated`.
pub fn rebound(symbolic: &Value, desired: &Value, recreated: &BTreeSet<&Address>) -> Vec<Change> {
    if recreated.is_empty() {
        return Vec::new();
    }
    let refers = |value: &Value| {
        let references = reference::references(value);
        let mut outputs = references.iter().filter_map(|reference| match reference {
            Reference::Output(address, _) => Some(address),
            _ => None,
        });
        outputs.any(|address| recreated.contains(address))
    };
    let fields = symbolic.as_object().into_iter().flatten();
    let referring = fields.filter(|(_, value)| refers(value)).map(|(field, _)| field);
    let change = |field: &String| Change {
        path: Path(vec![field.clone()]),
        before: desired.get(field).cloned(),
        after: desired.get(field).cloned(),
        reason: ChangeReason::DependencyRecreated,
        cost: UpdateCost::InPlace,
    };
    referring.map(change).collect()
}
