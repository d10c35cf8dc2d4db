//! What a user writes about an API, and its normal form.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stackwright_engine::kind::{Context, Error, Problem, Result};

use super::routes::{self, RouteKey};
use crate::tags::Tags;

/// The stage when nothing is written.
pub const STAGE: &str = "prod";

/// On the API from the start: an API that is found again has its URL before it has a stage.
pub const STAGE_TAG: &str = "stackwright:stage";

/// A REST API whose routes call functions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A sentence for people, at most 1024 characters.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// The stage that is deployed, and the last part of the URL. Another stage means another API.
    #[schemars(extend("default" = STAGE))]
    pub stage: Option<String>,
    /// Who may call: `iam` (requests signed by who has the permission execute-api:Invoke) or
    /// `none` (everybody).
    #[serde(default)]
    #[schemars(extend("default" = "iam"))]
    pub authorization: Authorization,
    /// `METHOD /path`, then the function that answers: `POST /ec2: function.ec2-control`. The
    /// method may be `ANY`; `{name}` stands for one part of the path, `{proxy+}` at its end for all
    /// that follows.
    #[serde(default)]
    pub routes: BTreeMap<String, FunctionArn>,
}

/// Who may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Authorization {
    None,
    #[default]
    Iam,
}

impl Authorization {
    /// API Gateway's word for it.
    fn as_type(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Iam => "AWS_IAM",
        }
    }
}

/// The function that answers: `function.KEY`, or an ARN.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("x-address" = "function"))]
pub struct FunctionArn(pub String);

/// An API in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// By `METHOD /path`.
    pub routes: BTreeMap<String, Route>,
    /// ARNs of the functions that this API may call, sorted.
    pub permissions: Vec<String>,
    /// [`digest`] of what the stage serves. Empty: nothing of ours, or nothing at all.
    pub deployed: String,
}

/// What happens with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The function's ARN. Of a route that exists and does something else: what it does, in words.
    pub function: String,
    /// `NONE`, `AWS_IAM`; of a route that exists, whatever else it asks for.
    pub authorization: String,
}

impl Spec {
    /// The stage, also of a spec that an endpoint reported without one.
    pub fn stage(&self) -> &str {
        self.stage.as_deref().unwrap_or(STAGE)
    }
}

/// What a deployment freezes, as 64 hexadecimal digits; empty where there is nothing to deploy
/// (API Gateway refuses to deploy an API without methods).
pub fn digest(routes: &BTreeMap<String, Route>) -> String {
    if routes.is_empty() {
        return String::new();
    }
    let mut hash = Sha256::new();
    for (key, route) in routes {
        // No part of it can hold a line break.
        hash.update(format!("{key}\n{}\n{}\n", route.function, route.authorization));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn normalize(config: Config, at: &Context) -> Result<Spec> {
    let authorization = config.authorization.as_type();
    let route = |(key, FunctionArn(function)): (String, FunctionArn)| {
        let key: RouteKey = key.parse().map_err(|error: routes::NotARoute| {
            Error::terminal(error.message).with_hint(error.hint)
        })?;
        Ok((key.to_string(), Route { function, authorization: authorization.to_owned() }))
    };
    let routes: BTreeMap<_, _> = config.routes.into_iter().map(route).collect::<Result<_>>()?;
    let functions: BTreeSet<&String> = routes.values().map(|route| &route.function).collect();
    Ok(Spec {
        name: at.name.clone(),
        tags: at.tags.clone(),
        description: config.description,
        stage: Some(config.stage.unwrap_or_else(|| STAGE.to_owned())),
        permissions: functions.into_iter().cloned().collect(),
        deployed: digest(&routes),
        routes,
    })
}

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = routes::check(config.routes.keys());
    let mut problem = |field: &str, message: String, hint: &str| {
        let path = vec![field.to_owned()];
        problems.push(Problem { path, message, hint: Some(hint.to_owned()) });
    };
    if let Some(stage) = config.stage.as_ref().filter(|stage| !stage.contains("${")) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if stage.is_empty() || stage.len() > 128 || !stage.chars().all(is_word) {
            let hint = "1 to 128 letters, digits, `-` and `_`";
            problem("stage", format!("`{stage}` is not the name of a stage"), hint);
        }
    }
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
        let hint = "API Gateway takes 1024 characters";
        problem("description", "the description is too long".to_owned(), hint);
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config(value: Value) -> Config {
        serde_json::from_value(value).expect("a config")
    }

    fn spec(value: Value) -> Spec {
        let at = Context {
            address: stackwright_engine::Address::new("api", "web"),
            name: "web".into(),
            tags: Tags::new(),
            folder: ".".into(),
            region: "us-east-1".into(),
            account: "123456789012".into(),
            partition: "aws".into(),
        };
        normalize(config(value), &at).expect("a spec")
    }

    #[test]
    fn normal_form() {
        let spec = spec(json!({ "routes": { "post /b/": "f2", "GET /a": "f1", "GET /c": "f1" } }));
        assert_eq!(spec.stage(), "prod");
        assert_eq!(spec.permissions, ["f1", "f2"]);
        assert_eq!(
            json!(spec.routes),
            json!({
                "GET /a": { "function": "f1", "authorization": "AWS_IAM" },
                "GET /c": { "function": "f1", "authorization": "AWS_IAM" },
                "POST /b": { "function": "f2", "authorization": "AWS_IAM" },
            })
        );
    }

    #[test]
    fn the_digest_tells_what_is_deployed() {
        let digest = |value: Value| spec(value).deployed;
        let one = digest(json!({ "routes": { "GET /a": "f" } }));
        assert_eq!(one.len(), 64);
        assert_eq!(one, digest(json!({ "routes": { "get /a/": "f" }, "description": "x" })));
        for other in [
            json!({ "routes": { "GET /b": "f" } }),
            json!({ "routes": { "GET /a": "g" } }),
            json!({ "routes": { "GET /a": "f" }, "authorization": "none" }),
        ] {
            assert_ne!(one, digest(other));
        }
        assert_eq!(digest(json!({})), "");
    }

    #[test]
    fn what_api_gateway_would_refuse() {
        let long = "x".repeat(1025);
        let wrong = config(json!({ "stage": "a b", "description": long, "routes": { "/a": "f" } }));
        let paths: Vec<_> = check(&wrong).into_iter().map(|p| p.path.join(".")).collect();
        assert_eq!(paths, ["routes./a", "stage", "description"]);
        assert_eq!(check(&config(json!({ "stage": "${env.STAGE}" }))), []);
    }
}
