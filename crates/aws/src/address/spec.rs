//! An address in its normal form.

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::Context;

use super::config::Config;
use crate::tags::Tags;

/// An address in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    /// The id of an instance. Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// Returns the normal form of a config.
pub fn normalize(config: Config, context: &Context) -> Spec {
    Spec { name: context.name.clone(), tags: context.tags.clone(), instance: config.instance }
}
