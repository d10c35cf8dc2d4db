//! The rules about deployments and who may call what is deployed: each is seen to refuse what
//! MiniStack and moto let pass.

use serde_json::{Value, json};
use stackwright_testkit::http::http;
use stackwright_testkit::{Act, Emulator, Proxy, Rules};

use crate::{gateway, lambda};

/// The zip of an `a.py` whose function `b` answers 200 with `f`, base64.
const ZIP: &str = "UEsDBBQAAAAAAAAAIQBTRbd7NQAAADUAAAAEAAAAYS5weWRlZiBiKGUsIGMpOiByZXR1cm4geyJzdGF0dXNDb2RlIjogMjAwLCAiYm9keSI6ICJmIn0KUEsBAhQDFAAAAAAAAAAhAFNFt3s1AAAANQAAAAQAAAAAAAAAAAAAAKQBAAAAAGEucHlQSwUGAAAAAAEAAQAyAAAAVwAAAAAA";

/// An API on its way, behind a proxy.
struct Api<'a> {
    proxy: &'a Proxy,
    id: String,
    root: String,
}

impl<'a> Api<'a> {
    fn new(proxy: &'a Proxy) -> Self {
        let id = text(&gateway(proxy, "POST", "restapis", r#"{"name": "a"}"#).1["id"]);
        let (_, resources) = gateway(proxy, "GET", &format!("restapis/{id}/resources"), "");
        let items = resources.get("item").or_else(|| resources.get("items")).unwrap();
        let root = text(&items[0]["id"]);
        Self { proxy, id, root }
    }

    #[track_caller]
    fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        gateway(self.proxy, method, &format!("restapis/{}/{path}", self.id), &body)
    }

    #[track_caller]
    fn made(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, made) = self.ask(method, path, body);
        assert!(status < 300, "{method} {path}: {status} {made}");
        made
    }

    /// The id of the resource `/part`.
    fn resource(&self, part: &str) -> String {
        let made =
            self.made("POST", &format!("resources/{}", self.root), &json!({"pathPart": part}));
        text(&made["id"])
    }

    fn method(&self, resource: &str, method: &str) {
        let body = json!({ "authorizationType": "NONE" });
        self.made("PUT", &format!("resources/{resource}/methods/{method}"), &body);
    }

