//! An elastic IP address of EC2.

use super::text::{elements, tag, texts, without_elements};
use super::{Kind, List, ListRequest, NotFound, Object, OwnerTags};

pub const KIND: Kind = Kind {
    name: "address",
    service: "ec2",
    is_declared: true,
    create: "AllocateAddress",
    delete: "ReleaseAddress",
    list: List {
        operation: "DescribeAddresses",
        request: ListRequest::Form("Version=2016-11-15"),
        has_tags: true,
        objects,
        without: |reply, hides| without_elements(reply, "item", |part| hides(&id(part))),
    },
    named: |request| {
        let is_id = |field: &str| field == "AllocationId" || field.starts_with("AllocationId.");
        let fields = request.form().into_iter();
        fields.filter(|(field, _)| is_id(field)).map(|(_, id)| id).collect()
    },
    created: |_, reply| texts(reply, "allocationId"),
    not_found: |id| NotFound {
        status: 400,
        code: "InvalidAllocationID.NotFound",
        message: format!("The allocation ID '{id}' does not exist"),
    },
    paths: &[],
};

fn objects(reply: &str) -> Vec<Object> {
    let sets = elements(reply, "addressesSet");
    let addresses = sets.iter().flat_map(|set| elements(set, "item"));
    let read = |address: &str| Object {
        owner: OwnerTags::read(|key| tag(address, key)),
        ..Object::plain(id(address))
    };
    addresses.map(read).collect()
}

fn id(address: &str) -> String {
    texts(address, "allocationId").into_iter().next().unwrap_or_default()
}
