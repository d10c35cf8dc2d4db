//! A role in its normal form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::Context;

use super::config::{ALLOW_POLICY, Config};
use crate::policy_document::Document;
use crate::tags::Tags;

/// The service whose instances assume roles through instance profiles.
pub const EC2: &str = "ec2.amazonaws.com";

/// A role in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Document>,
    /// Inline policies by name, that of `allow` among them. The map is always there, so that a policy
    /// that is removed from the file is a removed key, also when it was the last one.
    pub policies: BTreeMap<String, Document>,
    /// ARN to `true`: a map and not a list, so that each policy is a key of its own, and an unmanaged
    /// one a key that is not this stack's.
    pub managed_policies: BTreeMap<String, bool>,
    /// The comparison reads it: whether an unmanaged policy is drift.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_policies_exclusive: Option<bool>,
    /// Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_session: Option<i32>,
    /// Whether the role is in the instance profile of its name, as it should be if it trusts EC2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<InProfile>,
}

/// Whether a role is in the instance profile of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InProfile {
    Yes,
    /// This stack's profile exists without the role, which is never desired.
    Empty,
    No,
}

/// Returns the normal form of a config.
pub fn normalize(config: Config, context: &Context) -> Spec {
    let policies = config.policies.into_iter().map(|(name, written)| (name, written.into()));
    let mut policies: BTreeMap<String, Document> = policies.collect();
    if !config.allow.is_empty() {
        policies.insert(ALLOW_POLICY.to_owned(), Document::allow(&config.allow));
    }
    let trust = Document::from(config.trust);
    let instance_profile = if trust.trusts(EC2) { InProfile::Yes } else { InProfile::No };
    Spec {
        name: context.name.clone(),
        tags: context.tags.clone(),
        instance_profile: Some(instance_profile),
        trust: Some(trust),
        policies,
        managed_policies: config.managed_policies.into_iter().map(|arn| (arn, true)).collect(),
        managed_policies_exclusive: config.managed_policies_exclusive,
        permissions_boundary: config.permissions_boundary,
        path: config.path,
        description: config.description,
        max_session: config.max_session,
    }
}
