//! `instance`: a virtual machine on EC2.
//!
//! A change of type needs the instance stopped, and takes several rounds of the engine. That it
//! has to be started again is written on the instance itself, in the tag [`RESTART`], before the
//! stop, and taken off once it runs: a run that was killed in between is finished by the next.
//! While the tag is there the type is observed as unfinished, so that it differs until then.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::run_instances::RunInstancesError;
use aws_sdk_ec2::types::{
    AttributeValue, Filter, HttpTokensState, Instance as Seen, InstanceMetadataOptionsRequest,
    InstanceNetworkInterface, InstanceStateName as State, InstanceType, Reservation, ResourceType,
    Tag, TagSpecification,
};
use aws_smithy_types::date_time::Format;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::TryFutureExt;
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    Compare, Context, Cost, Created, Error, Fault, Field, Found, Handle, Intent, Kind, Live, Owner,
    Problem, Repeat, Result, Settled, tag,
};

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
        let id = instance.as_ref().and_then(Seen::instance_id).unwrap_or_default().to_owned();
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

/// Reading.
impl Instance {
    /// At most [`CHUNK`] handles, by one filter: by ids one unknown id would fail the whole call.
    async fn look(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let ids = handles.iter().map(|handle| handle.id.clone());
        let seen = match self.describe(vec![filter("instance-id", ids)]).await {
            Ok(seen) => seen,
            Err(error) => return handles.iter().map(|_| Err(again(&error))).collect(),
        };
        let by_id: HashMap<&str, _> = seen
            .iter()
            .filter(|(_, instance)| !is_gone(&state(instance)))
            .filter_map(|(owner, instance)| Some((instance.instance_id()?, (owner, instance))))
            .collect();
        let live = |handle: &Handle<Spec>| {
            let (owner, instance) = by_id.get(handle.id.as_str())?;
            Some(self.live(owner, instance))
        };
        handles.iter().map(|handle| Ok(live(handle))).collect()
    }

    /// Instances with the account they belong to.
    async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<(String, Seen)>> {
        let request = self.cloud.ec2.describe_instances().set_filters(Some(filters));
        let pages = request.into_paginator().send();
        let pages: Vec<_> = pages.try_collect().await.explain("DescribeInstances")?;
        let reservations = pages.into_iter().flat_map(|page| page.reservations.unwrap_or_default());
        let instances = reservations.flat_map(|Reservation { owner_id, instances, .. }| {
            let owner = owner_id.unwrap_or_default();
            instances.unwrap_or_default().into_iter().map(move |seen| (owner.clone(), seen))
        });
        Ok(instances.collect())
    }

    fn live(&self, owner: &str, seen: &Seen) -> Live<Spec> {
        let (power, settled) = match state(seen) {
            State::Pending => (Power::Running, waiting("the instance to be running")),
            State::Stopping => (Power::Stopped, waiting("the instance to be stopped")),
            State::Stopped => (Power::Stopped, Settled::Ready),
            _ => (Power::Running, Settled::Ready),
        };
        Live {
            spec: spec(seen, power),
            outputs: self.outputs(owner, seen),
            pins: BTreeMap::new(),
            identity: None,
            settled,
            notes: Vec::new(),
            facts: facts(seen),
        }
    }

    fn outputs(&self, owner: &str, seen: &Seen) -> BTreeMap<String, String> {
        let id = seen.instance_id().unwrap_or_default();
        let region = &self.cloud.region;
        let arn = format!("arn:{}:ec2:{region}:{owner}:instance/{id}", partition(region));
        [("id", id.to_owned()), ("arn", arn)].map(|(name, value)| (name.to_owned(), value)).into()
    }

    fn found(&self, owner: &str, seen: &Seen) -> Found {
        let mut tags = tags::from_ec2(seen.tags());
        Found {
            id: seen.instance_id().unwrap_or_default().to_owned(),
            name: tags.remove(NAME_TAG).unwrap_or_default(),
            tags,
            outputs: self.outputs(owner, seen),
            created: seen.launch_time().and_then(|time| time.fmt(Format::DateTime).ok()),
        }
    }
}

