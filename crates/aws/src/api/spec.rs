//! What a user writes about an API, and its normal form.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{Context, Error, Problem, Problems, Result};
use stackwright_engine::reference::is_open;

use super::access_log::{AccessLog, AccessLogConfig};
use super::cors::{Cors, CorsConfig, PREFLIGHT};
use super::gateway::{self, DEFAULTS, GatewayResponse, GatewayResponseConfig};
use super::routes::{self, RouteKey};
use super::settings::{self, Endpoint};
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
    /// `METHOD /path`, then the function that answers: `POST /ec2: function.ec2-control`, or
    /// `{function: …, authorization: …, api_key: true}`. The method may be `ANY`; `{name}` stands for one part of
    /// the path, `{proxy+}` at its end for all that follows.
    #[serde(default)]
    pub routes: BTreeMap<String, RouteConfig>,
    /// Lets pages of other origins call: `true` for all of them, or a map. Preflights (`OPTIONS`) are
    /// answered by API Gateway, on every path without a route for `OPTIONS` or `ANY`; its own answers
    /// (403, 500…) have the headers too. What a function answers has the headers that it writes itself.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub cors: CorsConfig,
    /// What API Gateway answers in a function's place, by what happened: `DEFAULT_4XX`,
    /// `DEFAULT_5XX`, `UNAUTHORIZED`, `THROTTLED`… Those that are not here are left as they are.
    #[serde(default)]
    pub gateway_responses: BTreeMap<String, GatewayResponseConfig>,
    /// Where calls come in: `regional`, or `edge` (at the place of CloudFront that is nearest to the
    /// caller).
    #[schemars(extend("default" = Endpoint::default().as_str()))]
    pub endpoint: Option<Endpoint>,
    /// Media types of bodies that are bytes, not text: `image/png`, or `*/*` for all. Functions get
    /// such a body, and give it back, in base64.
    #[schemars(extend("default" = []))]
    pub binary_types: Option<Vec<String>>,
    /// Variables of the stage, which functions get with every call. Not deployed: they change at
    /// once.
    pub variables: Option<BTreeMap<String, String>>,
    /// How many calls the stage takes, all routes together. More are answered with 429.
    pub throttle: Option<ThrottleConfig>,
    /// Where the stage writes a line for each call. The account needs a role for it, which is not made
    /// here: `aws apigateway update-account` sets it.
    pub access_log: Option<AccessLogConfig>,
}

/// How many calls a stage takes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleConfig {
    /// Calls a second, in the long run.
    #[schemars(range(min = 0), extend("default" = RATE))]
    pub rate: Option<f64>,
    /// Calls at once.
    #[schemars(range(min = 0), extend("default" = BURST))]
    pub burst: Option<i32>,
}

/// What API Gateway takes where a stage does not say: the account's quota, as it is from the start.
pub const RATE: f64 = 10_000.0;
pub const BURST: i32 = 5_000;

/// What answers a route, and who may call it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<FunctionAddress, RouteParts>")]
#[schemars(inline, description = "")]
pub struct RouteConfig {
    /// `function.KEY`, or an ARN; empty where the file does not say it.
    pub function: String,
    /// `None`: that of the API.
    pub authorization: Option<Authorization>,
    /// Whether a call needs a key, besides.
    pub api_key: bool,
}

#[derive(Default, Deserialize, JsonSchema)]
#[schemars(inline)]
struct FunctionAddress(String);

/// A route with more to say than its function.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, description = "")]
struct RouteParts {
    #[schemars(required)]
    function: Option<FunctionAddress>,
    /// Instead of the API's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Authorization")]
    authorization: Option<Authorization>,
    /// Whether a call needs an API key of a usage plan, besides. Keys and plans are not made here.
    #[serde(default)]
    api_key: bool,
}

