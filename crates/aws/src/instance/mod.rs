//! `instance`: a virtual machine on EC2.
//!
//! A change of type needs the instance stopped, and takes several rounds of the engine. That it
//! has to be started again is written on the instance itself, in the tag [`RESTART`], before the
//! stop, and taken off once it runs: a run that was killed in between is finished by the next.
//! While the tag is there the type is observed as unfinished, so that it differs until then.
//!
//! Some fields of [`Spec`] only say what a change means: `launch_type` and `on_type_change`, both
//! observed as the type, that another one is another instance or is refused; `image_from` where the
//! image was looked up, so that it is looked up once.

mod check;
mod config;
mod image;
mod observe;
mod profile;
mod volumes;
mod write;

use std::sync::Arc;

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::run_instances::RunInstancesError;
use aws_sdk_ec2::types::{
    InstanceMetadataOptionsRequest, InstanceStateName as State, InstanceType,
    ResourceType as Taggable, RunInstancesMonitoringEnabled, Tag, TagSpecification,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    Context, CreateIdempotency, Created, DeletionProtection, Error, Fault, Field, Found, Handle,
    Intent, Live, Owner, Ownership, Problem, Provider, Readiness, ResourceType, Result, Siblings,
    field, tag,
};

use self::config::Config;
pub use self::config::Power;
use self::observe::filter;
use self::volumes::Volumes;
use crate::cloud::Cloud;
use crate::fault::{Explain, code};
use crate::function::Sources;
use crate::kinds::Connect;
use crate::once::Once;
use crate::role::{EC2, must_trust};
use crate::tags::{self, Tags};

/// The console's name for an instance is a tag.
const NAME_TAG: &str = "Name";

/// On an instance that was running and is stopped for a change of its type.
const RESTART: &str = "stackwright:restart";

/// A filter takes so many values.
const CHUNK: usize = 200;

/// The kind `instance`.
pub struct Instance;

/// Instances of one account and region.
#[derive(Clone, Debug)]
pub struct Instances {
    pub cloud: Arc<Cloud>,
}

/// An instance in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// Sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// Plain text, not the base64 that EC2 takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// Where `image` was looked up: `OWNER/NAME`, `ssm:PARAMETER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_from: Option<String>,
    /// The type once more, where another one is another instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// The type once more, where another one is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_type_change: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_protection: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Volumes>,
    /// The name of an instance profile. Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// `running` or `stopped`; left out where the file leaves it to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

/// How programs on the instance read its metadata, its credentials among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `required`, `optional`.
    pub tokens: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_limit: Option<i32>,
}

impl Connect for Instances {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self { cloud: cloud.clone() }
    }
}

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
        field("key_name").replaces(),
        field("subnet").replaces(),
        field("user_data").replaces().write_only(),
        field("volumes").replaces().ignored_when_unset(),
        field("volumes.*.size").grows_only().gigabytes(),
        field("volumes.*.type").in_place(),
        field("profile").address("role", "name", "arn:"),
        field("power").ignored_when_unset(),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::Token;
    const DELETION_IMPACT: &'static str =
        "its id, its disks with what is on them, and its addresses";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, siblings: Siblings<'_>) -> Vec<Problem> {
        // A role that does not trust EC2 has no instance profile.
        let profile = config.profile.as_deref().unwrap_or_default();
        let mut problems = check::check(config);
        problems.extend(must_trust(&[EC2], siblings, ("profile", profile)));
        problems
    }
}

impl Provider for Instances {
    type Type = Instance;

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        if at.tags.contains_key(NAME_TAG) {
            return Err(Error::terminal("the tag `Name` is what EC2 calls an instance's name")
                .with_hint("write `name:` instead of a tag `Name`"));
        }
        let image = self.image(&config.image, &at.prior).await?;
        config::normalize(config, image, at)
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let chunks: Vec<_> = handles.chunks(CHUNK).map(|chunk| self.look(chunk)).collect();
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn find(&self, owner: &Owner, _: &[String]) -> Result<Vec<Found>> {
        let alive = [State::Pending, State::Running, State::Stopping, State::Stopped];
        let of_stack = filter(&format!("tag:{}", tag::STACK), [owner.stack.clone()]);
        let alive = filter("instance-state-name", alive.map(|state| state.as_str().to_owned()));
        let seen = self.describe(vec![of_stack, alive]).await?;
        let found = seen.iter().map(|(owner, instance)| self.found(owner, instance));
        // A filter that an endpoint ignores must not make strangers ours.
        Ok(found.filter(|found| found.tags.get(tag::STACK) == Some(&owner.stack)).collect())
    }

