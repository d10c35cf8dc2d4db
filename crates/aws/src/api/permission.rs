//! The right of one API to call one function: a statement in the function's policy.
//!
//! One statement for each API and function covers the whole stage: a policy holds 20 KB, which one
//! statement for each route would soon fill.

use serde_json::Value;
use stackwright_engine::kind::Result;

use super::Apis;
use super::names::Names;
use crate::once::Once;

const PRINCIPAL: &str = "apigateway.amazonaws.com";
const ACTION: &str = "lambda:InvokeFunction";

/// What a function's policy says about our API.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Statements with our id.
    pub count: usize,
    /// There is one, and it says what it must.
    pub is_good: bool,
}

impl Apis {
    /// GetPolicy. A function that is gone, or without a policy, grants nothing.
    pub(super) async fn grant(&self, names: &Names, function: &str) -> Result<Grant> {
        let request = self.cloud.lambda.get_policy().function_name(function);
        let reply = self.maybe("GetPolicy", request.send()).await?;
        let policy = reply.and_then(|reply| reply.policy).unwrap_or_default();
        Ok(read(&policy, &names.statement(), &names.source()))
    }

    /// Adds the statement; whatever bears its id goes first.
    pub(super) async fn allow(&self, names: &Names, function: &str, now: &Grant) -> Result<()> {
        self.disallow(names, function, now.count).await?;
        let request = self.cloud.lambda.add_permission();
        let request = request.function_name(function).statement_id(names.statement());
        let request = request.action(ACTION).principal(PRINCIPAL).source_arn(names.source());
        self.call("AddPermission", request.customize().once().send()).await.map(drop)
    }

    /// Removes the statement, as often as it is there.
    pub(super) async fn disallow(&self, names: &Names, from: &str, count: usize) -> Result<()> {
        for _ in 0..count {
            let request = self.cloud.lambda.remove_permission();
            let request = request.function_name(from).statement_id(names.statement());
            if self.maybe("RemovePermission", request.send()).await?.is_none() {
                break;
            }
        }
        Ok(())
    }
}

fn read(policy: &str, statement: &str, source: &str) -> Grant {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let all = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Vec<&Value> = all.iter().filter(|one| one["Sid"] == statement).collect();
    let is_good = matches!(ours.as_slice(), [one] if allows(one, source));
    Grant { count: ours.len(), is_good }
}

fn allows(statement: &Value, source: &str) -> bool {
    let conditions: Vec<(&String, &Value)> =
        statement["Condition"].as_object().into_iter().flatten().collect();
    let is_source = match conditions.as_slice() {
        [(operator, keys)] if ["ArnLike", "StringLike"].contains(&operator.as_str()) => {
            let keys: Vec<_> = keys.as_object().into_iter().flatten().collect();
            matches!(keys.as_slice(), [(key, value)]
                if key.eq_ignore_ascii_case("aws:SourceArn") && is(value, source))
        }
        _ => false,
    };
    let principal = &statement["Principal"];
    is_source
        && statement["Effect"] == "Allow"
        && is(&statement["Action"], ACTION)
        && (is(&principal["Service"], PRINCIPAL) || is(principal, PRINCIPAL))
}

/// A text, or a list of just that text.
fn is(value: &Value, text: &str) -> bool {
    match value {
        Value::Array(items) => matches!(items.as_slice(), [item] if item == text),
        value => value == text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SOURCE: &str = "arn:aws:execute-api:us-east-1:123456789012:abc/prod/*";

    fn statement(source: &str) -> Value {
        json!({
            "Sid": "stackwright-abc",
            "Effect": "Allow",
            "Principal": { "Service": PRINCIPAL },
            "Action": ACTION,
            "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f",
            "Condition": { "ArnLike": { "AWS:SourceArn": source } },
        })
    }

    fn grant(statements: &[Value]) -> (usize, bool) {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let grant = read(&policy, "stackwright-abc", SOURCE);
        (grant.count, grant.is_good)
    }

    #[test]
    fn one_good_statement() {
        let foreign = json!({ "Sid": "stackwright-other", "Effect": "Allow" });
        assert_eq!(grant(&[foreign.clone(), statement(SOURCE)]), (1, true));
        assert_eq!(grant(&[foreign]), (0, false));
        assert_eq!(grant(&[statement(SOURCE), statement(SOURCE)]), (2, false));
        assert_eq!(read("", "stackwright-abc", SOURCE), Grant::default());
    }

    #[test]
    fn anything_else_is_mended() {
        let mut open = statement(SOURCE);
        open["Condition"] = Value::Null;
        let mut narrower = statement(SOURCE);
        narrower["Condition"]["StringEquals"] = json!({ "AWS:SourceAccount": "1" });
        let mut denied = statement(SOURCE);
        denied["Effect"] = "Deny".into();
        for one in [statement("arn:other"), open, narrower, denied] {
            assert_eq!(grant(std::slice::from_ref(&one)), (1, false), "{one}");
        }
    }
}
