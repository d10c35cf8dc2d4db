//! What a reply of EC2 says of an instance.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    Instance as Seen, InstanceNetworkInterface, InstanceStateName as State, MonitoringState,
};
use stackwright_engine::kind::Readiness;

use super::config::Power;
use super::spec::{Metadata, Restart, Spec, Volumes, profile_name, sorted};
use crate::ec2::NAME_TAG;
use crate::tags;

/// The tag of a running instance that is stopped for a change of its type. It is set before the stop
/// and removed when the instance runs again, so that a run that was killed in between is finished by
/// the next one.
pub const RESTART_TAG: &str = "stackwright:restart";

pub fn state(seen: &Seen) -> State {
    seen.state().and_then(|state| state.name()).cloned().unwrap_or(State::Pending)
}

pub fn is_gone(state: &State) -> bool {
    matches!(state, State::ShuttingDown | State::Terminated)
}

/// Returns why EC2 ended an instance that it had just accepted; `None` if somebody ended it. EC2 accepts a
/// request first, and finds out later that a snapshot is encrypted with a key it may not use, that a disk
/// is one too many, or that there is no room.
pub fn died_at_launch(seen: &Seen) -> Option<String> {
    let reason = seen.state_reason().filter(|_| is_gone(&state(seen)))?;
    let code = reason.code().filter(|code| !ENDED_LATER.contains(code))?;
    Some(reason.message().unwrap_or(code).to_owned())
}

/// Codes of instances that somebody ended, or that ended themselves, and that had started.
const ENDED_LATER: &[&str] = &[
    "Client.InstanceInitiatedShutdown",
    "Client.UserInitiatedHibernate",
    "Client.UserInitiatedShutdown",
    "Server.SpotInstanceShutdown",
    "Server.SpotInstanceTermination",
];

/// Returns whether the instance runs or is about to.
pub fn power(state: &State) -> Power {
    match state {
        State::Stopping | State::Stopped => Power::Stopped,
        _ => Power::Running,
    }
}

pub fn readiness(state: &State) -> Readiness {
    match state {
        State::Pending => Readiness::Pending("the instance to be running".to_owned()),
        State::Stopping => Readiness::Pending("the instance to be stopped".to_owned()),
        _ => Readiness::Ready,
    }
}

pub fn spec(seen: &Seen) -> Spec {
    let power = power(&state(seen));
    let mut tags = tags::from_ec2(seen.tags());
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    let kind = seen.instance_type().map(|kind| kind.as_str().to_owned());
    let restart = match (tags.remove(RESTART_TAG), power) {
        (None, _) => Restart::None,
        (Some(_), Power::Running) => Restart::Unconfirmed,
        (Some(_), _) => Restart::Pending,
    };
    // EC2 lists the groups of the first interface as those of the instance.
    let groups = first_interface(seen).map_or(seen.security_groups(), |first| first.groups());
    let groups = groups.iter().filter_map(|group| group.group_id());
    let groups = sorted(groups.map(str::to_owned).collect());
    Spec {
        name: tags.remove(NAME_TAG).unwrap_or_default(),
        tags,
        image: text(seen.image_id()),
        // An instance may have no key; it always has an image, a subnet and a group.
        key_name: Some(seen.key_name().unwrap_or_default().to_owned()),
        security_groups: Some(groups).filter(|groups| !groups.is_empty()),
        subnet: text(seen.subnet_id()),
        user_data: None,
        image_from: None,
        launch_type: kind.clone(),
        on_type_change: kind.clone(),
        kind,
        restart,
        monitoring: seen
            .monitoring()
            .and_then(|now| now.state())
            .map(|state| matches!(state, MonitoringState::Enabled | MonitoringState::Pending)),
        termination_protection: None,
        volumes: None,
        profile: Some(profile(seen)),
        metadata: seen.metadata_options().and_then(|now| {
            Some(Metadata {
                tokens: now.http_tokens()?.as_str().to_owned(),
                hop_limit: now.http_put_response_hop_limit(),
            })
        }),
        power: Some(power),
    }
}

/// Returns the name of the instance's profile. Empty: none.
fn profile(seen: &Seen) -> String {
    let arn = seen.iam_instance_profile().and_then(|profile| profile.arn());
    arn.map(|arn| profile_name(arn.to_owned())).unwrap_or_default()
}

pub fn first_interface(seen: &Seen) -> Option<&InstanceNetworkInterface> {
    seen.network_interfaces().iter().find(|interface| {
        interface.attachment().and_then(|at| at.device_index()).unwrap_or_default() == 0
    })
}

pub fn facts(seen: &Seen) -> BTreeMap<String, String> {
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

/// Tells whether an instance has a disk that the list of disks does not have yet.
pub fn is_missing_disks(seen: &Seen, volumes: &Volumes) -> bool {
    let mappings = seen.block_device_mappings().iter();
    let mut devices =
        mappings.filter(|one| one.ebs().is_some()).filter_map(|one| one.device_name());
    devices.any(|device| !volumes.contains_key(device))
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
    fn a_restart_is_unfinished_until_its_tag_is_removed() {
        let plain = spec(&seen(State::Stopped, &[(NAME_TAG, "web"), ("a", "b")]));
        assert_eq!((plain.restart, plain.name.as_str()), (Restart::None, "web"));
        let tag = [(RESTART_TAG, "running")];
        let stopped = spec(&seen(State::Stopped, &tag));
        assert_eq!(stopped.restart, Restart::Pending);
        assert_eq!(spec(&seen(State::Running, &tag)).restart, Restart::Unconfirmed);
        assert_eq!(stopped.kind.as_deref(), Some("t2.micro"));
        assert!(stopped.tags.is_empty());
    }

    #[test]
    fn unset_fields_are_left_out() {
        let text = json!(spec(&seen(State::Running, &[])));
        assert_eq!(
            text,
            json!({
                "name": "", "tags": {}, "type": "t2.micro", "launch_type": "t2.micro",
                "on_type_change": "t2.micro", "restart": "none",
                "key_name": "", "profile": "", "power": "running",
            })
        );
    }
}
