//! Creates, changes and terminates instances. A change of type or power is one step at a time.

use aws_sdk_ec2::error::SdkError;
use aws_sdk_ec2::operation::run_instances::RunInstancesError;
use aws_sdk_ec2::types::{
    AttributeBooleanValue, AttributeValue, Instance as Seen, InstanceMetadataOptionsRequest,
    InstanceStateName as State, InstanceType, ResourceType as Taggable,
    RunInstancesMonitoringEnabled,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::TryFutureExt as _;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Intent, Readiness, Result};

use super::config::{Power, TOKENS};
use super::observe::Owned;
use super::profile::{explain_profile, specification};
use super::seen::{RESTART_TAG, first_interface, is_gone, state};
use super::service::{CODES, Instances};
use super::spec::{Metadata, Spec};
use super::volumes::mappings;
use crate::client::SingleAttempt as _;
use crate::ec2::{self, filter};
use crate::fault::{Explain, code, explain};
use crate::tags::{self, Tags};

/// The default number of network hops that a reply with metadata may travel.
const HOPS: i32 = 1;

impl Instances {
    pub(super) async fn run_instance(&self, intent: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        let tags = ec2::with_name(&spec.tags, &spec.name);
        let tag_specifications =
            [Taggable::Instance, Taggable::Volume].map(|sort| ec2::tagged(sort, &tags));
        let metadata = spec.metadata.as_ref();
        let tokens = metadata.map_or(TOKENS, |metadata| &metadata.tokens);
        let imds = InstanceMetadataOptionsRequest::builder().http_tokens(tokens.into());
        let imds = imds.set_http_put_response_hop_limit(metadata.and_then(|m| m.hop_limit));
        let monitoring =
            |is_on: bool| RunInstancesMonitoringEnabled::builder().enabled(is_on).build();
        if spec.image.is_none() {
            return Err(Error::terminal(
                "the image that it was created from is not known any more",
            )
            .with_hint("`--refresh-image` looks it up again"));
        }
        // A single attempt, although there is a token: after a lost reply and then a refused
        // connection the SDK would report the refusal alone, as if nothing had been created.
        let reply = self
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
            .set_tag_specifications(Some(tag_specifications.into()))
            .set_block_device_mappings(mappings(spec.volumes.as_ref()))
            .metadata_options(imds.build())
            .set_iam_instance_profile(spec.profile.as_deref().and_then(specification))
            .set_monitoring(spec.monitoring.map(monitoring))
            .customize()
            .single_attempt()
            .send()
            .await
            .map_err(|error| explain_run(error, spec))?;
        let account = reply.owner_id.unwrap_or_default();
        let instance = reply.instances.unwrap_or_default().into_iter().next();
        let id =
            instance.as_ref().and_then(|seen| seen.instance_id()).unwrap_or_default().to_owned();
        let Some(instance) = instance.filter(|_| !id.is_empty()) else {
            return Err(Error::new(Fault::Unknown, "RunInstances: the reply names no instance"));
        };
        let mut live = self.live(&Owned { account, instance });
        live.spec = Spec {
            power: live.spec.power,
            // It needs a call of its own, on a new instance as on any other.
            termination_protection: spec.termination_protection.map(|_| false),
            ..spec.clone()
        };
        if spec.volumes.is_some() && live.readiness == Readiness::Ready {
            // The reply does not report disks.
            live.readiness = Readiness::Pending("the instance to show its disks".to_owned());
        }
        Ok(Created { id, live })
    }

