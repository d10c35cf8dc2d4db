//! An IAM role.

use super::text::{texts, without_elements};
use super::{Kind, List, ListRequest, NotFound, Object};
use crate::request::ApiRequest;

pub const KIND: Kind = Kind {
    name: "role",
    service: "iam",
    is_declared: true,
    create: "CreateRole",
    delete: "DeleteRole",
    list: List {
        operation: "ListRoles",
        request: ListRequest::Form("Version=2010-05-08"),
        has_tags: false,
        objects: |reply| texts(reply, "RoleName").into_iter().map(Object::plain).collect(),
        without: |reply, hides| {
            without_elements(reply, "member", |part| {
                texts(part, "RoleName").iter().any(|name| hides(name))
            })
        },
    },
    named,
    created: |request, _| named(request),
    not_found: |name| NotFound {
        status: 404,
        code: "NoSuchEntity",
        message: format!("The role with name {name} cannot be found."),
    },
    paths: &[],
};

fn named(request: &ApiRequest) -> Vec<String> {
    request.field("RoleName").into_iter().collect()
}
