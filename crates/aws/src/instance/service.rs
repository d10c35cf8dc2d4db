//! EC2 and Systems Manager, as this kind uses them: clients, error codes and consistency windows.

use std::sync::Arc;
use std::time::Duration;

use crate::client::sdk_client;
use crate::cloud::Cloud;
use crate::fault::{Codes, Meaning};
use crate::pace::Quota;

sdk_client!(aws_sdk_ssm, SSM_QUOTAS);

/// From "AWS Systems Manager endpoints and quotas".
const SSM_QUOTAS: &[Quota] = &[Quota::of(&["GetParameter"], 40, 25)];

/// How long EC2 may not know an instance that it has just created.
const NEW_INSTANCE: Duration = Duration::from_secs(120);
/// How long EC2 may not know a security group or a key pair that it has just created.
const NEW_PART: Duration = Duration::from_secs(60);
/// How long EC2 may not know an instance profile that IAM has just created.
pub const NEW_PROFILE: Duration = Duration::from_secs(120);
/// How long a disk may be busy with its last change. A large disk takes hours: the next run goes on.
const DISK_CHANGE: Duration = Duration::from_secs(600);

/// The error codes of EC2.
pub const CODES: Codes = &[
    ("IncorrectState", Meaning::Conflict),
    ("IncorrectInstanceState", Meaning::Conflict),
    // EC2 refuses these with status 500, and has created nothing.
    ("InsufficientInstanceCapacity", Meaning::Refused),
    ("InsufficientHostCapacity", Meaning::Refused),
    ("InsufficientCapacity", Meaning::Refused),
    // They end a create: the next run makes another with a token of its own.
    ("IdempotentInstanceTerminated", Meaning::Refused),
    ("IdempotentParameterMismatch", Meaning::Refused),
    // Reads take it for "gone" before it is looked up here: only a write that follows a create meets it.
    (
        "InvalidInstanceID.NotFound",
        Meaning::NotYet { what: "the instance to be known to EC2", within: NEW_INSTANCE },
    ),
    // A security group of this stack may be as new as the instance.
    (
        "InvalidGroup.NotFound",
        Meaning::NotYet { what: "the security group to be known to EC2", within: NEW_PART },
    ),
    // So may a key pair.
    (
        "InvalidKeyPair.NotFound",
        Meaning::NotYet { what: "the key pair to be known to EC2", within: NEW_PART },
    ),
    (
        "IncorrectModificationState",
        Meaning::NotYet { what: "the disk's last change to end", within: DISK_CHANGE },
    ),
];

/// Instances of one account and region.
#[derive(Clone, Debug)]
pub struct Instances {
    pub(super) cloud: Arc<Cloud>,
    pub(super) ec2: aws_sdk_ec2::Client,
    pub(super) ssm: aws_sdk_ssm::Client,
}

impl Instances {
    pub(super) fn new(cloud: &Arc<Cloud>) -> Self {
        Self { cloud: cloud.clone(), ec2: cloud.client(), ssm: cloud.client() }
    }
}

#[cfg(test)]
mod tests {
    use stackwright_engine::kind::Fault;

    use super::*;
    use crate::fault::by_code;

    #[test]
    fn codes_of_ec2_come_before_the_status() {
        assert_eq!(by_code("IncorrectInstanceState", 400, CODES), Fault::Conflict);
        assert_eq!(by_code("InsufficientInstanceCapacity", 500, CODES), Fault::Terminal);
        assert_eq!(by_code("UnsupportedOperation", 400, CODES), Fault::Terminal);
        assert_eq!(by_code("InvalidAMIID.NotFound", 400, CODES), Fault::Terminal);
        let unknown = by_code("InvalidInstanceID.NotFound", 400, CODES);
        assert!(matches!(unknown, Fault::Awaiting { .. }), "{unknown:?}");
    }
}
