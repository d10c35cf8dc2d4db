//! Every field of a key pair.

use serde_json::{Value, json};

use super::row::{Action, Lack, On, Row, Table, nothing};
use super::walk::{Bench, unmoved, walk};
use crate::support::text;

/// Two public keys; nobody has the private ones.
const KEYS: [&str; 2] = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPwWF5AbQGmW692WE6EqbqH+c2yv73Lla9E46Mj/WfY+",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIkxQheZLUnAp72bC/4h9HOhTWd7x/v4+GtGAxsu4l2Z",
];

/// A key that somebody else imports.
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUXqBwHRYQYNfHfHmCWA3lQU1HZ9SDnZpWyUYXnE4gg";

#[test]
fn every_field_on_moto() {
    walk(table(), On::Moto);
}

#[test]
fn every_field_on_ministack() {
    walk(table(), On::Ministack);
}

pub fn table() -> Table {
    let on = ["key_pair.other", "key_pair.third"];
    let [name, tags, depends_on] = Row::header("k", on, Action::Replace);
    let commented = KEYS.map(|key| format!("{key} me@laptop"));
    let rows = vec![
        Row::new("public_key", commented[0].as_str(), commented[1].as_str())
            .means("public_key", KEYS[0].into(), KEYS[1].into())
            .sends(&["DeleteKeyPair", "ImportKeyPair"])
            .hands(import_another)
            .lacks(On::Ministack, Lack::Report)
            // It drops the tags of an import.
            .lacks(On::Ministack, Lack::Resets("CreateTags")),
        Row::new("public_key.file", json!({ "file": "one.pub" }), json!({ "file": "two.pub" }))
            .means("public_key", KEYS[0].into(), KEYS[1].into())
            .sends(&["DeleteKeyPair", "ImportKeyPair"])
            .hands(import_another)
            .lacks(On::Ministack, Lack::Report)
            .lacks(On::Ministack, Lack::Resets("CreateTags")),
        name.sends(&["DeleteKeyPair", "ImportKeyPair"])
            .cannot("a key pair keeps its name")
            .lacks(On::Ministack, Lack::Resets("CreateTags")),
        tags.sends(&["CreateTags", "DeleteTags"]).hands(|bench| {
            bench.aws(&format!(
                "ec2 create-tags --resources {} --tags Key=a,Value=other",
                id(bench)
            ));
        }),
        depends_on,
    ];
    let plain = json!({ "public_key": KEYS[0] });
    Table {
        address: "key_pair.k",
        base: json!({ "stack": "matrix", "key_pair": { "k": {}, "other": plain, "third": plain } }),
        files: &[("one.pub", KEYS[0]), ("two.pub", KEYS[1]), ("other.pub", OTHER)],
        given: nothing,
        rows,
    }
}

/// A tag that is not in the file.
#[test]
fn what_the_file_does_not_speak_of_is_no_drift() {
    for on in [On::Moto, On::Ministack] {
        unmoved(table(), on, |bench| {
            bench.aws(&format!(
                "ec2 create-tags --resources {} --tags Key=theirs,Value=x",
                id(bench)
            ));
        });
    }
}

fn described(bench: &Bench) -> Value {
    let pairs = bench.aws("ec2 describe-key-pairs --key-names <id>");
    pairs["KeyPairs"][0].clone()
}

/// The id of the pair, `key-…`, by which EC2 tags it.
fn id(bench: &Bench) -> String {
    text(&described(bench)["KeyPairId"]).to_owned()
}

/// Somebody imports another key under the name, and gives it the tags of the former one.
fn import_another(bench: &Bench) {
    let former = format!("Name=resource-id,Values={}", id(bench));
    let mut tags = bench.aws(&format!("ec2 describe-tags --filters {former}"))["Tags"].take();
    for tag in tags.as_array_mut().expect("a list") {
        *tag = json!({ "Key": tag["Key"], "Value": tag["Value"] });
    }
    bench.aws("ec2 delete-key-pair --key-name <id>");
    let import =
        "ec2 import-key-pair --key-name <id> --public-key-material fileb://<folder>/other.pub";
    bench.aws(import);
    bench.aws(&format!("ec2 create-tags --resources {} --tags {tags}", id(bench)));
}
