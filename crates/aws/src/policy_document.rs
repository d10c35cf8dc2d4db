//! IAM documents in one canonical form, which is compared and sent.
//!
//! IAM stores a document as it was written and returns it URL-encoded; the console and other programs
//! write the same meaning in many ways. In the canonical form the statements are a sorted list, each set
//! (actions, resources, principals, values of a condition) is sorted and without repetitions, a set of
//! one is a plain text, the service of an action is lower case, and an account is its twelve digits. The
//! case of an action's second half is kept for readers.

mod check;
mod written;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use stackwright_engine::config::OneOrMany;

pub use self::check::{check_characters, check_statements};
pub use self::written::{Purpose, Written};

/// The version of the policy language of the documents that are created here.
const VERSION: &str = "2012-10-17";

/// A policy document. Every document is canonical.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct Document(Value);

/// One statement: which actions on which resources.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The actions: `ec2:StartInstances`, or a list. `*` and `?` are wildcards.
    pub actions: OneOrMany,
    /// The resources of the actions: ARNs, or `*` for all.
    pub resources: OneOrMany,
    /// `Allow`, or `Deny`, which overrides statements that allow.
    #[serde(default)]
    pub effect: Effect,
    /// The conditions: the operator, then the key, then one value or a list, for example
    /// `StringEquals: {aws:RequestedRegion: eu-west-1}`.
    #[serde(default)]
    pub conditions: BTreeMap<String, BTreeMap<String, OneOrMany>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    #[default]
    Allow,
    Deny,
}

impl Document {
    /// Parses a reply of IAM: JSON, URL-encoded or plain.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let plain = if text.trim_start().starts_with('{') {
            text.as_bytes().to_vec()
        } else {
            url_decoded(text)
        };
        serde_json::from_slice(&plain)
    }

    /// Returns the trust policy for services (`lambda.amazonaws.com`), accounts (twelve digits) and ARNs.
    pub fn trust(who: &[String]) -> Self {
        let (services, others): (Vec<_>, Vec<_>) = who.iter().partition(|who| is_service(who));
        let mut principal = Map::new();
        for (sort, members) in [("Service", services), ("AWS", others)] {
            if !members.is_empty() {
                principal.insert(sort.into(), json!(members));
            }
        }
        Self::from(json!({
            "Version": VERSION,
            "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }],
        }))
    }

    /// Returns the document of these statements.
    pub fn allow(statements: &[Statement]) -> Self {
        let statements: Vec<Value> = statements.iter().map(Statement::to_json).collect();
        Self::from(json!({ "Version": VERSION, "Statement": statements }))
    }

    /// Tells whether the two differ at most in the case of actions, which IAM ignores.
    pub fn means(&self, other: &Self) -> bool {
        self.without_case() == other.without_case()
    }

    fn without_case(&self) -> Self {
        let mut document = self.0.clone();
        let statements = document.get_mut("Statement").and_then(Value::as_array_mut);
        for parts in statements.into_iter().flatten().filter_map(Value::as_object_mut) {
            for (_, actions) in parts.iter_mut().filter(|(part, _)| is_actions(part)) {
                *actions = set(actions.take(), str::to_ascii_lowercase);
            }
        }
        Self::from(document)
    }

    /// The size as IAM counts it.
    pub fn size(&self) -> usize {
        self.to_string().chars().filter(|c| !c.is_whitespace()).count()
    }

    /// Tells whether a statement allows a service to assume the role: `ec2.amazonaws.com`.
    pub fn trusts(&self, service: &str) -> bool {
        let statements = self.0.get("Statement").and_then(Value::as_array);
        statements.into_iter().flatten().any(|statement| {
            let services = list(statement["Principal"]["Service"].clone());
            statement["Effect"] != "Deny" && services.iter().any(|one| one == service)
        })
    }

    /// Tells whether a statement allows a principal to assume the role, or may allow it once its
    /// references are known.
    pub fn may_trust(&self, who: &str) -> bool {
        let statements = self.0.get("Statement").and_then(Value::as_array);
        let statements = statements.into_iter().flatten();
        let mut trusting = statements.filter(|statement| statement["Effect"] != "Deny");
        trusting.any(|statement| match &statement["Principal"] {
            Value::Object(by_sort) => {
                let mut members = by_sort.values().cloned().flat_map(list);
                members.any(|member| member.as_str().is_some_and(|member| may_be(member, who)))
            }
            one => one.as_str().is_some_and(|one| may_be(one, who)),
        })
    }
}

