//! Names that were given again. Where an id is a name, the state may have two objects of one id: entries that
//! said that the first one was deleted are lost (a damaged journal). To delete it would delete its successor.

use std::collections::BTreeMap;

use super::Session;
use crate::address::Address;
use crate::state::{Entry, Object, State, Transition};

impl Session<'_> {
    /// Returns entries that record as deleted whatever has the id of an object that was created later.
    pub(super) fn given_again(&self, state: &State) -> Vec<Entry> {
        let mut latest: BTreeMap<(&str, &str), (&Address, &Object)> = BTreeMap::new();
        let mut gone = Vec::new();
        for (address, record) in &state.resources {
            for object in record.object.iter().chain(&record.deposed) {
                let this = (address, object);
                let id = (address.kind(), object.id.as_str());
                match latest.insert(id, this) {
                    Some(other) if is_later(other.1, object) => {
                        latest.insert(id, other);
                        gone.push(this);
                    }
                    Some(other) => gone.push(other),
                    None => {}
                }
            }
        }
        let at = self.run.options.clock.now().to_string();
        let deleted = |(address, object): (&Address, &Object)| Entry {
            op: 0,
            address: address.clone(),
            generation: object.generation,
            at: at.clone(),
            transition: Transition::Deleted { id: object.id.clone() },
        };
        gone.into_iter().map(deleted).collect()
    }
}

fn is_later(one: &Object, other: &Object) -> bool {
    let key = |object: &Object| (object.created.parse::<jiff::Timestamp>().ok(), object.generation);
    key(one) > key(other)
}