impl From<ShortOrLong<FunctionAddress, RouteParts>> for RouteConfig {
    fn from(written: ShortOrLong<FunctionAddress, RouteParts>) -> Self {
        let RouteParts { function, authorization, api_key } = match written {
            ShortOrLong::Short(function) => {
                RouteParts { function: Some(function), ..RouteParts::default() }
            }
            ShortOrLong::Long(parts) => parts,
        };
        Self { function: function.unwrap_or_default().0, authorization, api_key }
    }
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

/// An API in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// `regional`, `edge`; of an API that exists, also `private`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Sorted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary_types: Option<Vec<String>>,
    /// By `METHOD /path`.
    pub routes: BTreeMap<String, Route>,
    /// By type, as `DEFAULT_4XX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_responses: Option<BTreeMap<String, GatewayResponse>>,
    /// ARNs of the functions that this API may call, sorted.
    pub permissions: Vec<String>,
    /// Of the stage, where it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
    /// [`digest`] of what the stage serves. Empty: nothing of ours, or nothing at all.
    pub deployed: String,
}

/// How many calls a stage takes; what it does not say is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throttle {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<i32>,
}

/// What happens with a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The function's ARN. Of a route that exists and does something else: what it does, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// `NONE`, `AWS_IAM`; of a route that exists, whatever else it asks for.
    pub authorization: String,
    /// Whether a call needs a key, besides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub api_key: bool,
    /// No function: API Gateway itself answers, with these headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub preflight: BTreeMap<String, String>,
}

impl Route {
    /// Anybody may ask, and API Gateway answers.
    fn preflight(headers: &BTreeMap<String, String>) -> Self {
        let authorization = Authorization::None.as_type().to_owned();
        let preflight = headers.clone();
        Self { function: String::new(), authorization, api_key: false, preflight }
    }
}

impl Spec {
    /// The stage, also of a spec that an endpoint reported without one.
    pub fn stage(&self) -> &str {
        self.stage.as_deref().unwrap_or(STAGE)
    }

    pub fn gateway_response(&self, sort: &str) -> Option<&GatewayResponse> {
        self.gateway_responses.as_ref()?.get(sort)
    }
}

