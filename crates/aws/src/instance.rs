//! `instance`: a virtual machine on EC2.
//!
//! A change of type needs the instance stopped, and takes several rounds of the engine. That it
//! has to be started again is written on the instance itself, in the tag [`RESTART`], before the
//! stop, and taken off once it runs: a run that was killed in between is finished by the next.
//! While the tag is there the type is observed as unfinished, so that it differs until then.

mod observe;
mod write;

use std::sync::Arc;

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::run_instances::RunInstancesError;
use aws_sdk_ec2::types::{
    HttpTokensState, InstanceMetadataOptionsRequest, InstanceStateName as State, InstanceType,
    ResourceType, Tag, TagSpecification,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    Compare, Context, Cost, Created, Error, Fault, Field, Found, Handle, Intent, Kind, Live, Owner,
    Problem, Repeat, Result, tag,
};

use self::observe::filter;
use crate::cloud::Cloud;
use crate::fault::{Explain, code};
use crate::once::Once;
use crate::tags::{self, Tags};

/// The console's name for an instance is a tag.
const NAME_TAG: &str = "Name";

/// On an instance that was running and is stopped for a change of its type.
const RESTART: &str = "stackwright:restart";

/// A filter takes so many values.
const CHUNK: usize = 200;

/// User data before encoding, in bytes.
const USER_DATA: usize = 16 * 1024;

/// Instances of one account and region.
#[derive(Clone, Debug)]
pub struct Instance {
    pub cloud: Arc<Cloud>,
}

/// A virtual machine on EC2.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The machine image it starts from: `ami-…`. Another image means another instance.
    pub image: String,
    /// Its size, for example `t3.micro`. For another size it is stopped and started again.
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the key pair for SSH. Another key means another instance.
    pub key_name: Option<String>,
    /// Security groups by id: `sg-…`. The default group of the network when nothing is written.
    pub security_groups: Option<Vec<String>>,
    /// The subnet it stands in: `subnet-…`. Another subnet means another instance.
    pub subnet: Option<String>,
    /// The script that runs at its first start, as text, at most 16 KiB. Another script means
    /// another instance.
    pub user_data: Option<String>,
    /// `running` or `stopped`: every run brings it there. `external`, which holds when nothing is
    /// written: whoever uses the instance starts and stops it.
    pub power: Option<Power>,
}

/// Who decides whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    External,
    Running,
    Stopped,
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
    /// `running` or `stopped`; left out where the file leaves it to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

impl Kind for Instance {
    const NAME: &'static str = "instance";
    const OUTPUTS: &'static [&'static str] = &["id", "arn"];
    const FIELDS: &'static [Field] = &[
        Field("image", Cost::Replace, Compare::Managed),
        Field("type", Cost::Restart, Compare::Managed),
        Field("key_name", Cost::Replace, Compare::Managed),
        Field("subnet", Cost::Replace, Compare::Managed),
        Field("user_data", Cost::Replace, Compare::Recorded),
        Field("power", Cost::InPlace, Compare::Released),
    ];
    const CREATE: Repeat = Repeat::Token;
    const LOST: &'static str = "its id, its disks with what is on them, and its addresses";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config) -> Vec<Problem> {
        check(config)
    }

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        if at.tags.contains_key(NAME_TAG) {
            return Err(Error::terminal("the tag `Name` is what EC2 calls an instance's name")
                .with_hint("write `name:` instead of a tag `Name`"));
        }
        Ok(Spec {
            name: at.name.clone(),
            tags: at.tags.clone(),
            image: Some(config.image),
            kind: Some(config.kind),
            key_name: config.key_name,
            security_groups: config.security_groups.map(sorted),
            subnet: config.subnet,
            user_data: config.user_data,
            power: config.power.filter(|power| *power != Power::External),
        })
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
        let sorts = [ResourceType::Instance, ResourceType::Volume];
        let specification = |sort: ResourceType| {
            TagSpecification::builder().resource_type(sort).set_tags(Some(tagged.clone())).build()
        };
        let imds = InstanceMetadataOptionsRequest::builder().http_tokens(HttpTokensState::Required);
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
            .metadata_options(imds.build())
            .customize()
            .once()
            .send()
            .await
            .map_err(explain_run)?;
        let owner = reply.owner_id.unwrap_or_default();
        let instance = reply.instances.unwrap_or_default().into_iter().next();
        let id =
            instance.as_ref().and_then(|seen| seen.instance_id()).unwrap_or_default().to_owned();
        let Some(instance) = instance.filter(|_| !id.is_empty()) else {
            return Err(Error::new(Fault::Unknown, "RunInstances: the reply names no instance"));
        };
        let mut live = self.live(&owner, &instance);
        live.spec = Spec { power: live.spec.power, ..spec.clone() };
        Ok(Created { id, live })
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        self.set_tags(&on.id, desired, changes).await?;
        if !["type", "power", "security_groups"].into_iter().any(touched) {
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
                Err(error.with_hint("termination protection is on; it is never switched off here"))
            }
            sent => sent.map(drop).explain("TerminateInstances"),
        }
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

fn explain_run(error: SdkError<RunInstancesError>) -> Error {
    let hint = match code(&error) {
        // Both end this create: the next run makes another with a token of its own.
        Some("IdempotentInstanceTerminated") => {
            "the instance that this request made was terminated meanwhile; run again for a new one"
        }
        Some("IdempotentParameterMismatch") => {
            "an instance was already asked for with this token and other settings; run again"
        }
        _ => return crate::fault::explain("RunInstances", error),
    };
    let mut explained = crate::fault::explain("RunInstances", error);
    explained.fault = Fault::Terminal;
    explained.with_hint(hint)
}

fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut id = |path: &[&str], text: &str, prefix: &str| {
        if text.starts_with(prefix) || text.contains("${") {
            return;
        }
        problems.push(Problem {
            path: path.iter().map(|&key| key.to_owned()).collect(),
            message: format!("`{text}` is not an id of the form `{prefix}…`"),
            hint: None,
        });
    };
    id(&["image"], &config.image, "ami-");
    for group in config.security_groups.iter().flatten() {
        id(&["security_groups"], group, "sg-");
    }
    if let Some(subnet) = &config.subnet {
        id(&["subnet"], subnet, "subnet-");
    }
    if config.user_data.as_ref().is_some_and(|text| text.len() > USER_DATA) {
        problems.push(Problem {
            path: vec!["user_data".to_owned()],
            message: "user data may have 16 KiB at most".to_owned(),
            hint: Some("load the rest from S3 at the first start".to_owned()),
        });
    }
    if config.security_groups.as_ref().is_some_and(Vec::is_empty) {
        problems.push(Problem {
            path: vec!["security_groups".to_owned()],
            message: "an instance has at least one security group".to_owned(),
            hint: Some("leave the field out for the network's default group".to_owned()),
        });
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_alone_shows_wrong_ids() {
        let config = |value| serde_json::from_value::<Config>(value).expect("a config");
        let right = config(json!({
            "image": "${env.AMI}", "type": "t3.micro", "security_groups": ["sg-1"],
        }));
        assert_eq!(check(&right), []);
        let wrong = config(json!({
            "image": "debian", "type": "t3.micro", "security_groups": ["web"], "subnet": "a",
            "user_data": "x".repeat(USER_DATA + 1),
        }));
        let paths: Vec<_> =
            check(&wrong).into_iter().map(|problem| problem.path.join(".")).collect();
        assert_eq!(paths, ["image", "security_groups", "subnet", "user_data"]);
    }
}
