//! Every field of an API.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use super::row::{Action, Lack, On, Removed, Row, Table, nothing};
use super::walk::{Bench, unmoved, walk};
use crate::support::{Sandbox, text};

#[test]
fn every_field_on_moto() {
    walk(table(), On::Moto);
}

#[test]
fn every_field_on_ministack() {
    walk(table(), On::Ministack);
}

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
                "CreateRestApi",
                "DeleteRestApi",
                "PutRestApi",
                "RemovePermission",
                "UpdateStage",
            ])
            .removed(Removed::Becomes(json!("prod")))
            .cannot("a stage keeps its name")
            // Its CreateRestApi takes no media types.
            .lacks(On::Moto, Lack::Resets("UpdateRestApi"))
            .lacks(On::Moto, Lack::Imports(&["DeleteMethod", "PutGatewayResponse", "PutIntegration", "PutMethod"]))
            .lacks(
                On::Ministack,
                Lack::Imports(&["CreateResource", "PutGatewayResponse", "PutIntegration", "PutMethod"]),
            ),
        Row::new("authorization", "iam", "none")
            .means("routes", authorized("AWS_IAM"), authorized("NONE"))
            .sends(&["CreateDeployment", "DeleteMethod", "PutIntegration", "PutMethod"])
            .removed(Removed::Becomes(authorized("AWS_IAM")))
            .hands(|bench| {
                method(bench, "delete-method", "");
                method(bench, "put-method", " --authorization-type AWS_IAM");
                method(bench, "put-integration", INTEGRATION);
            })
            .lacks(On::Moto, RESETS),
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
        .lacks(On::Moto, RESETS),
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
        .lacks(On::Moto, RESETS),
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
        .lacks(On::Moto, RESETS),
        Row::new(
            "routes.api_key",
            json!({ "GET /a": { "function": "function.f", "api_key": false } }),
            json!({ "GET /a": { "function": "function.f", "api_key": true } }),
        )
        .means("routes", routes(&[("GET /a", "f")]), keyed(&[("GET /a", "f")]))
        .sends(&["CreateDeployment", "DeleteDeployment", "DeleteMethod", "PutIntegration", "PutMethod"])
        .removed(Removed::Becomes(json!({})))
        .hands(|bench| {
            method(bench, "delete-method", "");
            method(bench, "put-method", " --authorization-type AWS_IAM");
            method(bench, "put-integration", INTEGRATION);
        })
        .lacks(On::Moto, RESETS),
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
        cors("cors.origins", json!(true), json!({ "origins": ["https://a.example"] }))
            .means("routes", crossed("Origin", Some("*")), crossed("Origin", Some("https://a.example")))
            .hands(|bench| preflight(bench, "delete-method", "")),
        cors("cors.headers", json!({}), json!({ "headers": ["X-A"] }))
            .means("routes", crossed("Headers", Some(HEADERS)), crossed("Headers", Some("X-A")))
            .hand("apigateway delete-gateway-response --rest-api-id <id> --response-type DEFAULT_4XX")
            .drifts_in("gateway_responses"),
        cors("cors.methods", json!({}), json!({ "methods": ["GET"] }))
            .means("routes", crossed("Methods", Some(METHODS)), crossed("Methods", Some("GET")))
            // A preflight that gives no answer.
            .hands(|bench| preflight(bench, "put-integration", " --type MOCK")),
        cors("cors.max_age", json!({}), json!({ "max_age": "10m" }))
            .means("routes", crossed("Max-Age", None), crossed("Max-Age", Some("600")))
            .hand("apigateway put-gateway-response --rest-api-id <id> --response-type DEFAULT_5XX")
            .drifts_in("gateway_responses"),
        cors(
            "cors.credentials",
            json!({ "origins": ["https://a.example"] }),
            json!({ "origins": ["https://a.example"], "credentials": true }),
        )
        .means("routes", credentials(None), credentials(Some("true")))
        .hands(|bench| preflight(bench, "delete-method", "")),
        Row::new(
            "gateway_responses.status",
            json!({ "UNAUTHORIZED": { "status": 403 } }),
            json!({ "UNAUTHORIZED": { "status": 418 } }),
        )
        .means("gateway_responses", answer(403, json!({}), TEMPLATE), answer(418, json!({}), TEMPLATE))
        .sends(&["CreateDeployment", "DeleteDeployment", "PutGatewayResponse"])
        .removed(Removed::Becomes(json!({})))
        .hand("apigateway put-gateway-response --rest-api-id <id> --response-type UNAUTHORIZED --status-code 400")
        .lacks(On::Moto, RESETS),
        Row::new(
            "gateway_responses.headers",
            json!({ "UNAUTHORIZED": { "status": 403, "headers": { "X-A": "one", "X-B": "b" } } }),
            json!({ "UNAUTHORIZED": { "status": 403, "headers": { "X-A": "two" } } }),
        )
        .means(
            "gateway_responses",
            answer(403, json!({ "X-A": "one", "X-B": "b" }), TEMPLATE),
            answer(403, json!({ "X-A": "two" }), TEMPLATE),
        )
        .sends(&["CreateDeployment", "DeleteDeployment", "PutGatewayResponse"])
        .removed(Removed::Becomes(json!({})))
        .hand("apigateway delete-gateway-response --rest-api-id <id> --response-type UNAUTHORIZED")
        .lacks(On::Moto, RESETS),
        Row::new(
            "gateway_responses.body",
            json!({ "UNAUTHORIZED": { "status": 403, "body": "{}" } }),
            json!({ "UNAUTHORIZED": { "status": 403, "body": { "application/json": "[]" } } }),
        )
        .means("gateway_responses", answer(403, json!({}), "{}"), answer(403, json!({}), "[]"))
        .sends(&["CreateDeployment", "DeleteDeployment", "PutGatewayResponse"])
        .removed(Removed::Becomes(json!({})))
        .hand("apigateway put-gateway-response --rest-api-id <id> --response-type UNAUTHORIZED --status-code 403")
        .lacks(On::Moto, RESETS),
        Row::new(
            "access_log.group",
            json!({ "group": group("a"), "format": "$context.requestId" }),
            json!({ "group": group("b"), "format": "$context.requestId" }),
        )
        .sends(&["UpdateStage"])
        .removed(Removed::Becomes(Value::Null))
        .hand("apigateway update-stage --rest-api-id <id> --stage-name one --patch-operations op=remove,path=/accessLogSettings"),
        Row::new(
            "access_log.format",
            json!({ "group": group("a"), "format": "$context.requestId" }),
            json!({ "group": group("a"), "format": "csv" }),
        )
        .means(
            "access_log",
            json!({ "group": group("a"), "format": "$context.requestId" }),
            json!({ "group": group("a"), "format": CSV }),
        )
        .sends(&["UpdateStage"])
        .removed(Removed::Becomes(Value::Null))
        .hand("apigateway update-stage --rest-api-id <id> --stage-name one --patch-operations op=replace,path=/accessLogSettings/format,value=$context.extendedRequestId"),
        Row::new("endpoint", "regional", "edge")
            .sends(&["CreateDeployment", "DeleteDeployment", "UpdateRestApi"])
            .removed(Removed::Default(json!("regional")))
            .hand("apigateway update-rest-api --rest-api-id <id> --patch-operations op=replace,path=/endpointConfiguration/types/0,value=REGIONAL")
            .lacks(On::Moto, RESETS)
            .spoils(On::Ministack, |bench| {
                let api = patched(bench, "op=replace,path=/endpointConfiguration/types/0,value=EDGE");
                api["endpointConfiguration"]["types"] != json!(["EDGE"])
            }),
        Row::new("binary_types", json!(["a/b", "image/png"]), json!(["*/*", "image/png"]))
            .sends(&["CreateDeployment", "DeleteDeployment", "UpdateRestApi"])
            .removed(Removed::Default(json!([])))
            .hand("apigateway update-rest-api --rest-api-id <id> --patch-operations op=add,path=/binaryMediaTypes/x~1y,value=x/y")
            .lacks(On::Moto, RESETS)
            .spoils(On::Ministack, |bench| {
                let api = patched(bench, "op=add,path=/binaryMediaTypes/image~1png,value=image/png");
                api["binaryMediaTypes"] != json!(["image/png"])
            }),
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