/// What a deployment freezes, as 64 hexadecimal digits; empty where there is nothing to deploy
/// (API Gateway refuses to deploy an API without methods). What is not there adds nothing: an API
/// that does not use a field is not deployed anew because there is such a field.
fn digest(spec: &Spec) -> String {
    if spec.routes.is_empty() {
        return String::new();
    }
    let mut hash = Sha256::new();
    // No part of a line can hold a line break, and no route begins with `+`.
    for (key, route) in &spec.routes {
        hash.update(format!("{key}\n{}\n{}\n", route.function, route.authorization));
        if route.api_key {
            hash.update("+api key\n");
        }
        if !route.preflight.is_empty() {
            hash.update(format!("+preflight {}\n", json!(route.preflight)));
        }
    }
    if let Some(endpoint) = spec.endpoint.as_ref().filter(|sort| *sort != "regional") {
        hash.update(format!("+endpoint {endpoint}\n"));
    }
    if let Some(types) = spec.binary_types.as_ref().filter(|types| !types.is_empty()) {
        hash.update(format!("+binary {}\n", json!(types)));
    }
    for (sort, response) in spec.gateway_responses.iter().flatten() {
        hash.update(format!("+gateway {sort} {}\n", json!(response)));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn normalize(config: Config, at: &Context) -> Result<Spec> {
    let route = |(key, route): (String, RouteConfig)| {
        let key: RouteKey = key.parse().map_err(|error: routes::NotARoute| {
            Error::terminal(error.message).with_hint(error.hint)
        })?;
        let authorization = route.authorization.unwrap_or(config.authorization).as_type();
        let authorization = authorization.to_owned();
        let RouteConfig { function, api_key, .. } = route;
        Ok((key, Route { function, authorization, api_key, preflight: BTreeMap::new() }))
    };
    let mut routes: BTreeMap<RouteKey, Route> =
        config.routes.into_iter().map(route).collect::<Result<_>>()?;
    let throttle = |ThrottleConfig { rate, burst }| Throttle { rate, burst };
    let functions: BTreeSet<String> = routes.values().map(|route| route.function.clone()).collect();
    let responses = config.gateway_responses.into_iter();
    let mut gateway_responses: BTreeMap<String, GatewayResponse> =
        responses.map(|(sort, response)| (sort, response.into())).collect();
    if let Some(cors) = &config.cors.0 {
        let headers = cors.headers();
        for path in routes.keys().map(|key| key.path.clone()).collect::<BTreeSet<_>>() {
            let key = |method: &str| RouteKey { method: method.to_owned(), path: path.clone() };
            if !routes.contains_key(&key("ANY")) {
                routes.entry(key(PREFLIGHT)).or_insert_with(|| Route::preflight(&headers));
            }
        }
        for sort in DEFAULTS {
            gateway_responses.entry(sort.to_owned()).or_default();
        }
        // One that is there for what happened takes nothing from the defaults.
        for response in gateway_responses.values_mut() {
            *response = std::mem::take(response).with(&headers);
        }
    }
    let routes = routes.into_iter().map(|(key, route)| (key.to_string(), route)).collect();
    let mut spec = Spec {
        name: at.name.clone(),
        tags: at.tags.clone(),
        description: config.description,
        stage: Some(config.stage.unwrap_or_else(|| STAGE.to_owned())),
        endpoint: config.endpoint.map(|endpoint| endpoint.as_str().to_owned()),
        binary_types: config.binary_types.as_deref().map(settings::sorted),
        permissions: functions.into_iter().collect(),
        variables: config.variables,
        throttle: config.throttle.map(throttle),
        access_log: config.access_log.map(AccessLog::from),
        gateway_responses: Some(gateway_responses).filter(|all| !all.is_empty()),
        deployed: String::new(),
        routes,
    };
    spec.deployed = digest(&spec);
    Ok(spec)
}

pub fn check(config: &Config) -> Vec<Problem> {
    let mut problems = Problems(routes::check(config.routes.keys()));
    problems.0.extend(config.cors.0.iter().flat_map(Cors::check));
    problems.0.extend(gateway::check(&config.gateway_responses));
    problems.0.extend(settings::check(config.binary_types.as_deref().unwrap_or_default()));
    problems.0.extend(config.access_log.iter().flat_map(AccessLogConfig::check));
    for (key, _) in config.routes.iter().filter(|(_, route)| route.function.is_empty()) {
        let message = "no function answers this route";
        problems.at(&["routes", key], message).hint("write `function: function.KEY`");
    }
    for (name, value) in config.variables.iter().flatten() {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            let message = format!("`{name}` cannot be the name of a variable of a stage");
            problems.at(&["variables", name], message).hint("letters, digits and `_`");
        } else if !is_open(value) && !value.chars().all(is_of_a_variable) {
            let message = format!("`{value}` cannot be the value of a variable of a stage");
            let hint = "letters, digits and `-` `.` `_` `~` `:` `/` `?` `#` `&` `=` `,`";
            problems.at(&["variables", name], message).hint(hint);
        }
    }
    if let Some(stage) = config.stage.as_ref().filter(|stage| !is_open(stage)) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if stage.is_empty() || stage.len() > 128 || !stage.chars().all(is_word) {
            let hint = "1 to 128 letters, digits, `-` and `_`";
            problems.at(&["stage"], format!("`{stage}` is not the name of a stage")).hint(hint);
        }
    }
    if config.description.as_ref().is_some_and(|text| text.chars().count() > 1024) {
        let hint = "API Gateway takes 1024 characters";
        problems.at(&["description"], "the description is too long").hint(hint);
    }
    problems.0
}

fn is_of_a_variable(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#&=,".contains(c)
}

#[cfg(test)]
mod tests;
