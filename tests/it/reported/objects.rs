//! Objects that exist already, and what services refuse.

use std::time::{Duration, Instant};

use serde_json::Value;
use stackwright_testkit::{Act, Emulator, Proxy, Refusal, Rules};

use super::{HANDLER, stack};
use crate::support::{Sandbox, text};

const LOGGED: &str = "stack: lgex
role: {r: {trust: lambda.amazonaws.com}}
function: {f: {code: fn/, runtime: python3.12, handler: app.handler, role: role.r}}
";
const GROUP: &str = "/aws/lambda/f";

/// A function without `logs: true`, whose log group Lambda has created.
fn logged(emulator: &Emulator) -> Sandbox {
    let stack = stack(emulator, LOGGED, &[("fn/app.py", HANDLER)]);
    stack.reconcile(&[]);
    emulator.aws(&["logs", "create-log-group", "--log-group-name", GROUP]);
    stack.edit("role: role.r}", "role: role.r, logs: true, log_retention: 30}");
    stack
}

/// The log groups, each with its retention.
fn groups(emulator: &Emulator) -> Vec<(String, Value)> {
    let groups = emulator.aws(&["logs", "describe-log-groups"]);
    let groups = groups["logGroups"].as_array().expect("a list").iter();
    groups
        .map(|group| (text(&group["logGroupName"]).to_owned(), group["retentionInDays"].clone()))
        .collect()
}

fn arn(emulator: &Emulator) -> String {
    format!("arn:aws:logs:us-east-1:{}:log-group:{GROUP}", emulator.account())
}

#[test]
fn a_log_group_that_lambda_created_is_adopted() {
    let emulator = Emulator::ministack().start();
    let stack = logged(&emulator);
    let plan = stack.ok(&["plan"]);
    assert!(!plan.stdout.contains("does not report"), "{plan}");
    plan.says("logs")
        .says("log_retention  (none) -> 30")
        .says("function.f: the log group /aws/lambda/f exists and nobody owns it; will be adopted")
        .says("its log group never expire; after this run, those older than 30 days are deleted");
    stack.ok(&["reconcile"]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 30.into())]);
    let plan = stack.ok(&["plan", "--detailed-exitcode"]);
    assert!(!plan.stdout.contains("does not report"), "{plan}");
    stack.edit("log_retention: 30", "log_retention: 7");
    let shorter =
        "its log group expire after 30 days; after this run, those older than 7 days are deleted";
    stack.ok(&["plan"]).says(shorter);
    stack.reconcile(&[]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 7.into())]);
    stack.edit("log_retention: 7", "log_retention: 60");
    let longer = stack.ok(&["plan"]);
    assert!(!longer.stdout.contains("are deleted"), "{longer}");
    let lost = "lost: its log group /aws/lambda/f, with all events in it";
    stack.ok(&["destroy", "--yes"]).says(lost);
    assert_eq!(groups(&emulator), []);
    // Without a log group, nothing is lost.
    stack.edit(", logs: true, log_retention: 60", "");
    stack.reconcile(&[]);
    let destroyed = stack.ok(&["destroy", "--yes"]);
    assert!(!destroyed.stderr.contains("lost:"), "{destroyed}");
}

/// What the file leaves to others is no drift, and no default of AWS where AWS has none.
#[test]
fn a_retention_and_a_concurrency_that_the_file_does_not_set_are_reported() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator, LOGGED, &[("fn/app.py", HANDLER)]);
    stack.reconcile(&[]);
    stack.ok(&["drift"]).says("no drift (");
    stack.edit("role: role.r}", "role: role.r, logs: true}");
    stack.reconcile(&[]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 14.into())]);
    stack.ok(&["drift"]).says("no drift (");
    let retain = ["logs", "put-retention-policy", "--log-group-name", GROUP];
    emulator.aws(&[&retain[..], &["--retention-in-days", "30"]].concat());
    let reserve = ["lambda", "put-function-concurrency", "--function-name", "f"];
    emulator.aws(&[&reserve[..], &["--reserved-concurrent-executions", "5"]].concat());
    stack
        .ok(&["drift"])
        .says("has `log_retention` 30, not in the file (the default is 14); left alone")
        .says("has `concurrency` 5, not in the file (the default is -1); left alone");
    stack.settled(&[]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 30.into())]);
}

