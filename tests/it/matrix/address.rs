//! Every field of an elastic IP address.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use super::row::{Action, On, Removed, Row, Table};
use super::walk::{unmoved, walk};
use crate::support::text;

#[test]
fn every_field_on_moto() {
    walk(table(), On::Moto);
}

#[test]
fn every_field_on_ministack() {
    walk(table(), On::Ministack);
}

pub fn table() -> Table {
    let [name, tags, depends_on] =
        Row::header("a", ["address.other", "address.third"], Action::Update);
    let rows = vec![
        Row::new("instance", "<one>", "<two>")
            .sends(&["AssociateAddress"])
            .removed(Removed::Default(json!("")))
            .hand("ec2 associate-address --allocation-id <id> --instance-id <three> --allow-reassociation"),
        name.sends(&["CreateTags"]).hand("ec2 create-tags --resources <id> --tags Key=Name,Value=other"),
        tags.sends(&["CreateTags", "DeleteTags"])
            .hand("ec2 create-tags --resources <id> --tags Key=a,Value=other"),
        depends_on,
    ];
    Table {
        address: "address.a",
        base: json!({ "stack": "matrix", "address": { "a": {}, "other": {}, "third": {} } }),
        files: &[],
        given,
        rows,
    }
}

/// A tag that is not in the file.
#[test]
fn what_the_file_does_not_speak_of_is_no_drift() {
    for on in [On::Moto, On::Ministack] {
        unmoved(table(), on, |bench| {
            bench.aws("ec2 create-tags --resources <id> --tags Key=theirs,Value=x");
        });
    }
}

fn given(emulator: &Emulator) -> Vec<(&'static str, String)> {
    let launch = |name: &'static str| {
        let run = ["ec2", "run-instances", "--image-id", "ami-12c6146b", "--instance-type"];
        let made: Value = emulator.aws(&[&run[..], &["t2.micro"]].concat());
        (name, text(&made["Instances"][0]["InstanceId"]).to_owned())
    };
    ["one", "two", "three"].map(launch).into()
}
