//! Changes of an instance, one step at a time.

use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, Instance as Seen, InstanceStateName as State,
    InstanceType, Tag,
};
use futures_util::TryFutureExt as _;
use stackwright_engine::change::Change;
use stackwright_engine::kind::Result;

use super::config::TOKENS;
use super::observe::{first_interface, state};
use super::{Instances, Metadata, NAME_TAG, Power, RESTART, Spec};
use crate::fault::{Explain, code};
use crate::tags::{self, Tags};

/// How many network hops an instance's metadata goes when nothing says otherwise.
const HOPS: i32 = 1;

/// Writing, each aspect by itself.
impl Instances {
    pub(super) async fn set_tags(
        &self,
        id: &str,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let tags::Difference { mut set, remove } = tags::difference(changes);
        if changes.iter().any(|change| change.path.field() == "name") {
            set.insert(NAME_TAG.to_owned(), desired.name.clone());
        }
        if !set.is_empty() {
            self.tag(id, &set).await?;
        }
        if !remove.is_empty() {
            self.untag(vec![id.to_owned()], &remove).await?;
        }
        Ok(())
    }

    async fn tag(&self, id: &str, tags: &Tags) -> Result<()> {
        let request = self.cloud.ec2.create_tags().resources(id);
        request.set_tags(Some(tags::to_ec2(tags))).send().map_ok(drop).await.explain("CreateTags")
    }

    /// Of instances and disks.
    pub(super) async fn untag(&self, ids: Vec<String>, keys: &[String]) -> Result<()> {
        // A tag without a value means whatever value it has.
        let keys = keys.iter().map(|key| Tag::builder().key(key).build()).collect();
        let request = self.cloud.ec2.delete_tags().set_resources(Some(ids));
        request.set_tags(Some(keys)).send().map_ok(drop).await.explain("DeleteTags")
    }

    /// At any time, whatever its power.
    pub(super) async fn set_monitoring(&self, id: &str, is_on: bool) -> Result<()> {
        if is_on {
            let request = self.cloud.ec2.monitor_instances().instance_ids(id);
            request.send().map_ok(drop).await.explain("MonitorInstances")
        } else {
            let request = self.cloud.ec2.unmonitor_instances().instance_ids(id);
            request.send().map_ok(drop).await.explain("UnmonitorInstances")
        }
    }

    pub(super) async fn set_termination_protection(&self, id: &str, is_on: bool) -> Result<()> {
        // It is looked at only where the state has it: new in the file, it may well be so already.
        if self.is_protected(id).await? == Some(is_on) {
            return Ok(());
        }
        let request = self.cloud.ec2.modify_instance_attribute().instance_id(id);
        let value = AttributeBooleanValue::builder().value(is_on).build();
        let sent = request.disable_api_termination(value).send();
        sent.map_ok(drop).await.explain("ModifyInstanceAttribute")
    }

    /// What the file does not say any more is AWS's default again.
    pub(super) async fn set_metadata(
        &self,
        id: &str,
        wanted: Option<&Metadata>,
        changes: &[Change],
    ) -> Result<()> {
        let tokens = wanted.map_or(TOKENS, |wanted| &wanted.tokens);
        let request = self.cloud.ec2.modify_instance_metadata_options().instance_id(id);
        let request = request.http_tokens(tokens.into());
        let request = request.set_http_put_response_hop_limit(hops(wanted, changes));
        request.send().map_ok(drop).await.explain("ModifyInstanceMetadataOptions")
    }

    /// Through the interface: EC2 takes groups for an instance only while it has a single one.
    pub(super) async fn set_security_groups(
        &self,
        id: &str,
        now: &Seen,
        desired: &Spec,
    ) -> Result<()> {
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
    pub(super) async fn step(&self, id: &str, now: &Seen, desired: &Spec) -> Result<()> {
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
            _ if marked => self.untag(vec![id.to_owned()], &[RESTART.to_owned()]).await,
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

/// What is sent as the hop limit. `None`: as it is, since it never was in the file.
fn hops(wanted: Option<&Metadata>, changes: &[Change]) -> Option<i32> {
    let is_taken_out = changes.iter().any(|change| change.path.to_string() == "metadata.hop_limit");
    let default = is_taken_out.then_some(HOPS);
    wanted.and_then(|wanted| wanted.hop_limit).or(default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edited::edited;

    #[test]
    fn a_hop_limit_that_nobody_wrote_stays() {
        let change = |field: &str| edited(&["metadata", field]);
        let wanted = |hop_limit| Metadata { tokens: TOKENS.to_owned(), hop_limit };
        let tokens = [change("tokens")];
        let both = [change("hop_limit"), change("tokens")];
        assert_eq!(hops(Some(&wanted(None)), &tokens), None);
        assert_eq!(hops(Some(&wanted(Some(2))), &tokens), Some(2));
        assert_eq!(hops(Some(&wanted(None)), &both), Some(HOPS));
        assert_eq!(hops(None, &both), Some(HOPS));
    }
}
