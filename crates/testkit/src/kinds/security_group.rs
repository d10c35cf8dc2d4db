//! An EC2 security group.

use super::text::{elements, tag, texts, without_elements};
use super::{Kind, List, ListRequest, NotFound, Object, OwnerTags};
use crate::request::ApiRequest;

pub const KIND: Kind = Kind {
    name: "security_group",
    service: "ec2",
    is_declared: true,
    create: "CreateSecurityGroup",
    delete: "DeleteSecurityGroup",
    list: List {
        operation: "DescribeSecurityGroups",
        request: ListRequest::Form("Version=2016-11-15"),
        has_tags: true,
        objects,
        without: |reply, hides| without_elements(reply, "item", |part| hides(&id(part))),
    },
    named: |request| request.field("GroupId").into_iter().collect(),
    created: |_: &ApiRequest, reply| texts(reply, "groupId").into_iter().take(1).collect(),
    not_found: |id| NotFound {
        status: 400,
        code: "InvalidGroup.NotFound",
        message: format!("The security group '{id}' does not exist"),
    },
    paths: &[],
};

/// The groups that somebody made: every network has a group `default` by itself.
fn objects(reply: &str) -> Vec<Object> {
    let sets = elements(reply, "securityGroupInfo");
    let groups = sets.iter().flat_map(|set| elements(set, "item"));
    let made = groups.filter(|group| texts(&own(group), "groupName") != ["default"]);
    let read = |group: &str| Object {
        owner: OwnerTags::read(|key| tag(group, key)),
        ..Object::plain(id(group))
    };
    made.map(read).collect()
}

fn id(group: &str) -> String {
    texts(&own(group), "groupId").into_iter().next().unwrap_or_default()
}

/// A group without its rules, in which ids of other groups stand.
pub(crate) fn own(group: &str) -> String {
    let rules = ["ipPermissions", "ipPermissionsEgress"];
    rules.iter().fold(group.to_owned(), |left, rules| without_elements(&left, rules, |_| true))
}
