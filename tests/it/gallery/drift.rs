//! What somebody changed in the cloud.

use super::{ministack, tell};
use crate::support::text;

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check", "--parallelism", "1"];

#[test]
fn changes_that_somebody_made_by_hand() {
    tell(ministack, |story, emulator| {
        story.stack.ok(RECONCILE);
        let function = ["lambda", "update-function-configuration", "--function-name", "worker"];
        emulator.aws(&[&function[..], &["--timeout", "9"]].concat());
        let role = ["iam", "delete-role-policy", "--role-name", "worker"];
        emulator.aws(&[&role[..], &["--policy-name", "stackwright"]].concat());
        let read = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
        emulator.aws(&["iam", "attach-role-policy", "--role-name", "worker", "--policy-arn", read]);
        let shown = story.stack.ok(&["state", "show", "api.shop"]).json();
        let api = text(&shown["object"]["id"]).to_owned();
        emulator.aws(&["apigateway", "delete-rest-api", "--rest-api-id", &api]);

        story.page("drift", &["drift"], 0);
        story.page("drift-exitcode", &["drift", "--detailed-exitcode"], 2);
        story.page("plan-drift", &["plan"], 0);
        story.page("explain-drift", &["explain", "function.worker"], 0);
        story.page("explain-gone", &["explain", "api.shop"], 0);
        story.page("reconcile-drift", RECONCILE, 0);

        story.stack.edit("    timeout: 30\n", "    timeout: 30\n    ignore: [timeout]\n");
        story.stack.ok(RECONCILE);
        story.stack.edit("timeout: 30", "timeout: 31");
        story.page("plan-ignored", &["plan"], 0);
    });
}

#[test]
fn objects_that_somebody_deleted_by_hand() {
    tell(ministack, |story, emulator| {
        story.stack.ok(RECONCILE);
        let shown = story.stack.ok(&["state", "show", "api.shop"]).json();
        let api = text(&shown["object"]["id"]).to_owned();
        emulator.aws(&["apigateway", "delete-rest-api", "--rest-api-id", &api]);
        emulator.aws(&["lambda", "delete-function", "--function-name", "worker"]);
        story.page("drift-gone", &["drift"], 0);
        story.page("destroy-gone", &["destroy", "--yes", "--parallelism", "1"], 0);
    });
}
