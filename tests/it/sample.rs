//! The sample stack: created, used, reconciled again, destroyed.

use serde_json::json;
use stackwright_testkit::http::http;
use stackwright_testkit::{Emulator, counts};

use crate::support::{Sandbox, post, text};

/// Calls the API as the workshop's curl commands do.
fn ask(url: &str, action: &str) -> (u16, String) {
    let (status, body) = post(url, &json!({ "action": action }).to_string());
    (status, text(&body["message"]).to_owned())
}

#[test]
fn the_sample_becomes_a_living_api_and_the_second_run_does_nothing() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);

    let first = stack.reconcile(&[]);
    let mut made = first.finished.clone();
    made.sort();
    assert_eq!(
        made,
        [
            "create api.EC2-Control-API",
            "create function.ec2-control",
            "create instance.web",
            "create role.lambda-ec2-role",
        ]
    );
    assert_eq!(first.checks, 1, "the check called the API");

    let second = stack.reconcile(&[]);
    assert_eq!((second.finished.len(), second.writes), (0, 0), "{second:?}");
    assert!(second.calls <= 15, "{second:?}");
    stack.settled(&[]);

    let url = stack.ok(&["output", "url"]).stdout.trim().to_owned();
    assert!(url.starts_with(&emulator.url()) && url.ends_with("/prod/_user_request_/ec2"), "{url}");
    let shown = stack.ok(&["show", "--json"]).json();
    let id = text(&shown["resources"]["instance.web"]["object"]["id"]).to_owned();
    assert_eq!(ask(&url, "status"), (200, format!("Instance {id} is running")));
    assert_eq!(ask(&url, "stop"), (200, format!("Stopping instance {id}")));
    stack.settled(&[]);
    assert_eq!(ask(&url, "status"), (200, format!("Instance {id} is stopped")));
    assert_eq!(stack.reconcile(&[]).writes, 0, "a stopped instance is left alone");
    assert_eq!(ask(&url, "start"), (200, format!("Starting instance {id}")));
    assert_eq!(ask(&url, "explode").0, 400);

    let live = stack.ok(&["show", "--live", "--json"]).json();
    assert_eq!(live["resources"]["instance.web"]["live"]["power"], "running", "{live:#}");
}

#[test]
fn the_workshops_own_commands_work_on_the_result() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["reconcile"]);

    let invoke = ["lambda", "invoke", "--function-name", "ec2-control"];
    let payload = ["--payload", r#"{"action": "status"}"#, "response.json"];
    let reply = emulator.aws(&[&invoke[..], &payload[..]].concat());
    assert_eq!(reply["StatusCode"], 200);
    let invoked =
        stack.ok(&["invoke", "ec2-control", "--payload", r#"{"action":"status"}"#]).json();
    assert_eq!(invoked["statusCode"], 200);
    assert!(text(&invoked["body"]).contains("is running"), "{invoked}");
    stack.ok(&["logs", "ec2-control"]).says("RequestId");

    let (status, _) = http("GET", &format!("{}/_localstack/health", emulator.url()), "");
    assert_eq!(status, 200);
    let described = emulator.aws(&["ec2", "describe-instances"]);
    let instance = &described["Reservations"][0]["Instances"][0];
    assert_eq!(instance["InstanceType"], "t2.micro");
    assert_eq!(instance["ImageId"], "ami-ff0fea8310f3");
}

#[test]
fn destroy_leaves_nothing_of_ours_and_everything_of_others() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    emulator.aws(&["ec2", "run-instances", "--image-id", "ami-1", "--instance-type", "t2.micro"]);
    emulator.aws(&["apigateway", "create-rest-api", "--name", "EC2-Control-API"]);
    emulator.aws(&["logs", "create-log-group", "--log-group-name", "/aws/lambda/theirs"]);
    let theirs = emulator.census();
    stack.ok(&["reconcile"]);
    assert_eq!(
        emulator.census().counts(),
        counts([("instance", 2), ("role", 1), ("function", 1), ("api", 2), ("log_group", 2)])
    );

    stack.run(&["destroy"]).code(64).says("--yes");
    stack.ok(&["destroy", "--yes"]);

    assert_eq!(emulator.census(), theirs);
    stack.ok(&["show"]).says("no resources");
    stack.ok(&["destroy", "--yes"]).says("nothing to delete");

    stack.ok(&["reconcile"]);
    stack.settled(&[]);
}

/// moto runs no functions; everything else is the same.
#[test]
fn the_sample_is_the_same_on_another_emulator() {
    let emulator = Emulator::moto().start();
    let stack = Sandbox::sample(&emulator);
    let cloud = ["--cloud", &emulator.url(), "--no-check"];
    let first = stack.reconcile(&cloud);
    assert_eq!(first.finished.len(), 4, "{first:?}");
    assert_eq!(stack.reconcile(&cloud).writes, 0);
    let cloud = &cloud[..2];
    stack.settled(cloud);

    stack.edit("type: t2.micro", "type: t2.small");
    let plan = stack.plan(cloud);
    assert_eq!(plan["counts"], json!({ "restart": 1 }), "{plan:#}");
    stack.reconcile(&[cloud, &["--no-check"]].concat());
    stack.settled(cloud);
    stack.ok(&[&["destroy", "--yes"], cloud].concat());
    let apis = emulator.aws(&["apigateway", "get-rest-apis"]);
    assert_eq!(apis["items"].as_array().map(Vec::len), Some(0), "{apis}");
}
