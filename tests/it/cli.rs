//! What needs no cloud: validation, exit codes, help, state without a network.

use serde_json::Value;

use crate::support::Sandbox;

/// A port without a listener.
const NOBODY: u16 = 9;

fn sandbox(stack: &str) -> Sandbox {
    let sandbox = Sandbox::empty(NOBODY);
    sandbox.write("stack.yaml", stack);
    sandbox
}

fn sample() -> Sandbox {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("stack.yaml")).expect("the sample");
    let sandbox = sandbox(&text);
    std::fs::create_dir(sandbox.path("handler")).expect("a folder");
    sandbox.write("handler/lambda_function.py", "def lambda_handler(event, context): pass\n");
    sandbox
}

#[test]
fn the_sample_is_valid_on_every_cloud_it_names() {
    sample().ok(&["validate"]).says("4 resources");
    sample().ok(&["validate", "--cloud", "aws"]).says("cloud aws");
}

#[test]
fn every_problem_is_reported_with_its_place_in_one_run() {
    let stack = sample();
    stack.edit("timeout: 30", "timout: 30");
    stack.edit("type: t2.micro", "type: [a]");
    stack.edit("INSTANCE_ID: ${instance.web.id}", "INSTANCE_ID: ${instance.wbe.id}");
    stack.edit("POST /ec2: function.ec2-control", "POST /ec2: function.ec2-contrl");
    let ran = stack.run(&["validate"]).code(65);
    for part in [
        "stack.yaml:10:11",
        "`type` must be a string, not a list",
        "unknown key `timout`",
        "did you mean `timeout`?",
        "there is no `instance.wbe` in this stack",
        "did you mean `instance.web`?",
        "there is no `function.ec2-contrl` in this stack",
        "did you mean `function.ec2-control`?",
        "stack.yaml has 4 problems",
    ] {
        assert!(ran.stderr.contains(part), "`{part}` was not said:\n{ran}");
    }
    let document = stack.run(&["validate", "--json"]).code(65).json();
    assert_eq!(document["diagnostics"].as_array().map(Vec::len), Some(4), "{document:#}");
    assert_eq!(document["diagnostics"][0]["line"], 10);
}

/// People get the first problems of many, each once; programs get all of them.
#[test]
fn of_many_problems_the_first_ones_are_printed_and_json_has_all() {
    let stack = Sandbox::empty(NOBODY);
    let line = "    - {actions: 's3:GetObject', resources: '${function.nope.arn}', effct: Deny}\n";
    let role = |n: usize| format!("  r{n}:\n    trust: lambda.amazonaws.com\n    tpye{n}: 1\n");
    let roles: String = (0..100).map(role).collect();
    let statements = line.repeat(100);
    stack.write("stack.yaml", &format!("stack: s\nrole:\n{roles}    allow:\n{statements}"));
    let ran = stack.run(&["validate"]).code(65);
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with("error: ")).count(), 21, "{ran}");
    assert!(ran.stderr.contains("\nand 181 more problems: "), "{ran}");
    assert!(ran.stderr.contains("stack.yaml has 201 problems in 300 places"), "{ran}");
    let document = stack.run(&["validate", "--json"]).code(65).json();
    assert_eq!(document["diagnostics"].as_array().map(Vec::len), Some(300));
}

#[test]
fn mistakes_in_code_and_scripts_are_reported_with_those_in_the_file() {
    let stack = sample();
    stack.write("boot.sh", "#!/bin/sh\r\necho started\r\n");
    stack.edit("timeout: 30", "timout: 30");
    stack.edit("type: t2.micro", "type: t2.micro\n    user_data: {file: boot.sh}");
    stack.edit("lambda_function.lambda_handler", "lambda_function.lambda_handlr");
    stack.edit("function:\n", "function:\n  old: {code: gone/, runtime: python3.13, handler: m.h, role: role.lambda-ec2-role}\n");
    let expected = [
        (11, "./boot.sh:1: the first line ends with CR LF, so that its program is not found"),
        (23, "./gone/ does not exist"),
        (27, "`lambda_function.py` has no `lambda_handlr` that Lambda could call"),
        (29, "unknown key `timout` in `ec2-control`"),
    ];
    // A plan reads code and scripts later; an invalid file is reported whole all the same.
    for command in ["validate", "plan"] {
        let ran = stack.run(&[command]).code(65);
        for (line, message) in expected {
            assert!(ran.stderr.contains(message), "`{message}` was not said:\n{ran}");
            assert!(ran.stderr.contains(&format!("stack.yaml:{line}:")), "line {line}:\n{ran}");
        }
        assert!(ran.stderr.contains("user_data: {file: boot.sh}"), "an excerpt:\n{ran}");
        assert!(ran.stderr.contains("stack.yaml has 4 problems"), "{ran}");
    }
    let document = stack.run(&["validate", "--json"]).code(65).json();
    let found = document["diagnostics"].as_array().expect("a list");
    let found: Vec<_> =
        found.iter().map(|one| (one["line"].as_u64(), one["message"].as_str())).collect();
    let expected = expected.map(|(line, message)| (Some(line), Some(message)));
    assert_eq!(found, expected, "{document:#}");
}

