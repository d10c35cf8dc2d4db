//! Whom programs on an instance act as: an instance profile, which holds a role and bears its name.

use std::time::Duration;

use aws_sdk_ec2::types::{
    IamInstanceProfileSpecification, Instance as Seen, InstanceStateName as State,
};
use futures_util::TryFutureExt as _;
use stackwright_engine::kind::{Error, Fault, Result};
use stackwright_engine::reference;

use super::Instances;
use super::observe::{filter, state};
use crate::fault::Explain;

/// How long the news of a new profile may take.
const KNOWN: Duration = Duration::from_secs(60);

impl Instances {
    /// Empty or left out: none.
    pub(super) async fn set_profile(&self, id: &str, now: &Seen, name: Option<&str>) -> Result<()> {
        let is_running = state(now) == State::Running;
        let ec2 = &self.cloud.ec2;
        let profile = name.and_then(specification);
        let request = ec2.describe_iam_instance_profile_associations();
        let request = request.filters(filter("instance-id", [id.to_owned()]));
        let in_force = ["associating", "associated"].map(str::to_owned);
        let sent = request.filters(filter("state", in_force)).send();
        let reply = sent.await.explain("DescribeIamInstanceProfileAssociations")?;
        let mut all = reply.iam_instance_profile_associations.unwrap_or_default().into_iter();
        let held = all.find(|one| one.instance_id() == Some(id)).and_then(|one| one.association_id);
        match (held, profile) {
            (Some(held), Some(profile)) if is_running => {
                let request = ec2.replace_iam_instance_profile_association().association_id(held);
                let sent = request.iam_instance_profile(profile).send();
                let sent = sent.map_ok(drop).await.explain("ReplaceIamInstanceProfileAssociation");
                sent.map_err(not_yet)
            }
            (None, Some(profile)) => {
                let request = ec2.associate_iam_instance_profile().instance_id(id);
                let sent = request.iam_instance_profile(profile).send();
                sent.map_ok(drop).await.explain("AssociateIamInstanceProfile").map_err(not_yet)
            }
            // Of one that does not run EC2 only lets it go; the next look finds it without.
            (Some(held), _) => {
                let request = ec2.disassociate_iam_instance_profile().association_id(held);
                request.send().map_ok(drop).await.explain("DisassociateIamInstanceProfile")
            }
            (None, None) => Ok(()),
        }
    }
}

/// `None` for none.
pub(super) fn specification(name: &str) -> Option<IamInstanceProfileSpecification> {
    let specification = IamInstanceProfileSpecification::builder().name(name).build();
    (!name.is_empty()).then_some(specification)
}

/// The name of the profile that a role's or a profile's ARN, or a name, means. A text that waits for
/// an output stays as it is.
pub(super) fn name(text: String) -> String {
    if reference::markers(&text).next().is_some() {
        return text;
    }
    text.rsplit('/').next().unwrap_or_default().to_owned()
}

/// An answer of EC2, which hears of a new profile some seconds later.
pub(super) fn not_yet(error: Error) -> Error {
    if !error.message.contains("Invalid IAM Instance Profile") {
        return error;
    }
    let what = "EC2 to know the instance profile".to_owned();
    let fault = Fault::Awaiting { what, within: KNOWN };
    let error = Error { fault, ..error };
    error.with_hint("a role has one while its `trust` names ec2.amazonaws.com")
}

/// The name of the profile that an instance has. Empty: none.
pub(super) fn of(seen: &Seen) -> String {
    let arn = seen.iam_instance_profile().and_then(|profile| profile.arn());
    arn.map(|arn| name(arn.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_profile_is_awaited() {
        let said = |text: &str| not_yet(Error::terminal(text)).fault;
        let invalid = "RunInstances: InvalidParameterValue: Value (web) for parameter \
                       iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert!(matches!(said(invalid), Fault::Awaiting { .. }));
        assert_eq!(said("RunInstances: InvalidParameterValue: x"), Fault::Terminal);
    }

    #[test]
    fn a_role_means_the_profile_of_its_name() {
        let name = |text: &str| name(text.to_owned());
        assert_eq!(name("arn:aws:iam::123456789012:role/service/web"), "web");
        assert_eq!(name("arn:aws:iam::123456789012:instance-profile/web"), "web");
        assert_eq!(name("web"), "web");
        assert_eq!(name(""), "");
    }
}
