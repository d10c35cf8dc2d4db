//! Managed policies and the roles that attach them, over a stack's whole life.

use serde_json::{Value, json};
use stackwright_testkit::{Act, Emulator, Proxy, Rules, counts};

use crate::support::{Sandbox, text};
use crate::torture::{DESTROY, Life, flip};

/// A policy that two roles share, one of them as its boundary.
const STACK: &str = "
stack: policies
policy:
  read:
    allow:
      - {actions: s3:GetObject, resources: '*'}
role:
  one: {trust: lambda.amazonaws.com, managed_policies: [policy.read]}
  two: {trust: lambda.amazonaws.com, permissions_boundary: policy.read}
";

fn stack(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", STACK);
    stack
}

/// A proxy that deletes a policy only where IAM would.
fn strict(emulator: &Emulator) -> Proxy {
    let rules = Rules { policy_in_use: true, ..Rules::default() };
    Proxy::strict(emulator, rules, |_| Act::Pass)
}

/// The ARN of the policy, from the state.
fn arn(stack: &Sandbox) -> String {
    let shown = stack.ok(&["show", "--json"]).json();
    text(&shown["resources"]["policy.read"]["object"]["id"]).to_owned()
}

/// The versions of the policy, the default one first.
fn versions(emulator: &Emulator, arn: &str) -> Vec<String> {
    let listed = emulator.aws(&["iam", "list-policy-versions", "--policy-arn", arn]);
    let mut versions = listed["Versions"].as_array().expect("a list").clone();
    versions.sort_by_key(|version| version["IsDefaultVersion"] != json!(true));
    versions.iter().map(|version| text(&version["VersionId"]).to_owned()).collect()
}

#[test]
fn a_policy_and_its_roles_converge_and_are_destroyed() {
    for emulator in [Emulator::moto().start(), Emulator::ministack().start()] {
        let proxy = strict(&emulator);
        let stack = stack(&emulator).through(&proxy);
        let plan = stack.run(&["plan"]).says("managed_policies  ${policy.read.arn}: true");
        assert!(!plan.stdout.contains("u{1}"), "{plan}");
        let plan = stack.plan(&[]).to_string();
        assert!(plan.contains(r#"{"${policy.read.arn}":true}"#), "{plan}");
        let made = stack.reconcile(&[]).finished;
        assert_eq!(made[0], "create policy.read", "{made:?}");
        stack.settled(&[]);
        let arn = arn(&stack);
        let of =
            |role: &str| emulator.aws(&["iam", "get-role", "--role-name", role])["Role"].clone();
        let attached = emulator.aws(&["iam", "list-attached-role-policies", "--role-name", "one"]);
        assert_eq!(attached["AttachedPolicies"][0]["PolicyArn"], arn, "{emulator:?}");
        assert_eq!(of("two")["PermissionsBoundary"]["PermissionsBoundaryArn"], arn);
        stack.edit("s3:GetObject", "s3:PutObject");
        stack.reconcile(&[]);
        stack.ok(DESTROY);
        assert_eq!(emulator.census().counts(), counts([]), "{emulator:?}");
    }
}

/// IAM keeps five versions: the oldest one makes room, and never the one that counts.
#[test]
fn a_policy_can_be_changed_again_and_again() {
    for emulator in [Emulator::moto().start(), Emulator::ministack().start()] {
        let stack = stack(&emulator);
        stack.reconcile(&[]);
        let mut action = "s3:GetObject".to_owned();
        for number in 2..=8 {
            let next = format!("s3:Get{number}");
            stack.edit(&action, &next);
            assert_eq!(stack.reconcile(&[]).finished, ["update policy.read"], "{emulator:?}");
            action = next;
        }
        let versions = versions(&emulator, &arn(&stack));
        assert_eq!(versions[0], "v8", "{versions:?}");
        assert_eq!(versions.len(), 5, "{versions:?}");
        // Somebody returned to an older version, the oldest that there is.
        assert!(versions.contains(&"v4".to_owned()), "{versions:?}");
        let arn = arn(&stack);
        let set = ["iam", "set-default-policy-version", "--policy-arn", &arn, "--version-id", "v4"];
        // MiniStack does not have the call.
        if emulator.try_aws(&set).is_ok() {
            stack.ok(&["drift"]).says("policy.read");
            stack.reconcile(&[]);
            stack.settled(&[]);
            let left = self::versions(&emulator, &arn);
            assert!(
                left.contains(&"v4".to_owned()) && !left.contains(&"v5".to_owned()),
                "{left:?}"
            );
        }
    }
}

#[test]
fn a_renamed_policy_is_attached_before_the_old_one_goes() {
    let emulator = Emulator::moto().start();
    let proxy = strict(&emulator);
    let stack = stack(&emulator).through(&proxy);
    stack.reconcile(&[]);
    stack.edit("s3:GetObject", "s3:PutObject");
    stack.reconcile(&[]);
    stack.edit("  read:\n", "  read:\n    name: other\n");
    let plan = stack.run(&["plan"]).says("managed_policies.${policy.read.arn}  (none) -> true");
    assert!(!plan.stdout.contains("(edited)"), "the role follows from the policy: {plan}");
    let done = stack.reconcile(&[]).finished;
    assert_eq!(done.last().map(String::as_str), Some("delete policy.read"), "{done:?}");
    stack.settled(&[]);
    assert_eq!(emulator.census().count("policy"), 1);
}

/// Two policies cannot have one name, and IAM deletes none that is attached.
#[test]
fn a_policy_in_use_is_not_replaced_under_its_own_name() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    stack.edit("  read:\n", "  read:\n    description: Reads objects\n");
    let blocked = stack.run(&["reconcile", "--yes"]).code(1);
    blocked.says("while role.one uses it").says("give it another `name:`");
}

#[test]
fn a_policy_that_somebody_else_attached_is_not_deleted() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    stack.edit("s3:GetObject", "s3:PutObject");
    stack.reconcile(&[]);
    let arn = arn(&stack);
    emulator.aws(&["iam", "create-user", "--user-name", "theirs"]);
    let attach = ["iam", "attach-user-policy", "--user-name", "theirs", "--policy-arn", &arn];
    emulator.aws(&attach);
    let failed = stack.run(DESTROY).code(4);
    failed.says("is in use").says("aws iam list-entities-for-policy");
    assert_eq!(versions(&emulator, &arn), ["v2", "v1"], "nothing of it is lost");
    let detach = ["iam", "detach-user-policy", "--user-name", "theirs", "--policy-arn", &arn];
    emulator.aws(&detach);
    stack.ok(DESTROY);
    assert_eq!(emulator.census().counts(), counts([]));
}

