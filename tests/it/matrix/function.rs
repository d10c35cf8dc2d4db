//! Every field of a function.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use super::row::{Action, Lack, On, Removed, Row, Seen, Table};
use super::walk::walk;
use crate::support::text;

const CONFIGURED: &[&str] = &["UpdateFunctionConfiguration"];

#[test]
fn every_field_on_moto() {
    walk(table(), On::Moto);
}

#[test]
fn every_field_on_ministack() {
    walk(table(), On::Ministack);
}

pub fn table() -> Table {
    let [name, tags, depends_on] = Row::header("f", ["role.b", "role.c"], Action::Replace);
    let rows = vec![
        Row::new("code", "src/", "other/")
            .seen(Seen::Digest("code"))
            .sends(&["UpdateFunctionCode"])
            .hand("lambda update-function-code --function-name <id> --zip-file fileb://<folder>/empty.zip"),
        Row::new("code.path", json!({ "path": "src/" }), json!({ "path": "other/" }))
            .seen(Seen::Digest("code"))
            .sends(&["UpdateFunctionCode"])
            .hand("lambda update-function-code --function-name <id> --zip-file fileb://<folder>/empty.zip"),
        Row::new("code.build", built("src"), built("other"))
            .seen(Seen::Digest("code"))
            .sends(&["UpdateFunctionCode"])
            .hand("lambda update-function-code --function-name <id> --zip-file fileb://<folder>/empty.zip"),
        Row::new(
            "code.exclude",
            json!({ "path": "src/", "exclude": ["*.md"] }),
            json!({ "path": "src/", "exclude": ["*.md", "more/"] }),
        )
        .seen(Seen::Digest("code"))
        .sends(&["UpdateFunctionCode"])
        .cannot("it is no matter of the cloud, but of what is sent there"),
        Row::new("runtime", "python3.12", "python3.13")
            .sends(CONFIGURED)
            .hand("lambda update-function-configuration --function-name <id> --runtime python3.11"),
        Row::new("handler", "m.one", "m.two")
            .sends(CONFIGURED)
            .hand("lambda update-function-configuration --function-name <id> --handler m.three"),
        Row::new("role", "role.a", "role.b")
            .means(
                "role",
                json!("arn:aws:iam::<account>:role/a"),
                json!("arn:aws:iam::<account>:role/b"),
            )
            .sends(CONFIGURED)
            .hand("lambda update-function-configuration --function-name <id> --role arn:aws:iam::<account>:role/c"),
        Row::new("timeout", 30, 31)
            .sends(CONFIGURED)
            .removed(Removed::Default(json!(3)))
            .hand("lambda update-function-configuration --function-name <id> --timeout 9"),
        Row::new("memory", 256, 512)
            .sends(CONFIGURED)
            .removed(Removed::Default(json!(128)))
            .hand("lambda update-function-configuration --function-name <id> --memory-size 1024"),
        Row::new(
            "environment",
            json!({ "A1": "1", "B1": "2" }),
            json!({ "A1": "3", "C1": "4" }),
        )
        .sends(CONFIGURED)
        .removed(Removed::Becomes(json!({})))
        .hand("lambda update-function-configuration --function-name <id> --environment Variables={A1=other}"),
        Row::new("architecture", "x86_64", "arm64")
            .sends(&["UpdateFunctionCode"])
            .removed(Removed::Default(json!("x86_64")))
            .cannot("only together with the code: see there")
            .lacks(On::Moto, Lack::Change),
        Row::new("logs", false, true)
            .sends(&["CreateLogGroup", "PutRetentionPolicy", "PutRolePolicy"])
            .also(&["update role.a"])
            .removed(Removed::Default(json!(false)))
            .hand("logs delete-log-group --log-group-name /aws/lambda/<id>"),
        Row::new("log_retention", 30, 60)
            .with(json!({ "logs": true }))
            .sends(&["PutRetentionPolicy"])
            .removed(Removed::Default(json!(14)))
            .hand("logs put-retention-policy --log-group-name /aws/lambda/<id> --retention-in-days 1"),
        Row::new("ephemeral_storage", 1024, 2048)
            .sends(CONFIGURED)
            .removed(Removed::Default(json!(512)))
            .hand("lambda update-function-configuration --function-name <id> --ephemeral-storage Size=600")
            .lacks(On::Moto, Lack::Change)
            .lacks(On::Moto, Lack::Unset),
        Row::new("tracing", "active", "passthrough")
            .sends(CONFIGURED)
            .removed(Removed::Default(json!("passthrough")))
            .hand("lambda update-function-configuration --function-name <id> --tracing-config Mode=Active")
            .lacks(On::Moto, Lack::Change)
            .lacks(On::Moto, Lack::Unset),
        Row::new("concurrency", 5, 7)
            .sends(&["PutFunctionConcurrency"])
            .removed(Removed::Default(json!(-1)))
            .hand("lambda delete-function-concurrency --function-name <id>"),
        Row::new("layers", json!(["<layer-a>", "<layer-b>"]), json!(["<layer-b>", "<layer-a>"]))
            .sends(CONFIGURED)
            .removed(Removed::Default(json!([])))
            .hand("lambda update-function-configuration --function-name <id> --layers <layer-a>"),
        vpc("vpc.subnets", json!({ "subnets": ["<subnet-b>"] })),
        vpc("vpc.security_groups", json!({ "security_groups": ["<sg-b>"] })),
        Row::new("description", "one", "two")
            .sends(CONFIGURED)
            .removed(Removed::Default(json!("")))
            .hand("lambda update-function-configuration --function-name <id> --description other"),
        name.sends(&["CreateFunction", "DeleteFunction", "PutFunctionConcurrency"]).cannot("a function keeps its name"),
        tags.sends(&["TagResource", "UntagResource"])
            .hand("lambda tag-resource --resource <arn> --tags a=other"),
        depends_on,
    ];
    let trust = || json!({ "trust": "lambda.amazonaws.com" });
    Table {
        address: "function.f",
        base: json!({
            "stack": "matrix",
            "role": { "a": trust(), "b": trust(), "c": trust() },
            "function": { "f": {} },
        }),
        files: &[
            ("src/m.py", "def one(event, context): return 1\ntwo = one\n"),
            ("src/more/n.py", "left out, or not\n"),
            ("src/read.md", "left out\n"),
            ("other/m.py", "def one(event, context): return 2\n"),
            // A zip with nothing in it.
            ("empty.zip", "PK\u{5}\u{6}\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        ],
        given,
        rows,
    }
}

/// What a command makes of this folder.
fn built(from: &str) -> Value {
    json!({ "path": "made/", "build": format!("mkdir -p made\ncp {from}/m.py made/") })
}

/// One of its lists changes: `with` is merged over it.
fn vpc(name: &'static str, with: Value) -> Row {
    let plain = json!({ "subnets": ["<subnet-a>"], "security_groups": ["<sg-a>"] });
    let mut other = plain.clone();
    for (part, value) in with.as_object().expect("a map") {
        other[part] = value.clone();
    }
    Row::new(name, plain, other).sends(CONFIGURED).removed(Removed::Becomes(json!({}))).hand(
        "lambda update-function-configuration --function-name <id> --vpc-config \
             SubnetIds=<subnet-c>,SecurityGroupIds=<sg-c>",
    )
}

/// Two layers, and three subnets and groups of one network.
fn given(emulator: &Emulator) -> Vec<(&'static str, String)> {
    let zip = "import zipfile; zipfile.ZipFile('layer.zip', 'w').writestr('python/a.py', '')";
    let made = emulator.python().args(["-c", zip]).status().expect("python runs");
    assert!(made.success(), "a zip for the layers");
    let layer = |name: &str| {
        let command = ["lambda", "publish-layer-version", "--layer-name", name];
        let made = emulator.aws(&[&command[..], &["--zip-file", "fileb://layer.zip"]].concat());
        text(&made["LayerVersionArn"]).to_owned()
    };
    let vpc = emulator.aws(&["ec2", "create-vpc", "--cidr-block", "10.9.0.0/16"]);
    let vpc = text(&vpc["Vpc"]["VpcId"]);
    let subnet = |block: &str| {
        let command = ["ec2", "create-subnet", "--vpc-id", vpc, "--cidr-block", block];
        text(&emulator.aws(&command)["Subnet"]["SubnetId"]).to_owned()
    };
    let group = |name: &str| {
        let command = ["ec2", "create-security-group", "--vpc-id", vpc, "--group-name", name];
        let made = emulator.aws(&[&command[..], &["--description", name]].concat());
        text(&made["GroupId"]).to_owned()
    };
    vec![
        ("layer-a", layer("a")),
        ("layer-b", layer("b")),
        ("subnet-a", subnet("10.9.1.0/24")),
        ("subnet-b", subnet("10.9.2.0/24")),
        ("subnet-c", subnet("10.9.3.0/24")),
        ("sg-a", group("a")),
        ("sg-b", group("b")),
        ("sg-c", group("c")),
    ]
}