    pub(super) async fn update_instance(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        let difference = ec2::tags_with_name(changes, &desired.name);
        ec2::set_tags(&self.ec2, &on.id, difference, CODES).await?;
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
        let is_step = ["type", "restart", "power"].into_iter().any(touched);
        if !is_step && !["security_groups", "volumes", "profile"].into_iter().any(touched) {
            return Ok(());
        }
        let all = self.describe(vec![filter("instance-id", [on.id.clone()])]).await?;
        let mut all = all.into_iter().map(|owned| owned.instance);
        let Some(now) = all.find(|seen| seen.instance_id() == Some(&on.id)) else {
            return Err(Error::new(Fault::Conflict, format!("{} does not exist any more", on.id)));
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
        if is_step {
            self.step(&on.id, &now, desired).await?;
        }
        Ok(())
    }

    pub(super) async fn terminate(&self, id: &str) -> Result<()> {
        let sent = self.ec2.terminate_instances().instance_ids(id).send().await;
        match sent {
            Err(error) if code(&error) == Some("InvalidInstanceID.NotFound") => Ok(()),
            Err(error) if code(&error) == Some("OperationNotPermitted") => {
                let error = explain("TerminateInstances", error, CODES);
                Err(error.with_hint(format!(
                    "stackwright never switches termination protection off on the way: run \
                     `aws ec2 modify-instance-attribute --instance-id {id} \
                     --no-disable-api-termination`, then run again"
                )))
            }
            sent => {
                let reply = sent.explain("TerminateInstances", CODES)?;
                let all = reply.terminating_instances.unwrap_or_default();
                let state = all.into_iter().find(|one| one.instance_id() == Some(id));
                match state.and_then(|one| one.current_state?.name) {
                    Some(state) if is_gone(&state) => Ok(()),
                    state => {
                        let state = state.as_ref().map_or("unknown", State::as_str);
                        let message = format!("TerminateInstances: the state of {id} is {state}");
                        Err(Error::new(Fault::Conflict, message))
                    }
                }
            }
        }
    }

    /// Works whether the instance runs or not.
    async fn set_monitoring(&self, id: &str, is_on: bool) -> Result<()> {
        if is_on {
            let request = self.ec2.monitor_instances().instance_ids(id);
            request.send().map_ok(drop).await.explain("MonitorInstances", CODES)
        } else {
            let request = self.ec2.unmonitor_instances().instance_ids(id);
            request.send().map_ok(drop).await.explain("UnmonitorInstances", CODES)
        }
    }

    async fn set_termination_protection(&self, id: &str, is_on: bool) -> Result<()> {
        // It is observed only if the applied spec has it: a field that is new in the file may already
        // match.
        if self.is_protected(id).await? == Some(is_on) {
            return Ok(());
        }
        let request = self.ec2.modify_instance_attribute().instance_id(id);
        let value = AttributeBooleanValue::builder().value(is_on).build();
        let sent = request.disable_api_termination(value).send();
        sent.map_ok(drop).await.explain("ModifyInstanceAttribute", CODES)
    }

    /// Sets the metadata options. What was removed from the file returns to AWS's default.
    async fn set_metadata(
        &self,
        id: &str,
        wanted: Option<&Metadata>,
        changes: &[Change],
    ) -> Result<()> {
        let tokens = wanted.map_or(TOKENS, |wanted| &wanted.tokens);
        let request = self.ec2.modify_instance_metadata_options().instance_id(id);
        let request = request.http_tokens(tokens.into());
        let request = request.set_http_put_response_hop_limit(hops(wanted, changes));
        request.send().map_ok(drop).await.explain("ModifyInstanceMetadataOptions", CODES)
    }

    /// Sets the groups of the first interface: EC2 takes groups of an instance only if it has a single
    /// interface.
    async fn set_security_groups(&self, id: &str, now: &Seen, desired: &Spec) -> Result<()> {
        let groups = desired.security_groups.clone();
        let interface = first_interface(now).and_then(|first| first.network_interface_id());
        let Some(interface) = interface else {
            let request = self.ec2.modify_instance_attribute().instance_id(id);
            let sent = request.set_groups(groups).send();
            return sent.map_ok(drop).await.explain("ModifyInstanceAttribute", CODES);
        };
        let request = self.ec2.modify_network_interface_attribute();
        let sent = request.network_interface_id(interface).set_groups(groups).send();
        sent.map_ok(drop).await.explain("ModifyNetworkInterfaceAttribute", CODES)
    }

    /// Takes the next step towards type and power, as the present state allows.
    async fn step(&self, id: &str, now: &Seen, desired: &Spec) -> Result<()> {
        let running = state(now) == State::Running;
        let type_now = now.instance_type().map(InstanceType::as_str);
        if type_now != desired.kind.as_deref() {
            return self.set_type(id, running, desired).await;
        }
        let marked = now.tags().iter().any(|tag| tag.key() == Some(RESTART_TAG));
        match desired.power {
            Some(Power::Running) if !running => self.start(id).await,
            Some(Power::Stopped) if running => self.stop(id).await,
            None | Some(Power::External) if marked && !running => self.start(id).await,
            _ if marked => {
                let remove = vec![RESTART_TAG.to_owned()];
                let difference = tags::Difference { remove, ..tags::Difference::default() };
                ec2::set_tags(&self.ec2, id, difference, CODES).await
            }
            _ => Ok(()),
        }
    }

    /// Sets the type first and stops the instance only if EC2 refuses because it runs: what is
    /// impossible (no such type, no such call) fails before anything is interrupted.
    async fn set_type(&self, id: &str, running: bool, desired: &Spec) -> Result<()> {
        let value = AttributeValue::builder().set_value(desired.kind.clone()).build();
        let request = self.ec2.modify_instance_attribute().instance_id(id);
        match request.instance_type(value).send().await {
            Err(error) if running && code(&error) == Some("IncorrectInstanceState") => {}
            sent => return sent.map(drop).explain("ModifyInstanceAttribute", CODES),
        }
        if desired.power.is_none() {
            let set = Tags::from([(RESTART_TAG.to_owned(), "running".to_owned())]);
            let difference = tags::Difference { set, ..tags::Difference::default() };
            ec2::set_tags(&self.ec2, id, difference, CODES).await?;
        }
        self.stop(id).await
    }

    async fn start(&self, id: &str) -> Result<()> {
        let request = self.ec2.start_instances().instance_ids(id);
        request.send().map_ok(drop).await.explain("StartInstances", CODES)
    }

    async fn stop(&self, id: &str) -> Result<()> {
        let request = self.ec2.stop_instances().instance_ids(id);
        request.send().map_ok(drop).await.explain("StopInstances", CODES)
    }
}

/// Returns the hop limit to send. `None` leaves it as it is, since it never was in the file.
fn hops(wanted: Option<&Metadata>, changes: &[Change]) -> Option<i32> {
    let is_removed = changes.iter().any(|change| change.path.to_string() == "metadata.hop_limit");
    let default = is_removed.then_some(HOPS);
    wanted.and_then(|wanted| wanted.hop_limit).or(default)
}

fn explain_run(error: SdkError<RunInstancesError>, spec: &Spec) -> Error {
    let hint = match code(&error) {
        Some("InvalidAMIID.NotFound" | "InvalidAMIID.Unavailable") if spec.image_from.is_some() => {
            "it was looked up by its name and has been deleted since; `--refresh-image` looks it up \
             again"
        }
        Some("IdempotentInstanceTerminated") => {
            "the instance of this request was terminated meanwhile; run again for a new one"
        }
        Some("IdempotentParameterMismatch") => {
            "an instance was already requested with this token and other settings; run again"
        }
        Some("AuthFailure") => {
            return explain_image(explain("RunInstances", error, CODES));
        }
        _ => return explain_profile(explain("RunInstances", error, CODES)),
    };
    explain("RunInstances", error, CODES).with_hint(hint)
}

/// Explains a refusal of the caller: EC2 has the same code for bad credentials and for an image that the
/// account may not use.
fn explain_image(error: Error) -> Error {
    if !error.message.contains("Not authorized for images") {
        return error;
    }
    let hint = "the image is private or does not exist in this region: have its owner share it, or take \
                another one";
    Error { fault: Fault::Terminal, ..error }.with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_changes::edited;

    #[test]
    fn an_image_that_may_not_be_used_is_no_matter_of_credentials() {
        let said = |text: &str| explain_image(Error::new(Fault::Credentials, text));
        let image = said("RunInstances: AuthFailure: Not authorized for images: [ami-1]");
        assert_eq!(image.fault, Fault::Terminal);
        assert!(image.hint.expect("a hint").contains("share"));
        let credentials = said(
            "RunInstances: AuthFailure: AWS was not able to validate the provided access credentials",
        );
        assert_eq!(credentials.fault, Fault::Credentials);
    }

    #[test]
    fn a_hop_limit_that_was_never_in_the_file_stays() {
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
