//! Every field of an instance.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use super::row::{Action, Lack, On, Removed, Row, Seen, Table};
use super::walk::{Bench, walk};
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
    let [name, tags, depends_on] = Row::header("i", ["role.a", "role.b"], Action::Update);
    let rows = vec![
        Row::new("image", "ami-ff0fea8310f3", "ami-12c6146b")
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .cannot("an instance keeps its image"),
        sought("image.owner", ["a", "b"], named),
        sought("image.name", ["b", "a"], named),
        sought("image.ssm", ["a", "b"], |a| json!({ "ssm": format!("/images/{a}") })),
        Row::new("type", "t2.micro", "t2.small")
            .action(Action::Restart)
            .sends(&["ModifyInstanceAttribute"])
            .hand("ec2 modify-instance-attribute --instance-id <id> --instance-type Value=t2.nano")
            .lacks(On::Ministack, Lack::Call("ModifyInstanceAttribute: ")),
        Row::new("on_type_change", "stop", "replace")
            .seen(Seen::Not)
            .removed(Removed::Nothing)
            .cannot("it is what this program makes of a change"),
        Row::new("key_name", "key-a", "key-b")
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .removed(Removed::Replaces)
            .cannot("an instance keeps its key"),
        Row::new("subnet", "<subnet-a>", "<subnet-b>")
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .removed(Removed::Replaces)
            .cannot("an instance keeps its subnet"),
        Row::new("security_groups", json!(["<sg-a>"]), json!(["<sg-b>"]))
            .sends(&["ModifyNetworkInterfaceAttribute"])
            .removed(Removed::Refused)
            .hand("ec2 modify-instance-attribute --instance-id <id> --groups <sg-a>")
            // Here it has the groups of the launch and of its interface together.
            .lacks(On::Moto, Lack::Change)
            .lacks(On::Ministack, Lack::Call("ModifyInstanceAttribute: ")),
        Row::new("user_data", "echo one", "echo two")
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .removed(Removed::Replaces)
            .cannot("it is not read back: the script of the first start has run"),
        Row::new("user_data.file", json!({ "file": "one.sh" }), json!({ "file": "two.sh" }))
            .means("user_data", json!("echo 1\n"), json!("echo 2\n"))
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .removed(Removed::Replaces)
            .cannot("it is not read back: the script of the first start has run"),
        Row::new("monitoring", false, true)
            .sends(&["MonitorInstances"])
            .removed(Removed::Default(json!(false)))
            .hand("ec2 monitor-instances --instance-ids <id>")
            .lacks(On::Moto, Lack::Call("MonitorInstances: "))
            .lacks(On::Ministack, Lack::Call("MonitorInstances: ")),
        Row::new("termination_protection", false, true)
            .sends(&["ModifyInstanceAttribute"])
            .removed(Removed::Default(json!(false)))
            .hand("ec2 modify-instance-attribute --instance-id <id> --no-disable-api-termination")
            .lacks(On::Ministack, Lack::Call("ModifyInstanceAttribute: ")),
        metadata("metadata.tokens", json!({ "tokens": "optional", "hop_limit": 3 })),
        metadata("metadata.hop_limit", json!({ "tokens": "required", "hop_limit": 2 })),
        disk("volumes.size", json!({ "size": 30 }))
            .sends(&["ModifyVolume"])
            .never_less()
            .hands(|bench| modify_volume(bench, "--size 40")),
        disk("volumes.type", json!({ "type": "gp2" }))
            .sends(&["ModifyVolume"])
            .hands(|bench| modify_volume(bench, "--volume-type standard")),
        disk("volumes.encrypted", json!({ "encrypted": true }))
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .cannot("a disk stays as it was written")
            .lacks(On::Ministack, Lack::Launch),
        Row::new("profile", "role.a", "role.b")
            .means("profile", json!("a"), json!("b"))
            .sends(&["ReplaceIamInstanceProfileAssociation"])
            .removed(Removed::Default(json!("")))
            .lacks(On::Moto, Lack::Exchange)
            .hands(|bench| {
                let list = "ec2 describe-iam-instance-profile-associations";
                let all = bench.aws(&format!("{list} --filters Name=instance-id,Values=<id>"));
                let id = text(&all["IamInstanceProfileAssociations"][0]["AssociationId"]);
                let end = "ec2 disassociate-iam-instance-profile";
                bench.aws(&format!("{end} --association-id {id}"));
            }),
        Row::new("power", "running", "stopped")
            .sends(&["StopInstances"])
            .removed(Removed::Nothing)
            .hand("ec2 start-instances --instance-ids <id>"),
        name.sends(&["CreateTags"])
            .hand("ec2 create-tags --resources <id> --tags Key=Name,Value=other"),
        tags.sends(&["CreateTags", "DeleteTags"])
            .hand("ec2 create-tags --resources <id> --tags Key=a,Value=other"),
        depends_on,
    ];
    let trust = || json!({ "trust": "ec2.amazonaws.com" });
    Table {
        address: "instance.i",
        base: json!({
            "stack": "matrix",
            "instance": { "i": {} },
            "role": { "a": trust(), "b": trust() },
        }),
        files: &[("one.sh", "echo 1\n"), ("two.sh", "echo 2\n")],
        given,
        rows,
    }
}

