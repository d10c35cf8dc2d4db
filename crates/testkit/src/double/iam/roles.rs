//! Roles and their policies.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::{Answer, CONFLICT, GONE, Iam, TAKEN, encoded, list, tag_list, tags, untag};
use crate::double::ACCOUNT;
use crate::double::answer::elements;
use crate::double::form::Form;
use crate::double::tagged::Tags;

#[derive(Clone, Debug)]
pub struct Role {
    id: String,
    path: String,
    /// Percent-encoded, as are the policies.
    trust: String,
    description: String,
    max_session: String,
    boundary: Option<String>,
    tags: Tags,
    inline: BTreeMap<String, String>,
    attached: BTreeSet<String>,
}

impl Iam {
    pub(super) fn of_roles(&mut self, name: &str, form: &Form) -> Option<Answer> {
        let on = form.text("RoleName");
        Some(match name {
            "CreateRole" => self.create_role(form),
            "GetRole" => self.role(on).map(|role| role.xml(on)),
            "ListRoles" => Ok(self.page("Roles", form, Role::listed)),
            "GetAccountAuthorizationDetails" => {
                Ok(self.page("RoleDetailList", form, Role::details))
            }
            "DeleteRole" => self.delete_role(on),
            "TagRole" => self.change(on, |role| role.tags.extend(tags(form))),
            "UntagRole" => self.change(on, |role| untag(&mut role.tags, form)),
            "UpdateAssumeRolePolicy" => {
                self.change(on, |role| role.trust = encoded(form.text("PolicyDocument")))
            }
            // What it is not given becomes the default.
            "UpdateRole" => self.change(on, |role| {
                role.description = form.text("Description").to_owned();
                role.max_session = form.get("MaxSessionDuration").unwrap_or("3600").to_owned();
            }),
            "PutRolePermissionsBoundary" => self.change(on, |role| {
                role.boundary = form.get("PermissionsBoundary").map(str::to_owned);
            }),
            "DeleteRolePermissionsBoundary" => self.change(on, |role| role.boundary = None),
            _ => return None,
        })
    }

    pub(super) fn of_policies(&mut self, name: &str, form: &Form) -> Option<Answer> {
        let (on, policy) = (form.text("RoleName"), form.text("PolicyName"));
        let arn = form.text("PolicyArn");
        Some(match name {
            "ListRolePolicies" => {
                self.role(on).map(|role| list("PolicyNames", role.inline.keys().cloned()))
            }
            "GetRolePolicy" => self.policy(on, policy),
            "PutRolePolicy" => self.change(on, |role| {
                let document = encoded(form.text("PolicyDocument"));
                role.inline.insert(policy.to_owned(), document);
            }),
            "DeleteRolePolicy" => self
                .role_mut(on)
                .and_then(|role| role.inline.remove(policy).ok_or(GONE))
                .map(|_| String::new()),
            "ListAttachedRolePolicies" => self.role(on).map(|role| {
                list("AttachedPolicies", role.attached.iter().map(|arn| attached(arn)))
            }),
            "AttachRolePolicy" => self.change(on, |role| {
                role.attached.insert(arn.to_owned());
            }),
            "DetachRolePolicy" => self.role_mut(on).and_then(|role| {
                if role.attached.remove(arn) { Ok(String::new()) } else { Err(GONE) }
            }),
            _ => return None,
        })
    }

    pub(super) fn role(&self, name: &str) -> Result<&Role, crate::proxy::Refusal> {
        self.roles.get(name).ok_or(GONE)
    }

    fn role_mut(&mut self, name: &str) -> Result<&mut Role, crate::proxy::Refusal> {
        self.roles.get_mut(name).ok_or(GONE)
    }

    fn change(&mut self, name: &str, change: impl FnOnce(&mut Role)) -> Answer {
        self.role_mut(name).map(|role| {
            change(role);
            String::new()
        })
    }

