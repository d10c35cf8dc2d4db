//! Guards, renames, targets, saved plans, and the commands on the state, as a user sees them. The
//! engine's own tests cover them call by call.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use crate::support::{Sandbox, post, text};

fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().expect("a list");
    steps.iter().map(|s| format!("{} {}", text(&s["action"]), text(&s["address"]))).collect()
}

/// The sample, reconciled, without `clouds:`, which has another cloud's `web`.
fn made(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::sample(emulator);
    let file = stack.read("stack.yaml");
    let end = file.find("\nclouds:").expect("the sample serves two clouds");
    stack.write("stack.yaml", &file[..=end]);
    stack.ok(&["reconcile", "--no-check"]);
    stack
}

fn id(stack: &Sandbox, address: &str) -> String {
    text(&stack.ok(&["state", "show", address]).json()["object"]["id"]).to_owned()
}

fn instance(emulator: &Emulator, id: &str) -> Value {
    let seen = emulator.aws(&["ec2", "describe-instances", "--instance-ids", id]);
    seen["Reservations"][0]["Instances"][0].clone()
}

fn power(emulator: &Emulator, id: &str) -> String {
    text(&instance(emulator, id)["State"]["Name"]).to_owned()
}

#[test]
fn a_protected_resource_is_never_deleted() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let web = id(&stack, "instance.web");
    stack.edit("  web:\n", "  web:\n    protect: true\n");
    assert_eq!(stack.reconcile(&[]).writes, 0, "a guard is the state's alone");
    let guarded = stack.read("stack.yaml");

    stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
    stack
        .run(&["plan"])
        .code(1)
        .says("instance.web is protected")
        .says("`image` cannot be changed in place");
    stack.run(&["reconcile", "--yes"]).code(1).says("instance.web is protected");
    stack.ok(&["explain", "instance.web"]).says("blocked:").says("its disks");
    stack
        .run(&["reconcile", "--yes", "--replace", "instance.web"])
        .code(1)
        .says("instance.web is protected");
    stack.run(&["destroy", "--yes"]).code(1).says("instance.web is protected");

    // Without its block and all references to it.
    stack.write("stack.yaml", "stack: ec2-control\n");
    stack
        .run(&["reconcile", "--yes"])
        .code(1)
        .says("this plan would delete it")
        .says("`protect: false`");
    assert_eq!(power(&emulator, &web), "running");
    // An object that is not protected can be deleted alone.
    let part = ["reconcile", "--yes", "--exclude", "instance.web"];
    stack.ok(&part).says("skipped (--target/--exclude): instance.web");

    stack.write("stack.yaml", &guarded.replace("protect: true", "protect: false"));
    stack.ok(&["reconcile"]);
    stack.write("stack.yaml", "stack: ec2-control\n");
    stack.ok(&["reconcile", "--yes"]);
    assert_eq!(power(&emulator, &web), "terminated");
}

