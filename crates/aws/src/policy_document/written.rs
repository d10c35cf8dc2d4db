//! A document as a user writes it, and what IAM refuses of it.
//!
//! Sources: the grammar of the IAM JSON policy language, and the pages of its elements.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use stackwright_engine::config::NumbersAsText;
use stackwright_engine::kind::Problems;
use stackwright_engine::manifest::nearest;
use stackwright_engine::reference::is_open;

use super::check::{check_action, check_resource};
use super::{Document, VERSION, is_service};

/// For a hint.
const EXAMPLE: &str = "a document looks like `{Version: 2012-10-17, Statement: [...]}`";

/// The version of the policy language that IAM takes for a document without one.
const FIRST_VERSION: &str = "2008-10-17";

const PARTS: [&str; 3] = ["Version", "Id", "Statement"];

/// A whole document as it is in the file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, with = "BTreeMap<String, NumbersAsText>", description = "")]
pub struct Written(Value);

/// What a document is for, which decides the parts that its statements have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// What somebody may do: `Resource`, and no `Principal`.
    Permissions,
    /// Who may assume a role: `Principal`, and no `Resource`.
    Trust,
}

impl From<Written> for Document {
    fn from(written: Written) -> Self {
        Self::from(written.0)
    }
}

impl Written {
    /// Adds what IAM refuses of the document at `path`.
    pub fn check(&self, path: &[&str], purpose: Purpose, problems: &mut Problems) {
        let Some(parts) = self.0.as_object() else { return };
        check_names(path, parts.keys().map(String::as_str), &PARTS, "a policy document", problems);
        match &parts.get("Version") {
            Some(version) if *version == VERSION || *version == FIRST_VERSION => {}
            Some(Value::String(text)) if is_open(text) => {}
            Some(_) => {
                let message = format!("`Version` is {VERSION} or {FIRST_VERSION}");
                let hint = "it is the version of the policy language, not that of your document";
                problems.at(&[path, &["Version"]].concat(), message).hint(hint);
            }
            // Variables are rare in trust policies, so that a missing version does no harm there.
            None if purpose == Purpose::Trust || !parts.contains_key("Statement") => {}
            None => {
                let message = format!("without `Version`, IAM takes {FIRST_VERSION}");
                let hint = format!(
                    "variables such as `aws:username` are plain text in it: add `Version: {VERSION}`"
                );
                problems.warn(path, message).hint(hint);
            }
        }
        match parts.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => {
                let mut sids = BTreeSet::new();
                for (at, statement) in statements.iter().enumerate() {
                    let at = at.to_string();
                    let path = [path, &["Statement", &at]].concat();
                    check_statement(&path, statement, purpose, problems);
                    let sid = statement["Sid"].as_str().unwrap_or_default();
                    if !sid.is_empty() && !sids.insert(sid) {
                        let message = format!("there is another statement with the Sid `{sid}`");
                        let path = [&path[..], &["Sid"]].concat();
                        problems.at(&path, message).hint("a Sid is unique in its document");
                    }
                }
            }
            Some(statement @ Value::Object(_)) => {
                check_statement(&[path, &["Statement"]].concat(), statement, purpose, problems);
            }
            _ => problems.at(path, "the document has no `Statement`").hint(EXAMPLE),
        }
    }
}

fn check_statement(path: &[&str], statement: &Value, purpose: Purpose, problems: &mut Problems) {
    let Some(parts) = statement.as_object() else {
        let hint = "write `{Effect: Allow, Action: ..., Resource: ...}`";
        return problems.at(path, "a statement is a map").hint(hint);
    };
    let (of_purpose, of_other) = match purpose {
        Purpose::Permissions => (["Resource", "NotResource"], ["Principal", "NotPrincipal"]),
        Purpose::Trust => (["Principal", "NotPrincipal"], ["Resource", "NotResource"]),
    };
    let common = ["Sid", "Effect", "Action", "NotAction", "Condition"];
    let known: Vec<&str> = common.iter().chain(&of_purpose).copied().collect();
    // Those of the other purpose have a message of their own.
    let others = parts.keys().map(String::as_str).filter(|part| !of_other.contains(part));
    check_names(path, others, &known, "a statement", problems);
    for part in of_other.into_iter().filter(|part| parts.contains_key(*part)) {
        let (message, hint) = match purpose {
            Purpose::Permissions => (
                "names who is meant, which a policy of permissions does not",
                "it is for whoever has the policy: leave it out",
            ),
            Purpose::Trust => ("has no meaning in a trust policy", "leave it out"),
        };
        problems.at(&[path, &[part]].concat(), format!("`{part}` {message}")).hint(hint);
    }
    for pair in [["Action", "NotAction"], of_purpose] {
        match pair.map(|part| parts.contains_key(part)) {
            [true, true] => {
                let message = format!("`{}` and `{}` exclude each other", pair[0], pair[1]);
                problems.at(path, message).hint("leave one of them out");
            }
            [false, false] => {
                let message = format!("the statement has no `{}`", pair[0]);
                problems.at(path, message).hint(format!("add `{}: ...`", pair[0]));
            }
            _ => {}
        }
    }
    for (part, values) in parts {
        let path = [path, &[part.as_str()]].concat();
        match part.as_str() {
            "Action" | "NotAction" => check_texts(&path, values, check_action, problems),
            "Resource" | "NotResource" => check_texts(&path, values, check_resource, problems),
            "Principal" | "NotPrincipal" => check_principal(&path, values, problems),
            _ => {}
        }
    }
    if parts.contains_key("NotPrincipal") && parts.get("Effect").is_some_and(|it| it == "Allow") {
        let hint = "IAM takes it with `Effect: Deny` alone: name who is meant in `Principal`";
        problems.at(path, "`NotPrincipal` would allow everybody else").hint(hint);
    }
    check_effect(path, parts, problems);
    let is_sid = |sid: &str| sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) || is_open(sid);
    if parts.get("Sid").is_some_and(|sid| !sid.as_str().is_some_and(is_sid)) {
        let message = "`Sid` has other characters than IAM accepts";
        problems.at(&[path, &["Sid"]].concat(), message).hint("letters and digits alone");
    }
    if parts.get("Condition").is_some_and(|condition| !is_condition(condition)) {
        let hint = "the operator, then the key: `{StringEquals: {aws:RequestedRegion: eu-west-1}}`";
        problems.at(&[path, &["Condition"]].concat(), "`Condition` is a map of maps").hint(hint);
    }
}