/// Writing, each aspect by itself.
impl Instance {
    async fn set_tags(&self, id: &str, desired: &Spec, changes: &[Change]) -> Result<()> {
        let tags::Difference { mut set, remove } = tags::difference(changes);
        if changes.iter().any(|change| change.path.field() == "name") {
            set.insert(NAME_TAG.to_owned(), desired.name.clone());
        }
        if !set.is_empty() {
            self.tag(id, &set).await?;
        }
        if !remove.is_empty() {
            self.untag(id, &remove).await?;
        }
        Ok(())
    }

    async fn tag(&self, id: &str, tags: &Tags) -> Result<()> {
        let request = self.cloud.ec2.create_tags().resources(id);
        request.set_tags(Some(tags::to_ec2(tags))).send().map_ok(drop).await.explain("CreateTags")
    }

    async fn untag(&self, id: &str, keys: &[String]) -> Result<()> {
        // A tag without a value means whatever value it has.
        let keys = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
        let request = self.cloud.ec2.delete_tags().resources(id);
        request.set_tags(Some(keys)).send().map_ok(drop).await.explain("DeleteTags")
    }

    /// Through the interface: EC2 takes groups for an instance only while it has a single one.
    async fn set_security_groups(&self, id: &str, now: &Seen, desired: &Spec) -> Result<()> {
        let groups = desired.security_groups.clone();
        let interface = first_interface(now).and_then(|first| first.network_interface_id());
        let Some(interface) = interface else {
            let request = self.cloud.ec2.modify_instance_attribute().instance_id(id);
            let sent = request.set_groups(groups).send();
            return sent.map_ok(drop).await.explain("ModifyInstanceAttribute");
        };
        let request = self.cloud.ec2.modify_network_interface_attribute();
        let sent = request.network_interface_id(interface).set_groups(groups).send();
        sent.map_ok(drop).await.explain("ModifyNetworkInterfaceAttribute")
    }

    /// The one next step towards type and power, as the present state allows.
    async fn step(&self, id: &str, now: &Seen, desired: &Spec) -> Result<()> {
        let running = state(now) == State::Running;
        let type_now = now.instance_type().map(InstanceType::as_str);
        if type_now != desired.kind.as_deref() {
            return self.set_type(id, running, desired).await;
        }
        let marked = now.tags().iter().any(|tag| tag.key() == Some(RESTART));
        match desired.power {
            Some(Power::Running) if !running => self.start(id).await,
            Some(Power::Stopped) if running => self.stop(id).await,
            None | Some(Power::External) if marked && !running => self.start(id).await,
            _ if marked => self.untag(id, &[RESTART.to_owned()]).await,
            _ => Ok(()),
        }
    }

    /// Asks for the type first and stops the instance only when it is refused for running: what
    /// is impossible (no such type, no such call) is learnt before anything is interrupted.
    async fn set_type(&self, id: &str, running: bool, desired: &Spec) -> Result<()> {
        let value = AttributeValue::builder().set_value(desired.kind.clone()).build();
        let request = self.cloud.ec2.modify_instance_attribute().instance_id(id);
        match request.instance_type(value).send().await {
            Err(error) if running && code(&error) == Some("IncorrectInstanceState") => {}
            sent => return sent.map(drop).explain("ModifyInstanceAttribute"),
        }
        if desired.power.is_none() {
            self.tag(id, &Tags::from([(RESTART.to_owned(), "running".to_owned())])).await?;
        }
        self.stop(id).await
    }

    async fn start(&self, id: &str) -> Result<()> {
        let request = self.cloud.ec2.start_instances().instance_ids(id);
        request.send().map_ok(drop).await.explain("StartInstances")
    }

    async fn stop(&self, id: &str) -> Result<()> {
        let request = self.cloud.ec2.stop_instances().instance_ids(id);
        request.send().map_ok(drop).await.explain("StopInstances")
    }
}