#[test]
fn a_retained_or_released_object_stays_without_our_tags() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let web = id(&stack, "instance.web");
    stack.edit("  web:\n", "  web:\n    retain: true\n");
    stack.edit(
        "    role: role.lambda-ec2-role\n",
        "    role: role.lambda-ec2-role\n    retain: true\n",
    );
    stack.ok(&["reconcile"]);
    // A role, a function, an instance and an API are all released in the same way.
    stack.ok(&["state", "rm", "api.EC2-Control-API"]).says("stays in the cloud");
    stack.ok(&["state", "rm", "role.lambda-ec2-role"]);
    assert_eq!(stack.ok(&["state", "list"]).stdout.lines().count(), 2);
    stack.ok(&["destroy", "--yes"]).says("2 released");
    assert_eq!(power(&emulator, &web), "running");
    let own = |tags: &Value| tags.to_string().contains("stackwright:lineage");
    assert!(!own(&instance(&emulator, &web)["Tags"]));
    let role = ["iam", "list-role-tags", "--role-name", "lambda-ec2-role"];
    assert!(!own(&emulator.aws(&role)["Tags"]));
    let function = emulator.aws(&["lambda", "get-function", "--function-name", "ec2-control"]);
    assert!(!own(&function["Tags"]), "{function}");
    let arn = text(&function["Configuration"]["FunctionArn"]).replace(":lambda:", ":logs:");
    let arn = arn.replace(":function:", ":log-group:/aws/lambda/");
    let group = emulator.aws(&["logs", "list-tags-for-resource", "--resource-arn", &arn]);
    assert!(!own(&group["tags"]), "{group}");
    let apis = emulator.aws(&["apigateway", "get-rest-apis"]);
    assert_eq!(apis["items"].as_array().map(Vec::len), Some(1));
    let arn = format!("arn:aws:apigateway:us-east-1::/restapis/{}", text(&apis["items"][0]["id"]));
    assert!(!own(&emulator.aws(&["apigateway", "get-tags", "--resource-arn", &arn])["tags"]));

    // An object without an owner is imported by its id, or by its name.
    stack.run(&["reconcile"]).code(1).says("has a name that this stack needs").says("import");
    let api = text(&apis["items"][0]["id"]).to_owned();
    stack.ok(&["import", "instance.web", &web]);
    stack.run(&["import", "instance.web", &web]).code(1).says("has instance.web already");
    stack.run(&["import", "instance.wob", &web]).code(1).says("did you mean `instance.web`?");
    stack
        .run(&["import", "api.EC2-Control-API", "nothing"])
        .code(4)
        .says("there is no api `nothing`");
    stack.ok(&["import", "api.EC2-Control-API", &api]);
    let plan = stack.plan(&["--adopt"]);
    let all = ["update instance.web", "update role.lambda-ec2-role", "update function.ec2-control"];
    assert_eq!(steps(&plan)[..3], all, "{plan:#}");
    let done = stack.reconcile(&["--adopt"]);
    assert_eq!(done.checks, 1);
    stack.settled(&[]);
    assert_eq!((id(&stack, "instance.web"), id(&stack, "api.EC2-Control-API")), (web, api));
}

#[test]
fn the_log_group_of_a_function_has_its_tags() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let function = emulator.aws(&["lambda", "get-function", "--function-name", "ec2-control"]);
    let arn = text(&function["Configuration"]["FunctionArn"]).replace(":lambda:", ":logs:");
    let arn = arn.replace(":function:", ":log-group:/aws/lambda/");
    let project = || {
        let group = emulator.aws(&["logs", "list-tags-for-resource", "--resource-arn", &arn]);
        text(&group["tags"]["project"]).to_owned()
    };
    assert_eq!(project(), "atelier");
    stack.edit("project: atelier", "project: another");
    stack.ok(&["reconcile"]);
    assert_eq!(project(), "another");
}

#[test]
fn releasing_a_function_that_is_gone_releases_its_log_group() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let shown = stack.ok(&["state", "show", "function.ec2-control"]).json();
    let arn = text(&shown["object"]["outputs"]["arn"]).replace(":lambda:", ":logs:");
    let arn = arn.replace(":function:", ":log-group:/aws/lambda/");
    let tags = || {
        let tags = emulator.aws(&["logs", "list-tags-for-resource", "--resource-arn", &arn]);
        tags["tags"].as_object().expect("the group is there").len()
    };
    assert_eq!(tags(), 5);
    emulator.aws(&["lambda", "delete-function", "--function-name", "ec2-control"]);
    let ran = stack.ok(&["state", "rm", "function.ec2-control"]);
    ran.says("its object had been deleted already");
    assert_eq!(tags(), 1, "the file's own");
}

#[test]
fn a_renamed_address_is_the_same_object() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let web = id(&stack, "instance.web");
    stack.edit("  web:\n", "  machine:\n    name: web\n    renamed_from: web\n");
    stack.edit("instance.web.", "instance.machine.");
    let plan = stack.plan(&[]);
    assert_eq!(steps(&plan), ["update instance.machine"]);
    let changes = plan["steps"][0]["changes"].as_array().expect("a list");
    assert!(changes.iter().all(|change| change["path"][0] == "tags"), "{changes:?}");
    let done = stack.reconcile(&[]);
    assert_eq!((done.writes, done.checks), (1, 1));
    stack.settled(&[]);
    assert_eq!(id(&stack, "instance.machine"), web);

    // The same by command, without a change of the file.
    stack
        .ok(&["state", "mv", "instance.machine", "instance.web"])
        .says("moved instance.machine to instance.web");
    stack.edit("  machine:\n    name: web\n    renamed_from: web\n", "  web:\n");
    stack.edit("instance.machine.", "instance.web.");
    assert_eq!(steps(&stack.plan(&[])), ["update instance.web"], "its tags still say the other");
    stack
        .run(&["state", "mv", "instance.none", "instance.x"])
        .code(1)
        .says("has no `instance.none`");
    stack.run(&["state", "mv", "instance.web", "role.x"]).code(64).says("cannot become");
    stack.run(&["state", "mv", "function.ec2-control", "function.ec2-control"]).code(1);

    stack.edit("  web:\n", "  web:\n    renamed_from: role.web\n");
    stack.run(&["validate"]).code(65).says("`renamed_from` must name");
}

