//! A managed policy of IAM that the account made itself.

use super::text::{texts, without_elements};
use super::{Kind, List, ListRequest, NotFound, Object};

pub const KIND: Kind = Kind {
    name: "policy",
    service: "iam",
    is_declared: true,
    create: "CreatePolicy",
    delete: "DeletePolicy",
    list: List {
        operation: "ListPolicies",
        // Without those that AWS has made.
        request: ListRequest::Form("Version=2010-05-08&Scope=Local"),
        has_tags: false,
        objects: |reply| texts(reply, "Arn").into_iter().map(Object::plain).collect(),
        without: |reply, hides| {
            without_elements(reply, "member", |part| {
                texts(part, "Arn").iter().any(|arn| hides(arn))
            })
        },
    },
    named: |request| request.field("PolicyArn").into_iter().collect(),
    created: |_, reply| texts(reply, "Arn").into_iter().take(1).collect(),
    not_found: |arn| NotFound {
        status: 404,
        code: "NoSuchEntity",
        message: format!("Policy {arn} does not exist or is not attachable."),
    },
    paths: &[],
};
