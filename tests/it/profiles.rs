//! Instances with a role: the instance profile belongs to the role and is deleted with it.

use serde_json::Value;
use stackwright_testkit::{Act, Emulator, Point, Proxy};

use crate::support::{Sandbox, text};

const FILE: &str = "\
stack: profiles
role:
  machine:
    path: /service/
    trust: ec2.amazonaws.com
    tags: {team: a}
instance:
  web:
    image: ami-ff0fea8310f3
    type: t2.micro
    profile: role.machine
";

fn stack(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", FILE);
    stack
}

/// Names of all instance profiles, with the role in each.
fn profiles(emulator: &Emulator) -> Vec<(String, String)> {
    let all = emulator.aws(&["iam", "list-instance-profiles"]);
    let of = |profile: &Value| {
        let role = profile["Roles"][0]["RoleName"].as_str().unwrap_or_default();
        (text(&profile["InstanceProfileName"]).to_owned(), role.to_owned())
    };
    all["InstanceProfiles"].as_array().expect("a list").iter().map(of).collect()
}

fn own() -> Vec<(String, String)> {
    vec![("machine".to_owned(), "machine".to_owned())]
}

fn tag(emulator: &Emulator, key: &str) -> Option<String> {
    let get = ["iam", "get-instance-profile", "--instance-profile-name", "machine"];
    let tags = emulator.aws(&get)["InstanceProfile"]["Tags"].take();
    let tag = tags.as_array()?.iter().find(|tag| tag["Key"] == key)?;
    tag["Value"].as_str().map(str::to_owned)
}

#[test]
fn a_role_that_trusts_ec2_has_an_instance_profile() {
    for emulator in [Emulator::ministack().start(), Emulator::moto().start()] {
        let stack = stack(&emulator);
        stack.reconcile(&[]);
        stack.settled(&[]);
        assert_eq!(profiles(&emulator), own());
        let seen = emulator.aws(&["ec2", "describe-instances"]);
        let of_instance = &seen["Reservations"][0]["Instances"][0]["IamInstanceProfile"]["Arn"];
        assert!(text(of_instance).ends_with("instance-profile/service/machine"), "{seen}");
        assert_eq!(tag(&emulator, "stackwright:address").as_deref(), Some("role.machine"));

        // Its tags are the role's.
        stack.edit("team: a", "team: b");
        stack.reconcile(&[]);
        assert_eq!(tag(&emulator, "team").as_deref(), Some("b"));

        // The role is removed from it by hand.
        let mut out = vec!["iam", "remove-role-from-instance-profile", "--role-name", "machine"];
        out.extend(["--instance-profile-name", "machine"]);
        emulator.aws(&out);
        stack.run(&["plan"]).says("~ update role.machine");
        stack.reconcile(&[]);
        stack.settled(&[]);
        assert_eq!(profiles(&emulator), own());

        // Without the trust there is no profile, and none is left behind.
        stack.edit("    profile: role.machine\n", "");
        stack.edit("ec2.amazonaws.com", "lambda.amazonaws.com");
        stack.reconcile(&[]);
        stack.settled(&[]);
        assert_eq!(profiles(&emulator), []);
        stack.edit("lambda.amazonaws.com", "[lambda.amazonaws.com, ec2.amazonaws.com]");
        stack.reconcile(&[]);
        assert_eq!(profiles(&emulator), own());
        stack.ok(&["destroy", "--yes"]);
        assert_eq!(profiles(&emulator), []);
    }
}

