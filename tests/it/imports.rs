//! APIs of many routes: set by one import, edited by single calls, on endpoints that import, that refuse it, and
//! that make something else of it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use stackwright_testkit::http::{send, signed};
use stackwright_testkit::{
    Act, Call, Calls, Double, Emulator, Endpoint, Point, Proxy, Refusal, Rules,
};

use crate::support::{Sandbox, takes_all, text};

/// The calls that set routes one by one.
const SINGLE: [&str; 6] = [
    "CreateResource",
    "PutGatewayResponse",
    "PutIntegration",
    "PutIntegrationResponse",
    "PutMethod",
    "PutMethodResponse",
];

const COUNT: usize = 30;

/// Routes of every sort, `count` of them.
fn routes(count: usize) -> Value {
    let route = |at: usize| {
        let key = match at % 3 {
            0 => format!("GET /part-{at}/{{id}}"),
            1 => format!("POST /part-{at}"),
            _ => format!("ANY /part-{at}/{{rest+}}"),
        };
        let authorization = if at.is_multiple_of(2) { "none" } else { "iam" };
        let api_key = at.is_multiple_of(5);
        let route = json!({
            "function": "function.f", "authorization": authorization, "api_key": api_key,
        });
        (key, route)
    };
    (0..count).map(route).collect::<Map<_, _>>().into()
}

/// A stack with these APIs by key, behind the proxy.
fn stack(proxy: &Proxy, apis: Value) -> Sandbox {
    let stack = Sandbox::empty(proxy.port());
    std::fs::create_dir(stack.path("src")).expect("a folder");
    stack.write("src/m.py", "def one(event, context): return 1\n");
    write(&stack, apis);
    stack
}

fn write(stack: &Sandbox, apis: Value) {
    let function =
        json!({ "code": "src/", "runtime": "python3.13", "handler": "m.one", "role": "role.r" });
    let file = json!({
        "stack": "imports",
        "role": { "r": { "trust": "lambda.amazonaws.com" } },
        "function": { "f": function },
        "api": apis,
    });
    stack.write("stack.yaml", &file.to_string());
}

fn many() -> Value {
    json!({ "a": { "routes": routes(COUNT), "cors": true } })
}

/// What AWS would refuse of a deployment or an import is refused.
fn rules() -> Rules {
    Rules { one_writer: true, half_built: true, statement_ids: true, ..Rules::recorded() }
}

fn count(proxy: &Proxy, name: &str) -> usize {
    proxy.log().iter().filter(|call| call.operation.name == name).count()
}

/// How many calls set routes one by one.
fn singles(proxy: &Proxy) -> usize {
    SINGLE.iter().map(|name| count(proxy, name)).sum()
}

/// Reconciles; a second run then writes nothing.
#[track_caller]
fn converges(stack: &Sandbox) {
    stack.reconcile(&[]);
    let second = stack.reconcile(&[]);
    assert_eq!(second.writes, 0, "{second:?}");
    stack.settled(&[]);
}

/// The calls since the last time. The double knew all of those to API Gateway, and answered as AWS's models say.
#[track_caller]
fn calls(double: &Double) -> Calls {
    let calls = double.take_calls();
    let mut unknown = calls.unknown.iter().filter(|call| call.starts_with("apigateway "));
    assert_eq!(unknown.next(), None);
    assert!(calls.deviations.is_empty(), "{:#?}", calls.deviations);
    calls
}

fn api_id(stack: &Sandbox) -> String {
    let shown = stack.ok(&["show", "--json"]).json();
    text(&shown["resources"]["api.a"]["object"]["id"]).to_owned()
}

/// A call by hand to the API of the stack; its reply.
#[track_caller]
fn by_hand(endpoint: &impl Endpoint, method: &str, path: &str, body: &Value) -> Value {
    let url = format!("http://127.0.0.1:{}/restapis/{path}", endpoint.port());
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, reply) = send(method, &url, &signed("apigateway"), &body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {reply}");
    serde_json::from_str(&reply).unwrap_or_default()
}

