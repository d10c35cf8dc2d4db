//! IAM, as this kind uses it.

use std::sync::Arc;
use std::time::Duration;

use crate::cloud::Cloud;

/// How long IAM may not know a role or user that a trust names. (Terraform's provider waits as long.)
pub(super) const NEW_PRINCIPAL: Duration = Duration::from_secs(120);

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
