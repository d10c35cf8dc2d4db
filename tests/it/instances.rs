//! The fields of an instance: set, changed, changed by others, removed from the file.
//!
//! The tests use moto, which reports the fields. It does not implement MonitorInstances.

use serde_json::{Value, json};
use stackwright_testkit::{Act, Emulator, Proxy};

use crate::support::{Sandbox, text};

/// A stack of one instance with these lines beside image and type.
fn stack(emulator: &Emulator, image: &str, fields: &[&str]) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    let url = emulator.url();
    let fields: String = fields.iter().map(|line| format!("    {line}\n")).collect();
    stack.write(
        "stack.yaml",
        &format!(
            "stack: one\ncloud: {url}\ninstance:\n  web:\n    image: {image}\n    \
             type: t2.micro\n{fields}"
        ),
    );
    stack
}

/// Another one.
const OTHER: &str = "ami-ff0fea8310f3";

const IMAGE: &str = "ami-12c6146b";

/// The instance as EC2 reports it.
fn seen(emulator: &Emulator, stack: &Sandbox) -> Value {
    let shown = stack.ok(&["show", "--json"]).json();
    let id = text(&shown["resources"]["instance.web"]["object"]["id"]).to_owned();
    let all = emulator.aws(&["ec2", "describe-instances", "--instance-ids", &id]);
    all["Reservations"][0]["Instances"][0].clone()
}

/// The action of the only step, and its changes as `field: before -> after`.
#[track_caller]
fn planned(stack: &Sandbox) -> (String, Vec<String>) {
    let plan = stack.plan(&[]);
    let step = &plan["steps"][0];
    let changes = step["changes"].as_array().expect("a list").iter().map(|change| {
        let path: Vec<&str> = change["path"].as_array().expect("a path").iter().map(text).collect();
        format!("{}: {} -> {}", path.join("."), change["before"], change["after"])
    });
    (text(&step["action"]).to_owned(), changes.collect())
}

/// Checks the plan, applies it, and has nothing left to do.
#[track_caller]
fn brings(stack: &Sandbox, action: &str, changes: &[&str]) {
    assert_eq!(planned(stack), (action.to_owned(), changes.iter().map(|&c| c.into()).collect()));
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(stack.reconcile(&[]).writes, 0);
}

