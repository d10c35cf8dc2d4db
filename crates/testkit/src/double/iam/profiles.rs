//! Instance profiles: each has at most one role.

use super::{Answer, CONFLICT, GONE, Iam, TAKEN, list, tag_list, tags, untag};
use crate::double::ACCOUNT;
use crate::double::answer::elements;
use crate::double::form::Form;
use crate::double::tagged::Tags;

#[derive(Clone, Debug)]
pub struct Profile {
    id: String,
    path: String,
    role: Option<String>,
    tags: Tags,
}

impl Iam {
    pub(super) fn of_profiles(&mut self, name: &str, form: &Form) -> Option<Answer> {
        let on = form.text("InstanceProfileName");
        let role = form.text("RoleName");
        Some(match name {
            "CreateInstanceProfile" => self.create_profile(form),
            "GetInstanceProfile" => self.profile(on),
            "ListInstanceProfilesForRole" => self.role(role).map(|_| {
                let names = self.profiles_of(role);
                list("InstanceProfiles", names.filter_map(|name| self.fields(name)))
            }),
            "AddRoleToInstanceProfile" => self.add_role(on, role),
            "RemoveRoleFromInstanceProfile" => self.remove_role(on, role),
            "TagInstanceProfile" => self.change_profile(on, |one| one.tags.extend(tags(form))),
            "UntagInstanceProfile" => self.change_profile(on, |one| untag(&mut one.tags, form)),
            "DeleteInstanceProfile" => self.delete_profile(on),
            _ => return None,
        })
    }

    /// The names of the profiles that have a role. AWS's own list is short as well: a role has a profile
    /// of its name, or none.
    pub(super) fn profiles_of<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a str> {
        let has = move |(_, profile): &(&String, &Profile)| profile.role.as_deref() == Some(role);
        self.profiles.iter().filter(has).map(|(name, _)| name.as_str())
    }

    fn create_profile(&mut self, form: &Form) -> Answer {
        let name = form.text("InstanceProfileName");
        if self.profiles.contains_key(name) {
            return Err(TAKEN);
        }
        let profile = Profile {
            id: self.new_id("AIPA"),
            path: form.get("Path").unwrap_or("/").to_owned(),
            role: None,
            tags: tags(form),
        };
        self.profiles.insert(name.to_owned(), profile);
        self.profile(name)
    }

    fn profile(&self, name: &str) -> Answer {
        let fields = self.fields(name).ok_or(GONE)?;
        Ok(format!("<InstanceProfile>{fields}</InstanceProfile>"))
    }

    fn fields(&self, name: &str) -> Option<String> {
        let profile = self.profiles.get(name)?;
        let arn = format!("arn:aws:iam::{ACCOUNT}:instance-profile{}{name}", profile.path);
        let xml = elements(&[
            ("Path", &profile.path),
            ("InstanceProfileName", name),
            ("InstanceProfileId", &profile.id),
            ("Arn", &arn),
            ("CreateDate", "2026-01-01T00:00:00Z"),
        ]);
        let role = profile.role.as_ref().and_then(|name| Some((name, self.roles.get(name)?)));
        let member = role.map(|(name, role)| format!("<member>{}</member>", role.fields(name)));
        let roles = member.unwrap_or_default();
        Some(format!("{xml}<Roles>{roles}</Roles>{}", tag_list(&profile.tags)))
    }

    fn add_role(&mut self, on: &str, role: &str) -> Answer {
        self.role(role)?;
        let profile = self.profiles.get_mut(on).ok_or(GONE)?;
        if profile.role.is_some() {
            return Err(crate::proxy::Refusal::new(409, "LimitExceeded")
                .saying("the instance profile has a role"));
        }
        profile.role = Some(role.to_owned());
        Ok(String::new())
    }

    fn remove_role(&mut self, on: &str, role: &str) -> Answer {
        let profile = self.profiles.get_mut(on).ok_or(GONE)?;
        let removed = profile.role.take_if(|now| now == role);
        removed.map(|_| String::new()).ok_or(GONE)
    }

    fn change_profile(&mut self, on: &str, change: impl FnOnce(&mut Profile)) -> Answer {
        let profile = self.profiles.get_mut(on).ok_or(GONE)?;
        change(profile);
        Ok(String::new())
    }

    fn delete_profile(&mut self, on: &str) -> Answer {
        if self.profiles.get(on).ok_or(GONE)?.role.is_some() {
            return Err(CONFLICT);
        }
        self.profiles.remove(on);
        Ok(String::new())
    }
}
