use std::collections::BTreeMap;

use serde_json::Value;
use stackwright_engine::Address;
use stackwright_engine::kind::{Files, PriorState};

use super::*;
use crate::cloud::Access;
use crate::test_checks::{problems_of, wrong_paths};

fn config(json: Value) -> Config {
    serde_json::from_value(whole(json)).expect("a config")
}

/// The fields over those that a function needs.
fn whole(json: Value) -> Value {
    let mut whole = json!({
        "code": "handler/", "runtime": "python3.13", "handler": "a.b", "role": "role.r",
    });
    for (key, value) in json.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    whole
}

fn context(folder: &std::path::Path) -> Context {
    Context {
        address: Address::new("function", "f"),
        name: "fun".to_owned(),
        tags: BTreeMap::new(),
        folder: folder.to_owned(),
        region: "eu-west-1".to_owned(),
        account: "123456789012".to_owned(),
        partition: "aws".to_owned(),
        prior: PriorState::None,
    }
}

#[test]
fn every_field_is_described_and_defaults_are_those_of_aws() {
    let schema = schemars::schema_for!(Config).to_value();
    let mut defaults = BTreeMap::new();
    for (name, field) in schema["properties"].as_object().expect("fields") {
        assert!(field["description"].is_string(), "{name}");
        defaults.extend(field.get("default").map(|value| (name.as_str(), value.clone())));
    }
    let expected = [
        ("timeout", json!(3)),
        ("memory", json!(128)),
        ("environment", json!({})),
        ("architecture", json!("x86_64")),
        ("logs", json!(false)),
        ("log_retention", json!(14)),
        ("ephemeral_storage", json!(512)),
        ("tracing", json!("passthrough")),
        ("concurrency", json!(-1)),
        ("layers", json!([])),
        ("vpc", json!({})),
        ("description", json!("")),
    ];
    assert_eq!(defaults, expected.into());
    assert_eq!(schema["required"], json!(["code", "runtime", "handler", "role"]));
    assert_eq!(schema["properties"]["timeout"]["maximum"], 900);
}

#[test]
fn names_roles_and_environments_are_checked() {
    let found = |name: &str, fields: Value| -> Vec<String> {
        let tags = [("a#b".to_owned(), String::new())].into();
        let problems = problems_of::<Function>(name, &tags, &whole(fields)).into_iter();
        problems.map(|problem| problem.path.join(".")).filter(|path| path != "tags.a#b").collect()
    };
    assert_eq!(found("a-b_C1", json!({ "role": "arn:aws:iam::123456789012:role/a/b" })), [""; 0]);
    for name in ["", "a b", "a.b", "größer", &"x".repeat(65)] {
        assert_eq!(found(name, json!({})), ["name"], "{name}");
    }
    let wrong = json!({ "role": "arn:aws:iam::1:user/a", "environment": { "A": "" } });
    assert_eq!(found("f", wrong), ["role", "environment.A"]);
    let group = json!({ "subnets": ["subnet-1"], "security_groups": ["sg-nope", "web"] });
    assert_eq!(found("f", json!({ "vpc": group })), ["vpc.security_groups.0"]);
}

#[test]
fn layers_networks_patterns_and_retention_are_checked() {
    let problems = |fields: Value| -> Vec<String> { wrong_paths::<Function>(&whole(fields)) };
    let layer = "arn:aws:lambda:us-east-1:123456789012:layer:a:1";
    assert!(problems(json!({ "layers": [layer, "${env.LAYER}"] })).is_empty());
    assert_eq!(problems(json!({ "layers": [layer.trim_end_matches(":1")] })), ["layers.0"]);
    assert_eq!(problems(json!({ "layers": [layer, layer] })), ["layers"]);
    let six: Vec<String> = (1..7).map(|version| format!("{layer}{version}")).collect();
    assert_eq!(problems(json!({ "layers": six })), ["layers"]);

    let vpc = |subnets: Value, groups: Value| {
        problems(json!({ "vpc": { "subnets": subnets, "security_groups": groups } }))
    };
    assert!(vpc(json!(["subnet-1", "${env.SUBNET}"]), json!(["sg-1"])).is_empty());
    assert_eq!(vpc(json!(["a"]), json!([])), ["vpc.subnets.0", "vpc.security_groups"]);

    let code = |pattern: &str| problems(json!({ "code": { "path": ".", "exclude": [pattern] } }));
    assert!(code("tests/").is_empty());
    assert_eq!(code("[z-a]"), ["code.exclude"]);

    assert!(problems(json!({ "logs": true, "log_retention": 3653 })).is_empty());
    assert_eq!(problems(json!({ "logs": true, "log_retention": 15 })), ["log_retention"]);
    assert_eq!(problems(json!({ "log_retention": 14 })), ["log_retention"]);
}

#[tokio::test]
async fn code_is_built_for_a_plan_and_not_for_a_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = json!({ "path": "made", "build": "mkdir made && touch made/a.py" });
    let known = whole(json!({ "code": code, "layers": [LAYER] }));
    let files = Files::new(folder.path().to_owned(), folder.path().join("stack.yaml"));
    let problems = |files| {
        let (tags, siblings) = (BTreeMap::new(), &|_: &Address| None);
        let context =
            CheckContext { name: "fun", tags: &tags, known: &known, siblings, files: Some(files) };
        Function::check(&config(known.clone()), &context)
    };
    assert_eq!(problems(&files), []);
    assert!(!folder.path().join("made").exists());

    let access = Access::Endpoint { url: "http://127.0.0.1:9".into() };
    let cloud = Arc::new(Cloud::open(&access, "us-east-1", crate::trust::Trust::none()).await);
    let kind = Functions::new(&cloud, Sources::default());
    let spec = kind.normalize(config(known.clone()), &context(folder.path())).await;
    assert_eq!(spec.expect("a spec").code.expect("code").digest.len(), 64);
}

/// A layer may have the handler.
const LAYER: &str = "arn:aws:lambda:eu-west-1:123456789012:layer:handlers:1";

#[test]
fn logs_add_a_statement_to_the_role() {
    let at = context(std::path::Path::new("/"));
    let asked = |role: &str, logs: bool| {
        Function::contributions(&config(json!({"role": role, "logs": logs})), &at)
    };
    let expected = Contribution {
        to: Address::new("role", "r"),
        field: "allow",
        item: json!({
            "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "resources": ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/fun:*"],
        }),
    };
    for role in ["role.r", "${role.r.arn}", "${role.r.name}"] {
        assert_eq!(asked(role, true), std::slice::from_ref(&expected), "{role}");
    }
    assert!(asked("role.r", false).is_empty());
    assert!(asked("arn:aws:iam::123456789012:role/r", true).is_empty());
}
