//! What a user writes about a managed policy.

use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::ShortOrLong;

use crate::iam::PATH;
use crate::policy_document::{Document, Statement, Written};

/// A managed policy of IAM: permissions that roles, users and groups share by attaching it. Roles name it in
/// `managed_policies`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it allows or denies: statements as in `allow` of a role, or a whole document as a map. A change becomes
    /// a new version of the policy.
    #[schemars(extend("x-also-called" = ["policy", "policy_document", "document"]))]
    pub allow: Allow,
    /// A description for people, at most 1000 characters. A change replaces the policy.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// The path in the policy's ARN, for example `/service/`. A change replaces the policy.
    #[schemars(extend("default" = PATH))]
    pub path: Option<String>,
}

/// Statements, or the whole document.
pub type Allow = ShortOrLong<Vec<Statement>, Written>;

impl From<Allow> for Document {
    fn from(allow: Allow) -> Self {
        match allow {
            Allow::Short(statements) => Self::allow(&statements),
            Allow::Long(document) => document.into(),
        }
    }
}
