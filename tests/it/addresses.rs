//! Elastic IP addresses and the instances to which they lead, over a stack's whole life.

use serde_json::Value;
use stackwright_testkit::{Act, Emulator, Entry, Point, Proxy, Rules, counts};

use crate::support::{Sandbox, text};
use crate::torture::{DESTROY, Life, flip};

const STACK: &str = "
stack: addresses
instance:
  web: {image: ami-ff0fea8310f3, type: t2.micro}
  spare: {image: ami-ff0fea8310f3, type: t2.micro}
address:
  web: {instance: instance.web}
output:
  ip: ${address.web.ip}
";

fn stack(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", STACK);
    stack
}

/// A proxy that gives no address to a pending instance, and releases none that leads to one.
fn strict(emulator: &Emulator) -> Proxy {
    let rules = Rules { address_in_use: Some(2), ..Rules::default() };
    Proxy::strict(emulator, rules, |_| Act::Pass)
}

/// The only address, as EC2 describes it.
fn described(emulator: &Emulator) -> Value {
    let all = emulator.aws(&["ec2", "describe-addresses"]);
    let [one] = all["Addresses"].as_array().expect("a list").as_slice() else { panic!("{all}") };
    one.clone()
}

fn id(stack: &Sandbox, address: &str) -> String {
    let shown = stack.ok(&["show", "--json"]).json();
    text(&shown["resources"][address]["object"]["id"]).to_owned()
}

#[test]
fn an_address_leads_to_its_instance_until_it_is_destroyed() {
    for emulator in [Emulator::moto().start(), Emulator::ministack().start()] {
        let proxy = strict(&emulator);
        let stack = stack(&emulator).through(&proxy);
        stack.reconcile(&[]);
        stack.settled(&[]);
        let address = described(&emulator);
        assert_eq!(address["InstanceId"], id(&stack, "instance.web"), "{emulator:?}");
        assert_eq!(stack.ok(&["output", "ip"]).stdout.trim(), text(&address["PublicIp"]));

        stack.edit("{instance: instance.web}", "{instance: instance.spare}");
        assert_eq!(stack.reconcile(&[]).finished, ["update address.web"], "{emulator:?}");
        assert_eq!(described(&emulator)["InstanceId"], id(&stack, "instance.spare"));

        stack.edit("{instance: instance.spare}", "{}");
        assert_eq!(stack.reconcile(&[]).finished, ["update address.web"], "{emulator:?}");
        assert_eq!(described(&emulator)["AssociationId"].as_str(), None, "{emulator:?}");
        stack.settled(&[]);
        stack.write("stack.yaml", STACK.split("address:").next().expect("the instances"));
        let lost = "its IP address, which EC2 gives to somebody else";
        stack.run(&["plan"]).says(lost);
        stack.ok(&["explain", "address.web"]).says(lost);
        stack.write("stack.yaml", STACK);
        stack.reconcile(&[]);
        assert_eq!(described(&emulator)["InstanceId"], id(&stack, "instance.web"));
        stack.ok(DESTROY);
        assert_eq!(emulator.census().counts(), counts([]), "{emulator:?}");
    }
}

/// The address stays the same, and leads to the successor before the old instance goes.
#[test]
fn an_address_follows_an_instance_that_is_replaced() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    let (old, address) = (id(&stack, "instance.web"), described(&emulator));
    let mut done = stack.reconcile(&["--replace", "instance.web"]).finished;
    assert_eq!(done.pop().as_deref(), Some("delete instance.web"), "{done:?}");
    done.sort();
    assert_eq!(done, ["replace instance.web", "update address.web"]);
    let now = described(&emulator);
    assert_eq!(
        (&now["PublicIp"], &now["AllocationId"]),
        (&address["PublicIp"], &address["AllocationId"])
    );
    assert_eq!(now["InstanceId"], id(&stack, "instance.web"));
    assert_ne!(now["InstanceId"], old);
    stack.settled(&[]);
}

/// Somebody took it for another instance, or released it.
#[test]
fn an_address_that_somebody_took_is_taken_back() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    let address = described(&emulator);
    let spare = id(&stack, "instance.spare");
    let associate = ["ec2", "associate-address", "--allow-reassociation", "--instance-id", &spare];
    let allocation = ["--allocation-id", text(&address["AllocationId"])];
    emulator.aws(&[&associate[..], &allocation].concat());
    stack.ok(&["drift"]).says("address.web");
    assert_eq!(stack.reconcile(&[]).finished, ["update address.web"]);
    assert_eq!(described(&emulator)["InstanceId"], id(&stack, "instance.web"));

    let association = described(&emulator)["AssociationId"].clone();
    emulator.aws(&["ec2", "disassociate-address", "--association-id", text(&association)]);
    emulator.aws(&[&["ec2", "release-address"], &allocation[..]].concat());
    assert_eq!(stack.reconcile(&[]).finished, ["create address.web"]);
    stack.settled(&[]);
}

/// The second would take it from the first at each run, and the first take it back.
#[test]
fn an_instance_has_one_address() {
    let stack = Sandbox::empty(0);
    stack.write(
        "stack.yaml",
        &STACK.replace("address:\n", "address:\n  a: {instance: \"${instance.web.id}\"}\n"),
    );
    let refused = stack.run(&["validate"]).code(65);
    refused
        .says("`address.a` has the instance `${instance.web.id}` already")
        .says("stack.yaml:8:9");
}

/// One that exists already, and one whose state was lost.
#[test]
fn an_address_is_imported_by_its_id_and_found_by_its_tags() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    let made = emulator.aws(&["ec2", "allocate-address"]);
    stack.ok(&["import", "address.web", text(&made["AllocationId"])]);
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(described(&emulator)["PublicIp"], made["PublicIp"]);
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("the state");
    stack.reconcile(&["--adopt"]);
    stack.settled(&[]);
    assert_eq!(described(&emulator)["PublicIp"], made["PublicIp"]);
}

/// A new address is not known to EC2 at once, and its reply is lost: there is one nevertheless.
#[test]
fn a_lost_reply_makes_no_second_address() {
    let emulator = Emulator::moto().start();
    let proxy = Proxy::strict(&emulator, Rules::hiding("address", 3), |call| {
        match call.operation.name.as_str() {
            "AllocateAddress" if call.occurrence == 0 => Act::Drop(Point::Committed),
            _ => Act::Pass,
        }
    });
    let stack = stack(&emulator).through(&proxy).env("STACKWRIGHT_CONSISTENCY_SECONDS", "5");
    stack.reconcile(&[]);
    stack.settled(&[]);
    let is_hidden = |entry: &Entry| entry.rule.as_deref() == Some("hidden");
    assert!(proxy.entries().iter().any(is_hidden), "the new address was invisible");
    assert_eq!(emulator.census().count("address"), 1);
}

const LIFE: Life = Life {
    of: "addresses",
    emulator: Emulator::ministack,
    stack,
    objects: || counts([("address", 1), ("instance", 2)]),
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
    LIFE.an_update_is_finished(
        &["update"],
        flip("instance: instance.web", "instance: instance.spare"),
    );
}