/// A profile without its role still has to be deleted.
#[test]
fn an_empty_profile_of_ours_is_deleted() {
    let emulator = Emulator::ministack().start();
    let mut stack = stack(&emulator);
    stack.edit("    profile: role.machine\n", "");
    stack.reconcile(&[]);
    stack.edit("ec2.amazonaws.com", "lambda.amazonaws.com");
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "DeleteInstanceProfile" => Act::Pause(Point::Arrived),
        _ => Act::Pass,
    });
    stack.go_through(proxy.port());
    let mut running = stack.start(&["reconcile", "--yes"]);
    assert!(running.is_paused(&proxy));
    running.signal("KILL");
    running.wait().code(137);
    stack.go_through(emulator.port());
    assert_eq!(profiles(&emulator), [("machine".to_owned(), String::new())]);
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(profiles(&emulator), []);
}

/// EC2 replaces the profile of a running instance only.
#[test]
fn a_stopped_instance_detaches_its_profile_before_attaching_another() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let stack = stack(&emulator).through(&proxy);
    stack.edit("role:\n", "role:\n  other: {trust: ec2.amazonaws.com}\n");
    stack.reconcile(&[]);
    let id = emulator.census().ids("instance").remove(0);
    emulator.aws(&["ec2", "stop-instances", "--instance-ids", &id]);
    stack.edit("profile: role.machine", "profile: role.other");
    let before = proxy.log().len();
    stack.reconcile(&[]);
    stack.settled(&[]);
    let calls = proxy.log().split_off(before);
    let writes = calls.into_iter().filter(|call| call.operation.writes);
    let writes: Vec<String> = writes.map(|call| call.operation.name).collect();
    assert_eq!(writes, ["DisassociateIamInstanceProfile", "AssociateIamInstanceProfile"]);
}

#[test]
fn somebody_elses_profile_is_left_alone() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator);
    emulator.aws(&["iam", "create-instance-profile", "--instance-profile-name", "machine"]);
    let said = "an instance profile named `machine` exists and does not belong to this stack";
    stack.run(&["reconcile", "--yes"]).code(1).says(said);
    let theirs = [("machine".to_owned(), String::new())];
    assert_eq!(profiles(&emulator), theirs);
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(profiles(&emulator), theirs);
}

/// The plan did not see it.
#[test]
fn a_profile_that_somebody_creates_during_the_run_is_not_used() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
        "CreateRole" => Act::Pause(Point::Arrived),
        _ => Act::Pass,
    });
    let stack = stack(&emulator).through(&proxy);
    let mut running = stack.start(&["reconcile", "--yes"]);
    assert!(running.is_paused(&proxy));
    emulator.aws(&["iam", "create-instance-profile", "--instance-profile-name", "machine"]);
    proxy.resume();
    let said = "an instance profile named `machine` exists and does not belong to this stack";
    running.wait().code(4).says(said);
    assert_eq!(emulator.census().count("instance"), 0);
    assert_eq!(profiles(&emulator), [("machine".to_owned(), String::new())]);
}

/// Deletes the role by hand.
fn delete_role_by_hand(emulator: &Emulator) {
    let mut out = vec!["iam", "remove-role-from-instance-profile", "--role-name", "machine"];
    out.extend(["--instance-profile-name", "machine"]);
    emulator.aws(&out);
    emulator.aws(&["iam", "delete-role", "--role-name", "machine"]);
}

/// The orphaned profile of the deleted role does not block the new one.
#[test]
fn a_role_deleted_by_hand_is_re_created_with_its_profile() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    delete_role_by_hand(&emulator);
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(profiles(&emulator), own());

    // Releasing the role also releases the profile.
    stack.ok(&["state", "rm", "role.machine"]);
    assert_eq!(tag(&emulator, "stackwright:stack"), None);
}

#[test]
fn releasing_a_role_that_is_gone_releases_its_profile() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    delete_role_by_hand(&emulator);
    assert!(tag(&emulator, "stackwright:stack").is_some());
    stack.ok(&["state", "rm", "role.machine"]);
    assert_eq!(tag(&emulator, "stackwright:stack"), None);
    assert_eq!(tag(&emulator, "team").as_deref(), Some("a"));
    assert_eq!(profiles(&emulator), [("machine".to_owned(), String::new())]);
}