#[test]
fn an_api_of_many_routes_is_one_import_and_small_edits_are_single_calls() {
    let double = Double::checked();
    let proxy = Proxy::strict(&double, rules(), |_| Act::Pass);
    let stack = stack(&proxy, many());
    stack.reconcile(&[]);
    assert_eq!(calls(&double).least_under_quotas(), Duration::ZERO, "no quota delays it");
    converges(&stack);
    assert_eq!((count(&proxy, "PutRestApi"), singles(&proxy)), (1, 0));
    let before = ["GetResources", "GetStages", "GetPolicy"].map(|name| {
        let until = |call: &Call| call.operation.name != "PutRestApi";
        let log = proxy.log();
        log.into_iter().take_while(until).filter(|call| call.operation.name == name).count()
    });
    assert_eq!(before, [0; 3], "nothing is read of a new API");

    let mut edited = many();
    edited["a"]["routes"]["POST /part-1"]["authorization"] = "none".into();
    edited["a"]["routes"]["PUT /new"] = "function.f".into();
    write(&stack, edited);
    converges(&stack);
    assert_eq!(count(&proxy, "PutRestApi"), 1, "a small edit");
    assert_eq!(count(&proxy, "PutMethod"), 3, "two routes and a preflight");

    let singles_before = singles(&proxy);
    let mut edited = many();
    edited["a"]["cors"] = json!({ "max_age": "10m" });
    write(&stack, edited);
    converges(&stack);
    assert_eq!(count(&proxy, "PutRestApi"), 2, "every preflight is edited");
    assert_eq!(singles(&proxy), singles_before);
}

/// The import needs no read that shows the API; its confirmation waits for one.
#[test]
fn an_api_that_is_not_visible_yet_is_imported_once() {
    let double = Double::checked();
    let hidden = Rules::hiding("api", 3).hidden;
    let proxy = Proxy::strict(&double, Rules { hidden, ..rules() }, |_| Act::Pass);
    let stack = stack(&proxy, many());
    converges(&stack);
    assert!(proxy.entries().iter().any(|entry| entry.rule.as_deref() == Some("hidden")));
    assert_eq!((count(&proxy, "PutRestApi"), singles(&proxy)), (1, 0));
}

#[test]
fn an_api_of_many_routes_converges_on_emulators() {
    for emulator in [Emulator::ministack().start(), Emulator::moto().start()] {
        let proxy = Proxy::strict(&emulator, Rules::recorded(), |_| Act::Pass);
        let stack = stack(&proxy, many());
        converges(&stack);
        let mut edited = many();
        edited["a"]["routes"]["POST /part-1"]["authorization"] = "none".into();
        write(&stack, edited);
        converges(&stack);
        assert_eq!(count(&proxy, "PutRestApi"), 1, "{}", emulator.account());
        stack.ok(&["destroy", "--yes"]);
    }
}

/// Both APIs of a stack get their routes by single calls where the first import meets `act`. Returns how often one
/// was sent.
#[track_caller]
fn imports_of_two(act: Act) -> usize {
    let double = Double::checked();
    let proxy = Proxy::strict(&double, rules(), move |call| match call.operation.name.as_str() {
        "PutRestApi" => act,
        _ => Act::Pass,
    });
    let api = json!({ "routes": routes(3), "cors": true });
    let stack = stack(&proxy, json!({ "a": api.clone() }));
    converges(&stack);
    let of_first = count(&proxy, "PutRestApi");
    assert!(singles(&proxy) > 0, "{act:?}");
    // The second one waits for the first, and learns from it.
    let second = json!({ "routes": routes(3), "depends_on": ["api.a"] });
    let mut first = api;
    first["routes"] = routes(12);
    write(&stack, json!({ "a": first, "b": second }));
    converges(&stack);
    count(&proxy, "PutRestApi") - of_first
}

#[test]
fn an_endpoint_that_refuses_an_import_gets_single_calls() {
    for refusal in [
        Refusal::new(501, "NotImplemented"),
        Refusal::new(404, "NotFoundException"),
        Refusal::new(405, "MethodNotAllowedException"),
        Refusal::new(400, "BadRequestException"),
        Refusal::new(403, "AccessDeniedException"),
    ] {
        assert_eq!(imports_of_two(Act::Refuse(refusal)), 1, "{refusal:?}");
    }
}

