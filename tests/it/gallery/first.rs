//! From nothing to a stack that runs, what can be asked of it, and back to nothing.

use super::{ministack, tell};

/// A port on which nobody listens.
const NOBODY: u16 = 9;

const RECONCILE: &[&str] = &["reconcile", "--parallelism", "1"];

#[test]
fn a_stack_from_its_first_plan_to_its_end() {
    tell(ministack, |story, emulator| {
        story.stack.go_through(NOBODY);
        story.page("plan-offline", &["plan"], 0);
        story.stack.go_through(emulator.port());
        story.page("show-no-state", &["show"], 0);
        story.page("output-no-state", &["output"], 1);
        story.page("destroy-no-state", &["destroy"], 0);
        story.page("plan-first", &["plan"], 0);
        story.page("plan-target", &["plan", "--target", "role.worker"], 0);
        story.page("plan-exclude", &["plan", "--exclude", "function.worker"], 0);
        story.page("reconcile-first", RECONCILE, 0);

        story.page("plan-nothing", &["plan"], 0);
        story.page("reconcile-nothing", RECONCILE, 0);
        story.page("drift-nothing", &["drift"], 0);
        story.page("explain-nothing", &["explain", "role.worker"], 0);
        story.page("show", &["show"], 0);
        story.page("show-one", &["show", "function.worker"], 0);
        story.page("show-live", &["show", "--live"], 0);
        story.page("show-unknown", &["show", "function.wroker"], 1);
        story.page("state-list", &["state", "list"], 0);
        story.page("output", &["output"], 0);
        story.page("output-one", &["output", "url"], 0);
        story.page("output-env", &["output", "--format", "env"], 0);
        story.page("output-unknown", &["output", "ulr"], 1);
        story.page("check", &["check"], 0);
        story.page("validate", &["validate"], 0);

        story.page("destroy-unconfirmed", &["destroy"], 64);
        story.page("destroy", &["destroy", "--yes", "--parallelism", "1"], 0);
        story.page("destroy-nothing", &["destroy", "--yes"], 0);
        story.page("show-empty", &["show"], 0);
    });
}

#[test]
fn a_check_that_fails() {
    tell(ministack, |story, _| {
        story.stack.edit("contains: ok", "contains: closed, within: 1s");
        story.page("reconcile-check-failed", RECONCILE, 5);
        story.page("check-failed", &["check"], 5);
        story.page("reconcile-target", &[RECONCILE, &["--target", "instance.web"]].concat(), 0);
    });
}

#[test]
fn a_plan_that_is_kept() {
    tell(ministack, |story, _| {
        story.page("plan-out", &["plan", "--target", "role.worker", "--out", "kept.plan"], 0);
        story.page(
            "reconcile-plan",
            &["reconcile", "--plan", "kept.plan", "--parallelism", "1"],
            0,
        );
        story.page("plan-offline-with-a-state", &["plan", "--offline"], 64);
        story.page("reconcile-plan-stale", &["reconcile", "--plan", "kept.plan"], 1);
        story.stack.ok(&["plan", "--out", "kept.plan"]);
        story.stack.edit("timeout: 30", "timeout: 31");
        story.page("reconcile-plan-otherwise", &["reconcile", "--plan", "kept.plan"], 1);
        story.stack.edit("runtime: python3.13", "runtime: python3.99");
        story.page("validate-warning", &["validate"], 0);
    });
}