#[test]
fn metadata_requires_tokens_by_default() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &[]);
    let options = |stack: &Sandbox| {
        let options = seen(&emulator, stack)["MetadataOptions"].clone();
        (text(&options["HttpTokens"]).to_owned(), options["HttpPutResponseHopLimit"].clone())
    };
    stack.reconcile(&[]);
    assert_eq!(options(&stack), ("required".into(), json!(1)));
    stack.edit("t2.micro", "t2.micro\n    metadata: {tokens: optional, hop_limit: 2}");
    let both = ["metadata.hop_limit: 1 -> 2", r#"metadata.tokens: "required" -> "optional""#];
    brings(&stack, "update", &both);
    assert_eq!(options(&stack), ("optional".into(), json!(2)));
    let id = text(&seen(&emulator, &stack)["InstanceId"]).to_owned();
    let modify = ["ec2", "modify-instance-metadata-options", "--instance-id", &id];
    let by_hand = ["--http-tokens", "required", "--http-put-response-hop-limit", "2"];
    emulator.aws(&[&modify[..], &by_hand].concat());
    brings(&stack, "update", &[r#"metadata.tokens: "required" -> "optional""#]);
    stack.edit("\n    metadata: {tokens: optional, hop_limit: 2}", "");
    let gone = ["metadata.hop_limit: 2 -> null", r#"metadata.tokens: "optional" -> null"#];
    brings(&stack, "update", &gone);
    assert_eq!(options(&stack), ("required".into(), json!(1)));
}

#[test]
fn a_protected_instance_outlives_a_destroy() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &["termination_protection: true"]);
    stack.reconcile(&[]);
    stack.settled(&[]);
    let id = text(&seen(&emulator, &stack)["InstanceId"]).to_owned();
    let refused = |command: &[&str], verb: &str| {
        let ran = stack.run(command).code(1);
        let ran = ran.says(&format!("termination protection is on; this plan would {verb} it"));
        ran.says(&format!("--instance-id {id} --no-disable-api-termination"));
    };
    refused(&["destroy", "--yes"], "delete");
    // A replacement is refused as well.
    stack.edit(IMAGE, OTHER);
    refused(&["reconcile", "--yes"], "replace");
    stack.edit("termination_protection: true", "termination_protection: false");
    refused(&["reconcile", "--yes"], "replace");
    stack.edit("termination_protection: false", "termination_protection: true");
    stack.edit(OTHER, IMAGE);
    assert_eq!(emulator.census().ids("instance"), [id.as_str()]);
    let instance = seen(&emulator, &stack);
    assert_eq!(instance["State"]["Name"], "running", "{instance}");
    let modify = ["ec2", "modify-instance-attribute", "--instance-id", &id];
    emulator.aws(&[&modify[..], &["--no-disable-api-termination"]].concat());
    brings(&stack, "update", &["termination_protection: false -> true"]);
    stack.edit("\n    termination_protection: true", "");
    brings(&stack, "update", &["termination_protection: true -> false"]);
    // A protection that was set by hand is not in the file.
    emulator.aws(&[&modify[..], &["--disable-api-termination"]].concat());
    stack.settled(&[]);
    stack.edit(IMAGE, OTHER);
    refused(&["reconcile", "--yes"], "replace");
    assert_eq!(emulator.census().ids("instance"), [id.as_str()]);
    refused(&["destroy", "--yes"], "delete");
    emulator.aws(&[&modify[..], &["--no-disable-api-termination"]].concat());
    stack.ok(&["destroy", "--yes"]);
    assert_eq!(emulator.census().ids("instance"), [""; 0]);
}

#[test]
fn an_unset_termination_protection_is_not_read() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &[]);
    let proxy = Proxy::before(&emulator, |_| Act::Pass);
    stack.edit(&emulator.url(), &proxy.url());
    let asked = || {
        let log = proxy.log();
        log.iter().filter(|call| call.operation.name == "DescribeInstanceAttribute").count()
    };
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(asked(), 0);
    stack.edit("t2.micro", "t2.micro\n    termination_protection: true");
    brings(&stack, "update", &["termination_protection: null -> true"]);
    assert_ne!(asked(), 0);
}

#[test]
fn monitoring_is_set_at_the_create_and_changed_by_calls_of_its_own() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &["monitoring: true"]);
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(seen(&emulator, &stack)["Monitoring"]["State"], "enabled");
    stack.edit("monitoring: true", "monitoring: false");
    let back = ("update".to_owned(), vec!["monitoring: true -> false".to_owned()]);
    assert_eq!(planned(&stack), back);
    stack.run(&["reconcile"]).code(4).says("UnmonitorInstances");
    stack.edit("\n    monitoring: false", "");
    assert_eq!(planned(&stack), back, "without a word it is AWS's default");
}

