//! Key pairs and the instances that are launched with them, over a stack's whole life.

use serde_json::{Value, json};
use stackwright_testkit::{Act, Emulator, Entry, Point, Proxy, Refusal, Rules, counts};

use crate::support::{Sandbox, text};
use crate::torture::{DESTROY, Life, flip};

const STACK: &str = "
stack: keys
key_pair:
  deploy:
    public_key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPwWF5AbQGmW692WE6EqbqH+c2yv73Lla9E46Mj/WfY+ me@laptop
instance:
  web: {image: ami-ff0fea8310f3, type: t2.micro, key_name: key_pair.deploy}
";
/// The key in it, and another one.
const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIPwWF5AbQGmW692WE6EqbqH+c2yv73Lla9E46Mj/WfY+";
const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIkxQheZLUnAp72bC/4h9HOhTWd7x/v4+GtGAxsu4l2Z";

fn stack(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    stack.write("stack.yaml", STACK);
    stack
}

/// All key pairs, as EC2 describes them.
fn described(emulator: &Emulator) -> Value {
    emulator.aws(&["ec2", "describe-key-pairs", "--include-public-key"])["KeyPairs"].take()
}

fn instance(emulator: &Emulator) -> Value {
    let all = emulator.aws(&["ec2", "describe-instances"]);
    all["Reservations"][0]["Instances"][0].clone()
}

#[test]
fn an_instance_is_launched_with_a_key_pair_of_its_stack() {
    for emulator in [Emulator::moto().start(), Emulator::ministack().start()] {
        let stack = stack(&emulator);
        let done = stack.reconcile(&[]).finished;
        assert_eq!(done, ["create key_pair.deploy", "create instance.web"], "{emulator:?}");
        stack.settled(&[]);
        assert_eq!(instance(&emulator)["KeyName"], "deploy", "{emulator:?}");
        stack.ok(&["drift"]).says("no drift");
        stack.ok(DESTROY);
        assert_eq!(emulator.census().counts(), counts([]), "{emulator:?}");
    }
}

/// The pair is imported again, and the instance stays as it is.
#[test]
fn another_public_key_leaves_the_instance_alone() {
    // MiniStack does not report public keys.
    let emulators = [(Emulator::moto().start(), true), (Emulator::ministack().start(), false)];
    for (emulator, is_reported) in emulators {
        let stack = stack(&emulator);
        stack.reconcile(&[]);
        let before = instance(&emulator)["InstanceId"].clone();
        let id = described(&emulator)[0]["KeyPairId"].clone();
        let tag = ["ec2", "create-tags", "--tags", "Key=theirs,Value=x", "--resources", text(&id)];
        emulator.aws(&tag);
        stack.edit(KEY, OTHER);
        let plan = stack.run(&["plan"]);
        let kept = "instances keep the public key with which they were launched";
        let plan = plan.says(kept);
        stack.ok(&["explain", "key_pair.deploy"]).says(kept);
        assert!(!plan.stdout.contains("instance.web"), "{plan}");
        assert_eq!(stack.reconcile(&[]).finished, ["update key_pair.deploy"], "{emulator:?}");
        stack.settled(&[]);
        assert_eq!(instance(&emulator)["InstanceId"], before);
        let id = format!("Name=resource-id,Values={}", text(&described(&emulator)[0]["KeyPairId"]));
        let tags = emulator.aws(&["ec2", "describe-tags", "--filters", &id]).to_string();
        // MiniStack drops the tags of an import.
        assert_eq!(
            tags.contains("theirs"),
            is_reported,
            "{emulator:?}: tags of others stay: {tags}"
        );
        let key = described(&emulator)[0]["PublicKey"].clone();
        assert_eq!(key.as_str().is_some_and(|key| key.contains(OTHER)), is_reported, "{key}");
    }
}

