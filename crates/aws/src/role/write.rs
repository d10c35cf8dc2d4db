//! Creates, changes and deletes roles.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{TryFutureExt as _, try_join};
use serde_json::Value;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Memo, Result};

use super::observe::live;
use super::service::{NEW_PRINCIPAL, Roles};
use super::spec::{InProfile, Spec};
use crate::client::SingleAttempt as _;
use crate::fault::{Explain as _, or_gone};
use crate::iam::{CODES, PATH, unless_gone};
use crate::policy_document::Document;
use crate::tags;

/// What must be removed from a role before IAM deletes it.
pub(super) struct Parts {
    /// Names of inline policies.
    inline: Vec<String>,
    /// ARNs of managed policies.
    attached: Vec<String>,
}

impl Parts {
    /// Notes the parts of a role. A role that may be in an instance profile is read again before it is
    /// deleted.
    pub(super) fn memo(name: &str, seen: &Spec) -> Memo {
        if seen.instance_profile != Some(InProfile::No) {
            return Memo::default();
        }
        let inline = seen.policies.keys().cloned().collect();
        let attached = seen.managed_policies.keys().cloned().collect();
        Memo::of(name, Self { inline, attached })
    }
}

impl Roles {
    pub(super) async fn create_role(&self, spec: &Spec) -> Result<Created<Spec>> {
        let boundary = spec.permissions_boundary.clone().filter(|arn| !arn.is_empty());
        let request = self.iam.create_role().role_name(&spec.name);
        let request = request
            .set_assume_role_policy_document(spec.trust.as_ref().map(Document::to_string))
            .set_description(spec.description.clone())
            .set_max_session_duration(spec.max_session)
            .set_permissions_boundary(boundary)
            .set_path(spec.path.clone())
            .set_tags(Some(tags::to_iam(&spec.tags)?));
        let reply = request.customize().single_attempt().send().await;
        let role = reply.explain("CreateRole", CODES).map_err(explain_trust)?.role;
        let role = role.filter(|role| !role.arn.is_empty() && !role.role_id.is_empty());
        let role = role.ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateRole: the reply does not name the new role")
        })?;
        let made = Spec {
            policies: BTreeMap::new(),
            managed_policies: BTreeMap::new(),
            description: spec.description.clone().or(Some(String::new())),
            permissions_boundary: spec.permissions_boundary.clone().or(Some(String::new())),
            path: spec.path.clone().or(Some(PATH.to_owned())),
            instance_profile: Some(InProfile::No),
            ..spec.clone()
        };
        Ok(Created { id: spec.name.clone(), live: live(&role, made) })
    }

    pub(super) async fn update_role(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let touched = |field: &str| changes.iter().any(|change| change.path.field() == field);
        self.set_tags(on, desired, changes).await?;
        if touched("trust") {
            self.set_trust(&on.id, desired).await?;
        }
        if touched("description") || touched("max_session") {
            self.set_settings(&on.id, desired, changes).await?;
        }
        if touched("permissions_boundary") {
            self.set_boundary(&on.id, desired.permissions_boundary.as_deref()).await?;
        }
        for name in keys(changes, "policies") {
            self.set_inline(&on.id, &name, desired.policies.get(&name)).await?;
        }
        for arn in keys(changes, "managed_policies") {
            self.set_attached(&on.id, &arn, desired.managed_policies.contains_key(&arn)).await?;
        }
        if touched("instance_profile") {
            self.set_profile(on, desired).await?;
        }
        Ok(())
    }

    /// Deletes a role with what was last seen of it; what it has besides, IAM says by refusing to delete it.
    pub(super) async fn delete_seen(&self, handle: &Handle<Spec>) -> Result<()> {
        let name = &handle.id;
        let Some(Parts { inline, attached }) = handle.memo.get(name) else {
            return self.delete_all(handle).await;
        };
        self.remove_policies(name, inline, attached).await?;
        match self.delete_role(name).await {
            Err(error) if error.fault == Fault::Conflict => self.delete_all(handle).await,
            deleted => deleted,
        }
    }

    /// Deletes a role with everything that it has.
    async fn delete_all(&self, handle: &Handle<Spec>) -> Result<()> {
        self.strip(handle).await?;
        self.delete_role(&handle.id).await
    }

    /// Removes policies and profiles from a role: IAM deletes only a bare one. Its changes come one after the
    /// other, since IAM refuses two at the same time.
    async fn strip(&self, handle: &Handle<Spec>) -> Result<()> {
        let name = &handle.id;
        let (inline, attached, profiles, own) = try_join!(
            self.inline(name),
            self.attached(name),
            self.profiles(name),
            self.own_profile(handle),
        )?;
        let (inline, attached) = (inline.unwrap_or_default(), attached.unwrap_or_default());
        self.remove_policies(name, &inline, &attached).await?;
        let is_own = |profile: &&String| {
            own.as_ref().is_some_and(|own| own.instance_profile_name == **profile)
        };
        for profile in profiles.iter().flatten().filter(|profile| !is_own(profile)) {
            self.remove_from_profile(name, profile).await?;
        }
        match &own {
            Some(own) => self.remove_profile(handle, own).await,
            None => Ok(()),
        }
    }

    async fn remove_policies(
        &self,
        role: &str,
        inline: &[String],
        attached: &[String],
    ) -> Result<()> {
        for policy in inline {
            self.set_inline(role, policy, None).await?;
        }
        for arn in attached {
            self.set_attached(role, arn, false).await?;
        }
        Ok(())
    }

    async fn delete_role(&self, name: &str) -> Result<()> {
        let sent = self.iam.delete_role().role_name(name).send().await;
        or_gone(unless_gone(sent, "DeleteRole").map(drop), self.get(name)).await
    }

    /// Sets the tags of the role and of its instance profile.
    async fn set_tags(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let name = &on.id;
        let difference = tags::difference(changes);
        if difference == tags::Difference::default() {
            return Ok(());
        }
        // The profile first: its present tags say that it belongs to this stack.
        if let Some(applied) = &on.applied
            && desired.instance_profile.is_some_and(|it| it != InProfile::No)
        {
            self.set_profile_tags(name, &applied.tags, &difference).await?;
        }
        let tags::Difference { set, remove } = difference;
        if !set.is_empty() {
            let set = Some(tags::to_iam(&set)?);
            let request = self.iam.tag_role().role_name(name);
            request.set_tags(set).send().await.explain("TagRole", CODES)?;
        }
        if !remove.is_empty() {
            let request = self.iam.untag_role().role_name(name);
            request.set_tag_keys(Some(remove)).send().await.explain("UntagRole", CODES)?;
        }
        Ok(())
    }

    async fn set_trust(&self, name: &str, desired: &Spec) -> Result<()> {
        let Some(trust) = &desired.trust else { return Ok(()) };
        let request = self.iam.update_assume_role_policy().role_name(name);
        let sent = request.policy_document(trust.to_string()).send();
        let sent = sent.map_ok(drop).await.explain("UpdateAssumeRolePolicy", CODES);
        sent.map_err(explain_trust)
    }

    /// Sets description and session duration. UpdateRole resets what it is not given, so that both go
    /// with every call; a value that neither the file nor a change has is read first.
    async fn set_settings(&self, name: &str, desired: &Spec, changes: &[Change]) -> Result<()> {
        let after = |field: &str| {
            let change = changes.iter().find(|change| change.path.field() == field);
            change.and_then(|change| change.after.as_ref())
        };
        let text = after("description").and_then(Value::as_str).map(str::to_owned);
        let mut description = text.or_else(|| desired.description.clone());
        let seconds = after("max_session").and_then(Value::as_i64);
        let mut max_session =
            seconds.and_then(|seconds| i32::try_from(seconds).ok()).or(desired.max_session);
        if (description.is_none() || max_session.is_none())
            && let Some(now) = self.get(name).await?
        {
            max_session = max_session.or(now.max_session_duration);
            description = description.or(now.description);
        }
        let request = self.iam.update_role().role_name(name);
        let request = request.set_description(description).set_max_session_duration(max_session);
        request.send().map_ok(drop).await.explain("UpdateRole", CODES)
    }

    /// Sets the permissions boundary. Empty or `None` removes it.
    async fn set_boundary(&self, name: &str, arn: Option<&str>) -> Result<()> {
        let iam = &self.iam;
        let Some(arn) = arn.filter(|arn| !arn.is_empty()) else {
            let sent = iam.delete_role_permissions_boundary().role_name(name).send().await;
            return unless_gone(sent, "DeleteRolePermissionsBoundary").map(drop);
        };
        let request = iam.put_role_permissions_boundary().role_name(name);
        let sent = request.permissions_boundary(arn).send();
        sent.map_ok(drop).await.explain("PutRolePermissionsBoundary", CODES)
    }

    async fn set_inline(&self, name: &str, policy: &str, to: Option<&Document>) -> Result<()> {
        let iam = &self.iam;
        let Some(document) = to else {
            let request = iam.delete_role_policy().role_name(name).policy_name(policy);
            return unless_gone(request.send().await, "DeleteRolePolicy").map(drop);
        };
        let request = iam.put_role_policy().role_name(name).policy_name(policy);
        let sent = request.policy_document(document.to_string()).send();
        sent.map_ok(drop).await.explain("PutRolePolicy", CODES)
    }

    async fn set_attached(&self, name: &str, arn: &str, attached: bool) -> Result<()> {
        let iam = &self.iam;
        if !attached {
            let request = iam.detach_role_policy().role_name(name).policy_arn(arn);
            return unless_gone(request.send().await, "DetachRolePolicy").map(drop);
        }
        let request = iam.attach_role_policy().role_name(name).policy_arn(arn);
        request.send().map_ok(drop).await.explain("AttachRolePolicy", CODES)
    }
}

