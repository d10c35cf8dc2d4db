//! Every field of an instance.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use super::row::{Action, Lack, On, Removed, Row, Table};
use crate::support::text;

pub fn table() -> Table {
    let [name, tags, depends_on] = Row::header("i", ["role.a", "role.b"], Action::Update);
    let rows = vec![
        Row::new("image", "ami-ff0fea8310f3", "ami-12c6146b")
            .action(Action::Replace)
            .sends(&["RunInstances", "TerminateInstances"])
            .cannot("an instance keeps its image"),
        Row::new("type", "t2.micro", "t2.small")
            .action(Action::Restart)
            .sends(&["ModifyInstanceAttribute"])
            .hand("ec2 modify-instance-attribute --instance-id <id> --instance-type Value=t2.nano")
            .lacks(On::Ministack, Lack::Call("ModifyInstanceAttribute: ")),
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
        files: &[],
        given,
        rows,
    }
}

/// Two keys, and two subnets and groups of one network.
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
    vec![
        ("subnet-a", subnet("10.9.1.0/24")),
        ("subnet-b", subnet("10.9.2.0/24")),
        ("sg-a", group("a")),
        ("sg-b", group("b")),
    ]
}