impl Statement {
    fn to_json(&self) -> Value {
        let mut statement =
            json!({ "Effect": self.effect, "Action": self.actions, "Resource": self.resources });
        if !self.conditions.is_empty() {
            statement["Condition"] = json!(self.conditions);
        }
        statement
    }
}

/// Tells whether two values of `Statement` differ at most in the case of actions, which IAM ignores.
pub fn are_same_statements(one: &Value, other: &Value) -> bool {
    let document = |statements: &Value| Document::from(json!({ "Statement": statements }));
    document(one).means(&document(other))
}

/// Tells whether a text is a service, `lambda.amazonaws.com`, in any partition.
pub fn is_service(who: &str) -> bool {
    who.ends_with(".amazonaws.com") || who.ends_with(".amazonaws.com.cn")
}

/// Tells whether a text is an account: twelve digits.
pub fn is_account(who: &str) -> bool {
    who.len() == 12 && who.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether a text is `who`, or may be once its references are known.
fn may_be(text: &str, who: &str) -> bool {
    match (text.find("${"), text.rfind('}')) {
        (Some(first), Some(last)) if first < last => {
            who.starts_with(&text[..first]) && who.ends_with(&text[last + 1..])
        }
        _ => text == who,
    }
}

impl From<Value> for Document {
    fn from(mut document: Value) -> Self {
        if let Some(part) = document.get_mut("Statement") {
            let mut statements = list(part.take());
            statements.iter_mut().for_each(canonical_statement);
            *part = Value::Array(sorted(statements));
        }
        Self(document)
    }
}

impl std::fmt::Display for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn canonical_statement(statement: &mut Value) {
    let Some(parts) = statement.as_object_mut() else { return };
    // The console writes an empty one, which has no meaning.
    if parts.get("Sid").is_some_and(|sid| sid == "") {
        parts.remove("Sid");
    }
    for (part, value) in parts.iter_mut() {
        let given = value.take();
        *value = match part.as_str() {
            part if is_actions(part) => set(given, action),
            "Resource" | "NotResource" => set(given, str::to_owned),
            "Principal" | "NotPrincipal" => principal(given),
            "Condition" => each(given, |tests| each(tests, |values| set(values, str::to_owned))),
            _ => given,
        };
    }
}

fn principal(given: Value) -> Value {
    let by_sort = each(given, |members| set(members, |member| account(member).to_owned()));
    // They are equivalent to IAM, which returns the one for the other.
    if by_sort == json!({ "AWS": "*" }) { json!("*") } else { by_sort }
}

fn is_actions(part: &str) -> bool {
    matches!(part, "Action" | "NotAction")
}

/// Writes `EC2:StartInstances` as `ec2:StartInstances`. IAM ignores the case of the second half as well,
/// but people read it, and some readers of trust policies need `sts:AssumeRole`: see
/// [`Document::means`].
fn action(given: &str) -> String {
    match given.split_once(':') {
        Some((service, name)) => format!("{}:{name}", service.to_ascii_lowercase()),
        None => given.to_owned(),
    }
}

/// Returns the number of an account that is written as the ARN of its root.
fn account(member: &str) -> &str {
    let number = member
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":iam::"))
        .and_then(|(_, rest)| rest.strip_suffix(":root"));
    number.filter(|number| is_account(number)).unwrap_or(member)
}

/// Changes the values of a map; anything else stays as it is.
fn each(given: Value, change: impl Fn(Value) -> Value) -> Value {
    match given {
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, change(value))).collect())
        }
        other => other,
    }
}

/// Returns one text or a list of texts as a set. Numbers and booleans are texts to IAM.
fn set(given: Value, spelled: impl Fn(&str) -> String) -> Value {
    let members = list(given).into_iter().map(|member| match member {
        Value::String(text) => Value::String(spelled(&text)),
        Value::Bool(_) | Value::Number(_) => Value::String(member.to_string()),
        other => other,
    });
    let mut members = sorted(members.collect());
    if members.len() == 1 { members.remove(0) } else { Value::Array(members) }
}

fn list(given: Value) -> Vec<Value> {
    match given {
        Value::Array(members) => members,
        one => vec![one],
    }
}

fn sorted(mut members: Vec<Value>) -> Vec<Value> {
    members.sort_by_cached_key(Value::to_string);
    members.dedup();
    members
}

/// Decodes as in RFC 3986: `%7B` is `{`, and `+` is itself.
fn url_decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    plain
}

#[cfg(test)]
mod tests;
