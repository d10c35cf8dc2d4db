//! The kind `key_pair`: the public half of an SSH key, which EC2 puts on new instances.
//!
//! EC2 knows a key pair by its name; instances read the public key at their launch, and nothing refers to the id of
//! the pair. So a change of the public key is no replacement: the pair is deleted and imported again under its name,
//! and a run that is killed between the two leaves a pair that is gone, which the next run imports.

mod check;
mod config;
mod observe;
mod public_key;
mod spec;
mod write;

use std::sync::Arc;

use futures_util::future::join_all;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, Field, Found, Handle, Intent, Live,
    Ownership, Problem, Provider, ResourceType, Result, Sought, field,
};

use self::config::Config;
pub use self::spec::Spec;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::fault::{Codes, Meaning};

/// How many values a filter takes.
const CHUNK: usize = 200;

/// The error codes of EC2.
const CODES: Codes = &[
    ("InvalidKeyPair.Duplicate", Meaning::NameTaken),
    // A pair whose tags change was deleted, or imported again with another id: it is read again.
    ("InvalidKeyPair.NotFound", Meaning::Conflict),
    ("InvalidID", Meaning::Conflict),
];

/// The kind `key_pair`.
pub struct KeyPair;

/// Key pairs of one account and region.
#[derive(Clone, Debug)]
pub struct KeyPairs {
    ec2: aws_sdk_ec2::Client,
}

impl Connect for KeyPairs {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self { ec2: cloud.client() }
    }
}

impl ResourceType for KeyPair {
    const NAME: &'static str = "key_pair";
    const OUTPUTS: &'static [&'static str] = &["name"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        // It is no secret, and its normal form is another text than the one in the file.
        field("public_key").clear_text().example("ssh-ed25519 AAAAC3Nza..."),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const ID_IS_NAME: bool = true;
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const DELETION_IMPACT: &'static str = "its public key; instances keep their copy of it";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        check::check(config, context)
    }
}

impl Provider for KeyPairs {
    type Type = KeyPair;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        spec::normalize(config, context)
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let chunks: Vec<_> = handles.chunks(CHUNK).map(|chunk| self.observe_chunk(chunk)).collect();
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        self.find_owned_or_named(sought).await
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.import(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_key_pair(on, desired, changes).await
    }

    fn remarks(&self, _: &Spec, changes: &[Change]) -> Vec<String> {
        let is_key = |change: &Change| change.path.field() == "public_key";
        let remark = "instances keep the public key with which they were launched";
        changes.iter().any(is_key).then(|| remark.to_owned()).into_iter().collect()
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.delete_key_pair(&handle.id).await
    }
}

impl Ownership for KeyPairs {}
