//! Problems of a role that the file alone shows.

use stackwright_engine::config::OneOrMany;
use stackwright_engine::kind::{CheckContext, Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::{ALLOW_POLICY, Config, PATH, Trust};
use super::document_size;
use crate::{arn, policy, tags};

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems(trust(&config.trust));
    for part in [allow, policies, managed_policies, others] {
        part(config, &mut problems);
    }
    if !is_name(context.name, 64) {
        let message = format!("`{}` is not the name of a role", context.name);
        problems.at(&["name"], message).hint("1 to 64 letters, digits and _+=,.@-");
    }
    tags::check(context.tags, &mut problems);
    tags::check_case(context.tags, &mut problems);
    document_size::check(context.known, &mut problems);
    problems.0
}

/// Tells whether a text is a name that IAM takes.
fn is_name(text: &str, longest: usize) -> bool {
    let is_taken = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (1..=longest).contains(&text.len()) && text.chars().all(is_taken)
}

/// Returns what is wrong with who may assume a role.
pub fn trust(trust: &Trust) -> Vec<Problem> {
    let mut problems = Problems::default();
    match trust {
        Trust::Short(OneOrMany(who)) => {
            let is_name =
                |who: &str| policy::is_service(who) || policy::is_account(who) || who == "*";
            for who in who.iter().filter(|who| !is_name(who) && !is_open(who)) {
                if !who.starts_with("arn:") {
                    let message = format!("`{who}` is not a service, an account or an ARN");
                    let hint = "write for example `lambda.amazonaws.com` or twelve digits";
                    problems.at(&["trust"], message).hint(hint);
                } else if let Some(hint) = arn::wrong_account(who) {
                    problems.at(&["trust"], format!("`{who}` names nobody")).hint(hint);
                }
            }
        }
        Trust::Long(document) if !document.has_statement() => {
            problems.at(&["trust"], "the trust policy has no `Statement`").hint(DOCUMENT);
        }
        Trust::Long(_) => {}
    }
    problems.0
}

fn allow(config: &Config, problems: &mut Problems) {
    for (at, statement) in config.allow.iter().enumerate() {
        let at = at.to_string();
        let is_named = |action: &str| action.contains(':') && !action.contains(char::is_whitespace);
        let is_action = |action: &str| action == "*" || is_named(action) || is_open(action);
        for action in statement.actions.0.iter().filter(|action| !is_action(action)) {
            problems
                .at(&["allow", &at, "actions"], format!("`{action}` is not an action"))
                .hint("an action names its service: `s3:GetObject`, `s3:*`");
        }
        let resources = statement.resources.0.iter();
        for resource in resources.filter(|resource| *resource != "*" && !is_open(resource)) {
            let other = "write the ARN, `${kind.key.arn}` for one of this stack, or `\"*\"`";
            let hint = if resource.starts_with("arn:") {
                arn::wrong_resource(resource)
            } else {
                Some(other.to_owned())
            };
            if let Some(hint) = hint {
                problems
                    .at(&["allow", &at, "resources"], format!("`{resource}` is not an ARN"))
                    .hint(hint);
            }
        }
        for (part, list) in [("actions", &statement.actions), ("resources", &statement.resources)] {
            if list.0.is_empty() {
                problems
                    .at(&["allow", &at, part], format!("`{part}` is empty"))
                    .hint("name at least one");
            }
        }
    }
}

fn policies(config: &Config, problems: &mut Problems) {
    for (name, document) in &config.policies {
        if name == ALLOW_POLICY {
            let message = format!("the name `{ALLOW_POLICY}` is taken by the policy of `allow`");
            problems.at(&["policies", name], message).hint("give this policy another name");
        }
        if !is_name(name, 128) {
            let message = format!("`{name}` is not the name of a policy");
            problems.at(&["policies", name], message).hint("1 to 128 letters, digits and _+=,.@-");
        }
        if !document.has_statement() {
            problems.at(&["policies", name], format!("`{name}` has no `Statement`")).hint(DOCUMENT);
        }
    }
}

fn managed_policies(config: &Config, problems: &mut Problems) {
    for (at, arn) in config.managed_policies.iter().enumerate() {
        let Err(hint) = policy_name(arn) else { continue };
        let by_name = "the ARN contains the policy's path, for example \
                       arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
        let hint = if arn.starts_with("arn:") { hint } else { by_name.to_owned() };
        problems.at(&["managed_policies", &at.to_string()], not_a_policy(arn)).hint(hint);
    }
    let count = config.managed_policies.len();
    if count > ATTACHED {
        let message = format!("{count} managed policies; IAM attaches {ATTACHED} to a role");
        let hint = "unless the account's quota was raised; merge some of them";
        problems.warn(&["managed_policies"], message).hint(hint);
    }
}

