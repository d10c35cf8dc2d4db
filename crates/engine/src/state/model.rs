//! What a stack's state holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::lifecycle::Guard;

/// The number of the snapshot's format. A snapshot of any other format is refused.
pub const SCHEMA: u32 = 5;

/// What an object depends on, with the identity that each dependency had when the object was applied.
pub type Dependencies = BTreeMap<Address, Option<String>>;

/// Everything that stackwright remembers of one stack on one cloud.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub schema: u32,
    /// Goes up by one with every snapshot.
    pub serial: u64,
    /// Random, made at the first run. The tags of this state's objects carry it.
    pub lineage: String,
    /// Salts the digests of secrets.
    pub salt: String,
    pub place: Place,
    pub resources: BTreeMap<Address, Record>,
}

/// Where a stack lives. A state is used for one place only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub stack: String,
    /// `local`, `aws`, or the endpoint's URL.
    pub cloud: String,
    pub region: String,
    /// Twelve digits.
    pub account: String,
}

/// What is known of one address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub object: Option<Object>,
    /// A create that was begun and whose outcome is unknown.
    pub creating: Option<Creating>,
    /// Objects that were replaced and are still to be deleted.
    pub deposed: Vec<Object>,
}

/// An object that exists, as far as this state knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    pub id: String,
    pub generation: u64,
    /// When the service answered its create, RFC 3339: the consistency window begins here.
    pub created: String,
    /// The spec that was last applied, secrets sealed. `None` after an adoption.
    pub spec: Option<Value>,
    pub outputs: BTreeMap<String, String>,
    /// By field, the service's own value that shows whether ours was changed.
    pub fingerprints: BTreeMap<String, String>,
    /// By path, what witnesses the value that the endpoint keeps although it accepted another one.
    pub unapplied: BTreeMap<String, String>,
    pub identity: Option<String>,
    pub dependencies: Dependencies,
    pub phase: Phase,
    pub guard: Guard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Created or adopted, and not yet seen to match the file.
    Partial,
    Updating,
    Done,
    /// A delete was begun. It is repeated until the object is seen to be gone.
    Deleting,
}

/// A create whose outcome is unknown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creating {
    pub op: u64,
    pub generation: u64,
    pub token: String,
    /// When the create was first sent, RFC 3339; by a create in whose place it is, too.
    pub since: String,
    /// When the create was last sent, RFC 3339.
    pub at: String,
    /// The resolved spec, secrets sealed.
    pub spec: Value,
    pub dependencies: Dependencies,
    pub guard: Guard,
}

impl State {
    pub fn object(&self, address: &Address) -> Option<&Object> {
        self.resources.get(address)?.object.as_ref()
    }

    /// The object at an address that has this id and generation, replaced ones among them. (An id may
    /// be a name that was given again.)
    pub fn object_of(
        &self,
        address: &Address,
        id: Option<&str>,
        generation: u64,
    ) -> Option<&Object> {
        let record = self.resources.get(address)?;
        let mut objects = record.object.iter().chain(&record.deposed);
        objects.find(|object| Some(object.id.as_str()) == id && object.generation == generation)
    }
}
