//! What a user writes about an instance.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::config::ShortOrLong;

use crate::text_file::TextOrFile;

/// The default of `metadata.tokens`.
pub const TOKENS: &str = "required";

/// A virtual machine on EC2.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The machine image: `ami-…`; `{owner: …, name: …}` for the newest image of that name (`*` and
    /// `?` are wildcards); or `{ssm: …}` for the image that a Systems Manager parameter names. A name
    /// is looked up once and the result is kept; `--refresh-image` looks it up again. A change replaces
    /// the instance.
    #[schemars(extend("x-also-called" = ["ami", "image_id"]))]
    pub image: Image,
    /// The instance type, for example `t3.micro`. For a change the instance is stopped and started
    /// again.
    #[serde(rename = "type")]
    #[schemars(extend("x-also-called" = ["instance_type"]))]
    pub kind: String,
    /// What a change of `type` does: `stop` (the instance is stopped for it, and started again if it
    /// was running), `replace` (the instance is replaced), `refuse` (an error before anything is
    /// changed).
    #[serde(default)]
    #[schemars(extend("default" = "stop"))]
    pub on_type_change: OnTypeChange,
    /// The key pair for SSH: `key_pair.KEY` of this stack, or the name of another one. A change replaces the instance.
    #[schemars(extend("x-also-called" = ["key_pair"]))]
    pub key_name: Option<String>,
    /// Security groups: `security_group.KEY` of this stack, or an id `sg-…`. If unset, the default
    /// group of the network.
    #[schemars(extend("x-also-called" = ["vpc_security_group_ids", "security_group_ids"]))]
    pub security_groups: Option<Vec<String>>,
    /// The subnet: `subnet-…`. A change replaces the instance.
    #[schemars(extend("x-also-called" = ["subnet_id"]))]
    pub subnet: Option<String>,
    /// The script that runs at the first start, at most 16 KiB: as text, or `{file: PATH}`, relative to
    /// the stack file. A change replaces the instance.
    #[serde(default)]
    #[schemars(with = "TextOrFile")]
    pub user_data: Option<TextOrFile>,
    /// Disks by device, for example `/dev/xvda`. They are deleted with the instance. A larger size or
    /// another type is set while the disk is in use, a smaller size is refused, and any other change
    /// replaces the instance. The image decides the device of the first disk, mostly `/dev/xvda` or
    /// `/dev/sda1`.
    #[schemars(extend("x-also-called" = ["block_device_mappings", "root_block_device", "ebs_block_device"]))]
    pub volumes: Option<BTreeMap<String, VolumeConfig>>,
    /// Whether metrics are collected every minute instead of every five, which costs extra.
    #[schemars(extend("default" = false))]
    pub monitoring: Option<bool>,
    /// Whether EC2 refuses to terminate the instance, for `destroy` and for everybody else. A plan
    /// that would delete or replace the instance is blocked: set `false` first, in a run of its own.
    #[schemars(extend("default" = false))]
    #[schemars(extend("x-also-called" = ["disable_api_termination"]))]
    pub termination_protection: Option<bool>,
    /// The role that programs on the instance assume: `role.KEY` of this stack, which must trust
    /// `ec2.amazonaws.com`, or the ARN of an instance profile.
    #[schemars(extend("default" = ""))]
    #[schemars(extend("x-also-called" = ["iam_instance_profile", "instance_profile"]))]
    pub profile: Option<String>,
    /// How the instance's metadata, its credentials among them, may be read.
    #[schemars(extend("x-also-called" = ["metadata_options"]))]
    pub metadata: Option<MetadataConfig>,
    /// `running` or `stopped`: every run starts or stops the instance accordingly. `external`, also if
    /// unset: stackwright leaves starting and stopping to others.
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

/// What a change of type does.
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
    /// The size in GB, or `20GB`. A disk can grow and cannot shrink.
    #[schemars(range(min = 1, max = 65536))]
    pub size: i32,
    /// The type of the disk.
    #[serde(rename = "type", default)]
    #[schemars(extend("default" = "gp3"))]
    pub kind: VolumeType,
    /// `true`: the disk is encrypted with the account's key. If unset, the account and the image
    /// decide.
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
    pub fn as_str(self) -> &'static str {
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
    /// `required`: only with a session token (IMDSv2), which a proxy on the instance cannot get.
    /// `optional`: also without a token.
    #[serde(default)]
    #[schemars(extend("default" = TOKENS))]
    pub tokens: Tokens,
    /// How many network hops a reply may travel; a container needs 2. If unset, the image and the
    /// account decide, mostly 1.
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

/// An image: its id, or where it is looked up.
pub type Image = ShortOrLong<String, ImageLookup>;

/// Where an image is looked up: by owner and name, or by a parameter. What the file leaves out is
/// empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, description = "")]
pub struct ImageLookup {
    /// The owner of the image: an account (twelve digits), `self`, `amazon` or `aws-marketplace`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// The name of the image; `*` and `?` are wildcards.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A Systems Manager parameter that contains an image id, instead of `owner` and `name`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ssm: String,
}
