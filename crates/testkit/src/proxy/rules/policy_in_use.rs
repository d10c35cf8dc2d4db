//! IAM does not delete a managed policy that has several versions, is attached, or is somebody's boundary.
//!
//! Source: DeletePolicy in the IAM API: detach it from all users, groups and roles, and delete its versions first.

use super::{Answer, ApiRequest, Rule, Upstream};
use crate::kinds::text::texts;
use crate::proxy::refusal::error;

pub struct PolicyInUse {
    upstream: Upstream,
}

impl PolicyInUse {
    pub fn new(upstream: &Upstream) -> Self {
        Self { upstream: upstream.clone() }
    }

    fn is_attached(&self, arn: &str) -> bool {
        let form = format!("Action=ListEntitiesForPolicy&PolicyArn={arn}");
        let entities = self.upstream.iam(&form);
        ["RoleName", "UserName", "GroupName"].iter().any(|name| !texts(&entities, name).is_empty())
    }

    fn is_boundary(&self, arn: &str) -> bool {
        let roles = texts(&self.upstream.iam("Action=ListRoles"), "RoleName");
        roles.iter().any(|role| {
            let role = self.upstream.iam(&format!("Action=GetRole&RoleName={role}"));
            let boundaries = texts(&role, "PermissionsBoundaryArn");
            boundaries.iter().any(|boundary| boundary.replace('+', "%2B") == arn)
        })
    }

    fn has_several_versions(&self, arn: &str) -> bool {
        let versions = self.upstream.iam(&format!("Action=ListPolicyVersions&PolicyArn={arn}"));
        texts(&versions, "VersionId").len() > 1
    }
}

impl Rule for PolicyInUse {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if !request.is("iam", "DeletePolicy") {
            return None;
        }
        // It is sent in a form again, in which `+` would be a space.
        let arn = request.field("PolicyArn")?.replace('+', "%2B");
        let message = if self.has_several_versions(&arn) {
            "This policy has more than one version. Before you delete a policy, you must delete the policy's \
             versions. The default version is deleted with the policy."
        } else if self.is_attached(&arn) || self.is_boundary(&arn) {
            "Cannot delete a policy attached to entities."
        } else {
            return None;
        };
        Some(error(&request.operation, 409, "DeleteConflict", message))
    }
}