/// A function that its endpoint can neither create nor delete.
#[test]
fn a_function_that_cannot_be_created_ends_each_run_with_its_reason() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { stillborn: true, ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |_| Act::Pass);
    let stack = stack(&emulator, LOGGED, &[("fn/app.py", HANDLER)]).through(&proxy);
    let why = "InternalError: We are currently unable to create the function";
    for run in 1..=3 {
        let since = Instant::now();
        let ran = stack.run(&["reconcile", "--yes"]).code(4).says("function.f").says(why);
        assert!(since.elapsed() < Duration::from_secs(30), "run {run}: {ran}");
        assert_eq!(ran.stderr.matches("x function.f: ").count(), 1, "{ran}");
        assert!(!ran.stderr.contains("depends on function.f"), "{ran}");
    }
    let deletes = proxy.log().iter().filter(|call| call.operation.name == "DeleteFunction").count();
    assert!(deletes <= 6, "{deletes} deletes by two runs");
}

/// Nobody sees that the right to call a function is missing while its route is missing, too.
#[test]
fn drift_reports_a_route_and_a_permission_that_are_both_gone() {
    let emulator = Emulator::ministack().start();
    let file =
        format!("{LOGGED}api: {{a: {{authorization: none, routes: {{GET /x: function.f}}}}}}\n");
    let stack = stack(&emulator, &file, &[("fn/app.py", HANDLER)]);
    stack.reconcile(&[]);
    let shown = stack.ok(&["state", "show", "api.a"]).json();
    let id = text(&shown["object"]["id"]).to_owned();
    let resources = emulator.aws(&["apigateway", "get-resources", "--rest-api-id", &id]);
    let mut items = resources["items"].as_array().expect("paths").iter();
    let path = items.find(|item| item["path"] == "/x").expect("the path");
    let on = ["--rest-api-id", &id, "--resource-id", text(&path["id"]), "--http-method", "GET"];
    emulator.aws(&[&["apigateway", "delete-method"], &on[..]].concat());
    let policy = emulator.aws(&["lambda", "get-policy", "--function-name", "f"]);
    let policy: Value = serde_json::from_str(text(&policy["Policy"])).expect("a policy");
    let statement = text(&policy["Statement"][0]["Sid"]);
    let what = ["--function-name", "f", "--statement-id", statement];
    emulator.aws(&[&["lambda", "remove-permission"], &what[..]].concat());
    stack.ok(&["drift"]).says("routes.GET /x").says("permissions");
    stack.reconcile(&[]);
    stack.ok(&["drift"]).says("no drift (");
}

#[test]
fn a_log_group_of_somebody_else_blocks_the_plan() {
    let emulator = Emulator::ministack().start();
    let stack = logged(&emulator);
    let tag =
        ["logs", "tag-resource", "--resource-arn", &arn(&emulator), "--tags", "owner=platform"];
    emulator.aws(&tag);
    let said = "`logs` of function.f: the log group /aws/lambda/f exists with tags that are not this stack's";
    for command in [&["plan"][..], &["reconcile", "--yes"]] {
        stack.run(command).code(1).says(said).says("remove `logs: true`");
    }
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), Value::Null)]);
    // So it is before a function is created.
    stack.ok(&["destroy", "--yes"]);
    stack.run(&["reconcile", "--yes"]).code(1).says(said);
    assert_eq!(emulator.census().count("function"), 0);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), Value::Null)]);

    let untag =
        ["logs", "untag-resource", "--resource-arn", &arn(&emulator), "--tag-keys", "owner"];
    emulator.aws(&untag);
    stack.ok(&["plan"]).says("will be adopted");
    stack.reconcile(&[]);
    stack.settled(&[]);
    // Whoever takes it over later takes it from this stack: it is not deleted with it.
    let keys = [
        "stackwright:stack",
        "stackwright:lineage",
        "stackwright:address",
        "stackwright:generation",
    ];
    let untag = ["logs", "untag-resource", "--resource-arn", &arn(&emulator), "--tag-keys"];
    emulator.aws(&[&untag[..], &keys].concat());
    emulator.aws(&tag);
    stack.run(&["plan"]).code(1).says(said);
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 30.into())]);
}

