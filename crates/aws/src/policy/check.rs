//! Problems of a managed policy that the file alone shows.

use serde::Deserialize as _;
use serde_json::Value;
use stackwright_engine::kind::{CheckContext, Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::{Allow, Config};
use crate::policy_document::{Document, Purpose, check_characters, check_statements};
use crate::{iam, tags};

/// The largest managed policy, in characters that are no white space.
const LARGEST: usize = 6144;

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems::default();
    match &config.allow {
        Allow::Short(statements) if statements.is_empty() => {
            problems
                .at(&["allow"], "`allow` is empty")
                .hint("a policy needs at least one statement");
        }
        Allow::Short(statements) => check_statements("allow", statements, &mut problems),
        Allow::Long(document) => document.check(&["allow"], Purpose::Permissions, &mut problems),
    }
    if !iam::is_name(context.name, 128) {
        let message = format!("`{}` is not the name of a policy", context.name);
        problems.at(&["name"], message).hint("1 to 128 letters, digits and _+=,.@-");
    }
    // Stricter than that of a role.
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"/.,+@=_-".contains(&byte);
    let is_path = |path: &str| iam::is_path(path, is_taken) && !path.contains("//");
    if let Some(path) = config.path.as_ref().filter(|path| !(is_path(path) || is_open(path))) {
        iam::not_a_path(path, &mut problems);
    }
    iam::check_length(config.description.as_deref().unwrap_or_default(), &mut problems);
    tags::check(context.tags, &mut problems);
    tags::check_case(context.tags, &mut problems);
    check_document(context.known, &mut problems);
    problems.0
}

/// Adds what IAM refuses of the document of a config whose references are filled in.
fn check_document(known: &Value, problems: &mut Problems) {
    // A config that cannot be read has been reported.
    let Ok(Config { allow, .. }) = Config::deserialize(known) else { return };
    let document = Document::from(allow);
    check_characters(&["allow"], &document, problems);
    let size = document.size();
    if size > LARGEST {
        let message = format!("the policy has {size} characters; IAM accepts {LARGEST}");
        problems.at(&["allow"], message).hint("divide it: a role can have several policies");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::policy::Policy;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    fn wrong(with: &Value) -> Vec<String> {
        let mut config = json!({ "allow": [{ "actions": "s3:GetObject", "resources": "*" }] });
        for (field, value) in with.as_object().expect("a map") {
            config[field] = value.clone();
        }
        wrong_paths::<Policy>(&config)
    }

    #[test]
    fn what_iam_refuses_is_a_problem() {
        let right =
            [json!({ "path": "/a/b/", "description": "a – b" }), json!({ "path": "${env.PATH}" })];
        for right in right {
            assert_eq!(wrong(&right), [""; 0], "{right}");
        }
        let statement = json!([{ "actions": "get", "resources": "bucket" }]);
        assert_eq!(wrong(&json!({ "allow": statement })), ["allow.0.actions", "allow.0.resources"]);
        assert_eq!(wrong(&json!({ "allow": [] })), ["allow"]);
        let document = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow" }] });
        assert_eq!(
            wrong(&json!({ "allow": document })),
            ["allow.Statement.0", "allow.Statement.0"]
        );
        assert_eq!(wrong(&json!({ "description": "x".repeat(1001) })), ["description"]);
        for path in ["a", "/a", "//", "/a//b/", "/a b/", "/~/"] {
            assert_eq!(wrong(&json!({ "path": path })), ["path"], "{path}");
        }
    }

    #[test]
    fn a_document_has_a_largest_size_and_the_characters_of_western_europe() {
        let of = |resource: String| json!([{ "actions": "s3:*", "resources": resource }]);
        assert_eq!(
            wrong(&json!({ "allow": of(format!("arn:aws:s3:::{}", "x".repeat(6000))) })),
            [""; 0]
        );
        assert_eq!(
            wrong(&json!({ "allow": of(format!("arn:aws:s3:::{}", "x".repeat(6200))) })),
            ["allow"]
        );
        assert_eq!(wrong(&json!({ "allow": of("arn:aws:s3:::a – b".to_owned()) })), ["allow"]);
    }

    #[test]
    fn names_are_those_that_iam_takes() {
        let config = json!({ "allow": [{ "actions": "*", "resources": "*" }] });
        let is_taken = |name: &str| problems_of::<Policy>(name, &Tags::new(), &config).is_empty();
        assert!(is_taken("Web_+=,.@-1") && is_taken(&"x".repeat(128)));
        for name in ["", "a b", "a/b", &"x".repeat(129)] {
            assert!(!is_taken(name), "{name}");
        }
    }
}
