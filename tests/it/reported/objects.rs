//! Objects that exist already, and what services refuse.

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
        .says("function.f: the log group /aws/lambda/f exists and nobody owns it; will be adopted");
    stack.ok(&["reconcile"]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 30.into())]);
    let plan = stack.ok(&["plan", "--detailed-exitcode"]);
    assert!(!plan.stdout.contains("does not report"), "{plan}");
    stack.edit("log_retention: 30", "log_retention: 7");
    stack.reconcile(&[]);
    assert_eq!(groups(&emulator), [(GROUP.to_owned(), 7.into())]);
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(groups(&emulator), []);
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