/// Checks one text, or each of a list.
fn check_texts(
    path: &[&str],
    values: &Value,
    check: fn(&[&str], &str, &mut Problems),
    problems: &mut Problems,
) {
    match values {
        Value::String(one) => check(path, one, problems),
        Value::Array(many) if !many.is_empty() && many.iter().all(Value::is_string) => {
            for (at, one) in many.iter().enumerate() {
                let one = one.as_str().unwrap_or_default();
                check(&[path, &[&at.to_string()]].concat(), one, problems);
            }
        }
        _ => {
            let part = path.last().copied().unwrap_or_default();
            let message = format!("`{part}` is a text, or a list of texts");
            problems.at(path, message).hint("name at least one");
        }
    }
}

/// The sorts of principals.
const SORTS: [&str; 4] = ["AWS", "Service", "Federated", "CanonicalUser"];

fn check_principal(path: &[&str], principal: &Value, problems: &mut Problems) {
    let by_sort = match principal {
        Value::Object(by_sort) => by_sort,
        Value::String(text) if text == "*" || is_open(text) => return,
        _ => {
            let hint = "write `{Service: lambda.amazonaws.com}` or `{AWS: \"123456789012\"}`";
            return problems.at(path, "a principal is `\"*\"` or a map").hint(hint);
        }
    };
    check_names(path, by_sort.keys().map(String::as_str), &SORTS, "a principal", problems);
    if let Some(services) = by_sort.get("Service") {
        let check = |path: &[&str], service: &str, problems: &mut Problems| {
            if !is_service(service) && !is_open(service) {
                let hint = "for example `lambda.amazonaws.com`";
                problems.at(path, format!("`{service}` is not a service")).hint(hint);
            }
        };
        check_texts(&[path, &["Service"]].concat(), services, check, problems);
    }
}

fn check_effect(path: &[&str], parts: &Map<String, Value>, problems: &mut Problems) {
    match parts.get("Effect").map(Value::as_str) {
        Some(Some(effect)) if ["Allow", "Deny"].contains(&effect) || is_open(effect) => {}
        Some(_) => {
            let hint = "IAM distinguishes upper and lower case here";
            let path = [path, &["Effect"]].concat();
            problems.at(&path, "`Effect` is `Allow` or `Deny`").hint(hint);
        }
        None => {
            problems.at(path, "the statement has no `Effect`").hint("add `Effect: Allow`");
        }
    }
}

fn is_condition(condition: &Value) -> bool {
    let operators = condition.as_object();
    operators.is_some_and(|operators| operators.values().all(Value::is_object))
}

