//! The instance profile of a role: through it EC2 instances assume the role. It belongs to the role,
//! has its name, its path and its tags, and exists as long as the role trusts EC2.

use aws_sdk_iam::types::InstanceProfile;
use futures_util::TryFutureExt as _;
use stackwright_engine::kind::{Error, ExistingPart, Handle, Result, tag};

use super::service::Roles;
use super::spec::{InProfile, Spec};
use crate::fault::{Explain, code, is_unreadable};
use crate::iam::{CODES, unless_gone};
use crate::tags::{self, Difference, Tags};

impl Roles {
    /// Returns whether the role is in its profile. `None`: the endpoint does not report profiles, or
    /// the credentials may not read them.
    pub(super) async fn in_profile(&self, on: &Handle<Spec>) -> Result<Option<InProfile>> {
        let profile = match self.profile(&on.id).await {
            Err(error) if is_unreadable(&error) => return Ok(None),
            profile => profile?,
        };
        let is_ours = |profile: &InstanceProfile| {
            on.applied.as_ref().is_some_and(|applied| is_ours(profile, &applied.tags))
        };
        Ok(Some(match profile {
            Some(profile) if contains(&profile, &on.id) => InProfile::Yes,
            Some(profile) if is_ours(&profile) => InProfile::Empty,
            _ => InProfile::No,
        }))
    }

    /// Returns the instance profile that has the role's name and belongs to somebody else.
    pub(super) async fn existing_profile(&self, desired: &Spec) -> Result<Option<ExistingPart>> {
        let name = desired.name.as_str();
        let profile = match self.profile(name).await {
            Err(error) if is_unreadable(&error) => return Ok(None),
            profile => profile?,
        };
        let is_taken = |profile: &InstanceProfile| {
            !contains(profile, name) && !is_ours(profile, &desired.tags)
        };
        Ok(profile.filter(is_taken).map(|_| ExistingPart::Taken {
            field: "trust",
            reason: taken(name),
            hint: TAKEN.to_owned(),
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
        let iam = &self.iam;
        let request = iam.create_instance_profile().instance_profile_name(name);
        let request = request.set_path(desired.path.clone());
        let sent = request.set_tags(Some(tags::to_iam(&desired.tags)?)).send().await;
        match sent {
            Err(error) if code(&error) == Some("EntityAlreadyExists") => {
                let there = self.profile(name).await?;
                if there.as_ref().is_some_and(|profile| contains(profile, name)) {
                    return Ok(());
                }
                if there.is_some_and(|profile| !is_ours(&profile, &desired.tags)) {
                    return Err(Error::terminal(taken(name)).with_hint(TAKEN));
                }
            }
            sent => {
                sent.explain("CreateInstanceProfile", CODES)?;
            }
        }
        let request = iam.add_role_to_instance_profile().instance_profile_name(name);
        let sent = request.role_name(name).send();
        sent.map_ok(drop).await.explain("AddRoleToInstanceProfile", CODES)
    }

    /// Deletes the profile, also if the role is gone already.
    pub(super) async fn delete_profile(&self, on: &Handle<Spec>) -> Result<()> {
        match self.own_profile(on).await? {
            Some(profile) => self.remove_profile(on, &profile).await,
            None => Ok(()),
        }
    }

    /// Returns the profile that has the role's name.
    pub(super) async fn own_profile(&self, on: &Handle<Spec>) -> Result<Option<InstanceProfile>> {
        unless_unreadable(on, self.profile(&on.id).await)
    }

    /// Deletes a profile. An unmanaged one stays, without the role.
    pub(super) async fn remove_profile(
        &self,
        on: &Handle<Spec>,
        profile: &InstanceProfile,
    ) -> Result<()> {
        let name = &profile.instance_profile_name;
        if contains(profile, &on.id) {
            self.remove_from_profile(&on.id, name).await?;
        }
        if !on.applied.as_ref().is_some_and(|applied| is_ours(profile, &applied.tags)) {
            return Ok(());
        }
        let request = self.iam.delete_instance_profile().instance_profile_name(name);
        unless_gone(request.send().await, "DeleteInstanceProfile").map(drop)
    }

    /// Changes the profile's tags if the profile belongs to the stack that the tags `ours` name.
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
            let request = self.iam.tag_instance_profile().instance_profile_name(name);
            let sent = request.set_tags(Some(tags::to_iam(set)?)).send();
            sent.await.explain("TagInstanceProfile", CODES)?;
        }
        if !remove.is_empty() {
            let request = self.iam.untag_instance_profile().instance_profile_name(name);
            let sent = request.set_tag_keys(Some(remove.clone())).send();
            sent.await.explain("UntagInstanceProfile", CODES)?;
        }
        Ok(())
    }

    async fn profile(&self, name: &str) -> Result<Option<InstanceProfile>> {
        let sent = self.iam.get_instance_profile().instance_profile_name(name).send().await;
        Ok(unless_gone(sent, "GetInstanceProfile")?.and_then(|reply| reply.instance_profile))
    }

    pub(super) async fn remove_from_profile(&self, role: &str, profile: &str) -> Result<()> {
        let request = self.iam.remove_role_from_instance_profile();
        let sent = request.role_name(role).instance_profile_name(profile).send().await;
        unless_gone(sent, "RemoveRoleFromInstanceProfile").map(drop)
    }
}

/// Ignores that profiles cannot be read, for a role that has none: credentials without a use for
/// profiles need no right to read them.
pub(super) fn unless_unreadable<T: Default>(on: &Handle<Spec>, done: Result<T>) -> Result<T> {
    let in_profile = on.applied.as_ref().and_then(|applied| applied.instance_profile);
    match done {
        Err(error) if is_unreadable(&error) && in_profile != Some(InProfile::Yes) => {
            Ok(T::default())
        }
        done => done,
    }
}

fn taken(name: &str) -> String {
    format!("an instance profile named `{name}` exists and does not belong to this stack")
}

const TAKEN: &str = "delete it, or give the role another `name:`";

fn contains(profile: &InstanceProfile, role: &str) -> bool {
    profile.roles().iter().any(|one| one.role_name == role)
}

/// Tells whether the profile belongs to the stack that `tags` name.
fn is_ours(profile: &InstanceProfile, tags: &Tags) -> bool {
    let stack = tags::from_iam(profile.tags()).remove(tag::STACK);
    stack.is_some() && stack.as_ref() == tags.get(tag::STACK)
}
