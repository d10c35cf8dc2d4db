//! A managed policy in its normal form.

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::Context;

use super::config::Config;
use crate::policy_document::Document;
use crate::tags::Tags;

/// A managed policy in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    /// The document of the default version, which is the one that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Document>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// Returns the normal form of a config.
pub fn normalize(config: Config, context: &Context) -> Spec {
    Spec {
        name: context.name.clone(),
        tags: context.tags.clone(),
        allow: Some(config.allow.into()),
        description: config.description,
        path: config.path,
    }
}