/// Adds keys that are no parts of `what`.
fn check_names<'a>(
    path: &[&str],
    parts: impl Iterator<Item = &'a str>,
    known: &[&str],
    what: &str,
    problems: &mut Problems,
) {
    for part in parts.filter(|part| !known.contains(part)) {
        let hint = match nearest(part, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its parts are {}", known.join(", ")),
        };
        problems
            .at(&[path, &[part]].concat(), format!("`{part}` is not a part of {what}"))
            .hint(hint);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stackwright_engine::kind::Severity;

    use super::*;

    fn wrong(document: Value, purpose: Purpose) -> Vec<String> {
        let mut problems = Problems::default();
        Written(document).check(&["allow"], purpose, &mut problems);
        let text = |severity| if severity == Severity::Warning { "?" } else { "" };
        let all = problems.0.into_iter();
        all.map(|one| format!("{}{}", one.path[1..].join("."), text(one.severity))).collect()
    }

    fn of(statement: Value) -> Value {
        json!({ "Version": VERSION, "Statement": [statement] })
    }

    #[test]
    fn a_document_that_iam_takes_has_no_problem() {
        let permissions = json!({ "Sid": "Read1", "Effect": "Allow", "NotAction": ["s3:*"], "Resource": "*",
            "Condition": { "Bool": { "aws:SecureTransport": "true" } } });
        assert_eq!(wrong(of(permissions.clone()), Purpose::Permissions), [""; 0]);
        let single = json!({ "Version": FIRST_VERSION, "Id": "x", "Statement": permissions });
        assert_eq!(wrong(single, Purpose::Permissions), [""; 0]);
        let trust = json!({ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" });
        assert_eq!(wrong(of(trust.clone()), Purpose::Trust), [""; 0]);
        assert_eq!(wrong(json!({ "Statement": trust }), Purpose::Trust), [""; 0]);
        let open = json!({ "Version": "${env.V}", "Statement": [{ "Effect": "${env.E}", "Action": "*", "Resource": "*" }] });
        assert_eq!(wrong(open, Purpose::Permissions), [""; 0]);
    }

    #[test]
    fn each_part_that_iam_refuses_is_told_where_it_is() {
        let right = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
        let rows = [
            (json!({ "Version": VERSION }), ""),
            (json!({ "Version": VERSION, "Statement": [] }), ""),
            (json!({ "Version": VERSION, "Statement": "x" }), ""),
            (json!({ "Version": VERSION, "Statement": ["x"] }), "Statement.0"),
            (json!({ "Version": "2024-01-01", "Statement": right.clone() }), "Version"),
            (json!({ "Version": VERSION, "Statement": right.clone(), "Statment": [] }), "Statment"),
            (json!({ "Statement": right.clone() }), "?"),
        ];
        for (document, expected) in rows {
            assert_eq!(wrong(document.clone(), Purpose::Permissions), [expected], "{document}");
        }
        for (part, value, expected) in [
            ("Effect", json!("allow"), "Statement.0.Effect"),
            ("Effect", Value::Null, "Statement.0"),
            ("Action", Value::Null, "Statement.0"),
            ("NotAction", json!("*"), "Statement.0"),
            ("Resource", Value::Null, "Statement.0"),
            ("Resources", json!("*"), "Statement.0.Resources"),
            ("Principal", json!("*"), "Statement.0.Principal"),
            ("Sid", json!("a b"), "Statement.0.Sid"),
            ("Condition", json!({ "Bool": "true" }), "Statement.0.Condition"),
            ("Action", json!("GetObject"), "Statement.0.Action"),
            ("Action", json!(["s3:Get*", "s3.Put"]), "Statement.0.Action.1"),
            ("Action", json!([]), "Statement.0.Action"),
            ("Resource", json!("my-bucket"), "Statement.0.Resource"),
            ("Resource", json!([null]), "Statement.0.Resource"),
        ] {
            let mut statement = right.clone();
            match value {
                Value::Null => drop(statement.as_object_mut().expect("a map").remove(part)),
                value => statement[part] = value,
            }
            assert_eq!(wrong(of(statement), Purpose::Permissions), [expected], "{part}");
        }
        assert_eq!(
            wrong(of(right.clone()), Purpose::Trust),
            ["Statement.0.Resource", "Statement.0"]
        );
        let mut twice = right;
        twice["Sid"] = json!("Read");
        let twice = json!({ "Version": VERSION, "Statement": [twice.clone(), twice] });
        assert_eq!(wrong(twice, Purpose::Permissions), ["Statement.1.Sid"]);
    }

    #[test]
    fn a_principal_is_everybody_or_a_map_by_sort() {
        let of = |principal: Value| {
            let trust =
                json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
            wrong(of(trust), Purpose::Trust)
        };
        let account = "arn:aws:iam::123456789012:root";
        for right in [
            json!("*"),
            json!("${env.WHO}"),
            json!({ "AWS": [account, "*"], "Service": "ec2.amazonaws.com" }),
            json!({ "Federated": "cognito-identity.amazonaws.com" }),
        ] {
            assert_eq!(of(right.clone()), [""; 0], "{right}");
        }
        let path = "Statement.0.Principal";
        assert_eq!(of(json!("lambda.amazonaws.com")), [path]);
        assert_eq!(of(json!({ "Services": "lambda.amazonaws.com" })), [format!("{path}.Services")]);
        assert_eq!(of(json!({ "Service": "lambda" })), [format!("{path}.Service")]);
        let except = json!({ "Effect": "Allow", "NotPrincipal": "*", "Action": "sts:AssumeRole" });
        let document = json!({ "Version": VERSION, "Statement": except });
        assert_eq!(wrong(document, Purpose::Trust), ["Statement"]);
    }
}
