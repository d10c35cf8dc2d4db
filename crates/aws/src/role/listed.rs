//! Reads many roles from lists of the account: two lists instead of four calls for each role.
//!
//! GetAccountAuthorizationDetails reports policies, tags and boundaries of every role, ListRoles the descriptions
//! and session durations that it lacks. A page of either has up to 1,000 roles, and an account has 5,000 at most,
//! so that a few pages replace the reads of a large stack, for which IAM's quota is small.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::types::{AttachedPolicy, EntityType, PolicyDetail, Role as Seen, RoleDetail, Tag};
use futures_util::try_join;
use stackwright_engine::kind::{Handle, Result, tag};

use super::observe::{Read, document};
use super::service::Roles;
use super::spec::Spec;
use crate::fault::{Explain as _, if_readable};
use crate::iam::CODES;

/// From so many roles on lists are cheaper than reads, also in an account that is full of roles of others.
pub(super) const MANY: usize = 25;

/// The largest page.
const PAGE: i32 = 1000;

impl Roles {
    /// Reads the roles of `handles` from lists, as far as these show them: empty where they are few, or the
    /// credentials may not read the lists, or the endpoint has none.
    pub(super) async fn listed(&self, handles: &[Handle<Spec>]) -> Result<BTreeMap<String, Read>> {
        if handles.len() < MANY {
            return Ok(BTreeMap::new());
        }
        let lists = async { try_join!(self.details(), self.roles()) };
        let Some((details, mut roles)) = if_readable(lists.await)? else {
            return Ok(BTreeMap::new());
        };
        let wanted: BTreeMap<&str, &Handle<Spec>> =
            handles.iter().map(|handle| (handle.id.as_str(), handle)).collect();
        let mut listed = BTreeMap::new();
        for detail in details {
            let name = detail.role_name.clone().unwrap_or_default();
            let (Some(handle), Some(role)) = (wanted.get(name.as_str()), roles.remove(&name))
            else {
                continue;
            };
            if is_complete(&detail, &role, handle) {
                listed.insert(name, read(detail, role)?);
            }
        }
        Ok(listed)
    }

    /// Returns those of many names that roles of the account have; all of them where they are few, or roles
    /// cannot be listed.
    pub(super) async fn taken<'a>(&self, names: &'a [String]) -> Result<Vec<&'a String>> {
        if names.len() < MANY {
            return Ok(names.iter().collect());
        }
        let Some(roles) = if_readable(self.roles().await)? else {
            return Ok(names.iter().collect());
        };
        // IAM ignores the case of names.
        let taken: BTreeSet<String> = roles.keys().map(|name| name.to_lowercase()).collect();
        Ok(names.iter().filter(|name| taken.contains(&name.to_lowercase())).collect())
    }

    async fn details(&self) -> Result<Vec<RoleDetail>> {
        let request = self.iam.get_account_authorization_details();
        let request = request.filter(EntityType::Role).max_items(PAGE);
        let (mut all, mut marker) = (Vec::new(), None);
        loop {
            let sent = request.clone().set_marker(marker).send().await;
            let page = sent.explain("GetAccountAuthorizationDetails", CODES)?;
            all.extend(page.role_detail_list.unwrap_or_default());
            marker = page.marker.filter(|_| page.is_truncated);
            if marker.is_none() {
                return Ok(all);
            }
        }
    }

    /// Returns all roles of the account by name, without tags and boundaries.
    async fn roles(&self) -> Result<BTreeMap<String, Seen>> {
        let pages = self.iam.list_roles().max_items(PAGE).into_paginator();
        let all = pages.items().send().collect::<std::result::Result<Vec<_>, _>>().await;
        let all = all.explain("ListRoles", CODES)?;
        Ok(all.into_iter().map(|role| (role.role_name.clone(), role)).collect())
    }
}

/// Tells whether both lists show the same role, and the stack's tags on it: an endpoint may list less than it
/// knows.
fn is_complete(detail: &RoleDetail, role: &Seen, handle: &Handle<Spec>) -> bool {
    let stack = |applied: &Spec| applied.tags.get(tag::STACK).cloned();
    let has = |stack: &str| {
        let is = |one: &Tag| one.key == tag::STACK && one.value == stack;
        detail.tags().iter().any(is)
    };
    let is_owned = handle.applied.as_ref().and_then(stack).is_some_and(|stack| has(&stack));
    is_owned && detail.role_id.as_deref() == Some(&role.role_id)
}

fn read(detail: RoleDetail, mut role: Seen) -> Result<Read> {
    role.tags = detail.tags;
    role.permissions_boundary = detail.permissions_boundary;
    role.role_last_used = detail.role_last_used;
    let inline = |policy: PolicyDetail| {
        let (name, text) = policy.policy_name.zip(policy.policy_document)?;
        Some(document(&text).map(|document| (name, document)))
    };
    let policies = detail.role_policy_list.unwrap_or_default().into_iter().filter_map(inline);
    let attached = detail.attached_managed_policies.unwrap_or_default().into_iter();
    let arn = |policy: AttachedPolicy| policy.policy_arn;
    let policies = policies.collect::<Result<_>>()?;
    Ok(Read { role, policies, attached: attached.filter_map(arn).collect() })
}
