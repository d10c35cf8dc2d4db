//! Each edit of the file changes exactly the edited object, and the API answers accordingly.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use crate::support::{Sandbox, post, text};

/// The addresses and actions of a plan.
fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().expect("a list");
    steps.iter().map(|s| format!("{} {}", text(&s["action"]), text(&s["address"]))).collect()
}

/// Plans and applies one edit; the planned and finished steps are `expected`, and nothing is left.
#[track_caller]
fn edited(stack: &Sandbox, expected: &[&str]) -> Value {
    let plan = stack.plan(&[]);
    assert_eq!(steps(&plan), expected, "{plan:#}");
    let done = stack.reconcile(&[]);
    let (mut finished, mut wanted) = (done.finished, expected.to_vec());
    finished.sort();
    wanted.sort_unstable();
    assert_eq!(finished, wanted);
    stack.settled(&[]);
    plan
}

#[test]
fn each_edit_alone_changes_exactly_that() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);
    let url = stack.ok(&["output", "url"]).stdout.trim().to_owned();

    stack.edit("timeout: 30", "timeout: 31");
    let plan = edited(&stack, &["update function.ec2-control"]);
    let change = &plan["steps"][0]["changes"][0];
    assert_eq!(change["path"], json!(["timeout"]));
    assert_eq!((&change["before"], &change["after"]), (&json!(30), &json!(31)));
    assert_eq!(change["reason"], "edited");

    let code = stack.read("handler/lambda_function.py");
    stack.write(
        "handler/lambda_function.py",
        &code.replace("Stopping instance", "Halting instance"),
    );
    edited(&stack, &["update function.ec2-control"]);
    let (_, answer) = post(&url, r#"{"action": "stop"}"#);
    assert!(text(&answer["message"]).starts_with("Halting"), "{answer}");

    stack.edit("    type: t2.micro", "    type: t2.micro\n    tags: {team: red}");
    edited(&stack, &["update instance.web"]);

    let deployment = |stack: &Sandbox| {
        let shown = stack.ok(&["show", "--json"]).json();
        let id = text(&shown["resources"]["api.EC2-Control-API"]["object"]["id"]).to_owned();
        let stage = ["apigateway", "get-stage", "--rest-api-id", &id, "--stage-name", "prod"];
        text(&emulator.aws(&stage)["deploymentId"]).to_owned()
    };
    let before = deployment(&stack);
    stack.edit("POST /ec2: function.ec2-control", "POST /ec2/{id}: function.ec2-control");
    stack.edit("EC2-Control-API.url}/ec2", "EC2-Control-API.url}/ec2/web");
    edited(&stack, &["update api.EC2-Control-API"]);
    assert_ne!(deployment(&stack), before, "a route change moves the stage to a new deployment");
    assert_eq!(post(&format!("{url}/web"), r#"{"action": "status"}"#).0, 200);
    assert_ne!(post(&url, r#"{"action": "status"}"#).0, 200, "the old route is gone");
    let after = deployment(&stack);
    stack.edit("description: API to control EC2 instances", "description: Another text");
    edited(&stack, &["update api.EC2-Control-API"]);
    assert_eq!(deployment(&stack), after, "a description is not deployed");

    stack.edit(", ec2:StopInstances]", "]");
    edited(&stack, &["update role.lambda-ec2-role"]);

    stack.edit("    timeout: 31\n", "");
    let plan = edited(&stack, &["update function.ec2-control"]);
    let change = &plan["steps"][0]["changes"][0];
    assert_eq!(
        (&change["reason"], &change["after"]),
        (&json!("default_restored"), &json!(3)),
        "AWS's default"
    );
}

#[test]
fn a_new_image_replaces_the_instance_and_updates_the_function() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);
    stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
    stack.run(&["reconcile"]).code(64).says("--yes");
    let done = stack.reconcile(&[]);
    let position = |what: &str| done.finished.iter().position(|step| step == what);
    let order = ["replace instance.web", "update function.ec2-control", "delete instance.web"];
    let order = order.map(position);
    assert!(order.is_sorted() && order[0].is_some(), "{done:?}");
    assert_eq!(done.checks, 1, "the function controls the new instance");
    stack.settled(&[]);
}

#[test]
fn removed_resources_are_deleted_in_dependency_order() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.edit(
        "      POST /ec2: function.ec2-control\n",
        "      POST /ec2: function.ec2-control\n      GET /other: function.other\n",
    );
    stack.edit(
        "\napi:\n",
        "  other:\n    code: handler/\n    runtime: python3.13\n    \
         handler: lambda_function.lambda_handler\n    role: role.lambda-ec2-role\n\napi:\n",
    );
    stack.ok(&["reconcile"]);
    stack.settled(&[]);

    // The route and its function: the API is updated first.
    stack.edit("      GET /other: function.other\n", "");
    let text = stack.read("stack.yaml");
    let (start, end) =
        (text.find("  other:\n").expect("there"), text.find("\napi:\n").expect("there"));
    stack.write("stack.yaml", &format!("{}{}", &text[..start], &text[end..]));
    let done = stack.reconcile(&[]);
    assert_eq!(done.finished, ["update api.EC2-Control-API", "delete function.other"]);
    stack.settled(&[]);

    // The whole API.
    let text = stack.read("stack.yaml");
    let cut = text.find("api:\n").expect("there");
    stack.write("stack.yaml", &text[..cut]);
    let done = stack.reconcile(&[]);
    assert_eq!(done.finished, ["delete api.EC2-Control-API"]);
    stack.settled(&[]);
    let policy = ["lambda", "get-policy", "--function-name", "ec2-control"];
    let left = emulator.try_aws(&policy).map(|reply| reply["Policy"].to_string());
    assert!(!left.is_ok_and(|policy| policy.contains("apigateway")), "the permission is gone too");
}

#[test]
fn drift_is_reported_and_repaired() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);
    let function = ["lambda", "update-function-configuration", "--function-name", "ec2-control"];
    emulator.aws(&[&function[..], &["--timeout", "9"]].concat());
    emulator.aws(&[
        "iam",
        "delete-role-policy",
        "--role-name",
        "lambda-ec2-role",
        "--policy-name",
        "stackwright",
    ]);
    let plan = stack.plan(&[]);
    assert_eq!(steps(&plan), ["update role.lambda-ec2-role", "update function.ec2-control"]);
    assert_eq!(plan["steps"][1]["changes"][0]["reason"], "drifted");
    stack.ok(&["reconcile"]);
    stack.settled(&[]);

    emulator.aws(&["lambda", "delete-function", "--function-name", "ec2-control"]);
    let done = stack.reconcile(&[]);
    assert!(done.finished.contains(&"create function.ec2-control".to_owned()), "{done:?}");
    assert_eq!(done.checks, 1);
    stack.settled(&[]);
}

#[test]
fn an_api_deleted_by_hand_leaves_no_permission() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.reconcile(&[]);
    let shown = stack.ok(&["show", "--json"]).json();
    let api = text(&shown["resources"]["api.EC2-Control-API"]["object"]["id"]).to_owned();
    emulator.aws(&["apigateway", "delete-rest-api", "--rest-api-id", &api]);
    stack.reconcile(&[]);
    let policy = ["lambda", "get-policy", "--function-name", "ec2-control"];
    let policy = emulator.aws(&policy)["Policy"].to_string();
    assert_eq!(policy.matches("execute-api").count(), 1, "{policy}");
    assert!(!policy.contains(&api), "{policy}");
    stack.settled(&[]);
}