fn others(config: &Config, problems: &mut Problems) {
    let boundary = config.permissions_boundary.as_deref().filter(|arn| !arn.is_empty());
    if let Some(arn) = boundary
        && let Err(hint) = policy_name(arn)
    {
        problems.at(&["permissions_boundary"], not_a_policy(arn)).hint(hint);
    }
    if let Some(path) = config.path.as_ref().filter(|path| !(is_path(path) || is_open(path))) {
        problems.at(&["path"], format!("`{path}` is not a path")).hint(
            "it begins and ends with `/`, for example `/service/`, and has at most 512 characters",
        );
    }
    let description = config.description.as_deref().unwrap_or_default();
    if description.chars().count() > 1000 {
        problems
            .at(&["description"], "the description is too long")
            .hint("IAM accepts 1000 characters");
    }
    // Latin alone: not even the dash of typographers.
    let is_taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if let Some(other) = description.chars().find(|&c| !is_taken(c)) {
        let message = format!("the description has the character {other:?}");
        problems
            .at(&["description"], message)
            .hint("IAM accepts those of Western Europe (Latin-1)");
    }
}

/// Checks the ARN of a managed policy, unless it has references. The error is a hint.
fn policy_name(arn: &str) -> Result<(), String> {
    if is_open(arn) { Ok(()) } else { arn::POLICY.name(arn).map(drop) }
}

fn not_a_policy(arn: &str) -> String {
    format!("`{arn}` is not the ARN of a managed policy")
}

fn is_path(path: &str) -> bool {
    let is_whole = path == PATH || path.len() > 2 && path.starts_with('/') && path.ends_with('/');
    is_whole && path.len() <= 512 && path.bytes().all(|byte| byte.is_ascii_graphic())
}

/// How many managed policies a role has, unless the account's quota was raised.
const ATTACHED: usize = 10;

const DOCUMENT: &str = "a document looks like `{Version: 2012-10-17, Statement: [...]}`";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use stackwright_engine::kind::Severity;

    use super::*;
    use crate::role::Role;
    use crate::tags::Tags;
    use crate::test_checks::{problems_of, wrong_paths};

    fn config(value: Value) -> Config {
        serde_json::from_value(value).expect("a config")
    }

    #[test]
    fn trust_is_a_name_a_list_or_a_document() {
        let one = config(json!({ "trust": "lambda.amazonaws.com" })).trust;
        assert!(matches!(one, Trust::Short(who) if who.0 == ["lambda.amazonaws.com"]));
        let many = config(json!({ "trust": ["a", "b"] })).trust;
        assert!(matches!(many, Trust::Short(who) if who.0.len() == 2));
        let whole = config(json!({ "trust": { "Statement": {} } })).trust;
        assert!(matches!(whole, Trust::Long(document) if document.has_statement()));
    }

    #[test]
    fn what_iam_refuses_is_a_problem() {
        let wrong = json!({
            "trust": ["lambda", "${env.ACCOUNT}", "arn:aws:iam::1:root", "arn:aws:iam::123456789012:root"],
            "policies": { "stackwright": { "Statement": [{}] }, "empty": {}, "a b": { "Statement": [{}] } },
            "managed_policies": ["${env.ARN}", "arn:aws:iam::aws:role/x"],
            "permissions_boundary": "arn:aws:iam::aws:role/x",
            "path": "service/",
            "description": "a – b",
        });
        let expected = [
            "trust",
            "trust",
            "policies.a b",
            "policies.empty",
            "policies.stackwright",
            "managed_policies.1",
            "permissions_boundary",
            "path",
            "description",
        ];
        assert_eq!(wrong_paths::<Role>(&wrong), expected);
        let right = json!({
            "trust": "lambda.amazonaws.com", "path": "/a/b/", "description": "größer\n",
            "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
        });
        assert_eq!(wrong_paths::<Role>(&right), [""; 0]);
    }

    #[test]
    fn names_and_tags_are_those_that_iam_takes() {
        let found = |name: &str, tags: &[&str]| -> Vec<String> {
            let tags: Tags = tags.iter().map(|&key| (key.to_owned(), String::new())).collect();
            let problems = problems_of::<Role>(name, &tags, &json!({ "trust": "*" }));
            problems.into_iter().map(|problem| problem.path.join(".")).collect()
        };
        assert_eq!(found("Web_+=,.@-1", &["Team", "cost"]), [""; 0]);
        assert_eq!(found(&"x".repeat(64), &[]), [""; 0]);
        for name in ["", "a b", "a/b", "größer", &"x".repeat(65)] {
            assert_eq!(found(name, &[]), ["name"], "{name}");
        }
        assert_eq!(found("web", &["Team", "team", "a#"]), ["tags.a#", "tags.team"]);
    }

    #[test]
    fn a_quota_that_may_have_been_raised_is_a_warning() {
        let arns: Vec<String> = (0..11).map(|n| format!("arn:aws:iam::aws:policy/{n}")).collect();
        let config = json!({ "trust": "*", "managed_policies": arns });
        let found = problems_of::<Role>("web", &Tags::new(), &config).remove(0);
        assert_eq!(found.severity, Severity::Warning);
    }
}
