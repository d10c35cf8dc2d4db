//! An EC2 key pair, which is known by its name.

use super::text::{elements, tag, texts, without_elements};
use super::{Kind, List, ListRequest, NotFound, Object, OwnerTags};

pub const KIND: Kind = Kind {
    name: "key_pair",
    service: "ec2",
    is_declared: true,
    create: "ImportKeyPair",
    delete: "DeleteKeyPair",
    list: List {
        operation: "DescribeKeyPairs",
        request: ListRequest::Form("Version=2016-11-15"),
        has_tags: true,
        objects,
        without: |reply, hides| without_elements(reply, "item", |part| hides(&name(part))),
    },
    named: |request| request.field("KeyName").into_iter().collect(),
    created: |request, _| request.field("KeyName").into_iter().collect(),
    not_found: |name| NotFound {
        status: 400,
        code: "InvalidKeyPair.NotFound",
        message: format!("The key pair '{name}' does not exist"),
    },
    paths: &[],
};

fn objects(reply: &str) -> Vec<Object> {
    let sets = elements(reply, "keySet");
    let pairs = sets.iter().flat_map(|set| elements(set, "item"));
    let pairs = pairs.filter(|pair| !texts(pair, "keyName").is_empty());
    let read = |pair: &str| Object {
        owner: OwnerTags::read(|key| tag(pair, key)),
        ..Object::plain(name(pair))
    };
    pairs.map(read).collect()
}

fn name(pair: &str) -> String {
    texts(pair, "keyName").into_iter().next().unwrap_or_default()
}
