//! Problems of a role that the file alone shows.

use stackwright_engine::config::OneOrMany;
use stackwright_engine::kind::{CheckContext, Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::{ALLOW_POLICY, Config, Trust};
use super::document_size;
use crate::iam::is_name;
use crate::policy_document::Purpose;
use crate::{arn, iam, policy_document, tags};

pub fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
    let mut problems = Problems(trust(&config.trust));
    policy_document::check_statements("allow", &config.allow, &mut problems);
    for part in [policies, managed_policies, others] {
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

/// Returns what is wrong with who may assume a role.
pub fn trust(trust: &Trust) -> Vec<Problem> {
    let mut problems = Problems::default();
    match trust {
        Trust::Short(OneOrMany(who)) => {
            let is_name = |who: &str| {
                policy_document::is_service(who) || policy_document::is_account(who) || who == "*"
            };
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
        Trust::Long(document) => document.check(&["trust"], Purpose::Trust, &mut problems),
    }
    problems.0
}

fn policies(config: &Config, problems: &mut Problems) {
    if let Some(part) =
        ["Statement", "Version"].iter().find(|part| config.policies.contains_key(**part))
    {
        let hint =
            "give the document a name: `policies: {my-policy: {Version: ..., Statement: ...}}`";
        problems
            .at(&["policies", part], "this is a document, and `policies` a map of them")
            .hint(hint);
        return;
    }
    for (name, document) in &config.policies {
        if name == ALLOW_POLICY {
            let message = format!("the name `{ALLOW_POLICY}` is taken by the policy of `allow`");
            problems.at(&["policies", name], message).hint("give this policy another name");
        }
        if !is_name(name, 128) {
            let message = format!("`{name}` is not the name of a policy");
            problems.at(&["policies", name], message).hint("1 to 128 letters, digits and _+=,.@-");
        }
        document.check(&["policies", name], Purpose::Permissions, problems);
    }
}

fn managed_policies(config: &Config, problems: &mut Problems) {
    for (at, arn) in config.managed_policies.iter().enumerate() {
        if let Some(hint) = wrong_policy(arn) {
            problems.at(&["managed_policies", &at.to_string()], not_a_policy(arn)).hint(hint);
        }
    }
    let count = config.managed_policies.len();
    if count > ATTACHED {
        let message = format!("{count} managed policies; IAM attaches {ATTACHED} to a role");
        let hint = "unless the account's quota was raised; merge some of them";
        problems.warn(&["managed_policies"], message).hint(hint);
    }
}

fn others(config: &Config, problems: &mut Problems) {
    if let Some(arn) = &config.permissions_boundary
        && let Some(hint) = wrong_policy(arn)
    {
        problems.at(&["permissions_boundary"], not_a_policy(arn)).hint(hint);
    }
    let is_path = |path: &str| iam::is_path(path, |byte| byte.is_ascii_graphic());
    if let Some(path) = config.path.as_ref().filter(|path| !(is_path(path) || is_open(path))) {
        iam::not_a_path(path, problems);
    }
    let description = config.description.as_deref().unwrap_or_default();
    iam::check_length(description, problems);
    // Latin alone: not even the dash of typographers.
    let is_taken = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if let Some(other) = description.chars().find(|&c| !is_taken(c)) {
        let message = format!("the description has the character {other:?}");
        problems
            .at(&["description"], message)
            .hint("IAM accepts those of Western Europe (Latin-1)");
    }
}

/// Returns what is wrong with the ARN of a managed policy, as a hint. A text that is no ARN has been reported.
fn wrong_policy(arn: &str) -> Option<String> {
    let is_known = arn.starts_with("arn:") && !is_open(arn);
    arn::POLICY.name(arn).err().filter(|_| is_known)
}

fn not_a_policy(arn: &str) -> String {
    format!("`{arn}` is not the ARN of a managed policy")
}

/// How many managed policies a role has, unless the account's quota was raised.
const ATTACHED: usize = 10;

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
        assert!(matches!(whole, Trust::Long(_)));
    }

    #[test]
    fn what_iam_refuses_is_a_problem() {
        let document = json!({ "Version": "2012-10-17", "Statement": { "Effect": "Deny", "Action": "*",
            "Resource": "*" } });
        let wrong = json!({
            "trust": ["lambda", "${env.ACCOUNT}", "arn:aws:iam::1:root", "arn:aws:iam::123456789012:root"],
            "policies": { "stackwright": document, "empty": { "Version": "2012-10-17" }, "a b": document },
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
