//! Whose objects are whose: released, adopted, imported.

use super::{Story, ministack, tell};
use crate::support::text;

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check", "--parallelism", "1"];

#[test]
fn what_is_released_stays_in_the_cloud() {
    tell(ministack, |story, _| {
        story.stack.ok(RECONCILE);
        story.page("state-rm", &["state", "rm", "api.shop"], 0);
        story.page("state-rm-unknown", &["state", "rm", "api.shop"], 1);
        let file = story.stack.read("stack.yaml");
        let api = file.find("\napi:").expect("the stack has an API");
        story.stack.write("stack.yaml", &file[..=api]);
        story.stack.edit("  web:\n", "  web:\n    retain: true\n");
        story.stack.ok(RECONCILE);
        let whole = story.stack.read("stack.yaml");
        story.stack.write("stack.yaml", "stack: shop\n");
        story.page("plan-release", &["plan"], 0);
        story.page("explain-release", &["explain", "instance.web"], 0);
        story.page("reconcile-release", RECONCILE, 0);
        story.stack.write("stack.yaml", &whole);
        story.stack.ok(RECONCILE);
        story.page("destroy-release", &["destroy", "--yes", "--parallelism", "1"], 0);
    });
}

#[test]
fn another_clone_adopts() {
    tell(ministack, |story, emulator| {
        story.stack.ok(RECONCILE);
        let clone = Story::folder(story.width, emulator.port());
        story.scrub.learn(&story.stack);
        story.page_of(&clone, "plan-other-clone", &["plan"], 1);
        story.page_of(&clone, "plan-adopt", &["plan", "--adopt"], 0);
        let adopt = [RECONCILE, &["--adopt"]].concat();
        story.page_of(&clone, "reconcile-adopt", &adopt, 0);
        story.page("plan-taken-over", &["plan"], 1);
    });
}

#[test]
fn objects_that_somebody_else_made() {
    tell(ministack, |story, emulator| {
        let trust = crate::support::LAMBDA_TRUST;
        let role = ["iam", "create-role", "--role-name", "worker"];
        emulator.aws(&[&role[..], &["--assume-role-policy-document", trust]].concat());
        let run = ["ec2", "run-instances", "--image-id", "ami-ff0fea8310f3"];
        let made = emulator.aws(&[&run[..], &["--instance-type", "t2.micro"]].concat());
        let web = text(&made["Instances"][0]["InstanceId"]).to_owned();
        story.page("plan-name-taken", &["plan"], 1);
        story.page("import", &["import", "instance.web", &web], 0);
        story.page("import-again", &["import", "instance.web", &web], 1);
        story.page("import-unknown-address", &["import", "instance.wbe", &web], 1);
        story.page("import-unknown-id", &["import", "api.shop", "nothing"], 4);
        story.page("import-role", &["import", "role.worker", "worker"], 0);
        story.page("plan-imported", &["plan"], 0);
        story.page("reconcile-imported", RECONCILE, 0);
    });
}

#[test]
fn a_name_of_nobody_is_adopted() {
    tell(ministack, |story, emulator| {
        let role = ["iam", "create-role", "--role-name", "worker"];
        let trust = crate::support::LAMBDA_TRUST;
        emulator.aws(&[&role[..], &["--assume-role-policy-document", trust]].concat());
        let part = ["--adopt", "--target", "role.worker"];
        story.page("plan-adopt-name", &[&["plan"], &part[..]].concat(), 0);
        story.page("reconcile-adopt-name", &[RECONCILE, &part[..]].concat(), 0);
        let mark = ["iam", "tag-role", "--role-name", "worker", "--tags"];
        emulator.aws(&[&mark[..], &["Key=stackwright:stack,Value=us-east-1/other"]].concat());
        std::fs::remove_dir_all(story.stack.path(".stackwright")).expect("lost");
        story.page("plan-name-of-another-stack", &[&["plan"], &part[..]].concat(), 1);
    });
}