/// Returns the keys of the map `field` that differ. A document may differ at any depth.
fn keys(changes: &[Change], field: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for change in changes.iter().filter(|change| change.path.field() == field) {
        match change.path.0.get(1) {
            Some(key) => keys.extend([key.clone()]),
            None => {
                let sides = [&change.before, &change.after].into_iter().flatten();
                keys.extend(sides.filter_map(Value::as_object).flat_map(|map| map.keys().cloned()));
            }
        }
    }
    keys
}

/// Explains an error of a call with a trust: IAM knows a new role or user some seconds later, and has the
/// same words for one that never was.
fn explain_trust(error: Error) -> Error {
    if !error.message.contains("Invalid principal in policy") {
        return error;
    }
    let what = "IAM to know the principals of the trust".to_owned();
    let fault = Fault::Awaiting { what, within: NEW_PRINCIPAL };
    Error { fault, ..error }.with_hint("a role or user that `trust` names does not exist")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_changes::edited;

    #[test]
    fn a_principal_that_iam_does_not_know_is_awaited() {
        let said = |text: &str| explain_trust(Error::terminal(text)).fault;
        let unknown = "CreateRole: MalformedPolicyDocument: Invalid principal in policy: \
                       \"AWS\":\"arn:aws:iam::123456789012:role/new\"";
        assert!(matches!(said(unknown), Fault::Awaiting { .. }));
        let malformed = "CreateRole: MalformedPolicyDocument: Syntax errors in policy.";
        assert_eq!(said(malformed), Fault::Terminal);
    }

    #[test]
    fn a_change_at_any_depth_is_a_change_of_its_policy() {
        let changes = [
            edited(&["policies", "a.b", "Statement"]),
            edited(&["policies", "a.b", "Version"]),
            Change { before: Some(json!({ "c": {} })), ..edited(&["policies"]) },
            edited(&["tags", "d"]),
        ];
        assert_eq!(keys(&changes, "policies"), ["a.b", "c"].map(str::to_owned).into());
    }
}
