//! EC2 and Systems Manager, as this kind uses them: clients, error codes and consistency windows.

use std::sync::Arc;
use std::time::Duration;

use crate::client::sdk_client;
use crate::cloud::Cloud;
use crate::fault::{Codes, Meaning};
use crate::pace::Quota;

sdk_client!(aws_sdk_ec2, QUOTAS);
sdk_client!(aws_sdk_ssm, SSM_QUOTAS);

/// From "Request throttling for the Amazon EC2 API". Each operation has a bucket of its own. Operations on
/// instances have a second one, from which each instance takes a token: these calls are of one instance each.
/// A list without a filter would have a smaller one; every list here has a filter.
const QUOTAS: &[Quota] = &[
    Quota::of(&["RunInstances"], 5, 500),
    Quota::of(&["RunInstances"], 1_000, 500),
    Quota::of(&["StartInstances"], 5, 500),
    Quota::of(&["StartInstances"], 1_000, 500),
    Quota::of(&["StopInstances"], 50, 200),
    Quota::of(&["StopInstances"], 1_000, 50),
    Quota::of(&["TerminateInstances"], 100, 200),
    Quota::of(&["TerminateInstances"], 1_000, 50),
    Quota::of(&["CreateTags"], 100, 100),
    Quota::of(&["DeleteTags"], 100, 100),
    Quota::of(&["AssociateIamInstanceProfile"], 100, 200),
    Quota::of(&["DisassociateIamInstanceProfile"], 100, 200),
    Quota::of(&["ModifyInstanceMetadataOptions"], 100, 200),
    Quota::of(&["ModifyNetworkInterfaceAttribute"], 100, 200),
    Quota::of_each_other_read(100, 50),
    Quota::of_each_other_write(50, 200),
];

/// From "AWS Systems Manager endpoints and quotas".
const SSM_QUOTAS: &[Quota] = &[Quota::of(&["GetParameter"], 40, 25)];

/// How long EC2 may not know an instance that it has just created.
const NEW_INSTANCE: Duration = Duration::from_secs(120);
/// How long EC2 may not know a security group that it has just created.
const NEW_GROUP: Duration = Duration::from_secs(60);
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
        Meaning::NotYet { what: "the security group to be known to EC2", within: NEW_GROUP },
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
