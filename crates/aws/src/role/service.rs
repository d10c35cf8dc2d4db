//! IAM, as this kind uses it: its client, error codes and consistency window.

use std::sync::Arc;
use std::time::Duration;

use stackwright_engine::kind::Result;

use crate::client::sdk_client;
use crate::cloud::Cloud;
use crate::fault::{Codes, Explain, Meaning, code};
use crate::pace::Quota;

sdk_client!(aws_sdk_iam, QUOTAS);

/// IAM throttles, and "IAM and AWS STS quotas" does not say when.
const QUOTAS: &[Quota] = &[Quota::of_all(20, 50).unpublished()];

/// How long IAM may not know an object that it has just created.
const CONSISTENCY_WINDOW: Duration = Duration::from_secs(20);

/// How long IAM may not know a role or user that a trust names. (Terraform's provider waits as long.)
pub(super) const NEW_PRINCIPAL: Duration = Duration::from_secs(120);

/// The error codes of IAM. Reads take `NoSuchEntity` for "gone" before it is looked up here: only a
/// write that follows a create meets it.
pub const CODES: Codes = &[
    ("EntityAlreadyExists", Meaning::NameTaken),
    ("ConcurrentModification", Meaning::Conflict),
    ("DeleteConflict", Meaning::Conflict),
    (
        "NoSuchEntity",
        Meaning::NotYet { what: "IAM to know what the call names", within: CONSISTENCY_WINDOW },
    ),
];

/// Roles of one account.
#[derive(Clone, Debug)]
pub struct Roles {
    pub(super) iam: aws_sdk_iam::Client,
}

impl Roles {
    pub(super) fn new(cloud: &Arc<Cloud>) -> Self {
        Self { iam: cloud.client() }
    }
}

/// Returns `None` if IAM says that the thing does not exist.
pub(super) fn unless_gone<T, E>(
    sent: std::result::Result<T, aws_sdk_iam::error::SdkError<E>>,
    call: &str,
) -> Result<Option<T>>
where
    E: std::error::Error + aws_sdk_iam::error::ProvideErrorMetadata + Send + Sync + 'static,
{
    match sent {
        Err(error) if code(&error) == Some("NoSuchEntity") => Ok(None),
        sent => sent.explain(call, CODES).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use stackwright_engine::kind::Fault;

    use super::*;
    use crate::fault::by_code;

    #[test]
    fn codes_of_iam_come_before_the_status() {
        assert_eq!(by_code("EntityAlreadyExists", 409, CODES), Fault::NameTaken);
        assert_eq!(by_code("DeleteConflict", 409, CODES), Fault::Conflict);
        assert_eq!(by_code("LimitExceeded", 409, CODES), Fault::Terminal);
        assert!(matches!(by_code("NoSuchEntity", 404, CODES), Fault::Awaiting { .. }));
    }
}
