//! Problems of a role that the file alone shows.

use stackwright_engine::config::OneOrMany;
use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::config::{ALLOW_POLICY, Config, PATH, Trust};
use crate::policy;

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems::default();
    for part in [trust, allow, policies, managed_policies, others] {
        part(config, &mut problems);
    }
    problems.0
}

fn trust(config: &Config, problems: &mut Problems) {
    match &config.trust {
        Trust::Short(OneOrMany(who)) => {
            let known = |who: &str| policy::is_service(who) || policy::is_account(who);
            for who in who {
                if !(known(who) || who.starts_with("arn:") || who == "*" || is_open(who)) {
                    problems
                        .at(&["trust"], format!("`{who}` is not a service, an account or an ARN"))
                        .hint("write for example `lambda.amazonaws.com` or twelve digits");
                }
            }
        }
        Trust::Long(document) if !document.has_statement() => {
            problems.at(&["trust"], "the trust policy has no `Statement`").hint(DOCUMENT);
        }
        Trust::Long(_) => {}
    }
}

fn allow(config: &Config, problems: &mut Problems) {
    for (at, statement) in config.allow.iter().enumerate() {
        let at = at.to_string();
        let is_action = |action: &str| action == "*" || action.contains(':') || is_open(action);
        for action in statement.actions.0.iter().filter(|action| !is_action(action)) {
            problems
                .at(&["allow", &at, "actions"], format!("`{action}` is not an action"))
                .hint("an action names its service: `s3:GetObject`, `s3:*`");
        }
        let is_resource = |arn: &str| arn == "*" || arn.starts_with("arn:") || is_open(arn);
        for resource in statement.resources.0.iter().filter(|arn| !is_resource(arn)) {
            problems
                .at(&["allow", &at, "resources"], format!("`{resource}` is not an ARN"))
                .hint("write the ARN, `${kind.key.arn}` for one of this stack, or `\"*\"`");
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
        if !document.has_statement() {
            problems.at(&["policies", name], format!("`{name}` has no `Statement`")).hint(DOCUMENT);
        }
    }
}

fn managed_policies(config: &Config, problems: &mut Problems) {
    for arn in &config.managed_policies {
        if !arn.starts_with("arn:") && !is_open(arn) {
            problems.at(&["managed_policies"], format!("`{arn}` is not an ARN")).hint(
                "the ARN contains the policy's path, for example \
                 arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
            );
        }
    }
}

fn others(config: &Config, problems: &mut Problems) {
    let boundary = config.permissions_boundary.as_ref();
    if let Some(arn) = boundary.filter(|arn| !(arn.is_empty() || is_policy(arn) || is_open(arn))) {
        problems
            .at(&["permissions_boundary"], format!("`{arn}` is not the ARN of a managed policy"))
            .hint("it looks like arn:aws:iam::123456789012:policy/NAME");
    }
    if let Some(path) = config.path.as_ref().filter(|path| !(is_path(path) || is_open(path))) {
        problems.at(&["path"], format!("`{path}` is not a path")).hint(
            "it begins and ends with `/`, for example `/service/`, and has at most 512 characters",
        );
    }
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 1000) {
        problems
            .at(&["description"], "the description is too long")
            .hint("IAM accepts 1000 characters");
    }
}

fn is_policy(arn: &str) -> bool {
    arn.starts_with("arn:") && arn.contains(":policy/")
}

fn is_path(path: &str) -> bool {
    let is_whole = path == PATH || path.len() > 2 && path.starts_with('/') && path.ends_with('/');
    is_whole && path.len() <= 512 && path.bytes().all(|byte| byte.is_ascii_graphic())
}

const DOCUMENT: &str = "a document looks like `{Version: 2012-10-17, Statement: [...]}`";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

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
        let wrong = config(json!({
            "trust": ["lambda", "${env.ACCOUNT}"],
            "policies": { "stackwright": { "Statement": [{}] }, "empty": {} },
            "managed_policies": ["AWSLambdaBasicExecutionRole"],
            "permissions_boundary": "arn:aws:iam::aws:role/x",
            "path": "service/",
        }));
        let paths: Vec<_> =
            check(&wrong).into_iter().map(|problem| problem.path.join(".")).collect();
        let expected = [
            "trust",
            "policies.empty",
            "policies.stackwright",
            "managed_policies",
            "permissions_boundary",
            "path",
        ];
        assert_eq!(paths, expected);
        let right = config(json!({
            "trust": "lambda.amazonaws.com", "path": "/a/b/",
            "permissions_boundary": "arn:aws:iam::aws:policy/PowerUserAccess",
        }));
        assert_eq!(check(&right), []);
    }
}
