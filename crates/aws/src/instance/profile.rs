//! The instance profile of an instance, which contains the role that programs on it assume.

use aws_sdk_ec2::types::{
    IamInstanceProfileSpecification, Instance as Seen, InstanceStateName as State,
};
use futures_util::TryFutureExt as _;
use stackwright_engine::kind::{Error, Fault, Result};

use super::seen::state;
use super::service::{CODES, Instances, NEW_PROFILE};
use crate::ec2::filter;
use crate::fault::Explain;

impl Instances {
    /// Sets the profile. Empty or `None` removes it.
    pub(super) async fn set_profile(&self, id: &str, now: &Seen, name: Option<&str>) -> Result<()> {
        let is_running = state(now) == State::Running;
        let ec2 = &self.ec2;
        let profile = name.and_then(specification);
        let request = ec2.describe_iam_instance_profile_associations();
        let request = request.filters(filter("instance-id", [id.to_owned()]));
        let active = ["associating", "associated"].map(str::to_owned);
        let sent = request.filters(filter("state", active)).send();
        let reply = sent.await.explain("DescribeIamInstanceProfileAssociations", CODES)?;
        let mut all = reply.iam_instance_profile_associations.unwrap_or_default().into_iter();
        let current =
            all.find(|one| one.instance_id() == Some(id)).and_then(|one| one.association_id);
        match (current, profile) {
            (Some(current), Some(profile)) if is_running => {
                let request =
                    ec2.replace_iam_instance_profile_association().association_id(current);
                let sent = request.iam_instance_profile(profile).send();
                let sent =
                    sent.map_ok(drop).await.explain("ReplaceIamInstanceProfileAssociation", CODES);
                sent.map_err(explain_profile)
            }
            (None, Some(profile)) => {
                let request = ec2.associate_iam_instance_profile().instance_id(id);
                let sent = request.iam_instance_profile(profile).send();
                sent.map_ok(drop)
                    .await
                    .explain("AssociateIamInstanceProfile", CODES)
                    .map_err(explain_profile)
            }
            // EC2 replaces the profile of a running instance only. Of any other it is removed here; the
            // next round adds the new one.
            (Some(current), _) => {
                let request = ec2.disassociate_iam_instance_profile().association_id(current);
                request.send().map_ok(drop).await.explain("DisassociateIamInstanceProfile", CODES)
            }
            (None, None) => Ok(()),
        }
    }
}

/// Returns a profile for a request. An empty name means none.
pub(super) fn specification(name: &str) -> Option<IamInstanceProfileSpecification> {
    let specification = IamInstanceProfileSpecification::builder().name(name).build();
    (!name.is_empty()).then_some(specification)
}

/// What EC2 says of a profile that it does not know yet, and of one whose role it does not know yet.
const UNKNOWN_PROFILE: &[&str] = &["Invalid IAM Instance Profile", "has no associated IAM Roles"];

/// Explains an error of a call with a profile: EC2 knows a new one some seconds later.
pub(super) fn explain_profile(error: Error) -> Error {
    let is_unknown = UNKNOWN_PROFILE.iter().any(|text| error.message.contains(text));
    if !is_unknown {
        return error;
    }
    let what = "EC2 to know the instance profile".to_owned();
    let fault = Fault::Awaiting { what, within: NEW_PROFILE };
    let error = Error { fault, ..error };
    error.with_hint("a role has an instance profile if its `trust` names ec2.amazonaws.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_profile_is_awaited() {
        let said = |text: &str| explain_profile(Error::terminal(text)).fault;
        let invalid = "RunInstances: InvalidParameterValue: Value (web) for parameter \
                       iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert!(matches!(said(invalid), Fault::Awaiting { .. }));
        let empty = "RunInstances: InvalidParameterValue: IAM Instance Profile \
                     \"arn:aws:iam::123456789012:instance-profile/web\" has no associated IAM Roles";
        assert!(matches!(said(empty), Fault::Awaiting { .. }));
        assert_eq!(said("RunInstances: InvalidParameterValue: x"), Fault::Terminal);
    }
}
