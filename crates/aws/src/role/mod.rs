//! The kind `role`: an IAM role with its trust, its inline policies and the managed policies attached
//! to it.

mod check;
mod config;
mod document_size;
mod listed;
mod observe;
mod profile;
mod service;
mod spec;
mod trust;
mod write;

use std::sync::Arc;

use serde_json::Value;
use stackwright_engine::at_once::at_once;
use stackwright_engine::change::{Change, Path};
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, ExistingPart, Field, Found, Handle, Intent,
    Live, Milestone, Owner, Ownership, Problem, Provider, ResourceType, Result, Sought, field, tag,
};

use self::config::Config;
use self::observe::found;
use self::profile::unless_unreadable;
pub use self::service::Roles;
pub use self::spec::EC2;
use self::spec::{InProfile, Spec};
pub use self::trust::{must_trust, of_stack};
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::iam::AT_ONCE;
use crate::policy_document::are_same_statements;
use crate::tags::{self, Difference, Tags};

/// The kind `role`.
pub struct Role;

impl ResourceType for Role {
    const NAME: &'static str = config::NAME;
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("path").replaces(),
        field("managed_policies").exclusive_if("managed_policies_exclusive"),
        field("managed_policies.*")
            .address("policy", "arn", "arn:")
            .example("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"),
        field("managed_policies_exclusive").write_only(),
        field("permissions_boundary").address("policy", "arn", "arn:"),
        field("max_session").seconds(),
        field("trust").exclusive(),
        field("instance_profile").computed_from("trust").internal(),
        field("policies.stackwright").computed_from("allow"),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const ID_IS_NAME: bool = true;
    const IS_NAME_CASE_IGNORED: bool = true;
    const USABLE_ONCE: Milestone = Milestone::Sent;
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const DELETION_IMPACT: &'static str = "its unique id, to which grants elsewhere may be bound";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        check::check(config, context)
    }

    /// IAM ignores the case of actions.
    fn semantically_equal(path: &Path, one: &Value, other: &Value) -> bool {
        let is_policy = ["trust", "policies"].contains(&path.field());
        is_policy
            && path.0.last().is_some_and(|part| part == "Statement")
            && are_same_statements(one, other)
    }

    fn unmanaged(applied: Option<&Spec>, live: &Spec) -> Vec<String> {
        applied.map(|applied| observe::unmanaged(applied, live)).unwrap_or_default()
    }
}

impl Connect for Roles {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self::new(cloud)
    }
}

impl Provider for Roles {
    type Type = Role;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        Ok(spec::normalize(config, context))
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        self.observe_all(handles).await
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        // ListRoles neither filters by tag nor reports tags: a role is found by its name.
        let names = self.taken(sought.names).await?;
        let seen = at_once(AT_ONCE, names, |name| self.get(name)).await;
        seen.into_iter().filter_map(Result::transpose).map(|role| role.map(found)).collect()
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.create_role(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_role(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.delete_seen(handle).await
    }
}

impl Ownership for Roles {
    async fn existing_parts(
        &self,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<Vec<ExistingPart>> {
        // Plans do not show changes of `instance_profile`, which follow from those of `trust`.
        let fields = ["trust", "instance_profile"];
        let is_new = changes.is_empty()
            || changes.iter().any(|change| fields.contains(&change.path.field()));
        if !is_new || desired.instance_profile != Some(InProfile::Yes) {
            return Ok(Vec::new());
        }
        Ok(self.existing_profile(desired).await?.into_iter().collect())
    }

    async fn release(&self, handle: &Handle<Spec>, owner: &Owner) -> Result<()> {
        let ours = Tags::from([(tag::STACK.to_owned(), owner.stack.clone())]);
        let gone = Difference { set: Tags::new(), remove: tags::own() };
        unless_unreadable(handle, self.set_profile_tags(&handle.id, &ours, &gone).await)
    }

    async fn delete_orphans(&self, handle: &Handle<Spec>) -> Result<()> {
        self.delete_profile(handle).await
    }
}
