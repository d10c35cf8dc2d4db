//! What exists of instances.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ec2::types::{
    Filter, Instance as Seen, InstanceAttributeName, InstanceNetworkInterface,
    InstanceStateName as State, MonitoringState, Reservation,
};
use aws_smithy_types::date_time::Format;
use futures_util::{StreamExt as _, stream, try_join};
use stackwright_engine::kind::{
    DeletionProtection, Error, Fault, Found, Handle, Live, Readiness, Result,
};

use super::volumes::Volumes;
use super::{Instances, Metadata, NAME_TAG, Power, RESTART, Spec, profile, sorted};
use crate::fault::{Explain, code};
use crate::tags;

/// Instances of which an attribute is asked for at once.
const TOGETHER: usize = 10;

/// Reading.
impl Instances {
    /// At most [`CHUNK`] handles, by one filter: by ids one unknown id would fail the whole call.
    pub(super) async fn look(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let ids: Vec<String> = handles.iter().map(|handle| handle.id.clone()).collect();
        let seen = self.describe(vec![filter("instance-id", ids.clone())]);
        let is_asked = handles
            .iter()
            .any(|handle| handle.applied.as_ref().is_none_or(|spec| spec.volumes.is_some()));
        let (seen, mut volumes) = match try_join!(seen, self.volumes(ids, is_asked)) {
            Ok(seen) => seen,
            Err(error) => return handles.iter().map(|_| Err(again(&error))).collect(),
        };
        let by_id: HashMap<&str, _> = seen
            .iter()
            .filter(|(_, instance)| !is_gone(&state(instance)))
            .filter_map(|(owner, instance)| Some((instance.instance_id()?, (owner, instance))))
            .collect();
        let look = |handle: &Handle<Spec>| {
            let seen = by_id.get(handle.id.as_str()).copied();
            let (id, applied) = (handle.id.clone(), handle.applied.clone());
            let volumes = volumes.as_mut().map(|all| all.remove(&handle.id).unwrap_or_default());
            async move {
                let Some((owner, instance)) = seen else { return Ok(None) };
                let mut live = self.live(owner, instance);
                live.spec.volumes = volumes.filter(|volumes| !is_late(instance, volumes));
                // A call for each instance: only where somebody asked for it.
                if applied.as_ref().is_none_or(|spec| spec.termination_protection.is_some()) {
                    live.spec.termination_protection = self.is_protected(&id).await?;
                }
                Ok(Some(live))
            }
        };
        let looks: Vec<_> = handles.iter().map(look).collect();
        stream::iter(looks).buffered(TOGETHER).collect().await
    }

    /// `None`: the endpoint does not tell.
    pub(super) async fn is_protected(&self, id: &str) -> Result<Option<bool>> {
        let request = self.cloud.ec2.describe_instance_attribute().instance_id(id);
        let request = request.attribute(InstanceAttributeName::DisableApiTermination);
        match request.send().await {
            // Gone since the look before: the next one will tell.
            Err(error) if code(&error) == Some("InvalidInstanceID.NotFound") => Ok(None),
            sent => match sent.explain("DescribeInstanceAttribute") {
                Ok(reply) => Ok(reply.disable_api_termination.and_then(|is_on| is_on.value)),
                Err(error) if matches!(error.fault, Fault::Unsupported) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// Instances with the account they belong to.
    pub(super) async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<(String, Seen)>> {
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

    pub(super) fn live(&self, owner: &str, seen: &Seen) -> Live<Spec> {
        let (power, readiness) = match state(seen) {
            State::Pending => (Power::Running, waiting("the instance to be running")),
            State::Stopping => (Power::Stopped, waiting("the instance to be stopped")),
            State::Stopped => (Power::Stopped, Readiness::Ready),
            _ => (Power::Running, Readiness::Ready),
        };
        Live {
            spec: spec(seen, power),
            outputs: self.outputs(owner, seen),
            fingerprints: BTreeMap::new(),
            identity: None,
            readiness,
            notes: Vec::new(),
            facts: facts(seen),
        }
    }

    pub(super) fn outputs(&self, owner: &str, seen: &Seen) -> BTreeMap<String, String> {
        let id = seen.instance_id().unwrap_or_default();
        let region = &self.cloud.region;
        let arn = format!("arn:{}:ec2:{region}:{owner}:instance/{id}", self.cloud.partition());
        [("id", id.to_owned()), ("arn", arn)].map(|(name, value)| (name.to_owned(), value)).into()
    }

    pub(super) fn found(&self, owner: &str, seen: &Seen) -> Found {
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

pub(super) fn spec(seen: &Seen, power: Power) -> Spec {
    let mut tags = tags::from_ec2(seen.tags());
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let type_now = seen.instance_type().map(|kind| kind.as_str().to_owned());
    let kind = type_now.clone();
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
        image_from: None,
        launch_type: type_now.clone(),
        on_type_change: type_now,
        monitoring: seen
            .monitoring()
            .and_then(|now| now.state())
            .map(|state| matches!(state, MonitoringState::Enabled | MonitoringState::Pending)),
        termination_protection: None,
        volumes: None,
        profile: Some(profile::of(seen)),
        metadata: seen.metadata_options().and_then(|now| {
            Some(Metadata {
                tokens: now.http_tokens()?.as_str().to_owned(),
                hop_limit: now.http_put_response_hop_limit(),
            })
        }),
        power: Some(power),
    }
}

pub(super) fn first_interface(seen: &Seen) -> Option<&InstanceNetworkInterface> {
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

pub(super) fn state(seen: &Seen) -> State {
    seen.state().and_then(|state| state.name()).cloned().unwrap_or(State::Pending)
}

fn is_gone(state: &State) -> bool {
    matches!(state, State::ShuttingDown | State::Terminated)
}

/// Why EC2 refuses to terminate an instance.
pub(super) fn protection(id: &str) -> DeletionProtection {
    DeletionProtection {
        reason: "termination protection is on".to_owned(),
        hint: format!(
            "it is never switched off on the way: reconcile its block with \
             `termination_protection: false` first (a block that is gone must come back), or `aws ec2 \
             modify-instance-attribute --instance-id {id} --no-disable-api-termination`"
        ),
    }
}

/// Whether an instance has a disk that the list of disks does not have yet.
fn is_late(seen: &Seen, volumes: &Volumes) -> bool {
    let mappings = seen.block_device_mappings().iter();
    let mut devices =
        mappings.filter(|one| one.ebs().is_some()).filter_map(|one| one.device_name());
    devices.any(|device| !volumes.contains_key(device))
}

fn waiting(what: &str) -> Readiness {
    Readiness::Pending(what.to_owned())
}

pub(super) fn filter(name: &str, values: impl IntoIterator<Item = String>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().collect())).build()
}

/// A failure that concerns several objects, for each of them.
fn again(error: &Error) -> Error {
    let Error { fault, message, hint, .. } = error;
    Error { hint: hint.clone(), ..Error::new(fault.clone(), message.clone()) }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{InstanceState, InstanceType};
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
    fn what_is_unset_is_left_out() {
        let text = json!(spec(&seen(State::Running, &[]), Power::Running));
        assert_eq!(
            text,
            json!({
                "name": "", "tags": {}, "type": "t2.micro", "launch_type": "t2.micro",
                "on_type_change": "t2.micro",
                "key_name": "", "profile": "", "power": "running",
            })
        );
    }
}
