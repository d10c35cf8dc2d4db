use serde_json::Value;

use super::*;

fn config(value: Value) -> Config {
    serde_json::from_value(value).expect("a config")
}

fn spec(value: Value) -> Spec {
    let at = Context {
        address: stackwright_engine::Address::new("api", "web"),
        name: "web".into(),
        tags: Tags::new(),
        folder: ".".into(),
        region: "us-east-1".into(),
        account: "123456789012".into(),
        partition: "aws".into(),
        prior: stackwright_engine::kind::PriorState::None,
    };
    normalize(config(value), &at).expect("a spec")
}

#[test]
fn normal_form() {
    let spec = spec(json!({ "routes": { "post /b/": "f2", "GET /a": "f1", "GET /c": "f1" } }));
    assert_eq!(spec.stage(), "prod");
    assert_eq!(spec.permissions, ["f1", "f2"]);
    assert_eq!(
        json!(spec.routes),
        json!({
            "GET /a": { "function": "f1", "authorization": "AWS_IAM" },
            "GET /c": { "function": "f1", "authorization": "AWS_IAM" },
            "POST /b": { "function": "f2", "authorization": "AWS_IAM" },
        })
    );
}

#[test]
fn the_digest_covers_what_is_deployed() {
    let digest = |value: Value| spec(value).deployed;
    let one = digest(json!({ "routes": { "GET /a": "f" } }));
    // A digest that changes would deploy every API again.
    assert_eq!(one, "68293bbf3b965900bbe215920b0a09cda4e435d677577bacc6c073ffebb51c69");
    assert_eq!(one, digest(json!({ "routes": { "get /a/": "f" }, "description": "x" })));
    for other in [
        json!({ "routes": { "GET /b": "f" } }),
        json!({ "routes": { "GET /a": "g" } }),
        json!({ "routes": { "GET /a": "f" }, "authorization": "none" }),
        json!({ "routes": { "GET /a": "f" }, "cors": true }),
        json!({ "routes": { "GET /a": "f" }, "gateway_responses": { "THROTTLED": {} } }),
        json!({ "routes": { "GET /a": "f" }, "endpoint": "edge" }),
        json!({ "routes": { "GET /a": "f" }, "binary_types": ["*/*"] }),
    ] {
        assert_ne!(one, digest(other));
    }
    assert_eq!(digest(json!({})), "");
    let staged = json!({
        "routes": { "GET /a": "f" }, "variables": { "a": "b" }, "throttle": { "rate": 1 },
        "access_log": { "group": "arn:aws:logs:us-east-1:123456789012:log-group:a" },
    });
    assert_eq!(one, digest(staged), "the stage's own settings are not deployed");
    let plain = json!({
        "routes": { "GET /a": "f" }, "endpoint": "regional", "binary_types": [],
    });
    assert_eq!(one, digest(plain), "as it is without a word");
    let cors = |cors: Value| digest(json!({ "routes": { "GET /a": "f" }, "cors": cors }));
    assert_eq!(one, cors(json!(false)));
    assert_eq!(cors(json!(true)), cors(json!({ "origins": ["*"], "credentials": false })));
    assert_ne!(cors(json!(true)), cors(json!({ "max_age": 1 })));
}

#[test]
fn paths_without_a_route_for_options_get_a_preflight() {
    let routes = json!({
        "GET /a": "f", "PUT /a": "f", "ANY /b": "f", "POST /c": "f", "OPTIONS /c": "g",
    });
    let with = spec(json!({ "routes": routes.clone(), "cors": true }));
    let preflights: Vec<&String> =
        with.routes.iter().filter(|(_, r)| !r.preflight.is_empty()).map(|(k, _)| k).collect();
    assert_eq!(preflights, ["OPTIONS /a"]);
    assert_eq!(with.routes["OPTIONS /a"].authorization, "NONE");
    assert_eq!(with.permissions, ["f", "g"]);
    let answers = with.gateway_responses.expect("answers with the headers");
    assert_eq!(answers.keys().collect::<Vec<_>>(), DEFAULTS);
    assert!(answers.values().all(|one| one.headers == with.routes["OPTIONS /a"].preflight));
    let without = spec(json!({ "routes": routes }));
    assert_eq!((without.routes.len(), without.gateway_responses), (5, None));
}

#[test]
fn responses_of_the_file_get_the_headers_of_cors() {
    let own = json!({ "Access-Control-Allow-Origin": "https://a.example" });
    let with = spec(json!({
        "cors": true,
        "gateway_responses": {
            "DEFAULT_4XX": { "status": 404, "headers": own, "body": "{}" },
            "THROTTLED": { "body": { "text/plain": "later" } },
        },
    }));
    let answers = with.gateway_responses.expect("answers");
    assert_eq!(answers.len(), 3);
    let own = &answers["DEFAULT_4XX"];
    assert_eq!(own.headers["Access-Control-Allow-Origin"], "https://a.example");
    assert_eq!(own.headers.len(), 3, "{own:?}");
    assert_eq!((own.status, &own.body["application/json"]), (Some(404), &"{}".to_owned()));
    let later = &answers["THROTTLED"];
    assert_eq!(later.headers["Access-Control-Allow-Origin"], "*");
    assert_eq!(later.body["text/plain"], "later");
}

#[test]
fn a_route_may_have_a_long_form() {
    let of = |routes: Value| spec(json!({ "routes": routes }));
    let long = of(json!({ "GET /a": { "function": "f" } }));
    assert_eq!(long, of(json!({ "GET /a": "f" })));
    let open = of(json!({ "GET /a": { "function": "f", "authorization": "none" } }));
    assert_eq!(open.routes["GET /a"].authorization, "NONE");
    assert_ne!(open.deployed, long.deployed, "who may call is deployed");
    let keyed = of(json!({ "GET /a": { "function": "f", "api_key": true } }));
    assert!(keyed.routes["GET /a"].api_key && !long.routes["GET /a"].api_key);
    assert_ne!(keyed.deployed, long.deployed, "so is whether it takes a key");
    let unkeyed = of(json!({ "GET /a": { "function": "f", "api_key": false } }));
    assert_eq!(unkeyed, long);
}
