//! What a user writes about a role.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::{OneOrMany, ShortOrLong};

use crate::iam::PATH;
use crate::policy_document::{Document, Statement, Written};

/// The section's name in the file.
pub const NAME: &str = "role";

/// The name of the inline policy that `allow` becomes.
pub const ALLOW_POLICY: &str = "stackwright";

/// An IAM role: who may assume it, and what it may do.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who may assume the role: a service (`lambda.amazonaws.com`), an account (twelve digits), an
    /// ARN, a list of these, or a whole trust policy as a map. If `ec2.amazonaws.com` is among them,
    /// the role also gets an instance profile of its name, which the field `profile` of an instance
    /// needs.
    #[schemars(extend("x-also-called" = ["assume_role_policy", "assume_role_policy_document"]))]
    pub trust: Trust,
    /// What the role may do. The statements become one inline policy named `stackwright`.
    #[serde(default)]
    #[schemars(extend("default" = []))]
    pub allow: Vec<Statement>,
    /// Further inline policies: the name, then the whole document as a map.
    #[serde(default)]
    #[schemars(extend("x-also-called" = ["inline_policy", "inline_policies"]))]
    pub policies: BTreeMap<String, Written>,
    /// Managed policies to attach: `policy.KEY` of this stack, or an ARN. Other attached policies stay attached, unless
    /// `managed_policies_exclusive` is `true`.
    #[serde(default)]
    #[schemars(extend("x-also-called" = ["managed_policy_arns"]))]
    pub managed_policies: Vec<String>,
    /// `true`: attached managed policies that are not in the file are detached.
    #[schemars(extend("default" = false))]
    pub managed_policies_exclusive: Option<bool>,
    /// The managed policy that limits what the role may do, whatever else allows it: `policy.KEY` of this stack, or
    /// an ARN.
    #[schemars(extend("default" = ""))]
    pub permissions_boundary: Option<String>,
    /// The path in the role's ARN, for example `/service/`. Policies can name all roles of a path. A
    /// change replaces the role.
    #[schemars(extend("default" = PATH))]
    pub path: Option<String>,
    /// A description for people, at most 1000 characters.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// How long a session may last: seconds, or `1h`.
    #[schemars(range(min = 3600, max = 43200), extend("default" = 3600))]
    #[schemars(extend("x-also-called" = ["max_session_duration"]))]
    pub max_session: Option<i32>,
}

/// Who may assume a role: by name, or as the whole document.
pub type Trust = ShortOrLong<OneOrMany, Written>;

impl From<Trust> for Document {
    fn from(trust: Trust) -> Self {
        match trust {
            Trust::Short(OneOrMany(who)) => Self::trust(&who),
            Trust::Long(document) => document.into(),
        }
    }
}