#[test]
fn an_endpoint_that_imports_something_else_gets_single_calls() {
    assert_eq!(imports_of_two(Act::Say("{}")), 1, "it accepts and does nothing");
}

#[test]
fn an_endpoint_that_fails_at_an_import_gets_single_calls() {
    // Three attempts of one call.
    assert_eq!(imports_of_two(Act::Refuse(Refusal::BROKEN)), 3);
}

/// The quota that is used up would refuse single calls, too.
#[test]
fn an_import_beyond_a_quota_is_an_error_at_once() {
    let double = Double::checked();
    let used_up = Refusal::new(429, "LimitExceededException");
    let proxy = Proxy::strict(&double, rules(), move |call| match call.operation.name.as_str() {
        "PutRestApi" => Act::Refuse(used_up),
        _ => Act::Pass,
    });
    let stack = stack(&proxy, many());
    stack.run(&["reconcile", "--yes"]).code(4).says("LimitExceededException");
    // The SDK makes three attempts of the one call.
    assert_eq!((count(&proxy, "PutRestApi"), singles(&proxy)), (3, 0));
}

/// A lost reply, another change, and too many calls: the import is sent again.
#[test]
fn an_import_whose_outcome_is_unknown_is_repeated() {
    for act in [
        Act::Drop(Point::Committed),
        Act::Drop(Point::Arrived),
        Act::Refuse(Refusal::new(409, "ConflictException")),
        Act::Refuse(Refusal::throttle("apigateway")),
    ] {
        let double = Double::checked();
        let proxy =
            Proxy::strict(&double, rules(), move |call| match call.operation.name.as_str() {
                "PutRestApi" if call.occurrence == 0 => act,
                _ => Act::Pass,
            });
        let stack = stack(&proxy, many());
        converges(&stack);
        assert_eq!((count(&proxy, "PutRestApi"), singles(&proxy)), (2, 0), "{act:?}");
    }
}

/// Calls by hand for an API without routes, which then gets many.
#[track_caller]
fn adopted(by_hand: impl Fn(&Double, &str), check: impl Fn(&Double, &Proxy, &str)) {
    let double = Double::checked();
    let proxy = Proxy::strict(&double, rules(), |_| Act::Pass);
    let bare = json!({ "a": { "description": "ours" } });
    let stack = stack(&proxy, bare);
    converges(&stack);
    let id = api_id(&stack);
    by_hand(&double, &id);
    // As in another clone, which does not know the state.
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("a state");
    write(&stack, many());
    stack.ok(&["reconcile", "--yes", "--adopt"]);
    assert_eq!(api_id(&stack), id, "it is adopted");
    stack.settled(&[]);
    check(&double, &proxy, &id);
    calls(&double);
}

#[test]
fn what_is_unmanaged_survives_an_import() {
    let mapped = json!({
        "statusCode": "503",
        "responseParameters": { "gatewayresponse.header.X-A": "method.request.header.X-A" },
    });
    let put = |double: &Double, id: &str| {
        by_hand(double, "PUT", &format!("{id}/gatewayresponses/THROTTLED"), &mapped);
        let types = json!([{ "op": "add", "path": "/binaryMediaTypes/a~1b", "value": "a/b" }]);
        by_hand(double, "PATCH", id, &json!({ "patchOperations": types }));
    };
    adopted(put, |double, proxy, id| {
        assert_eq!((count(proxy, "PutRestApi"), singles(proxy)), (1, 0));
        let api = by_hand(double, "GET", id, &Value::Null);
        assert_eq!(
            (&api["description"], &api["binaryMediaTypes"]),
            (&"ours".into(), &json!(["a/b"]))
        );
        let all = by_hand(double, "GET", &format!("{id}/gatewayresponses"), &Value::Null);
        let all = all["item"].as_array().expect("a list");
        let of = |sort: &str| all.iter().find(|one| one["responseType"] == sort);
        let kept = of("THROTTLED").expect("it is there");
        assert_eq!(kept["responseParameters"], mapped["responseParameters"]);
        assert_eq!(kept["statusCode"], "503");
        assert!(of("DEFAULT_4XX").is_some(), "{all:?}");
        let part = by_hand(double, "GET", &format!("{id}/documentation/parts"), &Value::Null);
        assert_eq!(part["item"], json!([]), "nothing is made that single calls do not make");
    });
}

