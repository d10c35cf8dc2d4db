//! Requests that AWS is recorded to refuse and that emulators accept, beyond what the services' models
//! say (those are checked for every request).
//!
//! Source: LocalStack's snapshot tests, which were recorded against AWS (Apache-2.0).

mod gateway;

use serde_json::Value;

use super::retired_runtime::{RETIRED, message};
use super::{Answer, ApiRequest, Rule, Upstream};
use crate::proxy::refusal::error;

pub struct Recorded {
    upstream: Upstream,
}

/// An error as AWS gave it.
struct Refused {
    status: u16,
    code: &'static str,
    message: String,
}

impl Recorded {
    pub fn new(upstream: &Upstream) -> Self {
        Self { upstream: upstream.clone() }
    }

    fn refused(&self, request: &ApiRequest) -> Option<Refused> {
        match (request.operation.service.as_str(), request.operation.name.as_str()) {
            ("apigateway", name) => self.gateway(request, name),
            ("lambda", "AddPermission") => principal(&request.json()),
            ("lambda", "TagResource") => tags(&request.json()),
            ("lambda", "CreateFunction") => {
                let body = request.json();
                runtime(&body).or_else(|| environment(&body))
            }
            ("lambda", "UpdateFunctionConfiguration") => environment(&request.json()),
            ("iam", "AttachRolePolicy") => self.policy(request),
            ("iam", "CreateRole" | "UpdateAssumeRolePolicy") => document(request),
            _ => None,
        }
    }

    /// A policy of AWS, or of the account, that does not exist.
    fn policy(&self, request: &ApiRequest) -> Option<Refused> {
        let arn = request.field("PolicyArn")?;
        let is_there = match arn.strip_prefix("arn:aws:iam::aws:policy/") {
            Some(name) => AWS_POLICIES.contains(&name),
            None => self.upstream.has_policy(&arn),
        };
        (!is_there).then(|| Refused {
            status: 404,
            code: "NoSuchEntity",
            message: format!("Policy {arn} does not exist or is not attachable."),
        })
    }
}

impl Rule for Recorded {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let Refused { status, code, message } = self.refused(request)?;
        Some(error(&request.operation, status, code, &message))
    }
}

/// Those of AWS's own policies that tests use.
const AWS_POLICIES: &[&str] = &[
    "AmazonEC2ReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSSMManagedInstanceCore",
    "CloudWatchReadOnlyAccess",
    "ReadOnlyAccess",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
];

fn invalid(message: &str) -> Option<Refused> {
    let code = "InvalidParameterValueException";
    Some(Refused { status: 400, code, message: message.to_owned() })
}

fn principal(body: &Value) -> Option<Refused> {
    let principal = body["Principal"].as_str()?;
    let is_known = principal.ends_with(".amazonaws.com")
        || principal.starts_with("arn:")
        || principal == "*"
        || principal.len() == 12 && principal.chars().all(|digit| digit.is_ascii_digit());
    (!is_known).then_some(())?;
    invalid("The provided principal was invalid. Please check the principal and try again.")
}

fn tags(body: &Value) -> Option<Refused> {
    match body["Tags"].as_object()?.len() {
        0 => invalid("An error occurred and the request cannot be processed."),
        51.. => invalid("Number of tags exceeds resource tag limit."),
        _ => None,
    }
}

fn runtime(body: &Value) -> Option<Refused> {
    let is_old = |runtime: &&str| RETIRED.contains(runtime) || NOT_FOR_NEW.contains(runtime);
    invalid(&message(body["Runtime"].as_str().filter(is_old)?))
}

/// The variables count as the JSON text in which Lambda keeps them.
fn environment(body: &Value) -> Option<Refused> {
    let variables = body["Environment"].get("Variables")?;
    (variables.to_string().len() > 4096).then_some(())?;
    invalid(
        "Lambda was unable to configure your environment variables because the environment variables you have \
         provided exceeded the 4KB limit.",
    )
}

/// Runtimes that only functions which exist may have.
const NOT_FOR_NEW: &[&str] = &["go1.x", "nodejs12.x", "nodejs14.x", "python3.7"];

fn document(request: &ApiRequest) -> Option<Refused> {
    let text =
        request.field("AssumeRolePolicyDocument").or_else(|| request.field("PolicyDocument"))?;
    let is_object = serde_json::from_str::<Value>(&text).is_ok_and(|value| value.is_object());
    (!is_object).then(|| Refused {
        status: 400,
        code: "MalformedPolicyDocument",
        message: "This policy contains invalid Json".to_owned(),
    })
}
