//! Policies of roles: semantic equality, explanations in terms of the file, unmanaged attachments.

use serde_json::{Value, json};
use stackwright_testkit::Emulator;

use crate::support::{Sandbox, text};

const ROLE: &str = "stack: s
role:
  r:
    trust: lambda.amazonaws.com
    allow:
      - {actions: s3:getobject, resources: '*'}
";

fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().expect("a list").iter();
    steps.map(|step| format!("{} {}", text(&step["action"]), text(&step["address"]))).collect()
}

fn made(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", ROLE);
    stack.ok(&["reconcile"]);
    stack
}

#[test]
fn the_case_of_an_action_is_not_a_change() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    stack.edit("s3:getobject", "s3:GetObject");
    assert_eq!(steps(&stack.plan(&[])), [""; 0]);
    assert_eq!(stack.reconcile(&[]).writes, 0);
    stack.settled(&[]);
    let document = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "S3:GETOBJECT", "Resource": "*" },
    ]});
    let put = ["iam", "put-role-policy", "--role-name", "r", "--policy-name", "stackwright"];
    emulator.aws(&[&put[..], &["--policy-document", &document.to_string()]].concat());
    stack.settled(&[]);
    stack.ok(&["drift", "--detailed-exitcode"]).says("no drift");
    // Sent along where something else changes.
    stack.edit("s3:GetObject", "[s3:GetObject, s3:PutObject]");
    assert_eq!(stack.reconcile(&[]).writes, 1);
    stack.settled(&[]);
}

#[test]
fn explain_names_the_field_that_the_file_sets() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    stack.edit("s3:getobject", "s3:PutObject");
    stack
        .ok(&["explain", "role.r"])
        .says("allow (policies.stackwright")
        .says("configuration changed since the last run (stack.yaml:5:5)");
    let explained = stack.ok(&["explain", "role.r", "--json"]).json();
    assert_eq!(explained["fields"][0]["written"], "allow", "{explained:#}");
    // Left to others by that name too.
    stack.edit("    allow:\n", "    ignore: [allow]\n    allow:\n");
    stack
        .ok(&["plan", "--detailed-exitcode"])
        .says("has no effect: `ignore` leaves it to others (stack.yaml:5:5)");
}

#[test]
fn unmanaged_policies_of_a_role_are_reported_on_deletion_and_drift() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let read = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    emulator.aws(&["iam", "attach-role-policy", "--role-name", "r", "--policy-arn", read]);
    let statement = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
    let theirs = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let put = ["iam", "put-role-policy", "--role-name", "r", "--policy-name", "theirs"];
    emulator.aws(&[&put[..], &["--policy-document", &theirs]].concat());

    let inline = "inline policy `theirs`";
    let attached = format!("attached policy `{read}`");
    let drift = stack.ok(&["drift", "--detailed-exitcode"]);
    drift
        .says("no drift")
        .says(&format!("role.r: has {inline}, not in the file; left alone"))
        .says(&attached);

    stack.edit("    allow:\n", "    path: /other/\n    allow:\n");
    let lost = format!("      lost: {inline}; {attached}\n");
    stack.ok(&["plan"]).says("replace role.r").says(&lost);
    let plan = stack.plan(&[]);
    assert_eq!(plan["steps"][0]["lost"], json!([inline, attached]), "{plan:#}");
    let why = stack.ok(&["explain", "role.r"]);
    why.says(&format!("grants elsewhere may be bound; {inline}; {attached}"));
    // So it is where the role leaves the file.
    stack.write("stack.yaml", "stack: s\n");
    stack.ok(&["plan"]).says("delete role.r").says(&lost);
}

/// An attachment that the file names is not unmanaged, even before a run has set it. After an import,
/// only the file says which attachments are ours.
#[test]
fn attachments_that_the_file_names_are_not_unmanaged() {
    let emulator = Emulator::ministack().start();
    let stack = made(&emulator);
    let statement = json!({ "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let put = ["iam", "put-role-policy", "--role-name", "r", "--policy-name", "named"];
    emulator.aws(&[&put[..], &["--policy-document", &document]].concat());
    let note = "has inline policy `named`, not in the file; left alone";
    stack.ok(&["plan"]).says(note);
    stack.edit("    allow:\n", &format!("    policies: {{named: {document}}}\n    allow:\n"));
    assert!(!stack.ok(&["plan"]).stdout.contains(note));
    stack.reconcile(&[]);
    // An attachment that is about to be removed is shown by its step.
    stack.edit(&format!("    policies: {{named: {document}}}\n"), "");
    let plan = stack.ok(&["plan"]);
    assert!(!plan.stdout.contains(note), "{plan}");

    emulator.aws(&[&put[..], &["--policy-document", &document]].concat());
    stack.ok(&["state", "rm", "role.r"]);
    stack.ok(&["import", "role.r", "r"]);
    stack.ok(&["plan"]).says(note);
}
