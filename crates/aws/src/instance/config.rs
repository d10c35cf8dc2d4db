//! What a user writes about an instance, and its normal form.

use std::collections::BTreeMap;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{Context, Error, Result};

use super::volumes::Volume;
use super::{Metadata, Spec, profile, sorted};

/// User data before encoding, in bytes.
pub(super) const USER_DATA: usize = 16 * 1024;

/// What holds when nothing is written.
pub(super) const TOKENS: &str = "required";

/// A virtual machine on EC2.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The machine image it starts from: `ami-…`; `{owner: …, name: …}` for the newest image of that
    /// name (`*` and `?` are wildcards); or `{ssm: …}` for the one that a parameter of Systems Manager
    /// names. Another image means another instance. What is meant by a name is looked up once and
    /// kept, until `--refresh-image` looks it up anew.
    pub image: Image,
    /// Its size, for example `t3.micro`. For another size it is stopped and started again.
    #[serde(rename = "type")]
    pub kind: String,
    /// What another type means: `stop` (stopped for it, and started again where it was running),
    /// `replace` (another instance), `refuse` (an error, before anything is changed).
    #[serde(default)]
    #[schemars(extend("default" = "stop"))]
    pub on_type_change: OnTypeChange,
    /// The name of the key pair for SSH. Another key means another instance.
    pub key_name: Option<String>,
    /// Security groups by id: `sg-…`. The default group of the network when nothing is written.
    pub security_groups: Option<Vec<String>>,
    /// The subnet it stands in: `subnet-…`. Another subnet means another instance.
    pub subnet: Option<String>,
    /// The script that runs at its first start, at most 16 KiB: as text, or `{file: PATH}`, relative
    /// to the stack file. Another script means another instance.
    #[serde(default)]
    #[schemars(with = "UserData")]
    pub user_data: Option<UserData>,
    /// Disks by device, for example `/dev/xvda`, which go with the instance: a larger size or another
    /// type is set while it is used, a smaller size is refused, everything else means another instance.
    /// The device of the first disk is the image's choice, mostly `/dev/xvda` or `/dev/sda1`.
    pub volumes: Option<BTreeMap<String, VolumeConfig>>,
    /// Measurements every minute instead of every five, which costs extra.
    #[schemars(extend("default" = false))]
    pub monitoring: Option<bool>,
    /// Nobody can terminate it until this is `false` again, neither by `destroy` nor otherwise; a
    /// plan that would end or replace it is refused. Take it off first, in a run of its own.
    #[schemars(extend("default" = false))]
    pub termination_protection: Option<bool>,
    /// Whom programs on the instance act as: a role of this stack that trusts `ec2.amazonaws.com`, or
    /// the ARN of an instance profile.
    #[schemars(extend("default" = ""))]
    pub profile: Option<String>,
    /// Who may read the instance's metadata, its credentials among them.
    pub metadata: Option<MetadataConfig>,
    /// `running` or `stopped`: every run brings it there. `external`, which holds when nothing is
    /// written: whoever uses the instance starts and stops it.
    pub power: Option<Power>,
}

/// Who decides whether an instance runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Power {
    External,
    Running,
    Stopped,
}

/// What another type means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OnTypeChange {
    #[default]
    Stop,
    Replace,
    Refuse,
}

/// A disk.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VolumeConfig {
    /// GB, or `20GB`. A disk may grow, and never shrinks.
    #[schemars(range(min = 1, max = 65536))]
    pub size: i32,
    /// Its sort.
    #[serde(rename = "type", default)]
    #[schemars(extend("default" = "gp3"))]
    pub kind: VolumeType,
    /// `true`: what is on it is stored encrypted, with the account's key. When nothing is written, as
    /// the account and the image say.
    pub encrypted: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum VolumeType {
    #[default]
    Gp3,
    Gp2,
    St1,
    Sc1,
    Standard,
}

impl VolumeType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Gp3 => "gp3",
            Self::Gp2 => "gp2",
            Self::St1 => "st1",
            Self::Sc1 => "sc1",
            Self::Standard => "standard",
        }
    }
}