#[test]
fn a_saved_plan_is_applied_exactly_or_not_at_all() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    stack.ok(&["plan", "--out", "first.plan"]);
    assert!(!stack.path(".stackwright").exists(), "planning leaves no state");
    let before = stack.read("stack.yaml");
    stack.edit("timeout: 30", "timeout: 31");
    let refused = stack.run(&["reconcile", "--plan", "first.plan"]).code(1);
    let refused = refused
        .says("nothing was changed")
        .says("function.ec2-control would now change differently");
    assert!(!refused.stderr.contains("created"));
    stack.write("stack.yaml", &before);
    stack.ok(&["reconcile", "--plan", "first.plan"]).says("4 created");
    stack.run(&["reconcile", "--plan", "first.plan"]).code(1).says("the state has changed");

    // An approved replacement is not asked for again; other clouds are refused.
    stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
    stack.ok(&["plan", "--out", "second.plan"]);
    let elsewhere = ["reconcile", "--plan", "second.plan", "--cloud", "http://127.0.0.1:9"];
    stack.run(&elsewhere).code(1).says("the plan is for the cloud");
    stack.ok(&["reconcile", "--plan", "second.plan"]).says("replaced");
    stack.settled(&[]);
    stack.run(&["reconcile", "--plan", "none.plan"]).code(64).says("none.plan does not exist");
    stack.run(&["reconcile", "--plan", "stack.yaml"]).code(1).says("is not a plan");
    stack.run(&["reconcile", "--plan", "second.plan", "--adopt"]).code(64);
}

#[test]
fn drift_reports_changes_by_others_and_explain_gives_the_reason() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    stack.ok(&["drift", "--detailed-exitcode"]).says("no drift");
    // The power state is not drift, and neither is an edit of the file.
    stack.edit("timeout: 30", "timeout: 31");
    let web = id(&stack, "instance.web");
    emulator.aws(&["ec2", "stop-instances", "--instance-ids", &web]);
    stack.ok(&["drift", "--detailed-exitcode"]).says("no drift");
    let change = ["lambda", "update-function-configuration", "--function-name", "ec2-control"];
    emulator.aws(&[&change[..], &["--timeout", "9"]].concat());
    let drift = stack.run(&["drift", "--detailed-exitcode"]).code(2);
    drift.says("function.ec2-control").says("timeout  was 30, is now 9");
    let document = stack.ok(&["drift", "--json"]).json();
    assert_eq!(steps(&document), ["update function.ec2-control"]);

    let why = stack.ok(&["explain", "function.ec2-control"]);
    why.says("reason:").says("(stack.yaml:").says("in place");
    stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
    let why = stack.ok(&["explain", "function.ec2-control", "--json"]).json();
    let fields = why["fields"].as_array().expect("a list");
    let unknown = fields
        .iter()
        .find(|field| field["reason"] == "dependency_replaced")
        .expect("the instance's id");
    let through = text(&unknown["through"][0]);
    assert!(
        through.starts_with("instance.web.id: instance.web is replaced, because `image`"),
        "{through}"
    );
    assert_eq!(unknown["path"], json!(["environment", "INSTANCE_ID"]));
    stack.ok(&["explain", "role.lambda-ec2-role"]).says("through: instance.web.arn");
    stack.run(&["explain", "role.lambda"]).code(1).says("has no `role.lambda`");
}