/// Gateway responses that the file does not name are unmanaged.
#[test]
fn an_unmanaged_gateway_response_is_left_alone() {
    unmoved(table(), On::Ministack, |bench| {
        let put = "apigateway put-gateway-response --rest-api-id <id> --response-type THROTTLED";
        bench.aws(&format!("{put} --status-code 503"));
    });
}

/// Only the file says which of its stages is meant.
#[test]
fn an_imported_api_keeps_its_stage() {
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

/// On moto a deployment re-creates the stage without its settings.
const RESETS: Lack = Lack::Resets("UpdateStage");

/// One setting of `cors`, where one route is: what it says is said by a preflight and by the answers
/// of API Gateway itself.
fn cors(name: &'static str, first: Value, second: Value) -> Row {
    Row::new(name, first, second)
        .with(json!({ "routes": { "GET /a": "function.f" } }))
        .also_in(&["gateway_responses"])
        .sends(&[
            "CreateDeployment",
            "DeleteDeployment",
            "DeleteMethod",
            "PutGatewayResponse",
            "PutIntegration",
            "PutIntegrationResponse",
            "PutMethod",
            "PutMethodResponse",
        ])
        .removed(Removed::Becomes(routes(&[("GET /a", "f")])))
        .lacks(On::Moto, RESETS)
}

const HEADERS: &str =
    "Authorization,Content-Type,X-Amz-Date,X-Amz-Security-Token,X-Amz-User-Agent,X-Api-Key";
const METHODS: &str = "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT";

/// Another API, after this patch.
fn patched(bench: &Bench, patch: &str) -> Value {
    let made = bench.aws("apigateway create-rest-api --name other");
    let id = text(&made["id"]);
    bench.aws(&format!("apigateway update-rest-api --rest-api-id {id} --patch-operations {patch}"));
    bench.aws(&format!("apigateway get-rest-api --rest-api-id {id}"))
}

fn group(name: &str) -> String {
    format!("arn:aws:logs:us-east-1:<account>:log-group:{name}")
}

const CSV: &str = "$context.identity.sourceIp,$context.identity.caller,$context.identity.user,\
    $context.requestTime,$context.httpMethod,$context.resourcePath,$context.protocol,\
    $context.status,$context.responseLength,$context.requestId,$context.extendedRequestId";

/// What somebody without the right to call is answered.
fn answer(status: u16, headers: Value, json: &str) -> Value {
    let body = json!({ "application/json": json });
    json!({ "UNAUTHORIZED": { "status": status, "headers": headers, "body": body } })
}

/// AWS's own.
const TEMPLATE: &str = r#"{"message":$context.error.messageString}"#;

/// The routes with a preflight of which one header is not as it is without a word.
fn crossed(header: &str, value: Option<&str>) -> Value {
    let mut routes = routes(&[("GET /a", "f")]);
    let mut said = json!({ ALLOW_ORIGIN: "*", ALLOW_HEADERS: HEADERS, "Access-Control-Allow-Methods": METHODS });
    let name = match header {
        "Max-Age" => "Access-Control-Max-Age".to_owned(),
        header => format!("Access-Control-Allow-{header}"),
    };
    if let Some(value) = value {
        said[name] = value.into();
    }
    routes["OPTIONS /a"] = json!({ "authorization": "NONE", "preflight": said });
    routes
}

const ALLOW_ORIGIN: &str = "Access-Control-Allow-Origin";
const ALLOW_HEADERS: &str = "Access-Control-Allow-Headers";

/// As [`crossed`], for one origin.
fn credentials(value: Option<&str>) -> Value {
    let mut routes = crossed("Credentials", value);
    routes["OPTIONS /a"]["preflight"][ALLOW_ORIGIN] = "https://a.example".into();
    routes
}

/// As [`routes`], for everybody.
fn open(of: &[(&str, &str)]) -> Value {
    let mut routes = routes(of);
    for route in routes.as_object_mut().expect("a map").values_mut() {
        route["authorization"] = "NONE".into();
    }
    routes
}

/// As [`routes`], for those with a key.
fn keyed(of: &[(&str, &str)]) -> Value {
    let mut routes = routes(of);
    for route in routes.as_object_mut().expect("a map").values_mut() {
        route["api_key"] = true.into();
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
    of_a(bench, "GET", command, more);
}

/// One command about `OPTIONS /a`.
fn preflight(bench: &Bench, command: &str, more: &str) {
    of_a(bench, "OPTIONS", command, more);
}

fn of_a(bench: &Bench, method: &str, command: &str, more: &str) {
    let all = bench.aws("apigateway get-resources --rest-api-id <id>");
    let all = all["items"].as_array().expect("a list");
    let resource = all.iter().find(|one| one["path"] == "/a").expect("the resource");
    let resource = text(&resource["id"]);
    bench.aws(&format!(
        "apigateway {command} --rest-api-id <id> --resource-id {resource} --http-method {method}{more}"
    ));
}
