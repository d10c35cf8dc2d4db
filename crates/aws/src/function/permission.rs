//! The right to call a function: statements in the function's policy.
//!
//! A service that calls functions gets one statement for each function, found by its id. A policy has
//! at most 20 KB, so that a statement should cover as much as it can.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::Value;
use stackwright_engine::kind::Result;

use crate::client::SingleAttempt as _;
use crate::cloud::Cloud;
use crate::fault::{Codes, Explain as _, Meaning, code};

const ACTION: &str = "lambda:InvokeFunction";

/// How long Lambda may not know a function that it has just created.
const NEW_FUNCTION: Duration = Duration::from_secs(20);

/// The error codes of calls about policies. Reads and removals take `ResourceNotFoundException` for
/// "gone" before it is looked up here.
const CODES: Codes = &[
    ("ResourceConflictException", Meaning::Conflict),
    ("PreconditionFailedException", Meaning::Conflict),
    (
        "ResourceNotFoundException",
        Meaning::NotYet { what: "Lambda to know the function", within: NEW_FUNCTION },
    ),
];

/// The right of one service to call a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The id of the statement.
    pub id: String,
    /// The service: `apigateway.amazonaws.com`.
    pub principal: &'static str,
    /// The ARN of what calls; it may contain `*`.
    pub source: String,
}

/// What a function's policy says about a permission.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// How many statements have its id.
    pub count: usize,
    /// Whether there is exactly one, and it says what it must.
    pub is_correct: bool,
}

/// The policies of functions.
#[derive(Clone, Debug)]
pub struct Permissions {
    lambda: aws_sdk_lambda::Client,
    /// What this run has added, by function and id of the statement.
    added: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Permissions {
    pub fn new(cloud: &Cloud) -> Self {
        Self { lambda: cloud.client(), added: Arc::default() }
    }

    /// Reads what a function's policy says. A function that is gone, or has no policy, grants nothing, unless this
    /// run has just added the statement: Lambda may not show a new function for a while.
    pub async fn observe(&self, function: &str, permission: &Permission) -> Result<Granted> {
        let sent = self.lambda.get_policy().function_name(function).send().await;
        match unless_gone(sent, "GetPolicy")? {
            Some(reply) => Ok(read(&reply.policy.unwrap_or_default(), permission)),
            None if self.added().contains(&key(function, permission)) => {
                Ok(Granted { count: 1, is_correct: true })
            }
            None => Ok(Granted::default()),
        }
    }

    fn added(&self) -> MutexGuard<'_, BTreeSet<(String, String)>> {
        // Each critical section leaves the set complete, so that a poisoned lock is harmless.
        self.added.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the statement, after removing what has its id.
    pub async fn grant(
        &self,
        function: &str,
        permission: &Permission,
        now: &Granted,
    ) -> Result<()> {
        self.revoke(function, permission, now.count).await?;
        let Permission { id, principal, source } = permission;
        let request = self.lambda.add_permission().function_name(function).statement_id(id);
        let request = request.action(ACTION).principal(*principal).source_arn(source);
        let sent = request.customize().single_attempt().send().await;
        sent.explain("AddPermission", CODES)?;
        self.added().insert(key(function, permission));
        Ok(())
    }

    /// Removes the statement, as often as it is there.
    pub async fn revoke(
        &self,
        function: &str,
        permission: &Permission,
        count: usize,
    ) -> Result<()> {
        self.added().remove(&key(function, permission));
        for _ in 0..count {
            let request = self.lambda.remove_permission().function_name(function);
            let sent = request.statement_id(&permission.id).send().await;
            if unless_gone(sent, "RemovePermission")?.is_none() {
                break;
            }
        }
        Ok(())
    }
}

fn key(function: &str, permission: &Permission) -> (String, String) {
    (function.to_owned(), permission.id.clone())
}

/// Returns `None` if the function, or its policy, does not exist.
fn unless_gone<T, E>(
    sent: std::result::Result<T, SdkError<E, HttpResponse>>,
    call: &str,
) -> Result<Option<T>>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match sent {
        Err(error) if code(&error) == Some("ResourceNotFoundException") => Ok(None),
        sent => sent.explain(call, CODES).map(Some),
    }
}

fn read(policy: &str, permission: &Permission) -> Granted {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let all = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    let ours: Vec<&Value> = all.iter().filter(|one| one["Sid"] == *permission.id).collect();
    let is_correct = matches!(ours.as_slice(), [one] if allows(one, permission));
    Granted { count: ours.len(), is_correct }
}

fn allows(statement: &Value, permission: &Permission) -> bool {
    let conditions: Vec<(&String, &Value)> =
        statement["Condition"].as_object().into_iter().flatten().collect();
    let is_source = match conditions.as_slice() {
        [(operator, keys)] if ["ArnLike", "StringLike"].contains(&operator.as_str()) => {
            let keys: Vec<_> = keys.as_object().into_iter().flatten().collect();
            matches!(keys.as_slice(), [(key, value)]
                if key.eq_ignore_ascii_case("aws:SourceArn") && is(value, &permission.source))
        }
        _ => false,
    };
    let principal = &statement["Principal"];
    is_source
        && statement["Effect"] == "Allow"
        && is(&statement["Action"], ACTION)
        && (is(&principal["Service"], permission.principal) || is(principal, permission.principal))
}

/// Tells whether a value is a text, or a list of only that text.
fn is(value: &Value, text: &str) -> bool {
    match value {
        Value::Array(items) => matches!(items.as_slice(), [item] if item == text),
        value => value == text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stackwright_engine::kind::Fault;

    use super::*;
    use crate::fault::by_code;

    const SOURCE: &str = "arn:aws:execute-api:us-east-1:123456789012:abc/prod/*";
    const PRINCIPAL: &str = "apigateway.amazonaws.com";

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

    fn permission() -> Permission {
        let (id, source) = ("stackwright-abc".to_owned(), SOURCE.to_owned());
        Permission { id, principal: PRINCIPAL, source }
    }

    fn granted(statements: &[Value]) -> (usize, bool) {
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        let granted = read(&policy, &permission());
        (granted.count, granted.is_correct)
    }

    #[test]
    fn exactly_one_statement_grants_a_permission() {
        let foreign = json!({ "Sid": "stackwright-other", "Effect": "Allow" });
        assert_eq!(granted(&[foreign.clone(), statement(SOURCE)]), (1, true));
        assert_eq!(granted(&[foreign]), (0, false));
        assert_eq!(granted(&[statement(SOURCE), statement(SOURCE)]), (2, false));
        assert_eq!(read("", &permission()), Granted::default());
    }

    #[test]
    fn a_statement_that_says_anything_else_is_wrong() {
        let mut open = statement(SOURCE);
        open["Condition"] = Value::Null;
        let mut narrower = statement(SOURCE);
        narrower["Condition"]["StringEquals"] = json!({ "AWS:SourceAccount": "1" });
        let mut denied = statement(SOURCE);
        denied["Effect"] = "Deny".into();
        for one in [statement("arn:other"), open, narrower, denied] {
            assert_eq!(granted(std::slice::from_ref(&one)), (1, false), "{one}");
        }
    }

    #[test]
    fn a_new_function_is_awaited() {
        let fault = by_code("ResourceNotFoundException", 404, CODES);
        assert!(matches!(fault, Fault::Awaiting { .. }), "{fault:?}");
    }
}
