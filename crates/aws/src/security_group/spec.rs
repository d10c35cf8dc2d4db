//! The normal form of a security group.

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::{Context, Error, Result};

use super::config::Config;
use super::rule::Direction;
use crate::tags::Tags;
use crate::wrong::Wrong;

/// A security group in its normal form.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<String>,
    /// One text for each rule that EC2 counts, sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Vec<String>>,
}

pub(super) fn normalize(config: Config, at: &Context) -> Result<Spec> {
    let rules = |direction: Direction, texts: Option<Vec<String>>| {
        let normalize = |texts: Vec<String>| direction.normalize(&texts);
        texts.map(normalize).transpose().map_err(|Wrong { message, hint }| {
            Error::terminal(message).with_field(direction.field()).with_hint(hint)
        })
    };
    Ok(Spec {
        name: at.name.clone(),
        tags: at.tags.clone(),
        description: config.description,
        vpc: config.vpc,
        ingress: rules(Direction::Ingress, config.ingress)?,
        egress: rules(Direction::Egress, config.egress)?,
    })
}

/// Tells whether a name or description has only characters that EC2 takes.
pub(super) fn is_text(text: &str) -> bool {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    (1..=255).contains(&text.chars().count()) && text.chars().all(is_taken)
}
