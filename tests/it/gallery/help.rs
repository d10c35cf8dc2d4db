//! What the program says of itself: the help of every command.

use super::{Story, WIDTHS};

/// A port on which nobody listens.
const NOBODY: u16 = 9;

const COMMANDS: &[&str] = &[
    "",
    "validate",
    "plan",
    "reconcile",
    "explain",
    "drift",
    "show",
    "output",
    "check",
    "destroy",
    "import",
    "invoke",
    "logs",
    "schema",
    "state",
    "state list",
    "state show",
    "state mv",
    "state rm",
    "state rebuild",
    "local",
    "local up",
    "local down",
    "local status",
    "local logs",
    "local reset",
    "local expose",
];

#[test]
fn the_help_of_every_command() {
    for width in WIDTHS {
        let mut story = Story::at(width, NOBODY);
        for command in COMMANDS {
            let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
            let name = format!("help-{}", command.replace(' ', "-"));
            story.page(name.trim_end_matches('-'), &arguments, 0);
        }
        story.page("help-wrong-command", &["paln"], 64);
        story.page("help-wrong-option", &["plan", "--tarqet", "role.a"], 64);
    }
}

/// A new command needs a page.
#[test]
fn no_command_is_left_out() {
    let help = Story::at("80", NOBODY).stack.ok(&["--help"]).stdout;
    let (_, commands) = help.split_once("Commands:\n").expect("a list");
    let commands = commands.lines().take_while(|line| !line.is_empty());
    for line in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().expect("a command");
        let is_known = COMMANDS.contains(&name) || ["version", "help"].contains(&name);
        assert!(is_known, "`{name}` has no page");
    }
}
