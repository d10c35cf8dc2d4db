//! An instance in its normal form.
//!
//! Some fields only say what a change means: `launch_type` and `on_type_change`, both observed as the
//! type, that a change of type replaces the instance or is refused; `image_from` where the image was
//! looked up, so that it is looked up once; `restart` that an earlier run stopped the instance for a
//! change of type and has not finished.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::{Context, Result};
use stackwright_engine::reference;

use super::config::{Config, MetadataConfig, OnTypeChange, Power, TOKENS, Tokens, VolumeConfig};
use super::user_data;
use crate::tags::Tags;
use crate::text_file::{InFile, TextOrFile};

/// An instance in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// Sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet: Option<String>,
    /// Plain text, not the base64 that EC2 takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// Where `image` was looked up: `OWNER/NAME`, `ssm:PARAMETER`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_from: Option<String>,
    /// The type once more, if a change of it replaces the instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// The type once more, if a change of it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_type_change: Option<String>,
    /// Always desired as [`Restart::None`].
    #[serde(default)]
    pub restart: Restart,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitoring: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub termination_protection: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volumes: Option<Volumes>,
    /// The name of an instance profile. Empty: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// `running` or `stopped`; absent if the file leaves it to others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power: Option<Power>,
}

/// The restart that a change of type needs, as far as it is unfinished. The values differ, so that
/// each step of a restart is a change that the engine sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Restart {
    /// Nothing is unfinished.
    #[default]
    None,
    /// The instance was stopped for a change of type and has not been started again.
    Pending,
    /// The instance is running, and the tag that asks for the restart is still there.
    Unconfirmed,
}

/// How programs on the instance read its metadata, its credentials among them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// `required`, `optional`.
    pub tokens: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hop_limit: Option<i32>,
}

/// Volumes by device: `/dev/xvda`.
pub type Volumes = BTreeMap<String, Volume>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// GiB.
    pub size: i32,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<bool>,
}

/// The image that a config means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedImage {
    /// `None`: it cannot be known yet.
    pub id: Option<String>,
    /// Where the id was looked up. `None`: the file has the id itself.
    pub from: Option<String>,
}

/// Returns the normal form of a config.
pub fn normalize(config: Config, image: ResolvedImage, context: &Context) -> Result<Spec> {
    let user_data = match config.user_data {
        Some(TextOrFile::Long(InFile { file })) => {
            Some(user_data::read(&context.folder.join(file.unwrap_or_default()))?)
        }
        Some(TextOrFile::Short(text)) => Some(text),
        None => None,
    };
    let metadata = |MetadataConfig { tokens, hop_limit }| Metadata {
        tokens: match tokens {
            Tokens::Required => TOKENS.to_owned(),
            Tokens::Optional => "optional".to_owned(),
        },
        hop_limit,
    };
    let volume = |(device, VolumeConfig { size, kind, encrypted })| {
        (device, Volume { size, kind: kind.as_str().to_owned(), encrypted })
    };
    let type_if = |it| Some(config.kind.clone()).filter(|_| config.on_type_change == it);
    Ok(Spec {
        name: context.name.clone(),
        tags: context.tags.clone(),
        image: image.id,
        image_from: image.from,
        launch_type: type_if(OnTypeChange::Replace),
        on_type_change: type_if(OnTypeChange::Refuse),
        restart: Restart::None,
        kind: Some(config.kind),
        key_name: config.key_name,
        security_groups: config.security_groups.map(sorted),
        subnet: config.subnet,
        user_data,
        monitoring: config.monitoring,
        termination_protection: config.termination_protection,
        volumes: config.volumes.map(|all| all.into_iter().map(volume).collect()),
        profile: config.profile.map(profile_name),
        metadata: config.metadata.map(metadata),
        power: config.power.filter(|power| *power != Power::External),
    })
}

/// Returns security groups as a set.
pub fn sorted(mut groups: Vec<String>) -> Vec<String> {
    groups.sort();
    groups.dedup();
    groups
}

/// Returns the name of the instance profile that an ARN of a role or of a profile, or a name, means.
/// A text with an output that is not known yet stays as it is.
pub fn profile_name(text: String) -> String {
    if reference::markers(&text).next().is_some() {
        return text;
    }
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_means_the_profile_of_its_name() {
        let name = |text: &str| profile_name(text.to_owned());
        assert_eq!(name("arn:aws:iam::123456789012:role/service/web"), "web");
        assert_eq!(name("arn:aws:iam::123456789012:instance-profile/web"), "web");
        assert_eq!(name("web"), "web");
        assert_eq!(name(""), "");
    }
}