#[test]
fn nothing_is_imported_over_what_would_be_lost() {
    let source = json!([{ "op": "replace", "path": "/apiKeySource", "value": "AUTHORIZER" }]);
    let patch = |double: &Double, id: &str| {
        by_hand(double, "PATCH", id, &json!({ "patchOperations": source }));
    };
    adopted(patch, |double, proxy, id| {
        assert_eq!(count(proxy, "PutRestApi"), 0);
        assert!(singles(proxy) > COUNT, "{}", singles(proxy));
        let api = by_hand(double, "GET", id, &Value::Null);
        assert_eq!(api["apiKeySource"], "AUTHORIZER");
    });
}

/// What somebody has set on a method that stays is no part of a route.
#[test]
fn a_method_that_somebody_has_changed_is_not_imported_over() {
    let double = Double::checked();
    let proxy = Proxy::strict(&double, rules(), |_| Act::Pass);
    let stack = stack(&proxy, many());
    stack.reconcile(&[]);
    let id = api_id(&stack);
    let path = format!("{id}/resources?embed=methods&limit=500");
    let integration = || {
        let all = by_hand(&double, "GET", &path, &Value::Null);
        let mut items = all["item"].as_array().expect("a list").iter();
        let resource = items.find(|one| one["path"] == "/part-1").expect("its path").clone();
        let of = resource["resourceMethods"]["POST"]["methodIntegration"].clone();
        (text(&resource["id"]).to_owned(), of)
    };
    let (resource, mut own) = integration();
    own["credentials"] = "arn:aws:iam::000000000000:role/theirs".into();
    let put = format!("{id}/resources/{resource}/methods/POST/integration");
    by_hand(&double, "PUT", &put, &own);
    let mut edited = many();
    edited["a"]["cors"] = json!({ "max_age": "10m" });
    write(&stack, edited);
    converges(&stack);
    assert_eq!(count(&proxy, "PutRestApi"), 1, "that of the create");
    assert_eq!(integration().1["credentials"], own["credentials"]);
}

/// A run that creates an API of many routes is killed at its calls; the next one finishes the work.
#[test]
fn a_run_with_an_import_may_be_killed_anywhere() {
    let double = Double::checked();
    let expected = [("api", 1), ("function", 1), ("role", 1)].map(|(kind, n)| (kind.to_owned(), n));
    let stride = if takes_all() { 1 } else { 3 };
    for number in (0..).step_by(stride) {
        let mut is_hit = false;
        for point in [Point::Arrived, Point::Committed, Point::Replied] {
            let proxy = Proxy::strict(&double, rules(), move |call| {
                if call.number == number { Act::Pause(point) } else { Act::Pass }
            });
            let mut stack = stack(&proxy, many());
            let mut running = stack.start(&["reconcile", "--yes", "--no-check"]);
            if running.is_paused(&proxy) {
                is_hit = true;
                running.signal("KILL");
            }
            running.wait();
            drop(proxy);
            let when = format!("killed at call {number}, {point:?}");
            stack.go_through(double.port());
            let ran = stack.run(&["reconcile", "--yes", "--no-check"]);
            assert_eq!(ran.code, 0, "{when}: {ran}");
            stack.settled(&[]);
            let counts: Vec<_> =
                double.counts().into_iter().map(|(kind, n)| (kind.to_owned(), n)).collect();
            assert_eq!(counts, expected, "{when}");
            stack.ok(&["destroy", "--yes"]);
            assert!(double.counts().is_empty(), "{when}");
        }
        if !is_hit {
            return assert!(number > 10, "{number} calls");
        }
    }
}
