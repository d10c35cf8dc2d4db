//! What API Gateway answers by itself in a function's place: to a caller who may not call, or where
//! a function failed. AWS calls these gateway responses; a call without one gets AWS's own.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::{GatewayResponse as SeenResponse, GatewayResponseType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::change::Change;
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{Fault, Problem, Problems, Result};

use super::Apis;
use super::cors::is_token;
use super::observe::PAGE;
use super::spec::Spec;

/// Those that hold where there is none for what happened.
pub const DEFAULTS: [&str; 2] = ["DEFAULT_4XX", "DEFAULT_5XX"];

const JSON: &str = "application/json";
/// AWS's own body.
const BODY: &str = r#"{"message":$context.error.messageString}"#;
/// Before the name of a header.
const HEADER: &str = "gatewayresponse.header.";

/// An answer that API Gateway gives by itself. What it does not say is as AWS has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayResponseConfig {
    /// The HTTP status. Nothing: that of what happened.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// Headers by name, with the texts that they say.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A template for JSON, or a map of media types to templates: `{"message":
    /// $context.error.messageString}`.
    #[serde(default)]
    pub body: BodyConfig,
}

/// By media type. Empty: AWS's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<String, BTreeMap<String, String>>")]
#[schemars(inline)]
pub struct BodyConfig(BTreeMap<String, String>);

impl From<ShortOrLong<String, BTreeMap<String, String>>> for BodyConfig {
    fn from(written: ShortOrLong<String, BTreeMap<String, String>>) -> Self {
        match written {
            ShortOrLong::Short(json) => Self([(JSON.to_owned(), json)].into()),
            ShortOrLong::Long(all) => Self(all),
        }
    }
}

impl From<GatewayResponseConfig> for GatewayResponse {
    fn from(config: GatewayResponseConfig) -> Self {
        let GatewayResponseConfig { status, headers, body: BodyConfig(body) } = config;
        let body = if body.is_empty() { Self::default().body } else { body };
        Self { status, headers, body }
    }
}

/// What API Gateway would refuse about these. The problems lie under `gateway_responses`.
pub fn check(responses: &BTreeMap<String, GatewayResponseConfig>) -> Vec<Problem> {
    let mut problems = Problems::default();
    for (sort, response) in responses {
        if !GatewayResponseType::values().contains(&sort.as_str()) {
            let message = format!("`{sort}` is nothing that API Gateway answers");
            let hint = format!("one of {}", GatewayResponseType::values().join(", "));
            problems.at(&["gateway_responses", sort], message).hint(hint);
        }
        for (name, value) in &response.headers {
            let path = ["gateway_responses", sort, "headers", name];
            if !is_token(name) {
                let hint = "letters, digits and `-`";
                problems.at(&path, format!("`{name}` is not the name of a header")).hint(hint);
            } else if value.is_empty() || value.contains(['\'', '\n', '\r']) {
                let message = format!("`{value}` cannot be the value of a header here");
                problems.at(&path, message).hint("one line, at least one letter, and no `'`");
            }
        }
        for of in response.body.0.keys().filter(|of| !is_media_type(of)) {
            let message = format!("`{of}` is not a media type");
            problems
                .at(&["gateway_responses", sort, "body", of], message)
                .hint("as `application/json`");
        }
    }
    problems.0
}

/// `type/subtype`; either may be `*`.
pub fn is_media_type(text: &str) -> bool {
    let is_both = |(one, other)| is_token(one) && is_token(other);
    text.split_once('/').is_some_and(is_both)
}

/// One answer in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayResponse {
    /// `None`: that of what happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub headers: BTreeMap<String, String>,
    /// Templates, by media type.
    pub body: BTreeMap<String, String>,
}

impl Default for GatewayResponse {
    fn default() -> Self {
        let body = [(JSON.to_owned(), BODY.to_owned())].into();
        Self { status: None, headers: BTreeMap::new(), body }
    }
}

impl GatewayResponse {
    /// With these headers too, but for those that it has already.
    pub fn with(mut self, headers: &BTreeMap<String, String>) -> Self {
        for (name, value) in headers {
            if !self.headers.keys().any(|own| own.eq_ignore_ascii_case(name)) {
                self.headers.insert(name.clone(), value.clone());
            }
        }
        self
    }

    fn seen(seen: &SeenResponse) -> Self {
        let header = |(to, from): (&String, &String)| {
            (to.strip_prefix(HEADER).unwrap_or(to).to_owned(), unquoted(from))
        };
        let headers = seen.response_parameters().into_iter().flatten();
        let body = seen.response_templates().cloned().unwrap_or_default();
        Self {
            status: seen.status_code().and_then(|status| status.parse().ok()),
            headers: headers.map(header).collect(),
            body: body.into_iter().collect(),
        }
    }

    /// Whether this is what was asked for. A status that nobody asked for is that of what happened.
    fn is(&self, wanted: &Self) -> bool {
        let is_status = wanted.status.is_none() || wanted.status == self.status;
        is_status && self.headers == wanted.headers && self.body == wanted.body
    }
}

