//! Security groups and what uses them, over a stack's whole life.

use serde_json::{Value, json};
use stackwright_testkit::{Act, Emulator, Entry, Proxy, Rules, counts};

use crate::support::{Sandbox, text};
use crate::torture::{DESTROY, Life, flip};

/// Two groups, one of which lets the other in, and an instance that uses one.
const STACK: &str = "
stack: groups
security_group:
  web:
    description: Web servers
    ingress: [https from anywhere, all from self]
  db:
    ingress: [postgres from security_group.web]
    egress: []
instance:
  web: {image: ami-ff0fea8310f3, type: t2.micro, security_groups: [security_group.web]}
";

fn stack(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", STACK);
    stack
}

/// The group that the state knows under a key, as EC2 describes it.
fn seen(emulator: &Emulator, stack: &Sandbox, key: &str) -> Value {
    let id = id(stack, &format!("security_group.{key}"));
    let groups = emulator.aws(&["ec2", "describe-security-groups", "--group-ids", &id]);
    groups["SecurityGroups"][0].clone()
}

fn id(stack: &Sandbox, address: &str) -> String {
    let shown = stack.ok(&["show", "--json"]).json();
    text(&shown["resources"][address]["object"]["id"]).to_owned()
}

#[test]
fn a_stack_with_groups_converges_and_is_destroyed() {
    for emulator in [Emulator::moto().start(), Emulator::ministack().start()] {
        let stack = stack(&emulator);
        let made = stack.reconcile(&[]).finished;
        assert_eq!(made.len(), 3, "{made:?}");
        assert_eq!(stack.reconcile(&[]).writes, 0, "{emulator:?}");
        stack.settled(&[]);

        let (web, db) = (seen(&emulator, &stack, "web"), seen(&emulator, &stack, "db"));
        let rule = &db["IpPermissions"][0];
        assert_eq!((&rule["FromPort"], &rule["ToPort"]), (&json!(5432), &json!(5432)));
        assert_eq!(rule["UserIdGroupPairs"][0]["GroupId"], web["GroupId"]);
        assert_eq!(db["IpPermissionsEgress"], json!([]), "nothing may leave");
        assert_eq!(web["IpPermissionsEgress"][0]["IpProtocol"], "-1", "AWS's default");
        assert_eq!(db["Description"], "Managed by stackwright");
        let instance = id(&stack, "instance.web");
        let all = emulator.aws(&["ec2", "describe-instances", "--instance-ids", &instance]);
        let groups = &all["Reservations"][0]["Instances"][0]["SecurityGroups"];
        assert_eq!(groups[0]["GroupId"], web["GroupId"]);

        stack.ok(DESTROY);
        assert_eq!(emulator.census().counts(), counts([]), "{emulator:?}");
    }
}

/// A new group lets everything out until its rules are set.
#[test]
fn an_instance_is_created_when_its_group_has_its_rules() {
    let emulator = Emulator::ministack().start();
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    let stack = stack(&emulator).through(&proxy);
    stack.edit("security_groups: [security_group.web]", "security_groups: [security_group.db]");
    stack.reconcile(&[]);
    let calls: Vec<String> = proxy.log().into_iter().map(|call| call.operation.name).collect();
    let at = |name: &str| calls.iter().position(|call| call == name).expect("it was called");
    let created = at("RunInstances");
    for rules in ["AuthorizeSecurityGroupIngress", "RevokeSecurityGroupEgress"] {
        assert!(at(rules) < created, "{calls:?}");
    }
}

/// A read of one group lists no others, also where the endpoint ignores the filter for ids: the work of a run
/// would grow with the square of their number.
#[test]
fn one_more_group_is_read_without_all_others() {
    const GROUPS: usize = 30;
    for emulator in [Emulator::moto().start(), Emulator::ministack().start()] {
        let proxy = Proxy::before(&emulator, |_| Act::Pass);
        let stack = Sandbox::empty(emulator.port()).through(&proxy);
        let groups = |count: usize| {
            let each = (0..count)
                .map(|at| format!("  g{at}: {{ingress: ['tcp 443 from 10.0.{at}.0/24']}}\n"));
            format!("stack: many\nsecurity_group:\n{}", each.collect::<String>())
        };
        stack.write("stack.yaml", &groups(GROUPS));
        stack.reconcile(&[]);
        let before = proxy.log().len();
        stack.write("stack.yaml", &groups(GROUPS + 1));
        stack.reconcile(&[]);
        let calls = proxy.entries().split_off(before);
        let created =
            calls.iter().position(|call| call.call.operation.name == "CreateSecurityGroup");
        let (survey, of_one) = calls.split_at(created.expect("one more group"));
        let lengths = |calls: &[Entry]| -> Vec<usize> {
            let reads =
                calls.iter().filter(|call| call.call.operation.name == "DescribeSecurityGroups");
            reads.filter_map(|call| call.length).collect()
        };
        let all = lengths(survey).into_iter().max().expect("a survey");
        let each = lengths(of_one);
        assert!(!each.is_empty(), "the new group is read");
        assert!(each.iter().all(|length| length * 10 < all), "{emulator:?}: {each:?} of {all}");
    }
}