/// An image that is looked up; which, by turns.
fn sought(row: &'static str, which: [&str; 2], by: fn(&str) -> Value) -> Row {
    let [first, second] = which.map(|a| (by(a), json!(format!("<ami-{a}>"))));
    Row::new(row, first.0, second.0)
        .means("image", first.1, second.1)
        .action(Action::Replace)
        .sends(&["RunInstances", "TerminateInstances"])
        .cannot("an instance keeps its image")
}

fn named(a: &str) -> Value {
    json!({ "owner": format!("<owner-{a}>"), "name": format!("<image-{a}>") })
}

/// The first disk: `with` is merged over it.
fn disk(row: &'static str, with: Value) -> Row {
    let plain = json!({ "size": 8, "type": "gp3", "encrypted": false });
    let mut other = plain.clone();
    for (part, value) in with.as_object().expect("a map") {
        other[part] = value.clone();
    }
    Row::new(row, json!({ "<root>": plain }), json!({ "<root>": other })).removed(Removed::Nothing)
}

fn modify_volume(bench: &Bench, more: &str) {
    let list = "ec2 describe-volumes --filters Name=attachment.instance-id,Values=<id>";
    let id = text(&bench.aws(list)["Volumes"][0]["VolumeId"]).to_owned();
    bench.aws(&format!("ec2 modify-volume --volume-id {id} {more}"));
}

fn metadata(row: &'static str, second: Value) -> Row {
    Row::new(row, json!({ "tokens": "required", "hop_limit": 3 }), second)
        .sends(&["ModifyInstanceMetadataOptions"])
        .removed(Removed::Becomes(Value::Null))
        .hand("ec2 modify-instance-metadata-options --instance-id <id> --http-tokens required --http-put-response-hop-limit 5")
        .lacks(On::Ministack, Lack::Report)
        .lacks(On::Ministack, Lack::Call("ModifyInstanceMetadataOptions: "))
}

/// Two keys, two images, and two subnets and groups of one network.
fn given(emulator: &Emulator) -> Vec<(&'static str, String)> {
    for key in ["key-a", "key-b"] {
        emulator.aws(&["ec2", "create-key-pair", "--key-name", key]);
    }
    let made =
        |reply: &Value, pointer: &str| text(reply.pointer(pointer).expect("an id")).to_owned();
    let vpc = emulator.aws(&["ec2", "create-vpc", "--cidr-block", "10.9.0.0/16"]);
    let vpc = made(&vpc, "/Vpc/VpcId");
    let subnet = |block: &str| {
        let command = ["ec2", "create-subnet", "--vpc-id", &vpc, "--cidr-block", block];
        made(&emulator.aws(&command), "/Subnet/SubnetId")
    };
    let group = |name: &str| {
        let command = ["ec2", "create-security-group", "--vpc-id", &vpc, "--group-name", name];
        made(&emulator.aws(&[&command[..], &["--description", name]].concat()), "/GroupId")
    };
    let images = emulator.aws(&["ec2", "describe-images"]);
    let images = images["Images"].as_array().expect("a list").clone();
    let image = |at: usize, field: &str| text(&images[at][field]).to_owned();
    assert_ne!(image(0, "Name"), image(1, "Name"), "two images");
    for (name, at) in [("/images/a", 0), ("/images/b", 1)] {
        let put = ["ssm", "put-parameter", "--type", "String", "--name", name, "--value"];
        emulator.aws(&[&put[..], &[&image(at, "ImageId")]].concat());
    }
    let run = ["ec2", "run-instances", "--image-id", "ami-ff0fea8310f3"];
    let probe = &emulator.aws(&run)["Instances"][0];
    let end = ["ec2", "terminate-instances", "--instance-ids", text(&probe["InstanceId"])];
    emulator.aws(&end);
    vec![
        ("root", text(&probe["RootDeviceName"]).to_owned()),
        ("ami-a", image(0, "ImageId")),
        ("ami-b", image(1, "ImageId")),
        ("owner-a", image(0, "OwnerId")),
        ("image-a", image(0, "Name")),
        ("owner-b", image(1, "OwnerId")),
        ("image-b", image(1, "Name")),
        ("subnet-a", subnet("10.9.1.0/24")),
        ("subnet-b", subnet("10.9.2.0/24")),
        ("sg-a", group("a")),
        ("sg-b", group("b")),
    ]
}
