//! Operations that a run has begun and not finished. The next run recovers them.

use super::model::{Object, Phase, Record, State};
use crate::address::Address;

/// An operation that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOperation {
    pub address: Address,
    pub operation: Operation,
}

/// What is not finished, by the id of its object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A create whose outcome is unknown; `sent` is the time of its last attempt, RFC 3339.
    Create {
        sent: String,
    },
    /// An adopted object that no run has compared with the file.
    Adopt(String),
    /// A created object that does not match the file yet.
    Complete(String),
    Update(String),
    Delete(String),
    /// The delete of an object that has a successor at the same address.
    DeleteReplaced(String),
}

impl State {
    /// Everything that is not finished, by address.
    pub fn open(&self) -> Vec<OpenOperation> {
        let of_one = |(address, record): (&Address, &Record)| {
            let operations = record.open();
            let open = |operation| OpenOperation { address: address.clone(), operation };
            operations.map(open).collect::<Vec<_>>()
        };
        self.resources.iter().flat_map(of_one).collect()
    }
}

impl Record {
    fn open(&self) -> impl Iterator<Item = Operation> {
        let create = self.creating.iter().map(|open| Operation::Create { sent: open.at.clone() });
        let current = self.object.iter().filter_map(Object::open);
        let replaced = self.deposed.iter().map(|old| Operation::DeleteReplaced(old.id.clone()));
        create.chain(current).chain(replaced)
    }
}

impl Object {
    fn open(&self) -> Option<Operation> {
        let operation = match (self.phase, &self.spec) {
            (Phase::Done, _) => return None,
            (Phase::Partial, None) => Operation::Adopt,
            (Phase::Partial, Some(_)) => Operation::Complete,
            (Phase::Updating, _) => Operation::Update,
            (Phase::Deleting, _) => Operation::Delete,
        };
        Some(operation(self.id.clone()))
    }
}
