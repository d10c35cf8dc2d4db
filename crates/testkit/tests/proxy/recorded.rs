//! What AWS is recorded to refuse, and emulators accept.

use serde_json::json;
use stackwright_testkit::{Act, Emulator, Proxy, Rules};

use crate::{gateway, iam, lambda};

#[test]
fn what_api_gateway_refuses_is_refused() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::strict(&emulator, Rules::recorded(), |_| Act::Pass);
    let ask = |method: &str, path: &str, body: serde_json::Value| {
        let (status, said) = gateway(&proxy, method, path, &body.to_string());
        (status, said["message"].as_str().unwrap_or_default().to_owned())
    };
    let refused = |message: &str| (400, message.to_owned());
    let empty = json!({ "name": "a", "description": "" });
    let expected = refused("Description cannot be an empty string");
    assert_eq!(ask("POST", "restapis", empty), expected);

    let (_, api) = gateway(&proxy, "POST", "restapis", r#"{"name":"a"}"#);
    let api = format!("restapis/{}", api["id"].as_str().unwrap());
    let patch = |path: &str, op: &str, value: &str| json!({ "patchOperations": [{ "op": op, "path": path, "value": value }] });
    let media = ask("PATCH", &api, patch("/binaryMediaTypes", "add", "image/gif"));
    assert_eq!(media, refused("Invalid patch path /binaryMediaTypes"));
    let name = ask("PATCH", &api, patch("/name", "remove", ""));
    assert_eq!(name, refused("Invalid patch operation specified. Must be one of: [replace]"));
    assert_eq!(ask("PATCH", &api, patch("/name", "replace", "b")).0, 200);
    let stage = format!("{api}/stages/prod");
    let burst = ask("PATCH", &stage, patch("/*/*/throttling/burstLimit", "remove", ""));
    assert!(burst.1.starts_with("Cannot remove method setting */*/throttling"), "{burst:?}");

    let (_, resources) = gateway(&proxy, "GET", &format!("{api}/resources"), "");
    let resources = resources.get("item").or(resources.get("items")).unwrap().clone();
    let root = format!("{api}/resources/{}", resources[0]["id"].as_str().unwrap());
    let (status, greedy) = gateway(&proxy, "POST", &root, r#"{"pathPart":"{rest+}"}"#);
    assert_eq!(status, 201, "{greedy}");
    let sibling = ask("POST", &root, json!({ "pathPart": "{id}" }));
    assert!(sibling.1.contains("only one is allowed"), "{sibling:?}");
    let below = format!("{api}/resources/{}", greedy["id"].as_str().unwrap());
    let child = ask("POST", &below, json!({ "pathPart": "child" }));
    assert!(child.1.starts_with("Cannot create a child of a resource with a greedy"), "{child:?}");
    let method = format!("{root}/methods/GET");
    assert_eq!(ask("PUT", &method, json!({ "authorizationType": "NONE" })).0, 201);
    let uri = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let integration = json!({ "type": "AWS_PROXY", "httpMethod": "POST", "uri": uri });
    let direct = ask("PUT", &format!("{method}/integration"), integration);
    assert_eq!(direct, refused("AWS ARN for integration must contain path or action"));
}

#[test]
fn what_iam_and_lambda_refuse_is_refused() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::strict(&emulator, Rules::recorded(), |_| Act::Pass);
    let trust = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
    let create = |name: &str, trust: &str| {
        iam(&proxy, &format!("Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument={trust}"))
    };
    assert_eq!(create("a", trust).0, 200);
    let broken = create("b", "%5B%7B%7D%5D");
    assert!(broken.1.contains("This policy contains invalid Json"), "{broken:?}");
    let attach =
        |arn: &str| iam(&proxy, &format!("Action=AttachRolePolicy&RoleName=a&PolicyArn={arn}"));
    assert_eq!(attach("arn:aws:iam::aws:policy/ReadOnlyAccess").0, 200);
    for arn in ["arn:aws:iam::aws:policy/ReadOnly", "arn:aws:iam::000000000000:policy/none"] {
        let (status, said) = attach(arn);
        assert_eq!(status, 404, "{said}");
        assert!(said.contains("does not exist or is not attachable"), "{said}");
    }

    let role = "arn:aws:iam::000000000000:role/a";
    let variables = json!({ "AB": "x".repeat(4087) });
    let function = |variables| {
        json!({
            "FunctionName": "f", "Runtime": "python3.13", "Role": role, "Handler": "a.b",
            "Code": { "ZipFile": "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==" },
            "Environment": { "Variables": variables },
        })
    };
    assert_eq!(variables.to_string().len(), 4096);
    assert_eq!(lambda(&proxy, "POST", "", &function(variables).to_string()).0, 201);
    let large = function(json!({ "AB": "x".repeat(4088) }));
    let (status, said) = lambda(&proxy, "POST", "", &large.to_string());
    assert!(status == 400 && said.to_string().contains("4KB limit"), "{said}");
    let permission = json!({
        "StatementId": "a", "Action": "lambda:InvokeFunction", "Principal": "invalid.example.com",
    });
    let (status, said) = lambda(&proxy, "POST", "/f/policy", &permission.to_string());
    assert!(status == 400 && said.to_string().contains("principal was invalid"), "{said}");
}