#[test]
fn a_rule_that_somebody_adds_is_removed() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    let id = id(&stack, "security_group.db");
    let authorize = ["ec2", "authorize-security-group-ingress", "--group-id", &id];
    let rule = ["--protocol", "tcp", "--port", "22", "--cidr", "0.0.0.0/0"];
    emulator.aws(&[&authorize[..], &rule].concat());
    stack.run(&["plan"]).says("tcp 22 from 0.0.0.0/0");
    assert_eq!(stack.reconcile(&[]).finished, ["update security_group.db"]);
    let rules = seen(&emulator, &stack, "db")["IpPermissions"].clone();
    assert_eq!(rules.as_array().map(Vec::len), Some(1), "{rules:#}");

    // A direction that the file does not have is left to others, and reported.
    stack.edit("    ingress: [https from anywhere, all from self]\n", "");
    stack.reconcile(&[]);
    assert_eq!(seen(&emulator, &stack, "web")["IpPermissions"], json!([]), "the default is set");
    let id = self::id(&stack, "security_group.web");
    let authorize = ["ec2", "authorize-security-group-ingress", "--group-id", &id];
    emulator.aws(&[&authorize[..], &rule].concat());
    stack.settled(&[]);
    stack.ok(&["plan"]).says("has ingress rule `tcp 22 from 0.0.0.0/0`, not in the file");
}

/// A function, since no emulator changes the groups of an instance.
#[test]
fn a_renamed_group_is_created_before_the_old_one_goes() {
    let emulator = Emulator::ministack().start();
    let proxy =
        Proxy::strict(&emulator, Rules { in_use: Some(0), ..Rules::default() }, |_| Act::Pass);
    let subnets = emulator.aws(&["ec2", "describe-subnets"]);
    let subnet = text(&subnets["Subnets"][0]["SubnetId"]);
    let stack = Sandbox::empty(emulator.port()).through(&proxy);
    stack.write("a.py", "def b(event, context): pass\n");
    let file = format!(
        "stack: groups\nsecurity_group:\n  web: {{ingress: [all from self]}}\n\
         role:\n  r: {{trust: lambda.amazonaws.com}}\n\
         function:\n  f:\n    code: .\n    runtime: python3.13\n    handler: a.b\n    role: role.r\n    \
         vpc: {{subnets: [{subnet}], security_groups: [security_group.web]}}\n"
    );
    stack.write("stack.yaml", &file);
    stack.reconcile(&[]);
    let old = id(&stack, "security_group.web");

    stack.edit("{ingress", "{name: web-2, ingress");
    let done = stack.reconcile(&[]).finished;
    let expected = ["replace security_group.web", "update function.f", "delete security_group.web"];
    assert_eq!(done, expected);
    stack.settled(&[]);
    let new = id(&stack, "security_group.web");
    assert_ne!(old, new);
    let function = emulator.aws(&["lambda", "get-function-configuration", "--function-name", "f"]);
    assert_eq!(function["VpcConfig"]["SecurityGroupIds"], json!([new]));
    assert_eq!(emulator.census().ids("security_group"), [new]);
}

