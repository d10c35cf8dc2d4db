//! Every action: how it is planned, explained and done.

use super::{Story, ministack, moto, tell};

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check", "--parallelism", "1"];

impl Story {
    /// Edits the stack file, and makes the pages of what that means for an address.
    fn edited(&mut self, name: &str, address: &str, edits: &[(&str, &str)]) {
        edits.iter().for_each(|(from, to)| self.stack.edit(from, to));
        self.page(&format!("plan-{name}"), &["plan"], 0);
        self.page(&format!("explain-{name}"), &["explain", address], 0);
        self.page(&format!("reconcile-{name}"), RECONCILE, 0);
    }
}

#[test]
fn updates_and_replacements_and_deletions() {
    tell(ministack, |story, _| {
        story.stack.ok(RECONCILE);
        story.edited(
            "update",
            "function.worker",
            &[
                ("timeout: 30", "timeout: 31"),
                ("Good morning, and welcome", "Good evening, and welcome back"),
            ],
        );
        story.edited(
            "update-policy",
            "role.worker",
            &[
                ("ec2:StopInstances, ec2:RebootInstances]", "ec2:StopInstances]"),
                ("which is to look at the machine", "which is to see the machine"),
            ],
        );
        story.edited("update-routes", "api.shop", &[("POST /orders/{id}", "PUT /orders/{id}")]);
        story.edited("update-default", "function.worker", &[("    timeout: 31\n", "")]);
        story.stack.write("handler/app.py", "def handler(event, context):\n    return {}\n");
        story.edited("update-code", "function.worker", &[]);
        story.stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
        story.page("reconcile-unconfirmed", &["reconcile"], 64);
        story.edited("replace", "instance.web", &[]);
        story.edited(
            "replace-script",
            "instance.web",
            &[("and by nothing else\"", "and by what it installs\"")],
        );
        story.page("plan-replace-asked", &["plan", "--replace", "instance.web"], 0);
        story.edited(
            "replace-role",
            "role.worker",
            &[("    trust:", "    path: /shop/\n    trust:")],
        );
        story.edited("rename", "instance.machine", RENAMED);
        story.page("state-mv", &["state", "mv", "instance.machine", "instance.web"], 0);
        story.stack.edit("  machine:\n    name: web\n    renamed_from: web\n", "  web:\n");
        story.stack.edit("instance.machine.", "instance.web.");
        story.stack.ok(RECONCILE);

        let file = story.stack.read("stack.yaml");
        let api = file.find("\napi:").expect("the stack has an API");
        story.stack.write("stack.yaml", &file[..=api]);
        story.edited("delete", "api.shop", &[]);
    });
}

/// The instance has another key, and its old name.
const RENAMED: &[(&str, &str)] = &[
    ("  web:\n", "  machine:\n    name: web\n    renamed_from: web\n"),
    ("instance.web.", "instance.machine."),
];

#[test]
fn a_restart() {
    tell(moto, |story, _| {
        story.stack.write("stack.yaml", ONE);
        story.stack.ok(RECONCILE);
        story.edited("restart", "instance.web", &[("t2.micro", "t2.small")]);
    });
}

/// One instance.
const ONE: &str = "stack: one\ninstance:\n  web:\n    image: ami-12c6146b\n    type: t2.micro\n";
