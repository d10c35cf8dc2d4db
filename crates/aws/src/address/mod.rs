//! The kind `address`: an elastic IP address, which stays the same while instances come and go.
//!
//! EC2 takes no token for an allocation, and an address has no name: a create of unknown outcome is settled by the
//! tags, which are part of the call. Its name is a tag, as that of an instance.

mod check;
mod config;
mod observe;
mod spec;
mod write;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, Field, Found, Handle, Intent, Live,
    Milestone, Ownership, Problem, Provider, ResourceType, Result, Sought, field,
};

use self::config::Config;
pub use self::spec::Spec;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::ec2;
use crate::fault::{Codes, Meaning};

/// How many values a filter takes.
const CHUNK: usize = 200;

/// How long EC2 may not know an address that it has just allocated.
const NEW_ADDRESS: Duration = Duration::from_secs(60);

/// How long EC2 may not know an instance that it has just created.
const NEW_INSTANCE: Duration = Duration::from_secs(60);

/// The error codes of EC2.
const CODES: Codes = &[
    // Reads take it for "gone" before it is looked up here: only a write that follows a create meets it.
    (
        "InvalidAllocationID.NotFound",
        Meaning::NotYet { what: "the address to be known to EC2", within: NEW_ADDRESS },
    ),
    (
        "InvalidInstanceID.NotFound",
        Meaning::NotYet { what: "the instance to be known to EC2", within: NEW_INSTANCE },
    ),
    // Somebody has associated it since it was read.
    ("InvalidIPAddress.InUse", Meaning::Conflict),
    ("InvalidAssociationID.NotFound", Meaning::Conflict),
];

/// The kind `address`.
pub struct Address;

/// Elastic IP addresses of one account and region.
#[derive(Clone, Debug)]
pub struct Addresses {
    ec2: aws_sdk_ec2::Client,
}

impl Connect for Addresses {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self { ec2: cloud.client() }
    }
}

impl ResourceType for Address {
    const NAME: &'static str = "address";
    const OUTPUTS: &'static [&'static str] = &["id", "ip"];
    const FIELDS: &'static [Field] = &[field("instance").address("instance", "id", "i-").unique()];
    const CREATE: CreateIdempotency =
        CreateIdempotency::LookUp { consistency_window: Duration::from_secs(120) };
    // Whoever needs the address needs no instance behind it.
    const USABLE_ONCE: Milestone = Milestone::Created;
    const IS_GONE_ONCE_ACCEPTED: bool = true;

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        check::check(config, context)
    }

    fn lost_parts(_: &Spec) -> Vec<String> {
        vec!["its IP address, which EC2 gives to somebody else".to_owned()]
    }
}

impl Provider for Addresses {
    type Type = Address;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        Ok(spec::normalize(config, context))
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let chunks: Vec<_> = handles.chunks(CHUNK).map(|chunk| self.observe_chunk(chunk)).collect();
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        let seen = self.describe(ec2::of_owner(sought)).await?;
        let found = seen.iter().map(observe::found);
        // An endpoint may ignore the filter: addresses of strangers must not become this stack's.
        Ok(found.filter(|found| ec2::is_of_owner(sought, &found.tags)).collect())
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.allocate(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_address(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.release_address(handle).await
    }
}

impl Ownership for Addresses {}
