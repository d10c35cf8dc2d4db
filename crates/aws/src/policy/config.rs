//! What a user writes about a managed policy.

use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::ShortOrLong;

use crate::iam::PATH;
use crate::policy_document::{Document, Statement};

/// A managed policy of IAM: what whoever it is attached to may do. Roles name it in `managed_policies`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What it allows: statements as in `allow` of a role, or a whole document as a map. A change becomes a new
    /// version of the policy.
    #[schemars(extend("x-also-called" = ["policy", "policy_document", "document"]))]
    pub allow: Allow,
    /// A description for people, at most 1000 characters, which IAM never changes: another one means another
    /// policy.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// The path in the policy's ARN, for example `/service/`. A change replaces the policy.
    #[schemars(extend("default" = PATH))]
    pub path: Option<String>,
}

/// Statements, or the whole document.
pub type Allow = ShortOrLong<Vec<Statement>, Document>;

impl From<Allow> for Document {
    fn from(allow: Allow) -> Self {
        match allow {
            Allow::Short(statements) => Self::allow(&statements),
            Allow::Long(document) => document,
        }
    }
}