    fn create_role(&mut self, form: &Form) -> Answer {
        let name = form.text("RoleName");
        if self.roles.contains_key(name) {
            return Err(TAKEN);
        }
        let role = Role {
            id: self.new_id("AROA"),
            path: form.get("Path").unwrap_or("/").to_owned(),
            trust: encoded(form.text("AssumeRolePolicyDocument")),
            description: form.text("Description").to_owned(),
            max_session: form.get("MaxSessionDuration").unwrap_or("3600").to_owned(),
            boundary: form.get("PermissionsBoundary").map(str::to_owned),
            tags: tags(form),
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
        };
        let xml = role.xml(name);
        self.roles.insert(name.to_owned(), role);
        Ok(xml)
    }

    /// Some of all roles, by name: `MaxItems`, or 100, behind the one that `Marker` names.
    fn page(&self, list: &str, form: &Form, xml: fn(&Role, &str) -> String) -> String {
        let size = form.get("MaxItems").and_then(|text| text.parse().ok()).unwrap_or(100);
        let from = match form.get("Marker") {
            Some(name) => Bound::Excluded(name),
            None => Bound::Unbounded,
        };
        let mut rest = self.roles.range::<str, _>((from, Bound::Unbounded));
        let (mut members, mut last) = (String::new(), "");
        for (name, role) in rest.by_ref().take(size) {
            members.push_str(&format!("<member>{}</member>", xml(role, name)));
            last = name;
        }
        let is_truncated = rest.next().is_some();
        let marker = if is_truncated { format!("<Marker>{last}</Marker>") } else { String::new() };
        format!("<{list}>{members}</{list}><IsTruncated>{is_truncated}</IsTruncated>{marker}")
    }

    fn policy(&self, on: &str, policy: &str) -> Answer {
        let document = self.role(on)?.inline.get(policy).ok_or(GONE)?;
        Ok(elements(&[("RoleName", on), ("PolicyName", policy), ("PolicyDocument", document)]))
    }

    fn delete_role(&mut self, name: &str) -> Answer {
        let role = self.role(name)?;
        let is_bare = role.inline.is_empty() && role.attached.is_empty();
        if !is_bare || self.profiles_of(name).next().is_some() {
            return Err(CONFLICT);
        }
        self.roles.remove(name);
        Ok(String::new())
    }
}

impl Role {
    fn xml(&self, name: &str) -> String {
        format!("<Role>{}</Role>", self.fields(name))
    }

    pub(super) fn fields(&self, name: &str) -> String {
        self.listed(name) + &self.boundary() + &tag_list(&self.tags)
    }

    /// As GetAccountAuthorizationDetails reports it: without description and session duration.
    fn details(&self, name: &str) -> String {
        let inline = self.inline.iter().map(|(name, document)| {
            elements(&[("PolicyName", name), ("PolicyDocument", document)])
        });
        let member = |inner: String| format!("<member>{inner}</member>");
        let inline: String = inline.map(member).collect();
        let attached: String = self.attached.iter().map(|arn| member(attached(arn))).collect();
        self.identity(name)
            + &self.boundary()
            + &tag_list(&self.tags)
            + &format!(
                "<RolePolicyList>{inline}</RolePolicyList>\
                 <AttachedManagedPolicies>{attached}</AttachedManagedPolicies>"
            )
    }

    /// As ListRoles reports it: without boundary and tags.
    fn listed(&self, name: &str) -> String {
        let mut xml = self.identity(name);
        xml.push_str(&elements(&[("MaxSessionDuration", &self.max_session)]));
        if !self.description.is_empty() {
            xml.push_str(&elements(&[("Description", &self.description)]));
        }
        xml
    }

    fn boundary(&self) -> String {
        let Some(boundary) = &self.boundary else { return String::new() };
        let fields =
            [("PermissionsBoundaryType", "Policy"), ("PermissionsBoundaryArn", boundary.as_str())];
        format!("<PermissionsBoundary>{}</PermissionsBoundary>", elements(&fields))
    }

    fn identity(&self, name: &str) -> String {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role{}{name}", self.path);
        elements(&[
            ("Path", &self.path),
            ("RoleName", name),
            ("RoleId", &self.id),
            ("Arn", &arn),
            ("CreateDate", "2026-01-01T00:00:00Z"),
            ("AssumeRolePolicyDocument", &self.trust),
        ])
    }
}

fn attached(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    elements(&[("PolicyName", name), ("PolicyArn", arn)])
}