#[test]
fn no_instance_starts_with_a_profile_of_somebody_else() {
    let emulator = Emulator::ministack().start();
    let file = "stack: profex\nrole: {web: {trust: ec2.amazonaws.com}}\n\
                instance: {srv: {image: ami-ff0fea8310f3, type: t3.micro, profile: role.web}}\n";
    let stack = stack(&emulator, file, &[]);
    emulator.aws(&[
        "iam",
        "create-role",
        "--role-name",
        "admin",
        "--assume-role-policy-document",
        "{}",
    ]);
    emulator.aws(&["iam", "create-instance-profile", "--instance-profile-name", "web"]);
    let add = ["iam", "add-role-to-instance-profile", "--instance-profile-name", "web"];
    emulator.aws(&[&add[..], &["--role-name", "admin"]].concat());
    let said = "`trust` of role.web: an instance profile named `web` exists and does not belong to this stack";
    for command in [&["plan"][..], &["reconcile", "--yes"]] {
        stack.run(command).code(1).says(said).says("delete it, or give the role another `name:`");
    }
    assert_eq!(emulator.census().count("instance"), 0);
    stack.edit("{trust: ec2", "{name: web-2, trust: ec2");
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(emulator.census().count("instance"), 1);
}

/// Lambda takes no code for a runtime that it has retired.
#[test]
fn a_retired_runtime_is_left_before_the_code_changes() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { in_progress: 2, retired_runtime: true, ..Rules::default() };
    let proxy = Proxy::strict(&emulator, rules, |_| Act::Pass);
    let file = LOGGED.replace("lgex", "rtblock");
    let stack = stack(&emulator, &file, &[("fn/app.py", HANDLER)]).through(&proxy);
    stack.reconcile(&[]);
    let configure =
        ["lambda", "update-function-configuration", "--function-name", "f", "--runtime"];
    emulator.aws(&[&configure[..], &["python3.6"]].concat());
    stack.write("fn/app.py", &format!("{HANDLER}# new\n"));
    stack.ok(&["plan"]).says("runtime").says("code");
    let before = proxy.log().len();
    assert_eq!(stack.reconcile(&[]).finished, ["update function.f"]);
    let writes = proxy.log().split_off(before).into_iter().filter(|call| call.operation.writes);
    let writes: Vec<String> = writes.map(|call| call.operation.name).collect();
    assert_eq!(writes, ["UpdateFunctionConfiguration", "UpdateFunctionCode"]);
    stack.settled(&[]);
}

const SECRETS: &str = "stack: secretesc
role: {r: {trust: lambda.amazonaws.com}}
function:
  f:
    code: fn/
    runtime: python3.12
    handler: app.handler
    role: role.r
    environment: {DB: '${env.DB_CREDENTIALS}', KEY: '${env.SIGNING_KEY}', PLAIN: '${env.PLAIN_TOKEN}'}
";

/// Lambda quotes an environment that is too large, as JSON.
#[test]
fn secrets_that_a_refusal_quotes_are_not_printed() {
    let emulator = Emulator::ministack().start();
    let quoted = r#"Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {"DB":"{\"password\":\"pa55\\\"wörd\"}","KEY":"-----BEGIN\nc2VjcmV0\n-----END","PLAIN":"plain-t0ken"}"#;
    let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
        "CreateFunction" => {
            Act::Refuse(Refusal::new(400, "InvalidParameterValueException").saying(quoted))
        }
        _ => Act::Pass,
    });
    let stack = stack(&emulator, SECRETS, &[("fn/app.py", HANDLER)])
        .through(&proxy)
        .env("DB_CREDENTIALS", r#"{"password":"pa55\"wörd"}"#)
        .env("SIGNING_KEY", "-----BEGIN\nc2VjcmV0\n-----END")
        .env("PLAIN_TOKEN", "plain-t0ken");
    for arguments in [
        &["reconcile", "--yes"][..],
        &["reconcile", "--yes", "--json"],
        &["-vv", "reconcile", "--yes"],
    ] {
        let ran =
            stack.run(arguments).code(4).says("String measured").says("${env.DB_CREDENTIALS}");
        for secret in ["pa55", "c2VjcmV0", "t0ken"] {
            assert!(
                !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
                "{secret}:\n{ran}"
            );
        }
    }
}
