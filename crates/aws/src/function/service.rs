//! Lambda, as this kind uses it: clients, error codes and consistency window.

use std::sync::Arc;
use std::time::Duration;

use super::build::Builds;
use super::code_cache::CodeCache;
use crate::call_tracker::CallTracker;
use crate::client::sdk_client;
use crate::cloud::Cloud;
use crate::connect::Sources;
use crate::fault::{Codes, Meaning};
use crate::pace::Quota;

sdk_client!(aws_sdk_lambda, QUOTAS);

/// From "Lambda quotas". Invocations have one for each function and its concurrency, and a new account has the
/// lowest.
const QUOTAS: &[Quota] = &[
    Quota::of(&["GetFunction"], 100, 10),
    Quota::of(&["GetPolicy"], 15, 67),
    Quota::of(&["Invoke"], 100, 10),
    Quota::of_others(15, 67),
];

/// How long a new role may be unknown to a part of Lambda. (Terraform's provider waits as long.)
pub const NEW_ROLE: Duration = Duration::from_secs(300);
/// How long EC2 may throttle what Lambda does there for a function in a network.
pub(super) const EC2_THROTTLES: Duration = Duration::from_secs(600);

/// The error codes of Lambda.
pub const CODES: Codes = &[
    ("ResourceConflictException", Meaning::Conflict),
    ("PreconditionFailedException", Meaning::Conflict),
];

/// Functions of one account and region.
pub struct Functions {
    pub(super) calls: CallTracker,
    pub(super) lambda: aws_sdk_lambda::Client,
    /// For the trust of a function's role.
    pub(super) iam: aws_sdk_iam::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) sources: Sources,
    pub(super) builds: Builds,
    pub(super) code: CodeCache,
}

impl Functions {
    pub(super) fn new(cloud: &Arc<Cloud>, sources: Sources) -> Self {
        Self {
            calls: cloud.calls.clone(),
            lambda: cloud.client(),
            iam: cloud.client(),
            logs: cloud.client(),
            sources,
            builds: Builds::default(),
            code: CodeCache::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use stackwright_engine::kind::Fault;

    use super::*;
    use crate::fault::by_code;

    #[test]
    fn codes_of_lambda_come_before_the_status() {
        assert_eq!(by_code("ResourceConflictException", 409, CODES), Fault::Conflict);
        assert_eq!(by_code("TooManyRequestsException", 429, CODES), Fault::Transient);
        assert_eq!(by_code("ResourceNotFoundException", 404, CODES), Fault::Terminal);
    }
}
