//! EC2 releases no address that leads to an instance, and gives none to an instance that is pending.
//!
//! Source: the errors of ReleaseAddress and AssociateAddress; what Terraform's provider waits for
//! (`aws_eip_association`: "pending instance").

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Answer, ApiRequest, Rule, Upstream};
use crate::kinds::text::texts;
use crate::proxy::refusal::error;

pub struct AddressInUse {
    /// How many associations find an instance pending.
    lasts: usize,
    upstream: Upstream,
    /// By instance: how many have found it so.
    found: Mutex<HashMap<String, usize>>,
}

impl AddressInUse {
    pub fn new(lasts: usize, upstream: &Upstream) -> Self {
        Self { lasts, upstream: upstream.clone(), found: Mutex::default() }
    }

    fn is_pending(&self, instance: &str) -> bool {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let found = found.entry(instance.to_owned()).or_default();
        *found += 1;
        *found <= self.lasts
    }

    fn is_associated(&self, id: &str) -> bool {
        let seen = self.upstream.ec2(&format!("Action=DescribeAddresses&AllocationId.1={id}"));
        texts(&seen, "associationId").iter().any(|association| !association.is_empty())
    }
}

impl Rule for AddressInUse {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let refused = |code: &str, message: &str| error(&request.operation, 400, code, message);
        if request.is("ec2", "AssociateAddress") {
            let instance = request.field("InstanceId")?;
            let message = format!(
                "The pending instance '{instance}' is not in a valid state for this operation."
            );
            return self.is_pending(&instance).then(|| refused("InvalidInstanceID", &message));
        }
        if !request.is("ec2", "ReleaseAddress") {
            return None;
        }
        let id = request.field("AllocationId")?;
        let message = format!("Address {id} is in use.");
        self.is_associated(&id).then(|| refused("InvalidIPAddress.InUse", &message))
    }
}
