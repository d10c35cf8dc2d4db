//! Pages of other origins: the headers of preflights and of failed calls.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;
use stackwright_testkit::http::{headers, http};

use crate::support::Sandbox;

const CODE: &str = "def works(event, context): return {'statusCode': 200, 'body': 'it works'}\n";

/// Creates the API; its URL.
fn made(stack: &Sandbox, api: Value) -> String {
    let function =
        json!({ "code": "src/", "runtime": "python3.13", "handler": "m.works", "role": "role.r" });
    let file = json!({
        "stack": "cors",
        "role": { "r": { "trust": "lambda.amazonaws.com" } },
        "function": { "works": function },
        "api": { "a": api },
        "output": { "url": "${api.a.url}" },
    });
    std::fs::create_dir_all(stack.path("src")).expect("a folder");
    stack.write("src/m.py", CODE);
    stack.write("stack.yaml", &file.to_string());
    stack.reconcile(&[]);
    stack.settled(&[]);
    stack.ok(&["output", "url"]).stdout.trim().to_owned()
}

#[test]
fn browsers_get_cors_headers() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::empty(emulator.port());
    let api = |cors: Value| {
        let routes = json!({ "GET /a": "function.works", "ANY /own": "function.works" });
        json!({ "authorization": "none", "routes": routes, "cors": cors })
    };
    let cors = json!({ "origins": ["https://app.example"], "max_age": "10m", "methods": ["GET"] });
    let url = made(&stack, api(cors));
    let allowed = |method: &str, path: &str| {
        let (status, mut said) = headers(method, &format!("{url}{path}"), "");
        (status, said.remove("access-control-allow-origin"))
    };
    let app = Some("https://app.example".to_owned());

    let (status, said) = headers("OPTIONS", &format!("{url}/a"), "");
    assert_eq!(
        (status, &said["access-control-allow-origin"]),
        (204, &"https://app.example".into())
    );
    assert_eq!(said["access-control-allow-methods"], "GET");
    assert_eq!(said["access-control-max-age"], "600");
    assert!(said["access-control-allow-headers"].contains("Authorization"), "{said:?}");
    assert_eq!(allowed("GET", "/none"), (403, app.clone()), "API Gateway itself refuses");
    assert_eq!(allowed("OPTIONS", "/own"), (200, None), "the file has a route of its own");
    assert_eq!(http("GET", &format!("{url}/a"), ""), (200, "it works".to_owned()));

    emulator.aws(&["lambda", "delete-function", "--function-name", "works"]);
    assert_eq!(allowed("GET", "/a"), (500, app), "API Gateway cannot call the function");

    made(&stack, api(json!(false)));
    assert_eq!(allowed("OPTIONS", "/a"), (403, None));
    assert_eq!(allowed("GET", "/none"), (403, None));
}
