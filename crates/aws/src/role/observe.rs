//! Reads roles from IAM.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::Role as Seen;
use aws_smithy_types::date_time::Format;
use futures_util::future::try_join_all;
use futures_util::try_join;
use stackwright_engine::at_once::at_once;
use stackwright_engine::kind::{Error, Found, Handle, Live, Memo, Readiness, Result};

use super::service::Roles;
use super::spec::{EC2, InProfile, Spec};
use super::write::Parts;
use crate::iam::{AT_ONCE, unless_gone};
use crate::policy_document::Document;
use crate::tags;

/// A role with its policies.
pub(super) struct Read {
    pub role: Seen,
    /// Inline policies by name.
    pub policies: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    pub attached: Vec<String>,
}

/// Everywhere `None` means that the role is gone.
impl Roles {
    pub(super) async fn observe_all(
        &self,
        handles: &[Handle<Spec>],
    ) -> Vec<Result<Option<Live<Spec>>>> {
        let mut listed = match self.listed(handles).await {
            Ok(listed) => listed,
            Err(error) => return handles.iter().map(|_| Err(error.again())).collect(),
        };
        at_once(AT_ONCE, handles, |handle| {
            let listed = listed.remove(&handle.id);
            async move {
                match listed {
                    Some(listed) => self.seen(handle, listed).await.map(Some),
                    None => self.observe_one(handle).await,
                }
            }
        })
        .await
    }

    async fn observe_one(&self, handle: &Handle<Spec>) -> Result<Option<Live<Spec>>> {
        let name = &handle.id;
        let applied = handle.applied.as_ref();
        let known = applied.map(|applied| applied.policies.keys().cloned().collect());
        let documents = self.documents(name, known.unwrap_or_default());
        match try_join!(self.get(name), documents, self.attached(name))? {
            (Some(role), Some(policies), Some(attached)) => {
                self.seen(handle, Read { role, policies, attached }).await.map(Some)
            }
            _ => Ok(None),
        }
    }