#[test]
fn a_policy_is_imported_by_its_arn_and_found_by_its_name() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    let document = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*" },
    ]});
    let create = ["iam", "create-policy", "--policy-name", "read", "--policy-document"];
    let made: Value = emulator.aws(&[&create[..], &[&document.to_string()]].concat());
    let arn = text(&made["Policy"]["Arn"]);
    stack.run(&["reconcile", "--yes"]).code(1).says("read").says("import");
    stack.ok(&["import", "policy.read", arn]);
    let done = stack.reconcile(&[]).finished;
    assert!(!done.iter().any(|step| step == "create policy.read"), "{done:?}");
    stack.settled(&[]);
    // The state is lost: its tags say whose it is.
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("the state");
    stack.reconcile(&["--adopt"]);
    stack.settled(&[]);
    assert_eq!(emulator.census().count("policy"), 1);
}

/// IAM ignores the case of names, and so it is one policy.
#[test]
fn a_policy_whose_name_differs_in_case_is_in_the_way() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    let document = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}"#;
    let create = ["iam", "create-policy", "--policy-document", document, "--policy-name", "READ"];
    emulator.aws(&create);
    stack.run(&["reconcile", "--yes"]).code(1).says("READ").says("policy.read");
    assert_eq!(emulator.census().count("role"), 0, "nothing was created");
}

const LIFE: Life = Life {
    of: "managed policies",
    emulator: Emulator::ministack,
    stack,
    objects: || counts([("policy", 1), ("role", 2)]),
};

#[test]
fn a_create_killed_anywhere_is_finished() {
    LIFE.a_create_is_finished();
}

#[test]
fn a_destroy_killed_anywhere_is_finished() {
    LIFE.a_destroy_is_finished();
}

#[test]
fn an_update_killed_anywhere_is_finished() {
    LIFE.an_update_is_finished(&["update"], flip("s3:GetObject", "s3:PutObject"));
}
