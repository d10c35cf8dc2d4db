//! An EC2 instance.

use super::text::{elements, tag, texts, without_elements};
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

/// The instances of all reservations. A terminated instance stays in the list for a while, and does not
/// exist any more.
fn objects(reply: &str) -> Vec<Object> {
    let read = |instance: &str| {
        let state = elements(instance, "instanceState");
        let power = texts(state.first()?, "name").into_iter().next();
        let id = texts(instance, "instanceId").into_iter().next()?;
        let owner = OwnerTags::read(|key| tag(instance, key));
        Some(Object { owner, power, ..Object::plain(id) })
    };
    let sets = elements(reply, "instancesSet");
    let instances = sets.iter().flat_map(|set| elements(set, "item")).filter_map(read);
    instances.filter(|object| object.power.as_deref() != Some("terminated")).collect()
}
