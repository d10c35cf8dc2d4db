//! The instance profile of a role: through it EC2 instances take the role on. It belongs to the role,
//! bears its name, its path and its tags, and is there as long as EC2 is trusted.

use aws_sdk_iam::types::InstanceProfile;
use futures_util::TryFutureExt as _;
use serde::{Deserialize, Serialize};
use stackwright_engine::kind::{Error, Fault, Handle, Result, tag};

use super::{Roles, Spec, there};
use crate::fault::{Explain, code};
use crate::tags::{self, Difference, Tags};

/// Whether a role is in the profile of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InProfile {
    Yes,
    /// There is one of ours, which does not hold it: neither is this what anybody wants.
    Empty,
    No,
}

impl Roles {
    /// `None`: the endpoint does not tell, or we may not know.
    pub(super) async fn in_profile(&self, on: &Handle<Spec>) -> Result<Option<InProfile>> {
        let profile = match self.profile(&on.id).await {
            Err(error) if is_untold(&error) => return Ok(None),
            profile => profile?,
        };
        let is_ours = |profile: &InstanceProfile| {
            on.applied.as_ref().is_some_and(|applied| is_ours(profile, &applied.tags))
        };
        Ok(Some(match profile {
            Some(profile) if holds(&profile, &on.id) => InProfile::Yes,
            Some(profile) if is_ours(&profile) => InProfile::Empty,
            _ => InProfile::No,
        }))
    }

    pub(super) async fn set_profile(&self, on: &Handle<Spec>, desired: &Spec) -> Result<()> {
        if desired.instance_profile == Some(InProfile::Yes) {
            self.put_in_profile(&on.id, desired).await
        } else {
            self.delete_profile(on).await
        }
    }

    async fn put_in_profile(&self, name: &str, desired: &Spec) -> Result<()> {
        let iam = &self.cloud.iam;
        let request = iam.create_instance_profile().instance_profile_name(name);
        let request = request.set_path(desired.path.clone());
        let sent = request.set_tags(Some(tags::to_iam(&desired.tags)?)).send().await;
        match sent {
            Err(error) if code(&error) == Some("EntityAlreadyExists") => {
                let there = self.profile(name).await?;
                if there.as_ref().is_some_and(|profile| holds(profile, name)) {
                    return Ok(());
                }
                if there.is_some_and(|profile| !is_ours(&profile, &desired.tags)) {
                    let message = format!(
                        "an instance profile named `{name}` exists and does not belong to this stack"
                    );
                    return Err(Error::terminal(message)
                        .with_hint("delete it, or give the role another `name:`"));
                }
            }
            sent => {
                sent.explain("CreateInstanceProfile")?;
            }
        }
        let request = iam.add_role_to_instance_profile().instance_profile_name(name);
        let sent = request.role_name(name).send();
        sent.map_ok(drop).await.explain("AddRoleToInstanceProfile")
    }

    /// The role leaves every profile; those that are not ours stay.
    pub(super) async fn leave_profiles(&self, name: &str) -> Result<()> {
        for profile in self.profiles(name).await?.into_iter().flatten() {
            self.take_out_of_profile(name, &profile).await?;
        }
        Ok(())
    }

    /// Of a role that is gone too. The role leaves one of others, which stays.
    pub(super) async fn delete_profile(&self, on: &Handle<Spec>) -> Result<()> {
        let Some(profile) = self.profile(&on.id).await? else { return Ok(()) };
        let name = &profile.instance_profile_name;
        if holds(&profile, &on.id) {
            self.take_out_of_profile(&on.id, name).await?;
        }
        if !on.applied.as_ref().is_some_and(|applied| is_ours(&profile, &applied.tags)) {
            return Ok(());
        }
        let request = self.cloud.iam.delete_instance_profile().instance_profile_name(name);
        there(request.send().await, "DeleteInstanceProfile").map(drop)
    }

    /// If it is of the stack that the tags `ours` are of.
    pub(super) async fn set_profile_tags(
        &self,
        role: &str,
        ours: &Tags,
        Difference { set, remove }: &Difference,
    ) -> Result<()> {
        let profile = self.profile(role).await?;
        let Some(profile) = profile.filter(|profile| is_ours(profile, ours)) else {
            return Ok(());
        };
        let name = &profile.instance_profile_name;
        if !set.is_empty() {
            let request = self.cloud.iam.tag_instance_profile().instance_profile_name(name);
            let sent = request.set_tags(Some(tags::to_iam(set)?)).send();
            sent.await.explain("TagInstanceProfile")?;
        }
        if !remove.is_empty() {
            let request = self.cloud.iam.untag_instance_profile().instance_profile_name(name);
            let sent = request.set_tag_keys(Some(remove.clone())).send();
            sent.await.explain("UntagInstanceProfile")?;
        }
        Ok(())
    }

    async fn profile(&self, name: &str) -> Result<Option<InstanceProfile>> {
        let sent = self.cloud.iam.get_instance_profile().instance_profile_name(name).send().await;
        Ok(there(sent, "GetInstanceProfile")?.and_then(|reply| reply.instance_profile))
    }

    async fn take_out_of_profile(&self, role: &str, profile: &str) -> Result<()> {
        let request = self.cloud.iam.remove_role_from_instance_profile();
        let sent = request.role_name(role).instance_profile_name(profile).send().await;
        there(sent, "RemoveRoleFromInstanceProfile").map(drop)
    }
}

/// What came of a call about the profile of a role, gone or about to be nobody's: who never had one
/// may not be allowed to look for it.
pub(super) fn unless_untold(on: &Handle<Spec>, done: Result<()>) -> Result<()> {
    let in_profile = on.applied.as_ref().and_then(|applied| applied.instance_profile);
    match done {
        Err(error) if is_untold(&error) && in_profile != Some(InProfile::Yes) => Ok(()),
        done => done,
    }
}

/// Who has no business with profiles may not be allowed to look at them.
fn is_untold(error: &Error) -> bool {
    matches!(error.fault, Fault::Denied | Fault::Unsupported)
}

fn holds(profile: &InstanceProfile, role: &str) -> bool {
    profile.roles().iter().any(|one| one.role_name == role)
}

/// Of the stack that `tags` are of.
fn is_ours(profile: &InstanceProfile, tags: &Tags) -> bool {
    let stack = tags::from_iam(profile.tags()).remove(tag::STACK);
    stack.is_some() && stack.as_ref() == tags.get(tag::STACK)
}