impl Apis {
    /// GetGatewayResponses: those that somebody set, by type. `None`: the endpoint does not tell.
    pub(super) async fn gateway_responses(
        &self,
        id: &str,
    ) -> Result<Option<BTreeMap<String, GatewayResponse>>> {
        // A page holds more than there are types.
        let request = self.cloud.apigateway.get_gateway_responses().rest_api_id(id).limit(PAGE);
        let reply = match self.maybe("GetGatewayResponses", request.send()).await {
            Err(error) if matches!(error.fault, Fault::Unsupported | Fault::Denied) => {
                return Ok(None);
            }
            reply => reply?,
        };
        let all = reply.and_then(|reply| reply.items).unwrap_or_default();
        let set = all.iter().filter(|one| !one.default_response());
        let sort = |one: &SeenResponse| one.response_type().map(|sort| sort.as_str().to_owned());
        Ok(Some(set.filter_map(|one| Some((sort(one)?, GatewayResponse::seen(one)))).collect()))
    }

    /// Sets those that differ, and takes away those that are not wanted any more. Nothing of it
    /// reaches a caller before the next deployment. Their types.
    pub(super) async fn set_gateway_responses<'a>(
        &self,
        id: &str,
        desired: &Spec,
        changes: &'a [Change],
    ) -> Result<Vec<&'a str>> {
        let client = &self.cloud.apigateway;
        let mut set: Vec<&str> = changes.iter().filter_map(changed).collect();
        set.dedup();
        for sort in &set {
            let kind = GatewayResponseType::from(*sort);
            let Some(wanted) = desired.gateway_response(sort) else {
                let request = client.delete_gateway_response().rest_api_id(id).response_type(kind);
                self.maybe("DeleteGatewayResponse", request.send()).await?;
                continue;
            };
            let headers = wanted.headers.iter();
            let headers = headers.map(|(name, value)| (format!("{HEADER}{name}"), quoted(value)));
            let request = client.put_gateway_response().rest_api_id(id).response_type(kind);
            let request = request.set_status_code(wanted.status.map(|status| status.to_string()));
            let request = request.set_response_parameters(Some(headers.collect()));
            let body = wanted.body.clone().into_iter().collect();
            let request = request.set_response_templates(Some(body));
            self.call("PutGatewayResponse", request.send()).await?;
        }
        Ok(set)
    }

    /// Whether these are what was just set.
    pub(super) async fn has_gateway_responses(
        &self,
        id: &str,
        desired: &Spec,
        set: &[&str],
    ) -> Result<bool> {
        if set.is_empty() {
            return Ok(true);
        }
        let Some(seen) = self.gateway_responses(id).await? else { return Ok(true) };
        Ok(set.iter().all(|sort| match (seen.get(*sort), desired.gateway_response(sort)) {
            (Some(seen), Some(wanted)) => seen.is(wanted),
            (seen, wanted) => seen.is_none() && wanted.is_none(),
        }))
    }
}

/// The type of the gateway response that a change is about.
fn changed(change: &Change) -> Option<&str> {
    match change.path.0.as_slice() {
        [field, sort, ..] if field == "gateway_responses" => Some(sort),
        _ => None,
    }
}

/// A text in API Gateway's mappings, where it stands between quotes.
pub fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// The text of a mapping; one that is none stays as it is.
pub fn unquoted(mapping: &str) -> String {
    let text = mapping.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    text.unwrap_or(mapping).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn its_own_headers_win() {
        let mut own = GatewayResponse::default();
        own.headers.insert("x-a".to_owned(), "own".to_owned());
        let more = ["X-A", "X-B"].map(|name| (name.to_owned(), "more".to_owned()));
        let headers: Vec<String> = own.with(&more.into()).headers.into_values().collect();
        assert_eq!(headers, ["more", "own"]);
    }

    #[test]
    fn what_api_gateway_would_refuse() {
        let wrong = |value: Value| -> Vec<String> {
            let all = serde_json::from_value(value).expect("a config");
            check(&all).into_iter().map(|problem| problem.path[1..].join(".")).collect()
        };
        assert_eq!(
            wrong(json!({
                "UNAUTHORIZED": { "status": 418, "headers": { "X-A": "${env.A}" }, "body": "{}" },
                "DEFAULT_5XX": { "body": { "text/html": "<p>" } },
            })),
            [""; 0]
        );
        assert_eq!(
            wrong(json!({
                "NOBODY": {},
                "THROTTLED": { "headers": { "X A": "b", "X-B": "it's", "X-C": "" } },
                "WAF_FILTERED": { "body": { "json": "{}" } },
            })),
            [
                "NOBODY",
                "THROTTLED.headers.X A",
                "THROTTLED.headers.X-B",
                "THROTTLED.headers.X-C",
                "WAF_FILTERED.body.json",
            ]
        );
    }

    #[test]
    fn there_and_back() {
        let seen = SeenResponse::builder()
            .status_code("403")
            .response_parameters(format!("{HEADER}X-A"), quoted("it is"))
            .response_templates(JSON, BODY)
            .build();
        let seen = GatewayResponse::seen(&seen);
        let wanted = GatewayResponse {
            headers: [("X-A".to_owned(), "it is".to_owned())].into(),
            ..GatewayResponse::default()
        };
        assert!(seen.is(&wanted), "{seen:?}");
        assert!(!seen.is(&GatewayResponse { status: Some(401), ..wanted.clone() }));
        assert!(!seen.is(&GatewayResponse::default()));
        assert_eq!(unquoted("method.request.header.A"), "method.request.header.A");
    }
}