#[test]
fn a_type_change_restarts_or_replaces_as_the_file_says() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &[]);
    stack.reconcile(&[]);
    let first = emulator.census().ids("instance");
    stack.edit("type: t2.micro", "type: t2.small");
    brings(&stack, "restart", &[r#"type: "t2.micro" -> "t2.small""#]);
    assert_eq!(emulator.census().ids("instance"), first, "the same one");

    stack.edit("type: t2.small", "type: t2.small\n    on_type_change: refuse");
    stack.reconcile(&[]);
    stack.settled(&[]);
    stack.edit("type: t2.small", "type: t2.medium");
    for command in [&["plan"][..], &["reconcile"]] {
        stack
            .run(command)
            .code(1)
            .says("`type` of instance.web differs, and `on_type_change` refuses the change");
    }
    stack.run(&["plan"]).says("type  t2.small -> t2.medium  (edited; refused)");
    stack.ok(&["explain", "instance.web"]).says("`on_type_change` refuses the change");
    let instance = seen(&emulator, &stack);
    assert_eq!(
        (&instance["InstanceType"], &instance["State"]["Name"]),
        (&json!("t2.small"), &json!("running"))
    );

    stack.edit("on_type_change: refuse", "on_type_change: replace");
    brings(&stack, "replace", &[r#"type: "t2.small" -> "t2.medium""#]);
    assert_ne!(emulator.census().ids("instance"), first, "another one");
    // The lookup may have a new result without a change of existing objects.
    stack.edit("\n    on_type_change: replace", "");
    stack.settled(&[]);
    stack.reconcile(&[]);
    stack.edit("type: t2.medium", "type: t2.large");
    assert_eq!(planned(&stack).0, "restart");
}

#[test]
fn an_unfinished_restart_is_shown_and_finished() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &[]);
    stack.reconcile(&[]);
    let id = text(&seen(&emulator, &stack)["InstanceId"]).to_owned();
    // As a run leaves it that is killed between the stop and the start.
    let tag = ["ec2", "create-tags", "--resources", &id];
    emulator.aws(&[&tag[..], &["--tags", "Key=stackwright:restart,Value=running"]].concat());
    emulator.aws(&["ec2", "stop-instances", "--instance-ids", &id]);
    let restart = r#"restart: "pending" -> "none""#;
    assert_eq!(planned(&stack), ("restart".to_owned(), vec![restart.to_owned()]));
    // The edit of a tag alone would not explain a restart.
    stack.edit("type: t2.micro", "type: t2.micro\n    tags: {a: b}");
    brings(&stack, "restart", &[restart, r#"tags.a: null -> "b""#]);
    let instance = seen(&emulator, &stack);
    assert_eq!(instance["State"]["Name"], "running");
    let tags = instance["Tags"].as_array().expect("tags");
    assert!(tags.iter().all(|tag| tag["Key"] != "stackwright:restart"), "{tags:?}");
}

#[test]
fn an_image_by_name_is_chosen_once() {
    let emulator = Emulator::moto().start();
    let run = ["ec2", "run-instances", "--image-id", IMAGE, "--instance-type", "t2.micro"];
    let mould = emulator.aws(&run)["Instances"][0]["InstanceId"].clone();
    let publish = |name: &str| {
        let create = ["ec2", "create-image", "--instance-id", text(&mould), "--name", name];
        text(&emulator.aws(&create)["ImageId"]).to_owned()
    };
    let first = publish("web-1");
    let stack = stack(&emulator, r#"{owner: self, name: "web-*"}"#, &[]);
    stack.reconcile(&[]);
    stack.settled(&[]);
    assert_eq!(seen(&emulator, &stack)["ImageId"], first);
    publish("web-2");
    stack.settled(&[]);
    assert_eq!(stack.reconcile(&[]).writes, 0, "a newer image is no reason");
    let other = publish("api-1");
    stack.edit("web-*", "api-*");
    brings(&stack, "replace", &[&format!(r#"image: "{first}" -> "{other}""#)]);
    assert_eq!(seen(&emulator, &stack)["ImageId"], other);
    // Its own id is the same image.
    stack.edit(r#"{owner: self, name: "api-*"}"#, &other);
    stack.settled(&[]);
    stack.reconcile(&[]);
    stack.edit(&other, "{owner: self, name: nobody}");
    stack.run(&["reconcile", "--yes"]).code(65).says("self has no image named `nobody`");
    stack.edit("owner: self, ", "");
    stack.run(&["validate"]).code(65).says("`image` needs `owner`");
}

#[test]
fn an_image_from_a_parameter_is_resolved_again_on_request() {
    let emulator = Emulator::moto().start();
    let put = |value: &str| {
        let put = ["ssm", "put-parameter", "--name", "/images/web", "--type", "String"];
        emulator.aws(&[&put[..], &["--overwrite", "--value", value]].concat());
    };
    let stack = stack(&emulator, "{ssm: /images/web}", &[]);
    stack.run(&["plan"]).code(65).says("there is no parameter `/images/web` in this region");
    stack.ok(&["validate"]);
    put("something");
    stack.run(&["plan"]).code(65).says("the parameter `/images/web` does not contain an image id");
    put(IMAGE);
    stack.reconcile(&[]);
    assert_eq!(seen(&emulator, &stack)["ImageId"], IMAGE);
    put(OTHER);
    stack.settled(&[]);
    // A replacement for another reason keeps the image.
    stack.edit("type: t2.micro", "type: t2.micro\n    user_data: new");
    brings(&stack, "replace", &[r#"user_data: null -> "new""#]);
    assert_eq!(seen(&emulator, &stack)["ImageId"], IMAGE);

    let approved = ["plan", "--refresh-image", "--out", "approved.plan"];
    stack
        .ok(&approved)
        .says(&format!("image  {IMAGE} -> {OTHER}  (refreshed; needs a new object)"));
    put("ami-2602986a");
    stack
        .run(&["reconcile", "--yes", "--plan", "approved.plan"])
        .code(1)
        .says("instance.web would now change differently");
    put(OTHER);
    stack.ok(&["reconcile", "--yes", "--plan", "approved.plan"]);
    assert_eq!(seen(&emulator, &stack)["ImageId"], OTHER);
    stack.settled(&[]);
    stack.settled(&["--refresh-image"]);
}

#[test]
fn user_data_from_a_file_has_its_content() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &["user_data: {file: boot.sh}"]);
    stack.run(&["plan"]).says("boot.sh");
    stack.write("boot.sh", "#!/bin/sh\necho one\n");
    stack.reconcile(&[]);
    stack.settled(&[]);
    let id = text(&seen(&emulator, &stack)["InstanceId"]).to_owned();
    let ask = ["ec2", "describe-instance-attribute", "--attribute", "userData"];
    let attribute = emulator.aws(&[&ask[..], &["--instance-id", &id]].concat());
    assert_eq!(attribute["UserData"]["Value"], "IyEvYmluL3NoCmVjaG8gb25lCg==", "{attribute}");
    // As a text it is the same.
    stack.edit("{file: boot.sh}", "\"#!/bin/sh\\necho one\\n\"");
    stack.settled(&[]);
    stack.edit("echo one", "echo two");
    let changes = [r##"user_data: "#!/bin/sh\necho one\n" -> "#!/bin/sh\necho two\n""##];
    brings(&stack, "replace", &changes);
}

#[test]
fn releasing_an_instance_releases_its_volumes() {
    let emulator = Emulator::moto().start();
    let stack = stack(&emulator, IMAGE, &[]);
    stack.reconcile(&[]);
    let instance = seen(&emulator, &stack);
    let id = text(&instance["InstanceId"]);
    // A volume that another stack has created.
    let zone = text(&instance["Placement"]["AvailabilityZone"]);
    let create = ["ec2", "create-volume", "--size", "1", "--availability-zone", zone];
    let other = emulator.aws(&create)["VolumeId"].clone();
    let other = text(&other);
    let tags = ["--tags", "Key=stackwright:stack,Value=us-east-1/other"];
    emulator.aws(&[&["ec2", "create-tags", "--resources", other], &tags[..]].concat());
    let attach = ["ec2", "attach-volume", "--volume-id", other, "--device", "/dev/sdf"];
    emulator.aws(&[&attach[..], &["--instance-id", id]].concat());
    // For each volume: its creator, and how many of our tags it has.
    let disks = || {
        let all = emulator.aws(&["ec2", "describe-volumes"])["Volumes"].take();
        let of = |volume: &Value| {
            let tags = volume["Tags"].as_array().cloned().unwrap_or_default();
            let ours = tags.iter().filter(|tag| text(&tag["Key"]).starts_with("stackwright:"));
            (volume["VolumeId"] == other, ours.count())
        };
        let mut disks: Vec<_> = all.as_array().expect("a list").iter().map(of).collect();
        disks.sort();
        disks
    };
    assert_eq!(disks(), [(false, 4), (true, 1)]);
    stack.ok(&["state", "rm", "instance.web"]).says("stays in the cloud");
    assert_eq!(disks(), [(false, 0), (true, 1)]);
}

#[test]
fn a_disk_that_is_not_the_first_one_of_the_image_is_noted() {
    let emulator = Emulator::moto().start();
    let images = emulator.aws(&["ec2", "describe-images", "--image-ids", IMAGE]);
    let first = text(&images["Images"][0]["RootDeviceName"]).to_owned();
    let other = ["/dev/xvda", "/dev/sda1"].into_iter().find(|device| **device != first);
    let other = other.expect("another device");
    let notes = |device: &str| {
        let volumes = format!("volumes: {{{device}: {{size: 20}}}}");
        let plan = stack(&emulator, IMAGE, &[&volumes]).plan(&[]);
        plan["notes"].as_array().expect("notes").iter().map(Value::to_string).collect::<String>()
    };
    let noted = notes(other);
    assert!(noted.contains(&format!("the first disk of the image is `{first}`")), "{noted}");
    assert_eq!((notes(&first), notes("/dev/sdf")), (String::new(), String::new()));
}
