//! EC2 does not delete a security group that something uses: an instance, also for a while after its
//! end, or a rule of another group.
//!
//! Source: the errors of DeleteSecurityGroup, hashicorp/terraform-provider-aws issue 1671.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Answer, ApiRequest, Rule, Upstream};
use crate::kinds::security_group::own;
use crate::kinds::text::{elements, texts};
use crate::proxy::refusal::error;

pub struct InUse {
    /// How many deletes of its groups an instance outlives its end.
    lasts: usize,
    upstream: Upstream,
    /// By group: how many deletes are refused for an instance that has ended.
    left: Mutex<HashMap<String, usize>>,
}

impl InUse {
    pub fn new(lasts: usize, upstream: &Upstream) -> Self {
        Self { lasts, upstream: upstream.clone(), left: Mutex::default() }
    }

    fn ends(&self, request: &ApiRequest) {
        let is_id = |field: &str| field.starts_with("InstanceId.");
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, id) in request.form().into_iter().filter(|(field, _)| is_id(field)) {
            for group in texts(&self.upstream.instance(&id), "groupId") {
                left.insert(group, self.lasts);
            }
        }
    }

    fn is_used(&self, group: &str) -> bool {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = left.get_mut(group).filter(|left| **left > 0) {
            *left -= 1;
            return true;
        }
        let id = format!("<groupId>{group}</groupId>");
        let instances = self.upstream.ec2("Action=DescribeInstances");
        let sets = elements(&instances, "instancesSet");
        let mut alive = sets.iter().filter(|set| !set.contains("<name>terminated</name>"));
        let groups = self.upstream.ec2("Action=DescribeSecurityGroups");
        let others = elements(&groups, "item");
        let mut others = others.iter().filter(|other| !own(other).contains(&id));
        alive.any(|set| set.contains(&id)) || others.any(|other| other.contains(&id))
    }
}

impl Rule for InUse {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if request.is("ec2", "TerminateInstances") {
            self.ends(request);
        }
        if !request.is("ec2", "DeleteSecurityGroup") {
            return None;
        }
        let group = request.field("GroupId")?;
        let message = format!("resource {group} has a dependent object");
        let refused = || error(&request.operation, 400, "DependencyViolation", &message);
        self.is_used(&group).then(refused)
    }
}