/// How the instance's metadata is read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetadataConfig {
    /// `required`: only with a token (IMDSv2), which what merely forwards requests does not get.
    /// `optional`: without one, too.
    #[serde(default)]
    #[schemars(extend("default" = TOKENS))]
    pub tokens: Tokens,
    /// Over how many network hops; a container needs 2. When nothing is written: what the image
    /// and the account say, mostly 1.
    #[schemars(range(min = 1, max = 64))]
    pub hop_limit: Option<i32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Tokens {
    #[default]
    Required,
    Optional,
}

/// Which image: its id, or where it is looked up.
pub type Image = ShortOrLong<String, Sought>;

/// Where an image is looked up: by owner and name, or by a parameter. What the file does not say is
/// empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, description = "")]
pub struct Sought {
    /// Whose: an account (twelve digits), `self`, `amazon` or `aws-marketplace`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// Its name; `*` and `?` are wildcards.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A parameter of Systems Manager that holds an image's id, instead of both.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ssm: String,
}

/// A script, or where it is.
pub type UserData = ShortOrLong<String, Script>;

/// A script in a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, description = "")]
pub struct Script {
    /// Relative to the stack file.
    #[schemars(required)]
    pub file: Option<String>,
}

/// `image`: its id, and where that was looked up.
pub(super) fn normalize(
    config: Config,
    (image, image_from): (Option<String>, Option<String>),
    at: &Context,
) -> Result<Spec> {
    let user_data = match config.user_data {
        Some(UserData::Long(Script { file })) => {
            Some(script(&at.folder.join(file.unwrap_or_default()))?)
        }
        Some(UserData::Short(text)) => Some(text),
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
    let meaning = |it| Some(config.kind.clone()).filter(|_| config.on_type_change == it);
    Ok(Spec {
        name: at.name.clone(),
        tags: at.tags.clone(),
        image,
        image_from,
        launch_type: meaning(OnTypeChange::Replace),
        on_type_change: meaning(OnTypeChange::Refuse),
        kind: Some(config.kind),
        key_name: config.key_name,
        security_groups: config.security_groups.map(sorted),
        subnet: config.subnet,
        user_data,
        monitoring: config.monitoring,
        termination_protection: config.termination_protection,
        volumes: config.volumes.map(|all| all.into_iter().map(volume).collect()),
        profile: config.profile.map(profile::name),
        metadata: config.metadata.map(metadata),
        power: config.power.filter(|power| *power != Power::External),
    })
}

/// At most 16 KiB: short enough to be read at once.
fn script(path: &Path) -> Result<String> {
    let read = std::fs::read(path).map_err(|error| {
        Error::terminal(format!("user_data: {}: {error}", path.display()))
            .with_hint("`file` is relative to the stack file")
    })?;
    if read.len() > USER_DATA {
        let message = format!("user_data: {} has more than 16 KiB", path.display());
        return Err(Error::terminal(message).with_hint(LOAD_THE_REST));
    }
    String::from_utf8(read).map_err(|_| {
        Error::terminal(format!("user_data: {} is not a text in UTF-8", path.display()))
            .with_hint("a script begins with `#!`; what is packed it can load from S3")
    })
}

pub(super) const LOAD_THE_REST: &str = "load the rest from S3 at the first start";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_comes_from_a_file_next_to_the_stack() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |bytes: &[u8]| std::fs::write(folder.path().join("a.sh"), bytes);
        let read = || script(&folder.path().join("a.sh")).map_err(|error| error.message);
        assert!(read().is_err_and(|message| message.contains("a.sh")));
        write(b"#!/bin/sh\n").expect("written");
        assert_eq!(read(), Ok("#!/bin/sh\n".to_owned()));
        write(&[0xff]).expect("written");
        assert!(read().is_err_and(|message| message.contains("UTF-8")));
        write(&[b'x'; USER_DATA + 1]).expect("written");
        assert!(read().is_err_and(|message| message.contains("16 KiB")));
    }
}