/// Code is read when the plan is made. A mistake in it is one of the file all the same.
#[test]
fn a_plan_shows_a_mistake_in_the_code_as_validate_does() {
    let stack = sample();
    stack.edit("lambda_function.lambda_handler", "lambda_function.lambda_handlr");
    let validated =
        stack.run(&["validate"]).code(65).says("handler: lambda_function.lambda_handlr");
    let planned = stack.run(&["plan"]).code(65);
    assert_eq!(planned.stderr, validated.stderr);
    let document = stack.run(&["plan", "--json"]).code(65).json();
    assert_eq!(document["error"]["diagnostics"][0]["line"], 25, "{document:#}");
}

#[test]
fn errors_are_json_where_json_was_asked_for() {
    let stack = sample();
    let error = |arguments: &[&str], code: i32| {
        let ran = stack.run(arguments).code(code);
        assert_eq!(ran.stderr, "", "{arguments:?}");
        let document = ran.json();
        let error = if document["event"] == "error" { &document } else { &document["error"] };
        assert_eq!(error["exit_code"], code, "{arguments:?}: {document:#}");
        assert!(error["text"].as_str().is_some_and(|text| !text.is_empty()), "{document:#}");
        error["message"].as_str().unwrap_or_default().to_owned()
    };
    let unknown = "unrecognized subcommand 'frobnicate'";
    assert_eq!(error(&["--json", "frobnicate"], 64), unknown);
    assert!(error(&["plan", "--nope", "--json"], 64).contains("--nope"));
    assert!(error(&["reconcile", "--json", "--nope"], 64).contains("--nope"));
    assert!(error(&["state", "mv", "--json", "role.a"], 64).contains("<TO>"));
    assert_eq!(error(&["show", "instance.nope", "--json"], 1), "the state has no `instance.nope`");
    assert_eq!(
        error(&["local", "logs", "--json"], 1).split(": ").last(),
        Some("No such file or directory (os error 2)")
    );
    for version in [&["--version", "--json"][..], &["version", "--json"]] {
        assert_eq!(stack.ok(version).json()["version"], env!("CARGO_PKG_VERSION"));
    }
    let down = stack.ok(&["local", "down", "--json"]).json();
    assert_eq!((&down["port"], &down["stopped"]), (&NOBODY.into(), &false.into()), "{down:#}");
    let reset = stack.ok(&["local", "reset", "--yes", "--json"]).json();
    assert_eq!((&reset["emptied"], &reset["url"]), (&true.into(), &Value::Null), "{reset:#}");
}