    async fn create(&self, intent: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        let tagged = tagged(spec);
        let sorts = [Taggable::Instance, Taggable::Volume];
        let specification = |sort: Taggable| {
            TagSpecification::builder().resource_type(sort).set_tags(Some(tagged.clone())).build()
        };
        let metadata = spec.metadata.as_ref();
        let tokens = metadata.map_or(config::TOKENS, |metadata| &metadata.tokens);
        let imds = InstanceMetadataOptionsRequest::builder().http_tokens(tokens.into());
        let imds = imds.set_http_put_response_hop_limit(metadata.and_then(|m| m.hop_limit));
        let monitoring = spec
            .monitoring
            .map(|is_on| RunInstancesMonitoringEnabled::builder().enabled(is_on).build());
        if spec.image.is_none() {
            return Err(Error::terminal("which image it was made from is not known any more")
                .with_hint("`--refresh-image` looks it up anew"));
        }
        // Once, token or not: after a lost reply and then a refused connection the SDK would
        // report the refusal alone, which says that nothing was made.
        let reply = self
            .cloud
            .ec2
            .run_instances()
            .min_count(1)
            .max_count(1)
            .client_token(&intent.token)
            .set_image_id(spec.image.clone())
            .set_instance_type(spec.kind.as_deref().map(InstanceType::from))
            .set_key_name(spec.key_name.clone())
            .set_security_group_ids(spec.security_groups.clone())
            .set_subnet_id(spec.subnet.clone())
            .set_user_data(spec.user_data.as_ref().map(|text| BASE64.encode(text)))
            .set_tag_specifications(Some(sorts.map(specification).into()))
            .set_block_device_mappings(volumes::mappings(spec.volumes.as_ref()))
            .metadata_options(imds.build())
            .set_iam_instance_profile(spec.profile.as_deref().and_then(profile::specification))
            .set_monitoring(monitoring)
            .customize()
            .once()
            .send()
            .await
            .map_err(|error| explain_run(error, spec))?;
        let owner = reply.owner_id.unwrap_or_default();
        let instance = reply.instances.unwrap_or_default().into_iter().next();
        let id =
            instance.as_ref().and_then(|seen| seen.instance_id()).unwrap_or_default().to_owned();
        let Some(instance) = instance.filter(|_| !id.is_empty()) else {
            return Err(Error::new(Fault::Unknown, "RunInstances: the reply names no instance"));
        };
        let mut live = self.live(&owner, &instance);
        live.spec = Spec {
            power: live.spec.power,
            // A call of its own, on a new instance as on any other.
            termination_protection: spec.termination_protection.map(|_| false),
            ..spec.clone()
        };
        if spec.volumes.is_some() && live.readiness == Readiness::Ready {
            // The reply says nothing of them.
            live.readiness = Readiness::Pending("the instance to show its disks".to_owned());
        }
        Ok(Created { id, live })
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        self.set_tags(&on.id, desired, changes).await?;
        if touched("monitoring") {
            self.set_monitoring(&on.id, desired.monitoring.unwrap_or_default()).await?;
        }
        if touched("termination_protection") {
            let is_on = desired.termination_protection.unwrap_or_default();
            self.set_termination_protection(&on.id, is_on).await?;
        }
        if touched("metadata") {
            self.set_metadata(&on.id, desired.metadata.as_ref(), changes).await?;
        }
        if !["type", "power", "security_groups", "volumes", "profile"].into_iter().any(touched) {
            return Ok(());
        }
        let seen = self.describe(vec![filter("instance-id", [on.id.clone()])]).await?;
        let mut seen = seen.into_iter().map(|(_, seen)| seen);
        let Some(now) = seen.find(|seen| seen.instance_id() == Some(&on.id)) else {
            return Err(Error::new(Fault::Conflict, format!("{} is not there any more", on.id)));
        };
        if touched("security_groups") {
            self.set_security_groups(&on.id, &now, desired).await?;
        }
        if touched("profile") {
            self.set_profile(&on.id, &now, desired.profile.as_deref()).await?;
        }
        if touched("volumes") {
            self.set_volumes(&now, desired.volumes.as_ref(), changes).await?;
        }
        if touched("type") || touched("power") {
            self.step(&on.id, &now, desired).await?;
        }
        Ok(())
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        let sent = self.cloud.ec2.terminate_instances().instance_ids(&handle.id).send().await;
        match sent {
            Err(error) if code(&error) == Some("InvalidInstanceID.NotFound") => Ok(()),
            Err(error) if code(&error) == Some("OperationNotPermitted") => {
                let error = crate::fault::explain("TerminateInstances", error);
                Err(error.with_hint(format!(
                    "termination protection is never switched off here; this does it: \
                     `aws ec2 modify-instance-attribute --instance-id {} \
                     --no-disable-api-termination`, then run again",
                    handle.id
                )))
            }
            sent => sent.map(drop).explain("TerminateInstances"),
        }
    }
}

impl Ownership for Instances {
    async fn deletion_protection(
        &self,
        handle: &Handle<Spec>,
    ) -> Result<Option<DeletionProtection>> {
        let is_on = match self.is_protected(&handle.id).await {
            // Who may not ask may still be allowed to terminate it.
            Err(Error { fault: Fault::Denied, .. }) => None,
            answer => answer?,
        };
        Ok(is_on.unwrap_or_default().then(|| observe::protection(&handle.id)))
    }

    /// Its disks, which were tagged with it.
    async fn release(&self, handle: &Handle<Spec>, owner: &Owner) -> Result<()> {
        self.untag_volumes(&handle.id, &owner.stack).await
    }
}

fn tagged(spec: &Spec) -> Vec<Tag> {
    let mut tags = spec.tags.clone();
    tags.insert(NAME_TAG.to_owned(), spec.name.clone());
    tags::to_ec2(&tags)
}

fn sorted(mut groups: Vec<String>) -> Vec<String> {
    groups.sort();
    groups.dedup();
    groups
}

fn explain_run(error: SdkError<RunInstancesError>, spec: &Spec) -> Error {
    let hint = match code(&error) {
        Some("InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable") if spec.image_from.is_some() => {
            "it was looked up by its name and has gone since; `--refresh-image` looks it up anew"
        }
        // These end this create: the next run makes another with a token of its own.
        Some("IdempotentInstanceTerminated") => {
            "the instance that this request made was terminated meanwhile; run again for a new one"
        }
        Some("IdempotentParameterMismatch") => {
            "an instance was already asked for with this token and other settings; run again"
        }
        _ => return profile::not_yet(crate::fault::explain("RunInstances", error)),
    };
    let mut explained = crate::fault::explain("RunInstances", error);
    explained.fault = Fault::Terminal;
    explained.with_hint(hint)
}
