//! An API in its normal form.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use stackwright_engine::digest::hex;
use stackwright_engine::kind::{Context, Error, Result};

use super::access_log::AccessLog;
use super::config::{Authorization, Config, RouteConfig, STAGE, ThrottleConfig};
use super::cors::PREFLIGHT;
use super::gateway::{DEFAULTS, GatewayResponse};
use super::routes::{NotARoute, RouteKey};
use crate::tags::Tags;

/// The tag with the stage. It is set at creation, so that an API that is found again has its URL before
/// it has a stage.
pub const STAGE_TAG: &str = "stackwright:stage";

/// The tag of a released API where an endpoint would report it as owned otherwise, because it reports the tags
/// of the create forever.
pub const RELEASED: (&str, &str) = ("released-by", "stackwright");

/// An API in its normal form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    pub tags: Tags,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// `regional`, `edge`; an observed API may be `private`.
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
    /// Of the stage, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttle: Option<Throttle>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
    /// [`digest`] of what the stage serves. Empty: no deployment of this stack, or no stage.
    pub deployed: String,
}

/// How many requests a stage accepts; unset limits are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Throttle {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<i32>,
}

/// What happens with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The ARN of the function that answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Observed alone, never desired: an integration that calls no function, or not as it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<Integration>,
    /// `NONE`, `AWS_IAM`; an observed route may have any other type.
    pub authorization: String,
    /// Whether a request also needs an API key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub api_key: bool,
    /// The headers of a preflight response, which API Gateway sends without a function.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub preflight: BTreeMap<String, String>,
}

/// An integration that is not the one of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Integration {
    /// `HTTP`, `MOCK`, `AWS_PROXY`…
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

impl Route {
    /// Returns a route that API Gateway answers by itself, for everybody.
    fn preflight(headers: &BTreeMap<String, String>) -> Self {
        Self {
            function: None,
            integration: None,
            authorization: Authorization::None.as_type().to_owned(),
            api_key: false,
            preflight: headers.clone(),
        }
    }

    /// Tells whether two routes call the same function in the same way.
    pub fn has_same_target(&self, other: &Self) -> bool {
        self.function == other.function && self.integration == other.integration
    }

    /// Tells whether two routes differ at most in what they call.
    pub fn differs_in_target_alone(&self, other: &Self) -> bool {
        let (function, integration) = (other.function.clone(), other.integration.clone());
        Self { function, integration, ..self.clone() } == *other
    }
}

impl Spec {
    /// Returns the stage; the default if an endpoint reported none.
    pub fn stage(&self) -> &str {
        self.stage.as_deref().unwrap_or(STAGE)
    }

    pub fn gateway_response(&self, sort: &str) -> Option<&GatewayResponse> {
        self.gateway_responses.as_ref()?.get(sort)
    }
}

/// Digests what a deployment freezes: 64 hexadecimal digits, or nothing for an API without routes,
/// which API Gateway refuses to deploy. Unset fields add nothing, so that an API that does not use a
/// new field is not deployed again.
fn digest(spec: &Spec) -> String {
    if spec.routes.is_empty() {
        return String::new();
    }
    let mut hash = Sha256::new();
    // No part of a line contains a line break, and no route begins with `+`.
    for (key, route) in &spec.routes {
        let function = route.function.as_deref().unwrap_or_default();
        hash.update(format!("{key}\n{function}\n{}\n", route.authorization));
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
    hex(&hash.finalize())
}

/// Returns the normal form of a config.
pub fn normalize(config: Config, context: &Context) -> Result<Spec> {
    let route = |(key, route): (String, RouteConfig)| {
        let key: RouteKey = key
            .parse()
            .map_err(|error: NotARoute| Error::terminal(error.message).with_hint(error.hint))?;
        let authorization = route.authorization.unwrap_or(config.authorization).as_type();
        let authorization = authorization.to_owned();
        let function = Some(route.function);
        let (api_key, preflight) = (route.api_key, BTreeMap::new());
        Ok((key, Route { function, integration: None, authorization, api_key, preflight }))
    };
    let mut routes: BTreeMap<RouteKey, Route> =
        config.routes.into_iter().map(route).collect::<Result<_>>()?;
    let throttle = |ThrottleConfig { rate, burst }| Throttle { rate, burst };
    let functions: BTreeSet<String> =
        routes.values().filter_map(|route| route.function.clone()).collect();
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
        // A response of its own type gets nothing from the defaults.
        for response in gateway_responses.values_mut() {
            *response = std::mem::take(response).with(&headers);
        }
    }
    let routes = routes.into_iter().map(|(key, route)| (key.to_string(), route)).collect();
    let mut spec = Spec {
        name: context.name.clone(),
        tags: context.tags.clone(),
        description: config.description,
        stage: Some(config.stage.unwrap_or_else(|| STAGE.to_owned())),
        endpoint: config.endpoint.map(|endpoint| endpoint.as_str().to_owned()),
        binary_types: config.binary_types.as_deref().map(sorted),
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

/// Returns media types as a set.
pub fn sorted(types: &[String]) -> Vec<String> {
    let mut types = types.to_vec();
    types.sort();
    types.dedup();
    types
}

#[cfg(test)]
mod tests;