#[test]
fn a_hint_says_what_to_type() {
    let stack = sample();
    let ran = stack.run(&["invoke", "ec2-control", r#"{"action": "status"}"#]).code(64);
    ran.says("given with --payload")
        .says(r#"stackwright invoke ec2-control --payload '{"action": "status"}'"#);
    Sandbox::empty(NOBODY).run(&["show"]).code(64).says("name it with `-f FILE`");
    stack.run(&["show", "instance.nope"]).code(1).says("there is no state yet");
}

#[test]
fn two_variables_under_one_parent_are_refused() {
    let stack = sample();
    stack.edit(
        "      POST /ec2: function.ec2-control\n",
        "      GET /a/{x}: function.ec2-control\n      GET /a/{y}: function.ec2-control\n",
    );
    stack.run(&["validate"]).code(65).says("stack.yaml:39:7").says("`{y}` and `{x}`");
}

#[test]
fn the_printed_schema_accepts_the_sample_and_refuses_what_validate_refuses() {
    let stack = sample();
    let schema = stack.ok(&["schema"]).json();
    let validator = jsonschema::validator_for(&schema).expect("a sound schema");
    let sample: Value =
        serde_json::from_str(&yaml_to_json(&stack.read("stack.yaml"))).expect("JSON");
    let errors: Vec<String> = validator.iter_errors(&sample).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut wrong = sample.clone();
    wrong["function"]["ec2-control"]["timout"] = 3.into();
    assert!(!validator.is_valid(&wrong));
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/stack.schema.json"));
    let kept: Value =
        serde_json::from_str(&kept.expect("the schema beside the sample")).expect("JSON");
    assert_eq!(kept, schema, "run `just schema`");
}

#[test]
fn the_table_of_fields_is_that_of_the_kinds() {
    let printed = Sandbox::empty(0).ok(&["schema", "--fields"]).stdout;
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fields.md"));
    assert_eq!(kept.expect("docs/fields.md"), printed, "run `just fields`");
}

/// Uses the emulators' Python, which has PyYAML.
fn yaml_to_json(text: &str) -> String {
    use std::io::Write as _;
    let convert = "import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    let mut child = std::process::Command::new(stackwright_testkit::python())
        .args(["-c", convert])
        .env("PYTHONPATH", stackwright_testkit::python_path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3 runs");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn planning_with_an_empty_state_needs_no_endpoint() {
    let stack = sample();
    stack.ok(&["plan"]).says("planned offline").says("4 to create");
    let plan = stack.plan(&[]);
    assert_eq!((&plan["offline"], &plan["schema"]), (&true.into(), &1.into()));
    stack.run(&["plan", "--detailed-exitcode"]).code(2);
    assert!(!stack.path(".stackwright").exists(), "plan writes nothing");
}

#[test]
fn usage_errors_are_64() {
    let stack = sample();
    stack.run(&["plan", "stack.yaml", "--file", "stack.yaml"]).code(64);
    stack.run(&["frobnicate"]).code(64);
    for command in ["plan", "reconcile", "destroy"] {
        let ran = stack.run(&[command, "instance.web"]).code(64);
        ran.says("instance.web does not exist").says("`--target instance.web`");
    }
    let ran = stack.run(&["plan", "missing.yaml"]).code(64).says("missing.yaml does not exist");
    assert!(!ran.stderr.contains("--target"), "{ran}");
    let ran = stack.run(&["reconcile", "--dry-run"]).code(64).says("there is no --dry-run");
    ran.says("`stackwright plan` shows what `reconcile` would change");
    stack.run(&["destroy", "--dry-run"]).code(64).says("shows what it would delete, and asks");
    stack.run(&["plan", "--cloud", "mars"]).code(64).says("mars");
    stack.run(&["show", "nonsense"]).code(64).says("instance.web");
    for (arguments, said) in [
        (&["plan", "-f", "nowhere.yaml"][..], "--file: nowhere.yaml does not exist"),
        (&["plan", "-f", "handler"], "--file: handler is a folder"),
        (&["plan", "-f", "stack.yaml/x"], "--file: stack.yaml/x is not in a folder"),
        (&["-C", "nowhere", "plan"], "--chdir: nowhere does not exist"),
        (&["reconcile", "--plan", "nowhere.plan"], "--plan: nowhere.plan does not exist"),
    ] {
        stack.run(arguments).code(64).says(said);
    }
    Sandbox::empty(NOBODY).run(&["plan"]).code(64).says("stack.yaml");
    stack.ok(&["--help"]);
    stack.ok(&["version"]).says("stackwright");
}

#[test]
fn a_region_given_as_an_option_is_checked_as_that_of_the_file() {
    let stack = sample();
    let ran = stack.run(&["plan", "--region", "us-est-1"]).code(64);
    ran.says("--region: `us-est-1` is not written like a region").says("did you mean `us-east-1`?");
    let ran = stack.ok(&["validate", "--region", "us-east-9"]);
    ran.says("--region: this version knows no region `us-east-9`")
        .says("us-east-1 or us-east-2")
        .says("valid, 1 warning");
    stack.ok(&["plan", "--offline", "--region", "us-east-9"]).says("knows no region");
}

/// A mistyped URL must not look like a cloud in which nothing exists.
#[test]
fn an_endpoint_that_does_not_answer_is_an_error() {
    let stack = sample();
    for url in ["http://127.0.0.1:9", "https://127.0.0.1:9", "http://nobody.invalid:4566"] {
        let ran = stack.run(&["plan", "--cloud", url]).code(3);
        assert!(ran.stderr.contains("does not answer"), "{ran}");
    }
    let ran = stack.ok(&["plan", "--offline", "--cloud", "http://127.0.0.1:9"]);
    ran.says("planned offline").says("4 to create");
}

#[test]
fn a_stack_on_aws_refuses_settings_of_another_endpoint() {
    for value in ["http://127.0.0.1:9", ""] {
        let stack = sample().env("AWS_ENDPOINT_URL_LAMBDA", value);
        stack.run(&["plan", "--cloud", "aws"]).code(3).says("AWS_ENDPOINT_URL_LAMBDA");
    }
    let stack = sample();
    stack
        .run(&["plan", "--cloud", "https://ec2.us-east-1.amazonaws.com"])
        .code(3)
        .says("AWS itself");
    let missing = "    account: \"123456789012\"\n";
    stack.edit(missing, "");
    stack.run(&["validate", "--cloud", "aws"]).code(65).says("needs `account");
}

#[test]
fn state_is_read_without_a_network() {
    let stack = sample();
    stack.ok(&["show"]).says("no state yet");
    stack.run(&["output", "url"]).code(1).says("reconcile");
    stack.ok(&["show", "--json"]).json();
}