fn spec(seen: &Seen, power: Power) -> Spec {
    let mut tags = tags::from_ec2(seen.tags());
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let kind = seen.instance_type().map(|kind| kind.as_str().to_owned());
    let kind = match tags.remove(RESTART) {
        Some(_) => kind.map(|kind| match power {
            Power::Running => format!("{kind} (restarted, not confirmed)"),
            _ => format!("{kind} (not started again)"),
        }),
        None => kind,
    };
    // What EC2 calls the instance's groups are those of its first interface.
    let groups = first_interface(seen).map_or(seen.security_groups(), |first| first.groups());
    let groups = groups.iter().filter_map(|group| group.group_id());
    let groups = sorted(groups.map(str::to_owned).collect());
    Spec {
        name: tags.remove(NAME_TAG).unwrap_or_default(),
        tags,
        image: text(seen.image_id()),
        kind,
        // An instance may well have no key; it has an image, a subnet and a group always.
        key_name: Some(seen.key_name().unwrap_or_default().to_owned()),
        security_groups: Some(groups).filter(|groups| !groups.is_empty()),
        subnet: text(seen.subnet_id()),
        user_data: None,
        power: Some(power),
    }
}

fn first_interface(seen: &Seen) -> Option<&InstanceNetworkInterface> {
    seen.network_interfaces().iter().find(|interface| {
        interface.attachment().and_then(|at| at.device_index()).unwrap_or_default() == 0
    })
}

fn facts(seen: &Seen) -> BTreeMap<String, String> {
    let state = state(seen);
    let facts = [
        ("power", Some(state.as_str())),
        ("public ip", seen.public_ip_address()),
        ("public dns", seen.public_dns_name()),
        ("private ip", seen.private_ip_address()),
    ];
    let known = facts.into_iter().filter_map(|(name, fact)| Some((name, fact?)));
    known
        .filter(|(_, fact)| !fact.is_empty())
        .map(|(name, fact)| (name.to_owned(), fact.to_owned()))
        .collect()
}

fn state(seen: &Seen) -> State {
    seen.state().and_then(|state| state.name()).cloned().unwrap_or(State::Pending)
}

fn is_gone(state: &State) -> bool {
    matches!(state, State::ShuttingDown | State::Terminated)
}

fn waiting(what: &str) -> Settled {
    Settled::Waiting(what.to_owned())
}

fn tagged(spec: &Spec) -> Vec<Tag> {
    let mut tags = spec.tags.clone();
    tags.insert(NAME_TAG.to_owned(), spec.name.clone());
    tags::to_ec2(&tags)
}

fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

fn sorted(mut groups: Vec<String>) -> Vec<String> {
    groups.sort();
    groups.dedup();
    groups
}

/// A failure that concerns several objects, for each of them.
fn again(error: &Error) -> Error {
    let Error { fault, message, hint, source: _ } = error;
    Error { fault: fault.clone(), message: message.clone(), hint: hint.clone(), source: None }
}

/// EC2 answers without ARNs; the region tells which part of AWS they are in.
fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
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
    use aws_sdk_ec2::types::InstanceState;
    use serde_json::json;

    use super::*;

    fn seen(state: State, tags: &[(&str, &str)]) -> Seen {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Seen::builder()
            .instance_id("i-1")
            .instance_type(InstanceType::T2Micro)
            .state(InstanceState::builder().name(state).build())
            .set_tags(Some(tags::to_ec2(&tags.collect())))
            .build()
    }

    #[test]
    fn the_type_differs_until_it_runs_again() {
        let kind = |seen: &Seen, power| spec(seen, power).kind.unwrap_or_default();
        let plain = seen(State::Stopped, &[(NAME_TAG, "web"), ("a", "b")]);
        assert_eq!(kind(&plain, Power::Stopped), "t2.micro");
        assert_eq!(spec(&plain, Power::Stopped).name, "web");
        let marked = seen(State::Stopped, &[(RESTART, "running")]);
        let stopped = kind(&marked, Power::Stopped);
        let running = kind(&marked, Power::Running);
        // The engine takes the same difference twice for a stand-still.
        assert!(stopped != running && stopped != "t2.micro" && running != "t2.micro");
        assert!(spec(&marked, Power::Stopped).tags.is_empty());
    }

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

    #[test]
    fn what_is_unset_is_left_out() {
        let text = json!(spec(&seen(State::Running, &[]), Power::Running));
        assert_eq!(
            text,
            json!({
                "name": "", "tags": {}, "type": "t2.micro", "key_name": "", "power": "running",
            })
        );
    }
}
