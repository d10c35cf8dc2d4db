//! What a stack's state holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::address::Address;
use crate::lifecycle::Guard;

/// The number of this layout. A newer one is refused. 1: without guards; it is read as it is.
pub const SCHEMA: u32 = 2;

/// Everything stackwright remembers of one stack on one cloud.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub schema: u32,
    /// One more at every snapshot.
    pub serial: u64,
    /// Random, made at the first run; tells this state's objects from another's.
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

/// One address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub object: Option<Object>,
    /// A create that was begun and whose outcome is not known.
    pub creating: Option<Creating>,
    /// Objects that were replaced and are still to be deleted.
    pub deposed: Vec<Object>,
}

/// An object that exists, as far as is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    pub id: String,
    pub generation: u64,
    /// When its create was answered, RFC 3339: so long at most it may have been invisible.
    pub created: String,
    /// The spec last applied, secrets sealed. `None` after an adoption.
    pub spec: Option<Value>,
    pub outputs: BTreeMap<String, String>,
    pub fingerprints: BTreeMap<String, String>,
    pub identity: Option<String>,
    /// What it needs, with that object's identity when this one was applied.
    pub dependencies: BTreeMap<Address, Option<String>>,
    pub phase: Phase,
    #[serde(default, skip_serializing_if = "Guard::is_none")]
    pub guard: Guard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Made (or adopted), and not yet all that the file wants.
    Partial,
    Updating,
    Done,
    /// A delete was begun; it is repeated until absence is confirmed.
    Deleting,
}

/// An open intent to create.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creating {
    pub op: u64,
    pub generation: u64,
    pub token: String,
    /// When it was last sent, RFC 3339.
    pub at: String,
    /// The resolved spec, secrets sealed.
    pub spec: Value,
    pub dependencies: BTreeMap<Address, Option<String>>,
    #[serde(default, skip_serializing_if = "Guard::is_none")]
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
