//! The kind `instance`: a virtual machine on EC2.
//!
//! A change of type needs the instance stopped, and takes several rounds of the engine. The tag
//! [`seen::RESTART_TAG`] on the instance itself asks for its restart, so that a run that was killed
//! half-way is finished by the next one: until then, [`spec::Spec::restart`] differs.

mod check;
mod config;
mod first_disk;
mod image;
mod observe;
mod profile;
mod seen;
mod service;
mod spec;
mod type_name;
mod user_data;
mod volumes;
mod write;

use std::sync::Arc;

use aws_sdk_ec2::types::InstanceStateName as State;
use futures_util::future::join_all;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, DeletionProtection, Error, ExistingPart,
    Fault, Field, Found, Handle, Intent, Live, Milestone, Owner, Ownership, Problem, Provider,
    ResourceType, Result, Sought, field,
};

use self::config::Config;
pub use self::service::Instances;
use self::spec::Spec;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::ec2::{self, filter};
use crate::role::{EC2, must_trust};

/// How many values a filter takes.
const CHUNK: usize = 200;

/// The kind `instance`.
pub struct Instance;

impl ResourceType for Instance {
    const NAME: &'static str = "instance";
    const OUTPUTS: &'static [&'static str] = &["id", "arn"];
    const FIELDS: &'static [Field] = &[
        field("image").replaces().ignored_when_unset().clear_text(),
        field("image_from").not_compared().computed_from("image").clear_text(),
        field("launch_type").replaces().ignored_when_unset().computed_from("type").internal(),
        field("on_type_change")
            .refuses()
            .ignored_when_unset()
            .computed_from("type")
            .internal()
            .directive(),
        field("type").restarts(),
        field("restart").restarts().internal(),
        field("key_name").replaces().address("key_pair", "name", ""),
        field("subnet").replaces(),
        field("user_data").replaces().write_only(),
        field("volumes").replaces().ignored_when_unset(),
        field("volumes.*.size").grows_only().gigabytes(),
        field("volumes.*.type").in_place(),
        field("profile").address("role", "name", "arn:"),
        field("security_groups.*").address("security_group", "id", "sg-"),
        field("power").ignored_when_unset(),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::Token;
    const USABLE_ONCE: Milestone = Milestone::Created;
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const DELETION_IMPACT: &'static str =
        "its id, its disks with what is on them, and its addresses";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        // A role that does not trust EC2 has no instance profile.
        let profile = config.profile.as_deref().unwrap_or_default();
        let mut problems = check::check(config, context);
        problems.extend(must_trust(&[EC2], context.siblings, "profile", profile));
        problems
    }
}

impl Connect for Instances {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self::new(cloud)
    }
}

impl Provider for Instances {
    type Type = Instance;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        let image = self.image(&config.image, &context.prior).await?;
        spec::normalize(config, image, context)
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let chunks: Vec<_> = handles.chunks(CHUNK).map(|chunk| self.observe_chunk(chunk)).collect();
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn ended(&self, handle: &Handle<Spec>) -> Result<Option<String>> {
        let seen = self.describe(vec![filter("instance-id", [handle.id.clone()])]).await?;
        Ok(seen.first().and_then(|owned| seen::died_at_launch(&owned.instance)))
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        let alive = [State::Pending, State::Running, State::Stopping, State::Stopped];
        let mut filters = ec2::of_owner(sought);
        filters.push(filter("instance-state-name", alive.map(|state| state.as_str().to_owned())));
        let all = self.describe(filters).await?;
        let found = all.iter().map(|owned| self.found(owned));
        // An endpoint may ignore the filter: foreign instances must not become this stack's.
        Ok(found.filter(|found| ec2::is_of_owner(sought, &found.tags)).collect())
    }

    async fn create(&self, intent: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.run_instance(intent, spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_instance(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.terminate(&handle.id).await
    }
}

impl Ownership for Instances {
    async fn existing_parts(
        &self,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<Vec<ExistingPart>> {
        if !changes.is_empty() {
            return Ok(Vec::new());
        }
        let disk = self.beside_first_disk(desired).await;
        Ok(disk.map(ExistingPart::Noted).into_iter().collect())
    }

    async fn deletion_protection(
        &self,
        handle: &Handle<Spec>,
    ) -> Result<Option<DeletionProtection>> {
        let is_on = match self.is_protected(&handle.id).await {
            // Credentials that may not read the attribute may still be allowed to terminate.
            Err(Error { fault: Fault::Denied, .. }) => None,
            answer => answer?,
        };
        Ok(is_on.unwrap_or_default().then(|| observe::protection(&handle.id)))
    }

    /// The disks were tagged with the instance.
    async fn release(&self, handle: &Handle<Spec>, owner: &Owner) -> Result<()> {
        self.untag_volumes(&handle.id, &owner.stack).await
    }
}