#[test]
fn a_group_in_use_is_not_replaced_under_its_own_name() {
    let emulator = Emulator::ministack().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    let before = emulator.census();
    stack.edit("Web servers", "Front");
    let blocked = stack.run(&["reconcile", "--yes"]).code(1);
    blocked.says("while instance.web uses it").says("give it another `name:`");
    stack.run(&["explain", "security_group.web"]).says("instance.web uses it");
    let document = stack.run(&["plan", "--json"]).json();
    assert_eq!(document["blocked"][0]["by"], "instance.web", "{document:#}");
    stack.run(&["plan", "--replace", "security_group.web"]).says("uses it");
    assert_eq!(emulator.census(), before);

    // Under another key, too, unless it is the same object.
    stack.edit("Front", "Web servers");
    stack.edit("  web:\n    description", "  front:\n    name: web\n    description");
    stack.edit("postgres from security_group.web", "postgres from security_group.front");
    stack.edit("[security_group.web]", "[security_group.front]");
    stack.run(&["plan"]).code(1).says("`renamed_from: web` for the same object");
    stack.edit("    name: web\n", "    name: web\n    renamed_from: web\n");
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(emulator.census().ids("security_group"), before.ids("security_group"));

    // Nothing uses the other group.
    stack.edit("    egress: []", "    egress: []\n    description: Data");
    let done = stack.reconcile(&[]).finished;
    assert_eq!(done, ["delete security_group.db", "replace security_group.db"]);
    stack.settled(&[]);
}

#[test]
fn a_name_is_taken_only_in_its_own_network() {
    let emulator = Emulator::ministack().start();
    let vpc = emulator.aws(&["ec2", "create-vpc", "--cidr-block", "10.9.0.0/16"]);
    let vpc = text(&vpc["Vpc"]["VpcId"]).to_owned();
    let group = ["ec2", "create-security-group", "--group-name", "web", "--description", "theirs"];
    emulator.aws(&[&group[..], &["--vpc-id", &vpc]].concat());
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", "stack: groups\nsecurity_group:\n  web: {}\n");
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(emulator.census().count("security_group"), 2);

    stack.write("stack.yaml", &format!("stack: groups\nsecurity_group:\n  web: {{vpc: {vpc}}}\n"));
    let ran = stack.run(&["reconcile", "--yes"]).says("exists and does not belong to this stack");
    assert_ne!(ran.code, 0, "{ran}");
    assert_eq!(emulator.census().count("security_group"), 2, "nothing was lost");
    let shown = stack.ok(&["show", "--json"]).json();
    let record = &shown["resources"]["security_group.web"];
    assert!(record["creating_since"].is_null(), "no create is left open: {record:#}");
}

#[test]
fn a_group_goes_once_nothing_uses_it() {
    let emulator = Emulator::ministack().start();
    let rules = Rules { in_use: Some(2), ..Rules::hiding("security_group", 2) };
    let proxy = Proxy::strict(&emulator, rules, |_| Act::Pass);
    let stack = stack(&emulator).through(&proxy).env("STACKWRIGHT_CONSISTENCY_SECONDS", "5");
    stack.reconcile(&[]);
    stack.ok(DESTROY);
    assert_eq!(emulator.census().counts(), counts([]));
    let entries = proxy.entries();
    let met =
        |rule: &str| entries.iter().filter(|entry| entry.rule.as_deref() == Some(rule)).count();
    assert_eq!(met("in use"), 2, "the instance's interface lasted");
    assert!(met("hidden") > 0, "new groups were invisible");
}

#[test]
fn mistakes_are_reported_where_they_are() {
    let stack = Sandbox::empty(9);
    stack.write("stack.yaml", STACK);
    stack.ok(&["validate"]).says("3 resources");
    stack.edit("https from anywhere", "htps from anywhere");
    stack.edit("postgres from security_group.web", "postgres from security_group.wbe");
    stack.edit("[security_group.web]", "[web]");
    stack
        .run(&["validate"])
        .code(65)
        .says("`htps` is no protocol that a rule can name")
        .says("did you mean `security_group.web`?")
        .says("`web` is neither `security_group.KEY` nor `sg-…`")
        .says("stack.yaml has 3 problems");
    stack.write("stack.yaml", STACK);
    stack.edit("all from self", "all from security_group.web");
    stack.run(&["validate"]).code(65).says("write `self` for the resource itself");
    stack.write("stack.yaml", STACK);
    stack.edit("all from self", "all from security_group.db");
    stack.run(&["validate"]).code(65).says("dependency cycle").says("remove one of these");
}

const LIFE: Life = Life {
    of: "security groups",
    emulator: Emulator::ministack,
    stack,
    objects: || counts([("security_group", 2), ("instance", 1)]),
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
    let mut ingress = flip("https from anywhere", "http from 10.0.0.0/8");
    let mut egress = flip("egress: []", "egress: [ntp to anywhere]");
    LIFE.an_update_is_finished(&["update"], |stack| {
        ingress(stack);
        egress(stack);
    });
}
