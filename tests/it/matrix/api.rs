//! Every field of an API.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use super::row::{Action, Lack, On, Removed, Row, Table, nothing};
use super::walk::Bench;
use crate::support::{Sandbox, text};

pub fn table() -> Table {
    let [name, tags, depends_on] = Row::header("a", ["role.r", "function.g"], Action::Update);
    let rows = vec![
        Row::new("description", "one", "two")
            .sends(&["UpdateRestApi"])
            .removed(Removed::Default(json!("")))
            .hand("apigateway update-rest-api --rest-api-id <id> --patch-operations op=replace,path=/description,value=other"),
        Row::new("stage", "one", "two")
            .action(Action::Replace)
            .sends(&[
                "AddPermission",
                "CreateDeployment",
                "CreateResource",
                "CreateRestApi",
                "DeleteRestApi",
                "PutIntegration",
                "PutMethod",
                "RemovePermission",
                "UpdateStage",
            ])
            .removed(Removed::Becomes(json!("prod")))
            .cannot("a stage keeps its name"),
        Row::new("authorization", "iam", "none")
            .means("routes", authorized("AWS_IAM"), authorized("NONE"))
            .sends(&["CreateDeployment", "DeleteMethod", "PutIntegration", "PutMethod"])
            .removed(Removed::Becomes(authorized("AWS_IAM")))
            .hands(|bench| {
                method(bench, "delete-method", "");
                method(bench, "put-method", " --authorization-type AWS_IAM");
                method(bench, "put-integration", INTEGRATION);
            })
            .lacks(On::Moto, FORGETS),
        Row::new(
            "routes",
            json!({ "GET /a": "function.f" }),
            json!({ "GET /a": "function.g", "POST /b": "function.f" }),
        )
        .means("routes", routes(&[("GET /a", "f")]), routes(&[("GET /a", "g"), ("POST /b", "f")]))
        .sends(&[
            "AddPermission",
            "CreateDeployment",
            "CreateResource",
            "DeleteDeployment",
            "PutIntegration",
            "PutMethod",
        ])
        .removed(Removed::Becomes(json!({})))
        .hands(|bench| method(bench, "delete-method", ""))
        .lacks(On::Moto, FORGETS),
        Row::new(
            "routes.function",
            json!({ "GET /a": { "function": "function.f" } }),
            json!({ "GET /a": { "function": "function.g" } }),
        )
        .means("routes", routes(&[("GET /a", "f")]), routes(&[("GET /a", "g")]))
        .sends(&[
            "AddPermission",
            "CreateDeployment",
            "DeleteDeployment",
            "PutIntegration",
            "RemovePermission",
        ])
        .removed(Removed::Becomes(json!({})))
        .hands(|bench| method(bench, "delete-method", ""))
        .lacks(On::Moto, FORGETS),
        Row::new(
            "routes.authorization",
            json!({ "GET /a": { "function": "function.f", "authorization": "iam" } }),
            json!({ "GET /a": { "function": "function.f", "authorization": "none" } }),
        )
        .means("routes", routes(&[("GET /a", "f")]), open(&[("GET /a", "f")]))
        .sends(&["CreateDeployment", "DeleteDeployment", "DeleteMethod", "PutIntegration", "PutMethod"])
        .removed(Removed::Becomes(json!({})))
        .hands(|bench| {
            method(bench, "delete-method", "");
            method(bench, "put-method", " --authorization-type AWS_IAM");
            method(bench, "put-integration", INTEGRATION);
        })
        .lacks(On::Moto, FORGETS),
        Row::new(
            "variables",
            json!({ "colour": "red", "size": "1" }),
            json!({ "colour": "blue", "taste": "sweet" }),
        )
        .sends(&["UpdateStage"])
        .removed(Removed::Becomes(json!({})))
        .hand("apigateway update-stage --rest-api-id <id> --stage-name one --patch-operations op=replace,path=/variables/colour,value=green"),
        Row::new("throttle.rate", json!({ "rate": 12.5 }), json!({ "rate": 13.5 }))
            .sends(&["UpdateStage"])
            .removed(Removed::Becomes(Value::Null))
            .hand("apigateway update-stage --rest-api-id <id> --stage-name one --patch-operations op=replace,path=/*/*/throttling/rateLimit,value=7"),
        Row::new("throttle.burst", json!({ "burst": 12 }), json!({ "burst": 13 }))
            .sends(&["UpdateStage"])
            .removed(Removed::Becomes(Value::Null))
            .hand("apigateway update-stage --rest-api-id <id> --stage-name one --patch-operations op=replace,path=/*/*/throttling/burstLimit,value=7"),
        name.sends(&["UpdateRestApi"])
            .hand("apigateway update-rest-api --rest-api-id <id> --patch-operations op=replace,path=/name,value=other"),
        tags.sends(&["TagResource", "UntagResource"])
            .hand("apigateway tag-resource --resource-arn arn:aws:apigateway:us-east-1::/restapis/<id> --tags a=other")
            .lacks(On::Moto, Lack::Call("TagResource: "))
            .lacks(On::Moto, Lack::Call("UntagResource: ")),
        depends_on,
    ];
    let function =
        || json!({ "code": "src/", "runtime": "python3.13", "handler": "m.one", "role": "role.r" });
    Table {
        address: "api.a",
        base: json!({
            "stack": "matrix",
            "role": { "r": { "trust": "lambda.amazonaws.com" } },
            "function": { "f": function(), "g": function() },
            "api": { "a": {} },
        }),
        files: &[("src/m.py", "def one(event, context): return 1\n")],
        given: nothing,
        rows,
    }
}

