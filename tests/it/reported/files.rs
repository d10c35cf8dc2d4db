//! What is written in the stack file: numbers, braces, names, paths, tags.

use serde_json::json;
use stackwright_testkit::Emulator;

use super::{HANDLER, stack};

const NUMBERS: &str = "stack: numbers
role:
  partner:
    trust:
      Version: 2012-10-17
      Statement:
        - Effect: Allow
          Principal: {AWS: 123456789012}
          Action: sts:AssumeRole
          Condition:
            StringEquals: {sts:ExternalId: 73948571029384756102, aws:PrincipalTag/release: 1.10}
            NumericLessThan: {aws:MultiFactorAuthAge: 3600}
            Bool: {aws:MultiFactorAuthPresent: true}
    allow:
      - actions: s3:ListBucket
        resources: arn:aws:s3:::b
        conditions:
          StringEquals: {aws:PrincipalTag/release: 1.10, sts:ExternalId: 73948571029384756102}
          Bool: {aws:SecureTransport: true}
    policies:
      p:
        Version: 2012-10-17
        Statement:
          Effect: Allow
          Action: s3:GetObject
          Resource: arn:aws:s3:::b/*
          Condition:
            StringLike: {s3:prefix: [1.10, 1e3, 0x1F, 2_000, 10.0, -0.50, .inf, 1e999]}
            StringEquals: {aws:PrincipalAccount: 001234567890}
";

/// A number of YAML is a text of IAM: 1.10 is a release, and 20 digits are an external id.
#[test]
fn numbers_in_policies_are_sent_as_written() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator, NUMBERS, &[]);
    stack.reconcile(&[]);
    stack.settled(&[]);

    let role = emulator.aws(&["iam", "get-role", "--role-name", "partner"]);
    let trust = &role["Role"]["AssumeRolePolicyDocument"]["Statement"][0];
    assert_eq!(trust["Principal"]["AWS"], "123456789012", "{trust:#}");
    let names =
        json!({ "sts:ExternalId": "73948571029384756102", "aws:PrincipalTag/release": "1.10" });
    let expected = json!({
        "StringEquals": names,
        "NumericLessThan": { "aws:MultiFactorAuthAge": "3600" },
        "Bool": { "aws:MultiFactorAuthPresent": "true" },
    });
    assert_eq!(trust["Condition"], expected);
    let condition = |policy: &str| {
        let read = ["iam", "get-role-policy", "--role-name", "partner", "--policy-name", policy];
        emulator.aws(&read)["PolicyDocument"]["Statement"][0]["Condition"].clone()
    };
    let allowed = json!({ "StringEquals": names, "Bool": { "aws:SecureTransport": "true" } });
    assert_eq!(condition("stackwright"), allowed);
    let written = ["-0.50", ".inf", "0x1F", "1.10", "10.0", "1e3", "1e999", "2_000"];
    let whole = json!({
        "StringLike": { "s3:prefix": written },
        "StringEquals": { "aws:PrincipalAccount": "001234567890" },
    });
    assert_eq!(condition("p"), whole);
}

const BRACES: &str = r#"stack: braces
role: {r: {trust: lambda.amazonaws.com}}
function:
  f:
    code: fn/
    runtime: python3.12
    handler: app.handler
    role: role.r
    environment:
      LIMITS: '${env.LIMITS:-{"commits":1}}'
      TEMPLATE: '${env.TEMPLATE:-https://example.org/{id}/sub}'
      FALL: '${env.A_SET:-${env.B_SET}}'
      EMPTYDEF: '${env.EMPTY_SET:-fallback}'
      KEPT: '${env.EMPTY_SET-fallback}'
      NESTED: '${env.NOT_SET_ANYWHERE:-${env.B_SET}}'
      RAW: '${env.RAW}'
"#;

#[test]
fn braces_in_a_default_nest_and_empty_variables_have_defaults() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator, BRACES, &[("fn/app.py", HANDLER)])
        .env("A_SET", "first")
        .env("B_SET", "second")
        .env("EMPTY_SET", "")
        .env("RAW", "${instance.web.id} and {\"a\": {}}");
    stack.reconcile(&[]);
    stack.settled(&[]);
    let get = ["lambda", "get-function-configuration", "--function-name", "f"];
    let expected = json!({
        "LIMITS": "{\"commits\":1}",
        "TEMPLATE": "https://example.org/{id}/sub",
        "FALL": "first",
        "EMPTYDEF": "fallback",
        "KEPT": "",
        "NESTED": "second",
        "RAW": "${instance.web.id} and {\"a\": {}}",
    });
    assert_eq!(emulator.aws(&get)["Environment"]["Variables"], expected);
}

#[test]
fn a_stage_in_a_name_is_refused_whatever_the_environment() {
    let emulator = Emulator::ministack().start();
    let role = |name: &str| {
        format!("stack: notes\nrole: {{r: {{name: \"{name}\", trust: lambda.amazonaws.com}}}}\n")
    };
    for (file, said) in [
        ("stack: notes-${env.STAGE:-dev}\n", "`stack` must be the same for every run"),
        (
            &role("notes-${env.STAGE}"),
            "`name` must not refer to an output or an environment variable",
        ),
    ] {
        for stack in [stack(&emulator, file, &[]), stack(&emulator, file, &[]).env("STAGE", "prod")]
        {
            let ran = stack.run(&["validate"]).code(65).says(said);
            let is_printable = |text: &str| text.chars().all(|c| c == '\n' || !c.is_control());
            assert!(is_printable(&ran.stderr) && is_printable(&ran.stdout), "a raw marker:\n{ran}");
        }
    }
    assert_eq!(emulator.census().count("role"), 0);
    // The stack's own name is known in any case.
    let stack = stack(&emulator, &role("${stack.name}-worker"), &[]);
    stack.reconcile(&[]);
    assert_eq!(emulator.census().ids("role"), ["notes-worker"]);
}

#[test]
fn a_path_as_in_other_frameworks_is_refused() {
    let emulator = Emulator::ministack().start();
    let file = "stack: pchars\nrole: {r: {trust: lambda.amazonaws.com}}\n\
        function: {f: {code: fn/, runtime: python3.12, handler: app.handler, role: role.r}}\n\
        api: {a: {authorization: none, routes: {\"GET /a/:id\": function.f}}}\n";
    let stack = stack(&emulator, file, &[("fn/app.py", HANDLER)]);
    stack.run(&["validate"]).code(65).says("stack.yaml:4:").says("`:id`").says("{id}");
    stack.edit("/a/:id", "/a/{id}");
    stack.ok(&["validate"]);
}

/// AWS accepts 50 tags, those of this program among them.
#[test]
fn too_many_tags_are_refused_before_any_call_and_as_many_as_fit_are_set() {
    let emulator = Emulator::moto().start();
    let tags = |count: usize| (1..=count).map(|n| format!("  t{n}: v\n")).collect::<String>();
    let file = |count: usize| {
        format!("stack: tag50\ntags:\n{}role:\n  r: {{trust: lambda.amazonaws.com}}\n", tags(count))
    };
    let stack = stack(&emulator, &file(48), &[]);
    for command in ["validate", "plan"] {
        stack.run(&[command]).code(65).says("role.r has 48 tags").says("leave room for 44");
    }
    assert_eq!(emulator.census().count("role"), 0);
    stack.write("stack.yaml", &file(44));
    stack.reconcile(&[]);
    stack.settled(&[]);
    let role = emulator.aws(&["iam", "list-role-tags", "--role-name", "r"]);
    assert_eq!(role["Tags"].as_array().map(Vec::len), Some(48));
}
