//! The kind `policy`: a managed policy of IAM, which roles of this stack and others attach.
//!
//! Its document is a version of it. IAM keeps five, and the default one counts: a change is a new default version,
//! and the older ones stay until there is no room for another one. Name, path and description never change.

mod check;
mod config;
mod observe;
mod spec;
mod write;

use std::sync::Arc;

use serde_json::Value;
use stackwright_engine::at_once::at_once;
use stackwright_engine::change::{Change, Path};
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, Field, Found, Handle, Intent, Live,
    Milestone, Ownership, Problem, Provider, ResourceType, Result, Sought, field,
};

use self::config::Config;
pub use self::spec::Spec;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::iam::AT_ONCE;
use crate::policy_document::are_same_statements;

/// The kind `policy`.
pub struct Policy;

/// Managed policies of one account.
#[derive(Clone, Debug)]
pub struct Policies {
    iam: aws_sdk_iam::Client,
}

impl Connect for Policies {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self { iam: cloud.client() }
    }
}

impl ResourceType for Policy {
    const NAME: &'static str = "policy";
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("path").replaces(),
        field("description").replaces(),
        field("allow").exclusive(),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const IS_NAME_CASE_IGNORED: bool = true;
    const USABLE_ONCE: Milestone = Milestone::Created;
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const IS_DELETED_WHILE_USED: bool = false;
    const DELETION_IMPACT: &'static str = "its earlier versions";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        check::check(config, context)
    }

    /// IAM ignores the case of actions.
    fn semantically_equal(path: &Path, one: &Value, other: &Value) -> bool {
        path.0 == ["allow", "Statement"] && are_same_statements(one, other)
    }
}

impl Provider for Policies {
    type Type = Policy;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        Ok(spec::normalize(config, context))
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        at_once(AT_ONCE, handles, |handle| self.observe_one(handle)).await
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        self.find_named(sought.names).await
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.create_policy(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_policy(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.delete_policy(&handle.id).await
    }
}

impl Ownership for Policies {}
