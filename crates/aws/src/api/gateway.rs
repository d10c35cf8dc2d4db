//! Gateway responses: what API Gateway responds instead of a function, to a caller without permission
//! or after a failure. A type without one gets AWS's own response.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::types::{GatewayResponse as SeenResponse, GatewayResponseType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{Problem, Problems};

use super::text::{is_media_type, is_token, quoted, unquoted};

/// The types that apply if a more specific type has no response.
pub const DEFAULTS: [&str; 2] = ["DEFAULT_4XX", "DEFAULT_5XX"];

const JSON: &str = "application/json";
/// The body of AWS's own responses.
const BODY: &str = r#"{"message":$context.error.messageString}"#;
/// The prefix of a header in a mapping.
const HEADER: &str = "gatewayresponse.header.";

/// A response of API Gateway itself. Unset fields are as in AWS's own response.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayResponseConfig {
    /// The HTTP status. If unset, that of the response type.
    #[schemars(range(min = 100, max = 599))]
    pub status: Option<u16>,
    /// Headers by name, with their values.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The template of a JSON body, for example `{"message": $context.error.messageString}`; or a map of
    /// media types to templates.
    #[serde(default)]
    pub body: BodyConfig,
}

/// Templates by media type. Empty: AWS's own.
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

/// Returns what API Gateway refuses. The paths of the problems begin with `gateway_responses`.
pub fn check(responses: &BTreeMap<String, GatewayResponseConfig>) -> Vec<Problem> {
    let mut problems = Problems::default();
    for (sort, response) in responses {
        if !GatewayResponseType::values().contains(&sort.as_str()) {
            let message = format!("`{sort}` is not a type of gateway responses");
            let hint = format!("one of {}", GatewayResponseType::values().join(", "));
            problems.at(&["gateway_responses", sort], message).hint(hint);
        }
        for (name, value) in &response.headers {
            let path = ["gateway_responses", sort, "headers", name];
            if !is_token(name) {
                let hint = "letters, digits and `-`";
                problems.at(&path, format!("`{name}` is not the name of a header")).hint(hint);
            } else if value.is_empty() || value.contains(['\'', '\n', '\r']) {
                let message = format!("`{value}` is not a valid value of a header here");
                problems.at(&path, message).hint("one line, at least one character, and no `'`");
            }
        }
        for of in response.body.0.keys().filter(|of| !is_media_type(of)) {
            let message = format!("`{of}` is not a media type");
            problems
                .at(&["gateway_responses", sort, "body", of], message)
                .hint("for example `application/json`");
        }
    }
    problems.0
}

/// A gateway response in its normal form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayResponse {
    /// `None`: that of the response type.
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
    /// Adds headers, except those that it has already.
    #[must_use]
    pub fn with(mut self, headers: &BTreeMap<String, String>) -> Self {
        for (name, value) in headers {
            if !self.headers.keys().any(|own| own.eq_ignore_ascii_case(name)) {
                self.headers.insert(name.clone(), value.clone());
            }
        }
        self
    }

    /// Returns the mapping of each header, as API Gateway takes it.
    pub fn parameters(&self) -> HashMap<String, String> {
        let header = |(name, value): (&String, &String)| (format!("{HEADER}{name}"), quoted(value));
        self.headers.iter().map(header).collect()
    }

    /// Reads a reply of API Gateway.
    pub fn seen(seen: &SeenResponse) -> Self {
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

    /// Tells whether this observed response is `wanted`. A status that is not wanted may be any.
    pub fn is(&self, wanted: &Self) -> bool {
        let is_status = wanted.status.is_none() || wanted.status == self.status;
        is_status && self.headers == wanted.headers && self.body == wanted.body
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn own_headers_are_kept() {
        let mut own = GatewayResponse::default();
        own.headers.insert("x-a".to_owned(), "own".to_owned());
        let more = ["X-A", "X-B"].map(|name| (name.to_owned(), "more".to_owned()));
        let headers: Vec<String> = own.with(&more.into()).headers.into_values().collect();
        assert_eq!(headers, ["more", "own"]);
    }

    #[test]
    fn what_api_gateway_refuses_is_a_problem() {
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
    fn a_response_is_read_back() {
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
    }
}
