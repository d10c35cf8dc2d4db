//! EC2, as this kind uses it: the client, error codes and consistency windows.

use std::sync::Arc;
use std::time::Duration;

use crate::cloud::Cloud;
use crate::fault::{Codes, Meaning};

/// How long EC2 may not know a group that it has just created.
const NEW_GROUP: Duration = Duration::from_secs(60);

/// A network interface of an instance that ended goes within minutes, one of a function within some
/// twenty; until then EC2 does not delete its groups.
pub(super) const IN_USE: Duration = Duration::from_secs(1500);

/// The error codes of EC2.
pub(super) const CODES: Codes = &[
    ("InvalidGroup.Duplicate", Meaning::NameTaken),
    // EC2 refuses such a call as a whole, when one of its rules is there already or gone already: the
    // rules have changed since they were read, and are read again.
    ("InvalidPermission.Duplicate", Meaning::Conflict),
    ("InvalidPermission.NotFound", Meaning::Conflict),
    // Reads take it for "gone" before it is looked up here: only a write that follows a create meets it.
    (
        "InvalidGroup.NotFound",
        Meaning::NotYet { what: "the security group to be known to EC2", within: NEW_GROUP },
    ),
];

/// Security groups of one account and region.
#[derive(Clone, Debug)]
pub struct SecurityGroups {
    pub(super) cloud: Arc<Cloud>,
    pub(super) ec2: aws_sdk_ec2::Client,
}

impl SecurityGroups {
    pub(super) fn new(cloud: &Arc<Cloud>) -> Self {
        Self { cloud: cloud.clone(), ec2: cloud.client() }
    }
}