/// The import of another key fails in every way, after the pair was deleted for it: the same run goes on.
#[test]
fn an_exchange_whose_import_fails_is_repeated() {
    let faults = [
        Act::Drop(Point::Arrived),
        Act::Drop(Point::Committed),
        Act::Refuse(Refusal::new(500, "InternalError")),
        Act::Refuse(Refusal::new(400, "InvalidKeyPair.Duplicate")),
    ];
    for fault in faults {
        let emulator = Emulator::moto().start();
        // The first import asks whether it would be taken.
        let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
            "ImportKeyPair" if call.occurrence == 2 => fault,
            _ => Act::Pass,
        });
        let stack = stack(&emulator).through(&proxy);
        stack.reconcile(&[]);
        stack.edit(KEY, OTHER);
        assert_eq!(stack.reconcile(&[]).finished, ["update key_pair.deploy"], "{fault:?}");
        stack.settled(&[]);
        let seen = described(&emulator);
        assert!(text(&seen[0]["PublicKey"]).contains(OTHER), "{fault:?}: {seen}");
    }
}

/// Credentials that may delete and not import: the pair stays.
#[test]
fn an_exchange_that_is_not_allowed_deletes_nothing() {
    let emulator = Emulator::moto().start();
    let proxy = Proxy::before(&emulator, move |call| match call.operation.name.as_str() {
        "ImportKeyPair" if call.occurrence > 0 => {
            Act::Refuse(Refusal::new(403, "UnauthorizedOperation"))
        }
        _ => Act::Pass,
    });
    let stack = stack(&emulator).through(&proxy);
    stack.reconcile(&[]);
    stack.edit(KEY, OTHER);
    stack.run(&["reconcile", "--yes"]).says("ImportKeyPair");
    assert!(text(&described(&emulator)[0]["PublicKey"]).contains(KEY));
}

#[test]
fn a_renamed_key_pair_is_another_one_and_launches_another_instance() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    stack.edit("  deploy:\n", "  deploy:\n    name: deploy-2\n");
    let mut done = stack.reconcile(&[]).finished;
    done.sort();
    let expected = [
        "delete instance.web",
        "delete key_pair.deploy",
        "replace instance.web",
        "replace key_pair.deploy",
    ];
    assert_eq!(done, expected);
    stack.settled(&[]);
    assert_eq!(emulator.census().ids("key_pair"), ["deploy-2"]);
}

/// The file of the public key, the import of an existing pair, and a lost state.
#[test]
fn a_key_pair_is_imported_and_found_by_its_tags() {
    let emulator = Emulator::moto().start();
    let stack = Sandbox::empty(emulator.port());
    stack.write("deploy.pub", &format!("ssh-ed25519 {KEY} me@laptop\n"));
    stack
        .write("stack.yaml", "stack: keys\nkey_pair: {deploy: {public_key: {file: deploy.pub}}}\n");
    let material = format!("fileb://{}", stack.path("deploy.pub").display());
    let import = ["ec2", "import-key-pair", "--key-name", "deploy", "--public-key-material"];
    emulator.aws(&[&import[..], &[&material]].concat());
    stack.run(&["reconcile", "--yes"]).code(1).says("import key_pair.deploy deploy");
    stack.ok(&["import", "key_pair.deploy", "deploy"]);
    assert_eq!(stack.reconcile(&[]).finished, ["update key_pair.deploy"], "it gets its tags");
    stack.settled(&[]);
    std::fs::remove_dir_all(stack.path(".stackwright")).expect("the state");
    stack.reconcile(&["--adopt"]);
    stack.settled(&[]);
    let seen = described(&emulator);
    assert_eq!(seen.as_array().map(Vec::len), Some(1), "{seen}");
    assert!(text(&seen[0]["PublicKey"]).contains(KEY), "{seen}");
}

