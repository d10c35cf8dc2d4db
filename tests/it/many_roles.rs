//! Many roles are read from lists of the account, as exactly as each by itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;
use stackwright_testkit::{Act, Emulator, Proxy, Refusal};

use crate::support::{Sandbox, text};

/// More than are read one by one.
const ROLES: usize = 30;

const BOUNDARY: &str = "arn:aws:iam::aws:policy/PowerUserAccess";
const ATTACHED: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

fn stack_text() -> String {
    let mut text = "stack: many\ntags: {team: x}\nrole:\n".to_owned();
    for at in 1..=ROLES {
        let _ = write!(
            text,
            "  r{at}:
    trust: lambda.amazonaws.com
    description: the role {at}
    max_session: 2h
    permissions_boundary: {BOUNDARY}
    managed_policies: [{ATTACHED}]
    allow: [{{actions: s3:GetObject, resources: '*'}}]
"
        );
    }
    text
}

fn count(proxy: &Proxy, name: &str) -> usize {
    proxy.log().iter().filter(|call| call.operation.name == name).count()
}

#[test]
fn lists_take_the_place_of_reads_and_show_all_drift() {
    let emulator = Emulator::moto().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let stack = Sandbox::empty(emulator.port()).through(&proxy);
    stack.write("stack.yaml", &stack_text());
    stack.ok(&["reconcile"]);
    // What takes the names is asked of the list, too.
    let before = count(&proxy, "GetRole");
    stack.settled(&[]);
    assert_eq!(count(&proxy, "GetRole"), before);
    assert!(count(&proxy, "GetAccountAuthorizationDetails") > 0);

    let role = |name: &'static str| ["--role-name", name];
    for (verb, name, more) in [
        ("update-role", "r1", &["--description", "another", "--max-session-duration", "7200"][..]),
        ("update-role", "r2", &["--description", "the role 2", "--max-session-duration", "3600"]),
        ("delete-role-permissions-boundary", "r3", &[]),
        ("detach-role-policy", "r4", &["--policy-arn", ATTACHED]),
        ("delete-role-policy", "r5", &["--policy-name", "stackwright"]),
        ("untag-role", "r6", &["--tag-keys", "team"]),
    ] {
        emulator.aws(&[&["iam", verb], &role(name)[..], more].concat());
    }
    let plan = stack.plan(&[]);
    let changed = plan["steps"].as_array().expect("steps").iter().map(|step| {
        let changes = step["changes"].as_array().expect("changes").iter();
        let fields = changes.map(|change| {
            let path = change["path"].as_array().expect("a path").iter();
            path.map(text).collect::<Vec<_>>().join(".")
        });
        (text(&step["address"]).to_owned(), fields.collect())
    });
    let changed: BTreeMap<String, Vec<String>> = changed.collect();
    let expected = [
        ("role.r1", "description"),
        ("role.r2", "max_session"),
        ("role.r3", "permissions_boundary"),
        ("role.r4", &format!("managed_policies.{ATTACHED}")),
        ("role.r5", "policies.stackwright"),
        ("role.r6", "tags.team"),
    ];
    let expected = expected.map(|(address, field)| (address.to_owned(), vec![field.to_owned()]));
    assert_eq!(changed, expected.into(), "{plan:#}");
    stack.reconcile(&[]);
    stack.settled(&[]);
    emulator.aws(&["iam", "delete-role-permissions-boundary", "--role-name", "r9"]);
    emulator.aws(&["iam", "detach-role-policy", "--role-name", "r9", "--policy-arn", ATTACHED]);
    emulator.aws(&[
        "iam",
        "delete-role-policy",
        "--role-name",
        "r9",
        "--policy-name",
        "stackwright",
    ]);
    emulator.aws(&["iam", "delete-role", "--role-name", "r9"]);
    stack.ok(&["plan"]).says("role.r9");
    assert_eq!(stack.reconcile(&[]).finished, ["create role.r9"]);
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(emulator.aws(&["iam", "list-roles"])["Roles"], json!([]));
}

#[test]
fn without_the_right_to_list_roles_each_is_read() {
    let emulator = Emulator::moto().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "GetAccountAuthorizationDetails" | "ListRoles" => {
            Act::Refuse(Refusal::new(403, "AccessDenied"))
        }
        _ => Act::Pass,
    });
    let stack = Sandbox::empty(emulator.port()).through(&proxy);
    stack.write("stack.yaml", &stack_text());
    stack.ok(&["reconcile"]);
    let before = count(&proxy, "GetRole");
    stack.settled(&[]);
    assert!(count(&proxy, "GetRole") >= before + ROLES);
}
