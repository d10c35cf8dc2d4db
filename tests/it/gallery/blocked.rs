//! Plans that are blocked, and by what.

use super::{Story, ministack, moto, tell};
use crate::support::text;

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check", "--parallelism", "1"];

/// One instance with a disk.
const ONE: &str = "\
stack: one
instance:
  web:
    image: ami-12c6146b
    type: t2.micro
    volumes: {/dev/sda1: {size: 20}}
";

impl Story {
    /// Makes an edit of the stack file, the pages of the plan that is blocked by it, and takes it back.
    fn blocked(&mut self, name: &str, address: &str, edits: &[(&str, &str)]) {
        let before = self.stack.read("stack.yaml");
        edits.iter().for_each(|(from, to)| self.stack.edit(from, to));
        let code = self.stack.run(&["plan"]).code;
        assert!([1, 65].contains(&code), "{name} is not blocked: {code}");
        self.page(&format!("plan-blocked-{name}"), &["plan"], code);
        self.page(&format!("explain-blocked-{name}"), &["explain", address], 0);
        self.stack.write("stack.yaml", &before);
    }
}

const IMAGE: (&str, &str) = ("ami-ff0fea8310f3", "ami-ff0fea8310f4");

#[test]
fn what_the_file_guards() {
    tell(ministack, |story, _| {
        story.stack.ok(RECONCILE);
        story.stack.edit("  web:\n", "  web:\n    protect: true\n");
        story.page("reconcile-protect", RECONCILE, 0);
        story.blocked("protect", "instance.web", &[IMAGE]);
        story.page("destroy-blocked-protect", &["destroy", "--yes"], 1);
        let file = story.stack.read("stack.yaml");
        story.stack.write("stack.yaml", "stack: shop\n");
        story.page("plan-blocked-protect-deleted", &["plan"], 1);
        story.stack.write("stack.yaml", &file.replace("protect: true", "retain: true"));
        story.stack.ok(RECONCILE);
        story.blocked("retain", "instance.web", &[IMAGE]);
        // Several at once.
        story.stack.edit("  worker:\n    trust", "  worker:\n    protect: true\n    trust");
        story.stack.ok(RECONCILE);
        story.blocked(
            "several",
            "role.worker",
            &[IMAGE, ("    trust:", "    path: /shop/\n    trust:")],
        );
    });
}

#[test]
fn a_name_that_a_retained_object_has() {
    tell(ministack, |story, _| {
        story.stack.write(
            "stack.yaml",
            "stack: one\nrole:\n  a: {trust: ec2.amazonaws.com, name: shop, retain: true}\n",
        );
        story.stack.ok(RECONCILE);
        story.blocked("name-kept", "role.b", &[("  a:", "  b:")]);
    });
}

#[test]
fn what_a_field_allows() {
    tell(moto, |story, _| {
        story.stack.write("stack.yaml", ONE);
        story.stack.edit("/dev/sda1", "/dev/xvda");
        story.page("plan-disk", &["plan"], 0);
        story.stack.edit("/dev/xvda", "/dev/sda1");
        story.stack.ok(RECONCILE);
        story.blocked("never-smaller", "instance.web", &[("size: 20", "size: 10")]);
        story.stack.edit("type: t2.micro", "type: t2.micro\n    on_type_change: refuse");
        story.stack.ok(RECONCILE);
        story.blocked("refuse", "instance.web", &[("type: t2.micro", "type: t2.small")]);
        story.stack.edit("type: t2.micro", "type: t2.micro\n    termination_protection: true");
        story.stack.ok(RECONCILE);
        story.blocked("locked", "instance.web", &[("ami-12c6146b", "ami-ff0fea8310f3")]);
        story.page("destroy-blocked-locked", &["destroy", "--yes"], 1);
    });
}

#[test]
fn a_field_that_has_no_default_to_return_to() {
    tell(moto, |story, emulator| {
        let group = ["ec2", "create-security-group", "--group-name", "shop"];
        let group = emulator.aws(&[&group[..], &["--description", "The shop"]].concat());
        let group = text(&group["GroupId"]).to_owned();
        story.scrub.name("group", &group);
        let groups = format!("    security_groups: [{group}]\n");
        story.stack.write("stack.yaml", &format!("{ONE}{groups}"));
        story.stack.ok(RECONCILE);
        story.blocked("cannot-unset", "instance.web", &[(&groups, "")]);
    });
}

#[test]
fn a_part_of_somebody_else() {
    tell(ministack, |story, emulator| {
        let group = "/aws/lambda/worker";
        let create =
            ["logs", "create-log-group", "--log-group-name", group, "--tags", "owner=them"];
        emulator.aws(&create);
        story.stack.ok(RECONCILE);
        let logs = ("    timeout:", "    logs: true\n    timeout:");
        story.blocked("part", "function.worker", &[logs]);
        let groups = emulator.aws(&["logs", "describe-log-groups"]);
        let arn = text(&groups["logGroups"][0]["arn"]).trim_end_matches(":*").to_owned();
        let untag = ["logs", "untag-resource", "--resource-arn", &arn, "--tag-keys", "owner"];
        emulator.aws(&untag);
        story.stack.edit(logs.0, logs.1);
        story.stack.write("handler/.env", "A=1\n");
        story.stack.write("handler/app.py", "def handler(event, context): pass\n");
        story.page("plan-part-adopted", &["plan"], 0);
        story.stack.ok(RECONCILE);
        story.page("destroy-log-group", &["destroy", "--yes", "--parallelism", "1"], 0);
    });
}
