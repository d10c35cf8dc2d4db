//! Reads instances from EC2.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_ec2::types::{Filter, Instance as Seen, InstanceAttributeName, Reservation};
use aws_smithy_types::date_time::Format;
use futures_util::try_join;
use stackwright_engine::at_once::at_once;
use stackwright_engine::kind::{DeletionProtection, Fault, Found, Handle, Live, Memo, Result};

use super::seen::{self, facts, is_gone, is_missing_disks, readiness, state};
use super::service::{CODES, Instances};
use super::spec::Spec;
use crate::ec2::{NAME_TAG, filter};
use crate::fault::{Explain, code};
use crate::tags;

/// Instances of which an attribute is read at once.
const AT_ONCE: usize = 10;

/// An instance and the account that owns it.
pub(super) struct Owned {
    pub account: String,
    pub instance: Seen,
}

impl Instances {
    /// Reads as many handles as one filter takes. By ids, one unknown id would fail the whole call.
    pub(super) async fn observe_chunk(
        &self,
        handles: &[Handle<Spec>],
    ) -> Vec<Result<Option<Live<Spec>>>> {
        let ids: Vec<String> = handles.iter().map(|handle| handle.id.clone()).collect();
        let all = self.describe(vec![filter("instance-id", ids)]);
        let (all, mut volumes) = match try_join!(all, self.volumes(handles)) {
            Ok(answers) => answers,
            Err(error) => return handles.iter().map(|_| Err(error.again())).collect(),
        };
        let by_id: HashMap<&str, &Owned> = all
            .iter()
            .filter(|owned| !is_gone(&state(&owned.instance)))
            .filter_map(|owned| Some((owned.instance.instance_id()?, owned)))
            .collect();
        let read = |handle: &Handle<Spec>| {
            let owned = by_id.get(handle.id.as_str()).copied();
            let (id, applied) = (handle.id.clone(), handle.applied.clone());
            let volumes = volumes.as_mut().map(|all| all.remove(&handle.id).unwrap_or_default());
            async move {
                let Some(owned) = owned else { return Ok(None) };
                let mut live = self.live(owned);
                live.spec.volumes =
                    volumes.filter(|volumes| !is_missing_disks(&owned.instance, volumes));
                // One more call for each instance, only if the file has the field.
                if applied.as_ref().is_none_or(|spec| spec.termination_protection.is_some()) {
                    live.spec.termination_protection = self.is_protected(&id).await?;
                }
                Ok(Some(live))
            }
        };
        at_once(AT_ONCE, handles, read).await
    }

    /// Returns whether termination protection is on. `None`: the endpoint does not report it.
    pub(super) async fn is_protected(&self, id: &str) -> Result<Option<bool>> {
        let request = self.ec2.describe_instance_attribute().instance_id(id);
        let request = request.attribute(InstanceAttributeName::DisableApiTermination);
        match request.send().await {
            // It was deleted after the last read; the next one will show that.
            Err(error) if code(&error) == Some("InvalidInstanceID.NotFound") => Ok(None),
            sent => match sent.explain("DescribeInstanceAttribute", CODES) {
                Ok(reply) => Ok(reply.disable_api_termination.and_then(|is_on| is_on.value)),
                Err(error) if matches!(error.fault, Fault::Unsupported) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    pub(super) async fn describe(&self, filters: Vec<Filter>) -> Result<Vec<Owned>> {
        let request = self.ec2.describe_instances().set_filters(Some(filters));
        let pages = request.into_paginator().send();
        let pages: Vec<_> = pages.try_collect().await.explain("DescribeInstances", CODES)?;
        let reservations = pages.into_iter().flat_map(|page| page.reservations.unwrap_or_default());
        let instances = reservations.flat_map(|Reservation { owner_id, instances, .. }| {
            let account = owner_id.unwrap_or_default();
            let instances = instances.unwrap_or_default().into_iter();
            instances.map(move |instance| Owned { account: account.clone(), instance })
        });
        Ok(instances.collect())
    }

    pub(super) fn live(&self, owned: &Owned) -> Live<Spec> {
        let seen = &owned.instance;
        Live {
            spec: seen::spec(seen),
            outputs: self.outputs(owned),
            fingerprints: BTreeMap::new(),
            identity: None,
            readiness: readiness(&state(seen)),
            notes: Vec::new(),
            facts: facts(seen),
            memo: Memo::default(),
        }
    }

    fn outputs(&self, Owned { account, instance }: &Owned) -> BTreeMap<String, String> {
        let id = instance.instance_id().unwrap_or_default();
        let region = &self.cloud.region;
        let arn = format!("arn:{}:ec2:{region}:{account}:instance/{id}", self.cloud.partition());
        [("id", id.to_owned()), ("arn", arn)].map(|(name, value)| (name.to_owned(), value)).into()
    }

    pub(super) fn found(&self, owned: &Owned) -> Found {
        let seen = &owned.instance;
        let mut tags = tags::from_ec2(seen.tags());
        Found {
            id: seen.instance_id().unwrap_or_default().to_owned(),
            name: tags.remove(NAME_TAG).unwrap_or_default(),
            tags,
            outputs: self.outputs(owned),
            created: seen.launch_time().and_then(|time| time.fmt(Format::DateTime).ok()),
        }
    }
}

/// Returns why EC2 refuses to terminate an instance.
pub(super) fn protection(id: &str) -> DeletionProtection {
    DeletionProtection {
        reason: "termination protection is on".to_owned(),
        hint: format!(
            "stackwright never switches it off on the way: first reconcile the instance with \
             `termination_protection: false` (a block that was removed must come back), or run `aws ec2 \
             modify-instance-attribute --instance-id {id} --no-disable-api-termination`"
        ),
    }
}
