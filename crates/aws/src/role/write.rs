//! Changes of a role.

use std::collections::BTreeSet;

use futures_util::TryFutureExt as _;
use serde_json::Value;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Handle, Result};

use super::profile::InProfile;
use super::{Roles, Spec, there};
use crate::fault::Explain;
use crate::policy::Document;
use crate::tags;

/// Writing, each aspect by itself.
impl Roles {
    /// The role's, and those of what was made for it.
    pub(super) async fn set_tags(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let name = &on.id;
        let difference = tags::difference(changes);
        if difference == tags::Difference::default() {
            return Ok(());
        }
        // First: by its tags it is known to be ours.
        if let Some(applied) = &on.applied
            && desired.instance_profile.is_some_and(|it| it != InProfile::No)
        {
            self.set_profile_tags(name, &applied.tags, &difference).await?;
        }
        let tags::Difference { set, remove } = difference;
        if !set.is_empty() {
            let set = Some(tags::to_iam(&set)?);
            let request = self.cloud.iam.tag_role().role_name(name);
            request.set_tags(set).send().await.explain("TagRole")?;
        }
        if !remove.is_empty() {
            let request = self.cloud.iam.untag_role().role_name(name);
            request.set_tag_keys(Some(remove)).send().await.explain("UntagRole")?;
        }
        Ok(())
    }

    pub(super) async fn set_trust(&self, name: &str, desired: &Spec) -> Result<()> {
        let Some(trust) = &desired.trust else { return Ok(()) };
        let request = self.cloud.iam.update_assume_role_policy().role_name(name);
        let sent = request.policy_document(trust.to_string()).send();
        sent.map_ok(drop).await.explain("UpdateAssumeRolePolicy")
    }

    /// UpdateRole sets what it is not given to the default, so both values go with every call: the
    /// one that neither the file nor a change names as it is now.
    pub(super) async fn set_settings(
        &self,
        name: &str,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
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
        let request = self.cloud.iam.update_role().role_name(name);
        let request = request.set_description(description).set_max_session_duration(max_session);
        request.send().map_ok(drop).await.explain("UpdateRole")
    }

    /// Empty or left out: none.
    pub(super) async fn set_boundary(&self, name: &str, arn: Option<&str>) -> Result<()> {
        let iam = &self.cloud.iam;
        let Some(arn) = arn.filter(|arn| !arn.is_empty()) else {
            let sent = iam.delete_role_permissions_boundary().role_name(name).send().await;
            return there(sent, "DeleteRolePermissionsBoundary").map(drop);
        };
        let request = iam.put_role_permissions_boundary().role_name(name);
        let sent = request.permissions_boundary(arn).send();
        sent.map_ok(drop).await.explain("PutRolePermissionsBoundary")
    }

    pub(super) async fn set_inline(
        &self,
        name: &str,
        policy: &str,
        to: Option<&Document>,
    ) -> Result<()> {
        let iam = &self.cloud.iam;
        let Some(document) = to else {
            let request = iam.delete_role_policy().role_name(name).policy_name(policy);
            return there(request.send().await, "DeleteRolePolicy").map(drop);
        };
        let request = iam.put_role_policy().role_name(name).policy_name(policy);
        let sent = request.policy_document(document.to_string()).send();
        sent.map_ok(drop).await.explain("PutRolePolicy")
    }

    pub(super) async fn set_attached(&self, name: &str, arn: &str, attached: bool) -> Result<()> {
        let iam = &self.cloud.iam;
        if !attached {
            let request = iam.detach_role_policy().role_name(name).policy_arn(arn);
            return there(request.send().await, "DetachRolePolicy").map(drop);
        }
        let request = iam.attach_role_policy().role_name(name).policy_arn(arn);
        request.send().map_ok(drop).await.explain("AttachRolePolicy")
    }
}

/// The keys of the map `field` that differ. A document may differ at any depth.
pub(super) fn keys(changes: &[Change], field: &str) -> BTreeSet<String> {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edited::edited;

    #[test]
    fn a_difference_at_any_depth_concerns_its_policy() {
        let changes = [
            edited(&["policies", "a.b", "Statement"]),
            edited(&["policies", "a.b", "Version"]),
            Change { before: Some(json!({ "c": {} })), ..edited(&["policies"]) },
            edited(&["tags", "d"]),
        ];
        assert_eq!(keys(&changes, "policies"), ["a.b", "c"].map(str::to_owned).into());
    }
}
