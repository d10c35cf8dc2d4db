//! Each rule alone: what it refuses, what it lets pass, and that the emulator heard of no more.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stackwright_testkit::kinds::KINDS;
use stackwright_testkit::{Act, Emulator, Point, Proxy, Rules};

use crate::{ec2, gateway, iam, lambda, logs, raw};

fn strict(emulator: &Emulator, rules: Rules) -> Proxy {
    Proxy::strict(emulator, rules, |_| Act::Pass)
}

fn launch(token: &str, image: &str) -> String {
    format!("Action=RunInstances&ImageId={image}&MinCount=1&MaxCount=1&ClientToken={token}")
}

fn id(xml: &str) -> String {
    xml.split("<instanceId>").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

/// Which rule had its way with each call.
fn ruled(proxy: &Proxy) -> Vec<String> {
    proxy.entries().into_iter().map(|entry| entry.rule.unwrap_or_default()).collect()
}

#[test]
fn one_token_launches_once() {
    let emulator = Emulator::ministack().start();
    let rules = || Rules { tokens: true, ..Rules::default() };
    let proxy = strict(&emulator, rules());
    let (status, first) = ec2(&proxy, &launch("t1", "ami-1"));
    assert_eq!(status, 200, "{first}");
    let (status, again) = ec2(&proxy, &launch("t1", "ami-1"));
    assert_eq!((status, id(&again)), (200, id(&first)));
    let (status, other) = ec2(&proxy, &launch("t1", "ami-2"));
    assert_eq!(status, 400);
    assert!(other.contains("<Code>IdempotentParameterMismatch</Code>"), "{other}");
    assert_eq!(emulator.census().ids("instance"), [id(&first)]);

    let (_, second) = ec2(&proxy, &launch("t2", "ami-1"));
    assert_ne!(id(&second), id(&first), "another token is another launch");
    ec2(&proxy, &format!("Action=TerminateInstances&InstanceId.1={}", id(&first)));
    let (status, gone) = ec2(&proxy, &launch("t1", "ami-1"));
    assert_eq!(status, 400);
    assert!(gone.contains("<Code>IdempotentInstanceTerminated</Code>"), "{gone}");
    assert_eq!(emulator.census().ids("instance"), [id(&second)]);
    assert_eq!(ruled(&proxy), ["", "tokens", "tokens", "", "", "tokens"]);

    // A lost reply makes no difference.
    let proxy = Proxy::strict(&emulator, rules(), |call| match call.number {
        0 => Act::Drop(Point::Committed),
        _ => Act::Pass,
    });
    assert_eq!(raw(&proxy, &launch("t3", "ami-1")), "");
    let (status, found) = ec2(&proxy, &launch("t3", "ami-1"));
    assert_eq!(status, 200);
    assert_eq!(emulator.census().count("instance"), 2);
    assert!(emulator.census().ids("instance").contains(&id(&found)));
}

#[test]
fn a_token_counts_from_the_commit_on() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { tokens: true, ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |call| match call.number {
        0 => Act::Pause(Point::Committed),
        _ => Act::Pass,
    });
    thread::scope(|scope| {
        let first = scope.spawn(|| ec2(&proxy, &launch("t", "ami-1")));
        proxy.paused();
        let (status, again) = ec2(&proxy, &launch("t", "ami-1"));
        assert_eq!(status, 200, "it is committed: {again}");
        proxy.resume();
        assert_eq!(id(&first.join().unwrap().1), id(&again));
    });
    assert_eq!(emulator.census().count("instance"), 1);
}

