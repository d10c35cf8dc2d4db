//! An EC2 instance.

use super::text::{tag, texts, without_elements};
use super::{Kind, List, ListRequest, NotFound, Object, OwnerTags};
use crate::request::ApiRequest;

pub const KIND: Kind = Kind {
    name: "instance",
    service: "ec2",
    is_declared: true,
    create: "RunInstances",
    delete: "TerminateInstances",
    list: List {
        operation: "DescribeInstances",
        request: ListRequest::Form("Version=2016-11-15"),
        has_tags: true,
        objects,
        without: |reply, hides| {
            // A reservation is left out with its instances, which are of one launch.
            without_elements(reply, "item", |part| {
                texts(part, "instanceId").iter().any(|id| hides(id))
            })
        },
    },
    named,
    created: |_, reply| texts(reply, "instanceId"),
    not_found: |id| NotFound {
        status: 400,
        code: "InvalidInstanceID.NotFound",
        message: format!("The instance ID '{id}' does not exist"),
    },
    paths: &[],
};

fn named(request: &ApiRequest) -> Vec<String> {
    let is_id = |field: &str| field == "InstanceId" || field.starts_with("InstanceId.");
    request.form().into_iter().filter(|(field, _)| is_id(field)).map(|(_, id)| id).collect()
}

/// A terminated instance stays in the list for a while, and is none any more.
fn objects(reply: &str) -> Vec<Object> {
    let each = reply.split("<instanceId>").skip(1);
    let alive = each.filter(|rest| !rest.contains("<name>terminated</name>"));
    let read = |rest: &str| {
        let (id, rest) = rest.split_once('<')?;
        Some(Object {
            owner: OwnerTags::read(|key| tag(rest, key)),
            power: texts(rest, "name").into_iter().next(),
            ..Object::plain(id)
        })
    };
    alive.filter_map(read).collect()
}
