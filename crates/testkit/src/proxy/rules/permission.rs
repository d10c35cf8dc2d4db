//! A deployed route calls only a function whose policy allows API Gateway to call it for that route.
//!
//! Sources: "Using resource-based policies for Lambda" and "API Gateway permissions model for
//! invoking an API": the caller is `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`, and a
//! call without permission is answered with "Internal server error".

use std::sync::Arc;

use serde_json::Value;

use super::invocation::gateway_error;
use super::snapshot::Snapshot;
use super::tree::{Route, serving};
use super::{Answer, Invocation, Rule, Upstream};

pub struct Permission {
    snapshot: Arc<Snapshot>,
    upstream: Upstream,
}

impl Permission {
    pub fn new(snapshot: Arc<Snapshot>, upstream: &Upstream) -> Self {
        Self { snapshot, upstream: upstream.clone() }
    }

    fn route(&self, invocation: &Invocation) -> Option<Route> {
        serving(&self.snapshot.frozen(invocation)?, &invocation.method, &invocation.path).cloned()
    }

    /// A function that does not exist allows nobody.
    fn is_allowed(&self, invocation: &Invocation, route: &Route, function: &str) -> bool {
        // arn:aws:lambda:REGION:ACCOUNT:function:NAME
        let parts: Vec<&str> = function.split(':').collect();
        let [_, partition, _, region, account, _, name, ..] = parts[..] else { return true };
        let Invocation { api, stage, method, .. } = invocation;
        let path = &route.path;
        let source =
            format!("arn:{partition}:execute-api:{region}:{account}:{api}/{stage}/{method}{path}");
        let caller = Caller { source, account: account.to_owned() };
        self.upstream.statements(name).iter().any(|statement| caller.is_allowed(statement))
    }
}

impl Rule for Permission {
    fn invoked(&self, invocation: &Invocation) -> Option<Answer> {
        loop {
            let route = self.route(invocation)?;
            if self.is_allowed(invocation, &route, route.function()?) {
                return None;
            }
            // The stage may have moved while the policy was read; then the new route counts.
            if self.route(invocation).as_ref() == Some(&route) {
                return Some(gateway_error(
                    500,
                    "InternalServerErrorException",
                    "Internal server error",
                ));
            }
        }
    }
}

/// API Gateway as the caller in a function's policy.
struct Caller {
    source: String,
    account: String,
}

impl Caller {
    fn is_allowed(&self, statement: &Value) -> bool {
        let principal = &statement["Principal"];
        statement["Effect"] == "Allow"
            && any(&statement["Action"], |action| like(action, "lambda:InvokeFunction"))
            && [principal, &principal["Service"]]
                .iter()
                .any(|one| any(one, |one| one == "*" || one == "apigateway.amazonaws.com"))
            && statement["Condition"].as_object().into_iter().flatten().all(|(operator, keys)| {
                keys.as_object().into_iter().flatten().all(|(k, v)| self.meets(operator, k, v))
            })
    }

    /// Unknown conditions are not met.
    fn meets(&self, operator: &str, key: &str, values: &Value) -> bool {
        let own = match key.to_ascii_lowercase().as_str() {
            "aws:sourcearn" => &self.source,
            "aws:sourceaccount" => &self.account,
            _ => return false,
        };
        any(values, |value| match operator {
            "ArnLike" | "ArnEquals" | "StringLike" => like(value, own),
            "StringEquals" => value == own,
            _ => false,
        })
    }
}

/// Whether a text, or any text of a list, passes `is`.
fn any(value: &Value, mut is: impl FnMut(&str) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).any(is),
        value => value.as_str().is_some_and(&mut is),
    }
}

/// `*` in a pattern stands for any text.
fn like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|left| {
            left.char_indices()
                .map(|(at, _)| at)
                .chain([left.len()])
                .any(|at| like(rest, &left[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_allows_the_callers_it_names() {
        let source = "arn:aws:execute-api:us-east-1:1:abc/prod/GET/a/{id}";
        let caller = Caller { source: source.into(), account: "1".into() };
        let check = |condition: Value, expected: bool| {
            let statement = json!({
                "Effect": "Allow", "Action": "lambda:InvokeFunction", "Condition": condition,
                "Principal": { "Service": "apigateway.amazonaws.com" },
            });
            assert_eq!(caller.is_allowed(&statement), expected, "{condition}");
        };
        check(Value::Null, true);
        for arn in ["abc/prod/*", "abc/*/GET/*", "abc/prod/GET/a/{id}", "*"] {
            let arn = format!("arn:aws:execute-api:us-east-1:1:{arn}");
            check(json!({ "ArnLike": { "AWS:SourceArn": arn } }), true);
        }
        for arn in ["abc/dev/*", "xyz/*", "abc/*/POST/*", "abc/prod/GET/a"] {
            let arn = format!("arn:aws:execute-api:us-east-1:1:{arn}");
            check(json!({ "ArnLike": { "AWS:SourceArn": [arn] } }), false);
        }
        check(json!({ "StringEquals": { "aws:SourceAccount": "1" } }), true);
        check(json!({ "StringEquals": { "aws:SourceAccount": "2" } }), false);
        check(json!({ "StringEquals": { "aws:PrincipalOrgID": "o" } }), false);
        let denied = json!({ "Effect": "Deny", "Action": "lambda:*", "Principal": "*" });
        assert!(!caller.is_allowed(&denied));
        let other = json!({ "Effect": "Allow", "Action": "*", "Principal": { "Service": "s3" } });
        assert!(!caller.is_allowed(&other));
    }
}
