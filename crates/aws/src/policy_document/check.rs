//! What IAM refuses of documents, whichever kind has them.

use stackwright_engine::kind::Problems;
use stackwright_engine::reference::is_open;

use super::{Document, Statement};
use crate::arn;

/// Adds what IAM refuses of the statements of `field`.
pub fn check_statements(field: &str, statements: &[Statement], problems: &mut Problems) {
    for (at, statement) in statements.iter().enumerate() {
        let at = at.to_string();
        for action in &statement.actions.0 {
            check_action(&[field, &at, "actions"], action, problems);
        }
        for resource in &statement.resources.0 {
            check_resource(&[field, &at, "resources"], resource, problems);
        }
        for (part, list) in [("actions", &statement.actions), ("resources", &statement.resources)] {
            if list.0.is_empty() {
                problems
                    .at(&[field, &at, part], format!("`{part}` is empty"))
                    .hint("name at least one");
            }
        }
    }
}

/// Adds a text that is no action.
pub fn check_action(path: &[&str], action: &str, problems: &mut Problems) {
    let is_named = action.contains(':') && !action.contains(char::is_whitespace);
    if action != "*" && !is_named && !is_open(action) {
        problems
            .at(path, format!("`{action}` is not an action"))
            .hint("an action names its service: `s3:GetObject`, `s3:*`");
    }
}

/// Adds a text that is no resource.
pub fn check_resource(path: &[&str], resource: &str, problems: &mut Problems) {
    if resource == "*" || is_open(resource) {
        return;
    }
    let other = "write the ARN, `${kind.key.arn}` for one of this stack, or `\"*\"`";
    let hint = if resource.starts_with("arn:") {
        arn::wrong_resource(resource)
    } else {
        Some(other.to_owned())
    };
    if let Some(hint) = hint {
        problems.at(path, format!("`{resource}` is not an ARN")).hint(hint);
    }
}

/// Adds a character that IAM does not take.
pub fn check_characters(path: &[&str], document: &Document, problems: &mut Problems) {
    if let Some(other) = document.to_string().chars().find(|&c| c > '\u{ff}') {
        let message = format!("this policy has the character {other:?}");
        let hint = "policies of IAM have the characters of Western Europe (Latin-1)";
        problems.at(path, message).hint(hint);
    }
}
