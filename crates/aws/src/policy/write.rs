//! Creates, changes and deletes managed policies.

use aws_sdk_iam::types::PolicyVersion;
use futures_util::try_join;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Result};

use super::Policies;
use super::observe::{live, uses};
use super::spec::Spec;
use crate::client::SingleAttempt as _;
use crate::fault::{Explain as _, code, explain};
use crate::iam::{CODES, CONSISTENCY_WINDOW, unless_gone};
use crate::policy_document::Document;
use crate::tags;

/// How many versions IAM keeps of a policy.
const VERSIONS: usize = 5;

impl Policies {
    pub(super) async fn create_policy(&self, spec: &Spec) -> Result<Created<Spec>> {
        let request = self.iam.create_policy().policy_name(&spec.name);
        let request = request
            .set_policy_document(spec.allow.as_ref().map(Document::to_string))
            .set_description(spec.description.clone())
            .set_path(spec.path.clone())
            .set_tags(Some(tags::to_iam(&spec.tags)?));
        let reply = request.customize().single_attempt().send().await;
        let policy = reply.explain("CreatePolicy", CODES)?.policy;
        let unknown =
            || Error::new(Fault::Unknown, "CreatePolicy: the reply does not name the new policy");
        let policy = policy.ok_or_else(unknown)?;
        let arn = policy.arn().filter(|arn| !arn.is_empty()).ok_or_else(unknown)?.to_owned();
        let mut live = live(&policy, spec.allow.clone());
        // The reply has neither the tags nor the description of the request.
        live.spec.tags = spec.tags.clone();
        live.spec.description = Some(spec.description.clone().unwrap_or_default());
        Ok(Created { id: arn, live })
    }

    pub(super) async fn update_policy(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let arn = &on.id;
        let tags::Difference { set, remove } = tags::difference(changes);
        if !set.is_empty() {
            let set = Some(tags::to_iam(&set)?);
            let request = self.iam.tag_policy().policy_arn(arn);
            request.set_tags(set).send().await.explain("TagPolicy", CODES)?;
        }
        if !remove.is_empty() {
            let request = self.iam.untag_policy().policy_arn(arn);
            request.set_tag_keys(Some(remove)).send().await.explain("UntagPolicy", CODES)?;
        }
        match &desired.allow {
            Some(document) if changes.iter().any(|change| change.path.field() == "allow") => {
                self.set_document(arn, document).await
            }
            _ => Ok(()),
        }
    }

    /// Makes the document the default version. Where IAM keeps no more versions, the oldest one goes first.
    async fn set_document(&self, arn: &str, document: &Document) -> Result<()> {
        let versions = self.versions(arn).await?.unwrap_or_default();
        if versions.len() >= VERSIONS
            && let Some(oldest) =
                versions.iter().filter(|one| !one.is_default_version).min_by_key(number)
        {
            self.delete_version(arn, oldest).await?;
        }
        // A repetition of the SDK's own would make one more version, or meet the limit that it has reached itself.
        let request = self.iam.create_policy_version().policy_arn(arn).set_as_default(true);
        let request = request.policy_document(document.to_string()).customize().single_attempt();
        match request.send().await {
            // One that somebody else added since the versions were listed took the last place.
            Err(error) if code(&error) == Some("LimitExceeded") => {
                let error = explain("CreatePolicyVersion", error, CODES);
                let hint = "somebody else adds versions of this policy: see `aws iam list-policy-versions`";
                Err(Error { fault: Fault::Conflict, ..error }.with_hint(hint))
            }
            sent => sent.explain("CreatePolicyVersion", CODES).map(drop),
        }
    }

    /// Deletes a policy with all its versions. IAM refuses that while anything has it attached; its versions stay
    /// then, too.
    pub(super) async fn delete_policy(&self, arn: &str) -> Result<()> {
        let (Some(policy), Some(versions)) = try_join!(self.get(arn), self.versions(arn))? else {
            return Ok(());
        };
        if uses(&policy) > 0 {
            // What this run has just detached may still count.
            let what = format!("everything that has {arn} attached to be gone");
            let fault = Fault::Awaiting { what, within: CONSISTENCY_WINDOW };
            return Err(in_use(arn, Error::new(fault, format!("{arn} is in use"))));
        }
        for version in versions.iter().filter(|version| !version.is_default_version) {
            self.delete_version(arn, version).await?;
        }
        let sent = self.iam.delete_policy().policy_arn(arn).send().await;
        unless_gone(sent, "DeletePolicy").map(drop).map_err(|error| match error.fault {
            Fault::Conflict => in_use(arn, error),
            _ => error,
        })
    }

    /// `None`: the policy is gone.
    async fn versions(&self, arn: &str) -> Result<Option<Vec<PolicyVersion>>> {
        let pages = self.iam.list_policy_versions().policy_arn(arn).into_paginator();
        unless_gone(pages.items().send().try_collect().await, "ListPolicyVersions")
    }

    async fn delete_version(&self, arn: &str, version: &PolicyVersion) -> Result<()> {
        let request = self.iam.delete_policy_version().policy_arn(arn);
        let sent = request.set_version_id(version.version_id.clone()).send().await;
        unless_gone(sent, "DeletePolicyVersion").map(drop)
    }
}

fn in_use(arn: &str, error: Error) -> Error {
    error.with_hint(format!(
        "`aws iam list-entities-for-policy --policy-arn {arn}` lists what has it attached: detach it there"
    ))
}

/// Versions are `v1`, `v2`, …, and no number is given twice.
fn number(version: &&PolicyVersion) -> u32 {
    let id = version.version_id().unwrap_or_default();
    id.trim_start_matches('v').parse().unwrap_or(u32::MAX)
}