/// Which of its stages is meant is written nowhere but in the file.
#[test]
fn an_api_made_elsewhere_keeps_its_stage() {
    let emulator = Emulator::ministack().start();
    let api = |command: &[&str]| emulator.aws(&[&["apigateway"], command].concat());
    let id = text(&api(&["create-rest-api", "--name", "a"])["id"]).to_owned();
    let of = ["--rest-api-id", &id];
    let root = api(&[&["get-resources"], &of[..]].concat())["items"][0]["id"].clone();
    let get = [&of[..], &["--resource-id", text(&root), "--http-method", "GET"]].concat();
    api(&[&["put-method"], &get[..], &["--authorization-type", "NONE"]].concat());
    api(&[&["put-integration"], &get[..], &["--type", "MOCK"]].concat());
    api(&[&["create-deployment"], &of[..], &["--stage-name", "dev"]].concat());

    let stack = Sandbox::empty(emulator.port());
    let file = json!({ "stack": "matrix", "api": { "a": { "stage": "dev" } } });
    stack.write("stack.yaml", &file.to_string());
    stack.ok(&["import", "api.a", &id]);
    let plan = stack.plan(&["--adopt"]);
    let actions: Vec<&Value> =
        plan["steps"].as_array().expect("a list").iter().map(|step| &step["action"]).collect();
    assert_eq!(actions, ["update"], "{plan:#}");
    stack.reconcile(&["--adopt"]);
    stack.settled(&[]);
    assert_eq!(stack.ok(&["show", "--json"]).json()["resources"]["api.a"]["object"]["id"], id);
}

const INTEGRATION: &str = " --type AWS_PROXY --integration-http-method POST --uri \
    arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
    arn:aws:lambda:us-east-1:<account>:function:f/invocations";

fn authorized(sort: &str) -> Value {
    json!({ "GET /a": { "authorization": sort } })
}

/// There a deployment makes the stage anew, without its settings.
const FORGETS: Lack = Lack::Forgets("UpdateStage");

/// As [`routes`], for everybody.
fn open(of: &[(&str, &str)]) -> Value {
    let mut routes = routes(of);
    for route in routes.as_object_mut().expect("a map").values_mut() {
        route["authorization"] = "NONE".into();
    }
    routes
}

fn routes(of: &[(&str, &str)]) -> Value {
    let route = |function: &str| {
        json!({
            "function": format!("arn:aws:lambda:us-east-1:<account>:function:{function}"),
            "authorization": "AWS_IAM",
        })
    };
    of.iter().map(|(key, function)| ((*key).to_owned(), route(function))).collect()
}

/// One command about `GET /a`.
fn method(bench: &Bench, command: &str, more: &str) {
    let all = bench.aws("apigateway get-resources --rest-api-id <id>");
    let all = all["items"].as_array().expect("a list");
    let resource = all.iter().find(|one| one["path"] == "/a").expect("the resource");
    let resource = text(&resource["id"]);
    bench.aws(&format!(
        "apigateway {command} --rest-api-id <id> --resource-id {resource} --http-method GET{more}"
    ));
}