#[test]
fn a_target_is_applied_with_its_dependencies_and_without_checks() {
    let emulator = Emulator::ministack().start();
    let stack = Sandbox::sample(&emulator);
    let part = ["reconcile", "--target", "role.lambda-ec2-role"];
    let done = stack
        .ok(&part)
        .says("2 created")
        .says("skipped (--target/--exclude): ")
        .says("checks skipped");
    assert!(done.stderr.contains("instance.web") && done.stderr.contains("api.EC2-Control-API"));
    assert_eq!(stack.ok(&["state", "list"]).stdout.lines().count(), 2);
    stack.run(&["plan", "--target", "role.lamda-ec2-role"]).code(64).says("did you mean");
    let rest = stack.reconcile(&[]);
    assert_eq!((rest.finished.len(), rest.checks), (2, 1));
    let url = stack.ok(&["output", "url"]).stdout.trim().to_owned();

    // It is replaced though nothing differs, and its dependents follow.
    let before = id(&stack, "instance.web");
    let done = stack.reconcile(&["--replace", "instance.web"]);
    assert!(done.finished.contains(&"replace instance.web".to_owned()), "{done:?}");
    assert_ne!(id(&stack, "instance.web"), before);
    assert_eq!(post(&url, r#"{"action": "status"}"#).0, 200);
    stack.settled(&[]);

    let gone = stack.ok(&["destroy", "--yes", "--target", "function.ec2-control"]);
    gone.says("2 deleted"); // its API is updated first
    assert_eq!(stack.ok(&["state", "list"]).stdout.lines().count(), 2);
}

#[test]
fn an_ignored_field_is_not_changed_back() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    stack.edit(
        "    timeout: 30\n",
        "    timeout: 30\n    ignore: [timeout, environment.MODE, tags.Owner]\n",
    );
    stack.ok(&["reconcile"]);
    let web = id(&stack, "instance.web");
    let change = ["lambda", "update-function-configuration", "--function-name", "ec2-control"];
    let environment = format!("Variables={{INSTANCE_ID={web},MODE=theirs}}");
    emulator.aws(&[&change[..], &["--timeout", "9", "--environment", &environment]].concat());
    stack.settled(&[]);
    stack.ok(&["drift", "--detailed-exitcode"]).says("no drift");
    // Another field changes in the same call.
    stack.edit(
        "    handler: lambda_function.lambda_handler\n",
        "    handler: lambda_function.lambda_handler\n    memory: 256\n",
    );
    stack.ok(&["reconcile"]);
    let now =
        emulator.aws(&["lambda", "get-function-configuration", "--function-name", "ec2-control"]);
    assert_eq!((&now["Timeout"], &now["MemorySize"]), (&json!(9), &json!(256)), "{now}");
    assert_eq!(now["Environment"]["Variables"]["MODE"], "theirs");
    stack.settled(&[]);
    for (wrong, said) in [
        ("[timeuot]", "`timeuot` is no field of `function`"),
        ("['tags.stackwright:stack']", "which state owns the object"),
    ] {
        let file = stack.read("stack.yaml");
        stack.edit("[timeout, environment.MODE, tags.Owner]", wrong);
        stack.run(&["validate"]).code(65).says(said).says("stack.yaml:");
        stack.write("stack.yaml", &file);
    }
}

#[test]
fn unmanaged_tags_stay_unless_tags_exclusive_is_set() {
    let emulator = Emulator::moto().start();
    let stack = made(&emulator);
    let web = id(&stack, "instance.web");
    let shown = stack.ok(&["state", "show", "function.ec2-control"]).json();
    let function = text(&shown["object"]["outputs"]["arn"]).to_owned();
    emulator.aws(&["ec2", "create-tags", "--resources", &web, "--tags", "Key=Owner,Value=them"]);
    let role = ["iam", "tag-role", "--role-name", "lambda-ec2-role"];
    emulator.aws(&[&role[..], &["--tags", "Key=Owner,Value=them"]].concat());
    emulator.aws(&["lambda", "tag-resource", "--resource", &function, "--tags", "Owner=them"]);
    stack.settled(&[]);
    // (An API's tags cannot be changed here.)
    for block in ["  web:\n", "  lambda-ec2-role:\n", "  ec2-control:\n"] {
        stack.edit(block, &format!("{block}    tags_exclusive: true\n"));
    }
    let plan = stack.plan(&[]);
    assert_eq!(steps(&plan).len(), 3, "{plan:#}");
    for step in plan["steps"].as_array().expect("a list") {
        assert_eq!(step["changes"][0]["path"], json!(["tags", "Owner"]), "{step:#}");
        assert_eq!(step["changes"].as_array().map(Vec::len), Some(1), "{step:#}");
    }
    stack.ok(&["reconcile", "--no-check"]);
    stack.settled(&[]);
    assert_eq!(id(&stack, "instance.web"), web);
}

#[test]
fn a_check_of_what_was_destroyed_says_that_it_does_not_exist() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    stack.ok(&["destroy", "--yes"]);
    let ran = stack.run(&["check"]).code(5);
    ran.says("was not called: api.EC2-Control-API does not exist")
        .says("`stackwright reconcile` creates it");
}