    fn integrate(&self, resource: &str, method: &str, function: &str) {
        let uri = format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
        );
        let body = json!({ "type": "AWS_PROXY", "httpMethod": "POST", "uri": uri });
        self.made("PUT", &format!("resources/{resource}/methods/{method}/integration"), &body);
    }

    fn route(&self, part: &str, method: &str, function: &str) -> String {
        let resource = self.resource(part);
        self.method(&resource, method);
        self.integrate(&resource, method, function);
        resource
    }

    /// The new deployment's id, and it is what `prod` serves.
    fn deploy(&self) -> String {
        text(&self.made("POST", "deployments", &json!({ "stageName": "prod" }))["id"])
    }

    fn call(&self, method: &str, path: &str) -> (u16, String) {
        let (url, id) = (self.proxy.url(), &self.id);
        http(method, &format!("{url}/restapis/{id}/prod/_user_request_{path}"), "")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

/// A function that anybody may call who has its permission; its ARN.
fn function(proxy: &Proxy, name: &str) -> String {
    let body = json!({
        "FunctionName": name, "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "python3.13",
        "Handler": "a.b", "Code": { "ZipFile": ZIP },
    });
    let (status, made) = lambda(proxy, "POST", "", &body.to_string());
    assert_eq!(status, 201, "{made}");
    text(&made["FunctionArn"])
}

fn permit(proxy: &Proxy, function: &str, id: &str, source: &str) -> (u16, Value) {
    let body = json!({
        "StatementId": id, "Action": "lambda:InvokeFunction",
        "Principal": "apigateway.amazonaws.com",
        "SourceArn": format!("arn:aws:execute-api:us-east-1:000000000000:{source}"),
    });
    lambda(proxy, "POST", &format!("/{function}/policy"), &body.to_string())
}

fn strict(emulator: &Emulator, rules: Rules) -> Proxy {
    Proxy::strict(emulator, rules, |_| Act::Pass)
}

fn unknown() -> (u16, String) {
    (403, r#"{"message":"Missing Authentication Token"}"#.to_owned())
}

#[track_caller]
fn refused((status, said): (u16, Value), as_: (u16, &str), with: &str) {
    assert_eq!((status, &said["__type"]), (as_.0, &json!(as_.1)), "{said}");
    assert!(said["message"].as_str().unwrap().contains(with), "{said}");
}

const BAD: (u16, &str) = (400, "BadRequestException");

#[test]
fn a_stage_serves_what_was_deployed() {
    let emulator = Emulator::ministack().start();
    let proxy = strict(&emulator, Rules { snapshot: true, ..Rules::default() });
    let (api, function) = (Api::new(&proxy), function(&proxy, "f"));
    api.route("a", "GET", &function);
    let first = api.deploy();
    let works = (200, "f".to_owned());
    assert_eq!(api.call("GET", "/a"), works);
    assert_eq!(api.call("POST", "/a"), unknown(), "another method");

    let other = api.route("{b}", "ANY", &function);
    assert_eq!(api.call("GET", "/b"), unknown(), "it is not deployed");
    let second = api.deploy();
    assert_eq!(api.call("GET", "/b"), works);

    let point = |at: &str| {
        let patch = json!({ "op": "replace", "path": "/deploymentId", "value": at });
        api.made("PATCH", "stages/prod", &json!({ "patchOperations": [patch] }));
    };
    point(&first);
    assert_eq!(api.call("GET", "/b"), unknown(), "the stage went back");
    let delete = |id: &str| api.ask("DELETE", &format!("deployments/{id}"), &Value::Null);
    refused(delete(&first), BAD, "Active stages pointing to this deployment must be moved");
    point(&second);
    assert_eq!(api.call("GET", "/b"), works);
    assert_eq!(delete(&first).0, 202);
    refused(delete(&second), BAD, "Active stages");

    // What is gone from the routes, but not from the deployment, is the emulator's to answer.
    api.made("DELETE", &format!("resources/{other}"), &Value::Null);
    assert_eq!(api.call("GET", "/a"), works);
    api.made("DELETE", "stages/prod", &Value::Null);
    assert_eq!(delete(&second).0, 202, "no stage points at it any more");
    assert!(proxy.entries().iter().all(|entry| !entry.call.target.contains("_user_request_")));
}

#[test]
fn an_incomplete_api_is_not_deployed() {
    let emulator = Emulator::ministack().start();
    let proxy = strict(&emulator, Rules { half_built: true, ..Rules::default() });
    let (api, function) = (Api::new(&proxy), function(&proxy, "f"));
    let deploy = || api.ask("POST", "deployments", &json!({ "stageName": "prod" }));
    refused(deploy(), BAD, "The REST API doesn't contain any methods");
    let resource = api.resource("a");
    api.method(&resource, "GET");
    refused(deploy(), BAD, "No integration defined for method");
    api.integrate(&resource, "GET", &function);
    api.method(&resource, "PUT");
    refused(deploy(), BAD, "No integration defined for method");
    api.made("DELETE", &format!("resources/{resource}/methods/PUT"), &Value::Null);
    assert_eq!(deploy().0, 201);
    assert_eq!(emulator.deployed(&api.id, "prod").0.len(), 1);
}

#[test]
fn a_function_is_called_only_with_permission() {
    let emulator = Emulator::ministack().start();
    let proxy = strict(&emulator, Rules { permission: true, ..Rules::default() });
    let api = Api::new(&proxy);
    let functions = ["f", "g"].map(|name| function(&proxy, name));
    let resource = api.route("a", "GET", &functions[0]);
    api.deploy();
    let closed = (500, r#"{"message":"Internal server error"}"#.to_owned());
    let works = (200, "f".to_owned());
    assert_eq!(api.call("GET", "/a"), closed, "nobody allowed it");
    let id = &api.id;
    for other in ["other/prod/*".to_owned(), format!("{id}/dev/*"), format!("{id}/*/POST/*")] {
        assert_eq!(permit(&proxy, "f", "one", &other).0, 201);
        assert_eq!(api.call("GET", "/a"), closed, "{other}");
        assert_eq!(lambda(&proxy, "DELETE", "/f/policy/one", "").0, 204);
    }
    assert_eq!(permit(&proxy, "f", "one", &format!("{id}/prod/*")).0, 201);
    assert_eq!(api.call("GET", "/a"), works);

    // The stage calls the old one until the new one is deployed.
    api.integrate(&resource, "GET", &functions[1]);
    assert_eq!(api.call("GET", "/a"), works);
    api.deploy();
    assert_eq!(api.call("GET", "/a"), closed);
    assert_eq!(permit(&proxy, "g", "one", &format!("{id}/*/GET/a")).0, 201);
    assert_eq!(api.call("GET", "/a"), works);
    lambda(&proxy, "DELETE", "/g", "");
    assert_eq!(api.call("GET", "/a"), closed, "it is gone");
}

#[test]
fn an_api_that_was_deployed_past_the_proxy_is_left_alone() {
    let emulator = Emulator::ministack().start();
    let before = strict(&emulator, Rules::default());
    let (api, function) = (Api::new(&before), function(&before, "f"));
    api.route("a", "GET", &function);
    api.deploy();
    let proxy = strict(&emulator, Rules::gateway());
    let later = Api { proxy: &proxy, id: api.id.clone(), root: api.root.clone() };
    assert_eq!(later.call("GET", "/a"), (200, "f".to_owned()));
    later.route("b", "GET", &function);
    assert_eq!(later.call("GET", "/b"), (200, "f".to_owned()));
}

#[test]
fn a_statement_id_is_taken_once() {
    // The other emulator refuses it by itself.
    let emulator = Emulator::moto().start();
    let proxy = strict(&emulator, Rules { statement_ids: true, ..Rules::default() });
    crate::iam(&proxy, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D");
    let role = format!("arn:aws:iam::{}:role/r", emulator.account());
    let body = json!({
        "FunctionName": "f", "Role": role, "Runtime": "python3.13", "Handler": "a.b",
        "Code": { "ZipFile": ZIP },
    });
    assert_eq!(lambda(&proxy, "POST", "", &body.to_string()).0, 201);
    assert!(permit(&proxy, "f", "one", "a/prod/*").0 < 300);
    let taken = (409, "ResourceConflictException");
    let said = "The statement id (one) provided already exists. Please provide a new statement id, \
                or remove the existing statement.";
    refused(permit(&proxy, "f", "one", "b/prod/*"), taken, said);
    assert!(permit(&proxy, "f", "two", "b/prod/*").0 < 300);
    assert_eq!(lambda(&proxy, "DELETE", "/f/policy/one", "").0, 204);
    assert!(permit(&proxy, "f", "one", "b/prod/*").0 < 300);
}
