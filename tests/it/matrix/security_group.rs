//! Every field of a security group.

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
    let on = ["security_group.other", "security_group.third"];
    let [name, tags, depends_on] = Row::header("g", on, Action::Replace);
    let rows = vec![
        Row::new("description", "one", "two")
            .action(Action::Replace)
            .sends(REMADE)
            .removed(Removed::Nothing)
            .cannot("a group keeps its description"),
        Row::new("vpc", "<vpc-a>", "<vpc-b>")
            .action(Action::Replace)
            .sends(REMADE)
            .removed(Removed::Nothing)
            .cannot("a group keeps its network"),
        Row::new(
            "ingress",
            json!(["ssh from 203.0.113.0/24"]),
            json!(["icmp from 10.0.0.0/8", "https from anywhere", "all from self"]),
        )
        .means(
            "ingress",
            json!(["tcp 22 from 203.0.113.0/24"]),
            json!([
                "all from self",
                "tcp 443 from 0.0.0.0/0",
                "tcp 443 from ::/0",
                "icmp from 10.0.0.0/8",
            ]),
        )
        .sends(&["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"])
        .removed(Removed::Default(json!([])))
        .hand(
            "ec2 authorize-security-group-ingress --group-id <id> --protocol tcp --port 22 \
             --cidr 0.0.0.0/0",
        ),
        Row::new("egress", json!(["dns to 10.0.0.2"]), json!(["postgres to 10.0.0.0/8"]))
            .means(
                "egress",
                json!(["tcp 53 to 10.0.0.2/32", "udp 53 to 10.0.0.2/32"]),
                json!(["tcp 5432 to 10.0.0.0/8"]),
            )
            .sends(&["AuthorizeSecurityGroupEgress", "RevokeSecurityGroupEgress"])
            .removed(Removed::Default(json!(["all to 0.0.0.0/0"])))
            .hand(
                "ec2 revoke-security-group-egress --group-id <id> --ip-permissions \
                 IpProtocol=tcp,FromPort=5432,ToPort=5432,IpRanges=[{CidrIp=10.0.0.0/8}]",
            ),
        name.sends(REMADE).cannot("a group keeps its name"),
        tags.sends(&["CreateTags", "DeleteTags"])
            .hand("ec2 create-tags --resources <id> --tags Key=a,Value=other"),
        depends_on,
    ];
    Table {
        address: "security_group.g",
        base: json!({
            "stack": "matrix",
            "security_group": { "g": {}, "other": {}, "third": {} },
        }),
        files: &[],
        given,
        rows,
    }
}

/// The description of a rule, and a tag that is not in the file.
#[test]
fn what_the_file_does_not_speak_of_is_no_drift() {
    for on in [On::Moto, On::Ministack] {
        unmoved(table(), on, |bench| {
            let rule = "--group-id <id> --ip-permissions IpProtocol=tcp,FromPort=22,ToPort=22";
            let range = "CidrIp=203.0.113.0/24";
            bench.aws(&format!("ec2 revoke-security-group-ingress {rule},IpRanges=[{{{range}}}]"));
            bench.aws(&format!(
                "ec2 authorize-security-group-ingress {rule},IpRanges=[{{{range},Description=office}}]"
            ));
            bench.aws("ec2 create-tags --resources <id> --tags Key=theirs,Value=x");
        });
    }
}

/// Nothing uses it: under its own name the old one goes first.
const REMADE: &[&str] = &[
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateSecurityGroup",
    "DeleteSecurityGroup",
    "RevokeSecurityGroupEgress",
];

fn given(emulator: &Emulator) -> Vec<(&'static str, String)> {
    let vpc = |block: &str| -> String {
        let made: Value = emulator.aws(&["ec2", "create-vpc", "--cidr-block", block]);
        text(&made["Vpc"]["VpcId"]).to_owned()
    };
    vec![("vpc-a", vpc("10.8.0.0/16")), ("vpc-b", vpc("10.9.0.0/16"))]
}