/// Somebody imports another key under the name: it is drift, and so are the tags that went with it.
#[test]
fn a_key_pair_that_somebody_replaced_is_drift() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator);
    stack.reconcile(&[]);
    emulator.aws(&["ec2", "delete-key-pair", "--key-name", "deploy"]);
    emulator.aws(&["ec2", "create-key-pair", "--key-name", "deploy"]);
    stack.ok(&["drift"]).says("public_key").says("tags");
    stack.reconcile(&[]);
    stack.settled(&[]);
    let seen = described(&emulator);
    assert!(text(&seen[0]["PublicKey"]).contains(KEY), "{seen}");
}

/// The name was free for a while, and another stack took it: neither `--adopt` nor `destroy` touches its pair.
#[test]
fn a_key_pair_that_another_stack_has_made_is_left_to_it() {
    let emulator = Emulator::moto().start();
    let ours = stack(&emulator);
    ours.reconcile(&[]);
    emulator.aws(&["ec2", "delete-key-pair", "--key-name", "deploy"]);
    let theirs = Sandbox::empty(emulator.port());
    let file = "stack: theirs\nkey_pair: {deploy: {public_key: ssh-ed25519 ";
    theirs.write("stack.yaml", &format!("{file}{OTHER}}}}}\n"));
    theirs.reconcile(&[]);
    let before = described(&emulator);
    for command in [&["reconcile", "--yes", "--adopt"][..], DESTROY] {
        let refused = ours.run(command).code(1);
        refused
            .says("it belongs to the stack us-east-1/theirs")
            .says("state rm --force key_pair.deploy");
    }
    ours.ok(&["state", "rm", "--force", "key_pair.deploy"]).says("stays as it is");
    ours.ok(DESTROY);
    assert_eq!(described(&emulator), before);
    theirs.settled(&[]);
}

/// EC2 does not list a new key pair at once, and refuses to launch an instance with it.
#[test]
fn an_instance_waits_until_its_key_pair_is_listed() {
    let emulator = Emulator::moto().start();
    let proxy = Proxy::strict(&emulator, Rules::hiding("key_pair", 3), |_| Act::Pass);
    let stack = stack(&emulator).through(&proxy).env("STACKWRIGHT_CONSISTENCY_SECONDS", "5");
    let done = stack.reconcile(&[]).finished;
    assert_eq!(done, ["create key_pair.deploy", "create instance.web"]);
    let is_hidden = |entry: &Entry| entry.rule.as_deref() == Some("hidden");
    assert!(proxy.entries().iter().any(is_hidden), "the new key pair was invisible");
    stack.settled(&[]);
}

#[test]
fn what_ec2_would_refuse_is_a_mistake_in_the_file() {
    let stack = Sandbox::empty(0);
    let of = |key: Value| json!({ "stack": "keys", "key_pair": { "k": { "public_key": key } } });
    stack.write("id", "-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n");
    for (key, said) in [
        (json!("ecdsa-sha2-nistp256 AAAA"), "EC2 takes only keys of the types"),
        (json!("~/.ssh/id_ed25519.pub"), "write `{file:"),
        (json!({ "file": "~/.ssh/id_ed25519.pub" }), "${env.HOME}/.ssh/"),
        (json!({ "file": "id" }), "this is a private key"),
    ] {
        stack.write("stack.yaml", &of(key).to_string());
        let refused = stack.run(&["validate"]).code(65).says(said);
        assert!(!refused.stderr.contains("secret"), "{refused}");
    }
}

const LIFE: Life = Life {
    of: "key pairs",
    emulator: Emulator::moto,
    stack,
    objects: || counts([("key_pair", 1), ("instance", 1)]),
};

#[test]
fn a_create_killed_anywhere_is_finished() {
    LIFE.a_create_is_finished();
}

#[test]
fn a_destroy_killed_anywhere_is_finished() {
    LIFE.a_destroy_is_finished();
}

/// EC2 changes no public key: a run that is killed after the delete leaves the import to the next one.
#[test]
fn an_update_killed_anywhere_is_finished() {
    LIFE.an_update_is_finished(&["update", "create"], flip(KEY, OTHER));
}