#[test]
fn calls_above_the_quota_are_refused() {
    let emulator = Emulator::ministack().start();
    let asks = |proxy: &Proxy| gateway(proxy, "POST", "restapis", r#"{"name": "a"}"#);
    // Time stands still: no second token, however slow the machine.
    let proxy = strict(&emulator, Rules { quotas: Some(0.0), ..Rules::default() });
    assert_eq!(asks(&proxy).0, 201);
    let (status, said) = asks(&proxy);
    assert_eq!((status, &said["__type"]), (429, &json!("TooManyRequestsException")));
    assert_eq!(emulator.census().count("api"), 1);
    assert_eq!(ec2(&proxy, "Action=DescribeInstances").0, 200, "other services have others");
    assert_eq!(ruled(&proxy), ["", "quotas", ""]);

    // One each 300 ms: whoever goes on gets one, and no sooner.
    let proxy = strict(&emulator, Rules { quotas: Some(10.0), ..Rules::default() });
    let since = Instant::now();
    assert_eq!(asks(&proxy).0, 201);
    while asks(&proxy).0 == 429 {}
    assert!(since.elapsed() >= Duration::from_millis(300));
    assert_eq!(emulator.census().count("api"), 3);
}

#[test]
fn two_writes_to_one_api_do_not_overlap() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { one_writer: true, ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |call| match call.number {
        2 => Act::Pause(Point::Committed),
        _ => Act::Pass,
    });
    let make = || gateway(&proxy, "POST", "restapis", r#"{"name": "a"}"#).1["id"].clone();
    let [one, other] = [make(), make()].map(|id| id.as_str().unwrap().to_owned());
    let patch = r#"{"patchOperations": [{"op": "replace", "path": "/name", "value": "b"}]}"#;
    let write = |id: &str| gateway(&proxy, "PATCH", &format!("restapis/{id}"), patch);
    thread::scope(|scope| {
        let first = scope.spawn(|| write(&one));
        proxy.paused();
        let (status, said) = write(&one);
        assert_eq!((status, &said["__type"]), (409, &json!("ConflictException")));
        assert_eq!(write(&other).0, 200, "another API");
        assert_eq!(gateway(&proxy, "GET", &format!("restapis/{one}"), "").0, 200, "a read");
        proxy.resume();
        assert_eq!(first.join().unwrap().0, 200);
    });
    assert_eq!(write(&one).0, 200, "the first is over");
    assert_eq!(ruled(&proxy)[3], "one writer");
}

const ROLE: &str = "arn:aws:iam::000000000000:role/r";

/// The zip of an empty `a.py`, base64.
const ZIP: &str = "UEsDBAoAAAAAAAAAIQAAAAAAAAAAAAAAAAAEAAAAYS5weVBLAQIUAAoAAAAAAAAAIQAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAABhLnB5UEsFBgAAAAABAAEAMgAAACIAAAAAAA==";

fn function(role: &str) -> String {
    json!({
        "FunctionName": "f", "Role": role, "Runtime": "python3.13", "Handler": "a.b",
        "Code": { "ZipFile": ZIP },
    })
    .to_string()
}

#[test]
fn a_function_is_busy_for_the_configured_number_of_reads() {
    // Functions of the other emulator are busy by themselves.
    let emulator = Emulator::moto().start();
    let proxy = strict(&emulator, Rules { in_progress: 2, ..Rules::default() });
    iam(&proxy, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D");
    let role = ROLE.replace("000000000000", emulator.account());
    let read = |whole: bool| {
        if whole {
            lambda(&proxy, "GET", "/f", "").1["Configuration"].clone()
        } else {
            lambda(&proxy, "GET", "/f/configuration", "").1
        }
    };
    let busy = |status: u16, said: &Value, with: &str| {
        assert_eq!((status, &said["__type"]), (409, &json!("ResourceConflictException")), "{said}");
        assert!(said["message"].as_str().unwrap().contains(with), "{said}");
    };
    let (status, made) = lambda(&proxy, "POST", "", &function(&role));
    assert_eq!((status, &made["State"]), (201, &json!("Pending")), "{made}");
    let update = || lambda(&proxy, "PUT", "/f/configuration", r#"{"Timeout": 9}"#);
    let (status, said) = update();
    busy(status, &said, "Pending");
    let (status, said) = lambda(&proxy, "POST", "/f/invocations", "{}");
    busy(status, &said, "Pending");
    assert_eq!(read(true)["State"], "Pending");
    assert_eq!(read(false)["State"], "Pending");
    assert_eq!(read(false)["State"], "Active");

    let (status, updated) = update();
    assert_eq!((status, &updated["LastUpdateStatus"]), (200, &json!("InProgress")), "{updated}");
    let code = json!({ "ZipFile": ZIP }).to_string();
    let (status, said) = lambda(&proxy, "PUT", "/f/code", &code);
    busy(status, &said, "An update is in progress for resource: arn:");
    assert_eq!(read(true)["LastUpdateStatus"], "InProgress");
    let seen = read(false);
    assert_eq!(
        (&seen["LastUpdateStatus"], &seen["State"]),
        (&json!("InProgress"), &json!("Active"))
    );
    assert_eq!(read(false)["LastUpdateStatus"], "Successful");
    assert_eq!(lambda(&proxy, "PUT", "/f/code", &code).0, 200);
}

#[test]
fn a_function_with_a_retired_runtime_takes_no_code() {
    let emulator = Emulator::moto().start();
    let proxy = strict(&emulator, Rules { retired_runtime: true, ..Rules::default() });
    iam(&proxy, "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D");
    let role = ROLE.replace("000000000000", emulator.account());
    assert_eq!(lambda(&proxy, "POST", "", &function(&role)).0, 201);
    let code = json!({ "ZipFile": ZIP }).to_string();
    assert_eq!(lambda(&proxy, "PUT", "/f/code", &code).0, 200);
    let runtime = |name: &str| {
        let body = json!({ "Runtime": name }).to_string();
        assert_eq!(lambda(&proxy, "PUT", "/f/configuration", &body).0, 200);
    };
    runtime("python3.6");
    let (status, said) = lambda(&proxy, "PUT", "/f/code", &code);
    assert_eq!(
        (status, &said["__type"]),
        (400, &json!("InvalidParameterValueException")),
        "{said}"
    );
    assert!(
        said["message"].as_str().unwrap().contains("python3.6 is no longer supported"),
        "{said}"
    );
    runtime("python3.13");
    assert_eq!(lambda(&proxy, "PUT", "/f/code", &code).0, 200);
}

#[test]
fn a_new_role_cannot_be_assumed_at_once() {
    let emulator = Emulator::ministack().start();
    let proxy = strict(&emulator, Rules { unassumable: 2, ..Rules::default() });
    let role = |name: &str| {
        let form = format!("Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument=%7B%7D");
        assert_eq!(iam(&proxy, &form).0, 200);
    };
    let refused = |(status, said): (u16, Value)| {
        assert_eq!((status, &said["__type"]), (400, &json!("InvalidParameterValueException")));
        let message = "The role defined for the function cannot be assumed by Lambda.";
        assert_eq!(said["message"], message);
    };
    role("r");
    for _ in 0..2 {
        refused(lambda(&proxy, "POST", "", &function(ROLE)));
    }
    assert_eq!(emulator.census().count("function"), 0);
    assert_eq!(lambda(&proxy, "POST", "", &function(ROLE)).0, 201);
    role("s");
    let update = || {
        let role = ROLE.replace("role/r", "role/s");
        lambda(&proxy, "PUT", "/f/configuration", &json!({ "Role": role }).to_string())
    };
    refused(update());
    refused(update());
    assert_eq!(update().0, 200);
    assert_eq!(lambda(&proxy, "PUT", "/f/configuration", r#"{"Timeout": 9}"#).0, 200);
}

/// How often `reads` say no before they say yes, and what they say last.
fn misses(mut sees: impl FnMut() -> bool) -> usize {
    (0..20).take_while(|_| !sees()).count()
}

#[test]
fn a_new_instance_is_not_visible_at_once() {
    let emulator = Emulator::ministack().start();
    let proxy = strict(&emulator, Rules::hiding("instance", 3));
    emulator.aws(&["ec2", "run-instances", "--image-id", "ami-1", "--instance-type", "t2.micro"]);
    let old = emulator.census().ids("instance").remove(0);
    let (_, made) = ec2(&proxy, &launch("t", "ami-1"));
    let new = id(&made);
    let filter = "Action=DescribeInstances&Filter.1.Name=instance-id&Filter.1.Value.1=";
    let (status, empty) = ec2(&proxy, &format!("{filter}{new}"));
    assert!(status == 200 && !empty.contains(&new), "{empty}");
    let (status, said) = ec2(&proxy, &format!("Action=DescribeInstances&InstanceId.1={new}"));
    assert!(status == 400 && said.contains("InvalidInstanceID.NotFound"), "{said}");
    let (_, all) = ec2(&proxy, "Action=DescribeInstances");
    assert!(all.contains(&old) && !all.contains(&new), "{all}");
    let (_, all) = ec2(&proxy, "Action=DescribeInstances");
    assert!(all.contains(&old) && all.contains(&new), "{all}");
    assert_eq!(ruled(&proxy), ["", "hidden", "hidden", "hidden", ""]);
}

#[test]
fn new_objects_are_not_visible_at_once() {
    let emulator = Emulator::ministack().start();
    let hidden = KINDS.iter().map(|kind| (kind.name, 3)).collect();
    let proxy = strict(&emulator, Rules { hidden, ..Rules::default() });

    let make = "Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=%7B%7D";
    assert_eq!(iam(&proxy, make).0, 200);
    let (status, said) = iam(&proxy, "Action=GetRole&RoleName=r");
    assert!(status == 404 && said.contains("NoSuchEntity"), "{said}");
    let (_, all) = iam(&proxy, "Action=ListRoles");
    assert!(!all.contains("<RoleName>r</RoleName>"), "{all}");
    let (status, said) = iam(&proxy, make);
    assert!(status == 409 && said.contains("EntityAlreadyExists"), "{said}");
    assert_eq!(misses(|| iam(&proxy, "Action=ListRolePolicies&RoleName=r").0 == 200), 1);

    assert_eq!(lambda(&proxy, "POST", "", &function(ROLE)).0, 201);
    let (status, said) = lambda(&proxy, "GET", "/f", "");
    assert_eq!((status, &said["__type"]), (404, &json!("ResourceNotFoundException")));
    assert_eq!(lambda(&proxy, "GET", "/", "").1["Functions"], json!([]));
    assert_eq!(lambda(&proxy, "POST", "", &function(ROLE)).0, 409, "its name is taken");
    assert_eq!(misses(|| lambda(&proxy, "GET", "/f/configuration", "").0 == 200), 1);

    let api = gateway(&proxy, "POST", "restapis", r#"{"name": "a"}"#).1["id"].clone();
    let api = api.as_str().unwrap();
    let (status, said) = gateway(&proxy, "GET", &format!("restapis/{api}/resources"), "");
    assert_eq!((status, &said["__type"]), (404, &json!("NotFoundException")));
    let listed = || gateway(&proxy, "GET", "restapis", "").1.to_string().contains(api);
    assert_eq!(misses(listed), 2);

    let (status, _) = logs(&proxy, "CreateLogGroup", r#"{"logGroupName": "/g"}"#);
    assert_eq!(status, 200);
    let tags = json!({ "resourceArn": "arn:aws:logs:us-east-1:000000000000:log-group:/g" });
    let (status, said) = logs(&proxy, "ListTagsForResource", &tags.to_string());
    assert!(status == 400 && said.contains("ResourceNotFoundException"), "{said}");
    let listed = || logs(&proxy, "DescribeLogGroups", "{}").1.contains("\"/g\"");
    assert_eq!(misses(listed), 2);

    // One that is gone is forgotten, and its successor is new again.
    lambda(&proxy, "DELETE", "/f", "");
    assert_eq!(lambda(&proxy, "POST", "", &function(ROLE)).0, 201);
    assert_eq!(misses(|| lambda(&proxy, "GET", "/f", "").0 == 200), 3);
}