    async fn seen(&self, handle: &Handle<Spec>, read: Read) -> Result<Live<Spec>> {
        let Read { role, policies, attached } = read;
        let name = &handle.id;
        let trust = role.assume_role_policy_document().map(document).transpose()?;
        let applied = handle.applied.as_ref().and_then(|applied| applied.instance_profile);
        let is_trusted = trust.as_ref().is_some_and(|trust| trust.trusts(EC2));
        // One more call, only for a role that may have a profile.
        let in_profile = if applied == Some(InProfile::Yes) || is_trusted {
            self.in_profile(handle).await?
        } else {
            Some(InProfile::No)
        };
        let spec = Spec {
            name: role.role_name.clone(),
            tags: tags::from_iam(role.tags()),
            trust,
            policies,
            managed_policies: attached.into_iter().map(|arn| (arn, true)).collect(),
            managed_policies_exclusive: None,
            permissions_boundary: Some(boundary(&role).unwrap_or_default().to_owned()),
            path: Some(role.path.clone()).filter(|path| !path.is_empty()),
            description: Some(role.description().unwrap_or_default().to_owned()),
            max_session: role.max_session_duration(),
            instance_profile: in_profile,
        };
        Ok(Live { memo: Parts::memo(name, &spec), ..live(&role, spec) })
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Seen>> {
        let sent = self.iam.get_role().role_name(name).send().await;
        Ok(unless_gone(sent, "GetRole")?.and_then(|reply| reply.role))
    }

    /// Returns all inline policies, unmanaged ones too: only the engine knows which ones the file names.
    /// `known`: those that probably exist, which are read beside the list.
    async fn documents(
        &self,
        name: &str,
        known: BTreeSet<String>,
    ) -> Result<Option<BTreeMap<String, Document>>> {
        let known_documents = try_join_all(known.iter().map(|policy| self.document(name, policy)));
        let (names, seen) = try_join!(self.inline(name), known_documents)?;
        let Some(names) = names else { return Ok(None) };
        let others = names.iter().filter(|policy| !known.contains(*policy));
        let others = try_join_all(others.map(|policy| self.document(name, policy))).await?;
        let documents = seen.into_iter().chain(others).flatten();
        Ok(Some(documents.filter(|(policy, _)| names.contains(policy)).collect()))
    }

    /// Returns an inline policy with its name, if it exists.
    async fn document(&self, role: &str, policy: &str) -> Result<Option<(String, Document)>> {
        let request = self.iam.get_role_policy().role_name(role).policy_name(policy);
        let reply = unless_gone(request.send().await, "GetRolePolicy")?;
        reply.map(|reply| Ok((policy.to_owned(), document(&reply.policy_document)?))).transpose()
    }

    pub(super) async fn inline(&self, name: &str) -> Result<Option<Vec<String>>> {
        let pages = self.iam.list_role_policies().role_name(name).into_paginator();
        let sent = pages.items().send().try_collect().await;
        unless_gone(sent, "ListRolePolicies")
    }

    pub(super) async fn attached(&self, name: &str) -> Result<Option<Vec<String>>> {
        let pages = self.iam.list_attached_role_policies().role_name(name).into_paginator();
        let sent: Result<Vec<_>, _> = pages.items().send().try_collect().await;
        let policies = unless_gone(sent, "ListAttachedRolePolicies")?;
        Ok(policies.map(|all| all.into_iter().filter_map(|policy| policy.policy_arn).collect()))
    }

    pub(super) async fn profiles(&self, name: &str) -> Result<Option<Vec<String>>> {
        let pages = self.iam.list_instance_profiles_for_role().role_name(name);
        let sent: Result<Vec<_>, _> = pages.into_paginator().items().send().try_collect().await;
        let profiles = unless_gone(sent, "ListInstanceProfilesForRole")?;
        let name = |profile: aws_sdk_iam::types::InstanceProfile| profile.instance_profile_name;
        Ok(profiles.map(|all| all.into_iter().map(name).collect()))
    }
}

pub(super) fn live(role: &Seen, spec: Spec) -> Live<Spec> {
    let mut facts = BTreeMap::from([("role id".to_owned(), role.role_id.clone())]);
    if let Some(used) = role.role_last_used().and_then(|used| used.last_used_date()) {
        facts.extend(used.fmt(Format::DateTime).map(|date| ("last used".to_owned(), date)));
    }
    Live {
        spec,
        outputs: outputs(role),
        fingerprints: BTreeMap::new(),
        identity: Some(role.role_id.clone()),
        readiness: readiness(role),
        notes: Vec::new(),
        facts,
        memo: Memo::default(),
    }
}

/// Right after its creation, a role may have a unique id (`AROA…`) for an ARN, which other services refuse.
fn readiness(role: &Seen) -> Readiness {
    if role.arn.starts_with("arn:") {
        Readiness::Ready
    } else {
        Readiness::Pending("IAM to show the role's ARN".to_owned())
    }
}

fn outputs(role: &Seen) -> BTreeMap<String, String> {
    [("name", &role.role_name), ("arn", &role.arn)]
        .map(|(output, value)| (output.to_owned(), value.clone()))
        .into()
}

pub(super) fn found(role: Seen) -> Found {
    Found {
        id: role.role_name.clone(),
        name: role.role_name.clone(),
        tags: tags::from_iam(role.tags()),
        outputs: outputs(&role),
        created: role.create_date.fmt(Format::DateTime).ok(),
    }
}

fn boundary(role: &Seen) -> Option<&str> {
    role.permissions_boundary()?.permissions_boundary_arn()
}

/// Policies of the role that are not in the file, and stay there.
pub(super) fn unmanaged(ours: &Spec, seen: &Spec) -> Vec<String> {
    let inline = seen.policies.keys().filter(|name| !ours.policies.contains_key(*name));
    let stays = |arn: &&String| {
        ours.managed_policies_exclusive != Some(true) && !ours.managed_policies.contains_key(*arn)
    };
    let attached = seen.managed_policies.keys().filter(stays);
    inline
        .map(|name| format!("inline policy `{name}`"))
        .chain(attached.map(|arn| format!("attached policy `{arn}`")))
        .collect()
}

pub(super) fn document(text: &str) -> Result<Document> {
    Document::parse(text).map_err(|error| {
        Error::terminal(format!("a policy cannot be read: {error}")).with_source(error)
    })
}
