//! Reads managed policies from IAM.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{Policy as Seen, PolicyScopeType};
use aws_smithy_types::date_time::Format;
use stackwright_engine::at_once::at_once;
use stackwright_engine::kind::{Error, Fault, Found, Handle, Live, Memo, Readiness, Result};

use super::Policies;
use super::spec::Spec;
use crate::fault::Explain as _;
use crate::iam::{AT_ONCE, CODES, unless_gone};
use crate::policy_document::Document;
use crate::tags;

/// The largest page.
const PAGE: i32 = 1000;

impl Policies {
    /// Reads a policy and the document of its default version. `None`: it is gone.
    pub(super) async fn observe_one(&self, handle: &Handle<Spec>) -> Result<Option<Live<Spec>>> {
        let arn = &handle.id;
        let Some(policy) = self.get(arn).await? else { return Ok(None) };
        let version = self.iam.get_policy_version().policy_arn(arn);
        let version = version.version_id(policy.default_version_id().unwrap_or_default());
        let reply = unless_gone(version.send().await, "GetPolicyVersion")?;
        // Another version may have taken its place, or the policy is as new as that: it is read again.
        let reply = reply.ok_or_else(|| {
            Error::new(
                Fault::Transient,
                format!("GetPolicyVersion: the default version of {arn} is not there"),
            )
        })?;
        let text = reply.policy_version.and_then(|version| version.document);
        let document = text.as_deref().map(Document::parse).transpose().map_err(|error| {
            Error::terminal(format!("the policy {arn} cannot be read: {error}")).with_source(error)
        })?;
        Ok(Some(live(&policy, document)))
    }

    pub(super) async fn get(&self, arn: &str) -> Result<Option<Seen>> {
        let sent = self.iam.get_policy().policy_arn(arn).send().await;
        Ok(unless_gone(sent, "GetPolicy")?.and_then(|reply| reply.policy))
    }

    /// Finds policies by their names: ListPolicies neither filters by tag nor reports tags.
    pub(super) async fn find_named(&self, names: &[String]) -> Result<Vec<Found>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let list = self.iam.list_policies().scope(PolicyScopeType::Local).max_items(PAGE);
        let pages = list.into_paginator().items().send();
        let all: Vec<Seen> = pages.try_collect().await.explain("ListPolicies", CODES)?;
        // IAM ignores the case of names.
        let is_named = |policy: &Seen| {
            let name = policy.policy_name().unwrap_or_default();
            names.iter().any(|one| one.eq_ignore_ascii_case(name))
        };
        let arns = all.into_iter().filter(is_named).filter_map(|policy| policy.arn);
        let seen = at_once(AT_ONCE, arns, |arn| async move { self.get(&arn).await }).await;
        seen.into_iter().filter_map(Result::transpose).map(|policy| policy.map(found)).collect()
    }
}

pub(super) fn live(policy: &Seen, document: Option<Document>) -> Live<Spec> {
    Live {
        spec: Spec {
            name: policy.policy_name().unwrap_or_default().to_owned(),
            tags: tags::from_iam(policy.tags()),
            allow: document,
            description: Some(policy.description().unwrap_or_default().to_owned()),
            path: policy.path().map(str::to_owned),
        },
        outputs: outputs(policy),
        fingerprints: BTreeMap::new(),
        identity: None,
        readiness: Readiness::Ready,
        notes: Vec::new(),
        facts: BTreeMap::from([("uses".to_owned(), uses(policy).to_string())]),
        memo: Memo::default(),
    }
}

/// How many roles, users and groups have a policy attached or as their boundary.
pub(super) fn uses(policy: &Seen) -> i32 {
    let attached = policy.attachment_count().unwrap_or_default();
    attached + policy.permissions_boundary_usage_count().unwrap_or_default()
}

fn outputs(policy: &Seen) -> BTreeMap<String, String> {
    [("name", policy.policy_name()), ("arn", policy.arn())]
        .map(|(output, value)| (output.to_owned(), value.unwrap_or_default().to_owned()))
        .into()
}

fn found(policy: Seen) -> Found {
    Found {
        id: policy.arn().unwrap_or_default().to_owned(),
        name: policy.policy_name().unwrap_or_default().to_owned(),
        tags: tags::from_iam(policy.tags()),
        outputs: outputs(&policy),
        created: policy.create_date().and_then(|date| date.fmt(Format::DateTime).ok()),
    }
}
