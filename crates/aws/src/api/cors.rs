//! `cors`: what browsers are told before a page of another origin calls.
//!
//! API Gateway answers that question (the preflight, an `OPTIONS`) by itself, and puts the same
//! headers on whatever else it answers in a function's place. What a function answers has the headers
//! that the function writes.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::types::{ContentHandlingStrategy, IntegrationType, Method};
use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{Problem, Problems, Result};
use stackwright_engine::reference::is_open;

use super::Apis;
use super::gateway::{quoted, unquoted};
use super::routes::METHODS;
use crate::once::Once;

const ORIGIN: &str = "Access-Control-Allow-Origin";
const ALLOWED_HEADERS: &str = "Access-Control-Allow-Headers";
const ALLOWED_METHODS: &str = "Access-Control-Allow-Methods";
const MAX_AGE: &str = "Access-Control-Max-Age";
const CREDENTIALS: &str = "Access-Control-Allow-Credentials";

/// What a call to API Gateway may need: a body's type, a signature, a key.
const HEADERS: [&str; 6] = [
    "Authorization",
    "Content-Type",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
    "X-Api-Key",
];

/// The only method of a preflight.
pub const PREFLIGHT: &str = "OPTIONS";
/// No content.
const STATUS: &str = "204";
/// What a mock takes its status from.
const REQUEST: [(&str, &str); 1] = [("application/json", r#"{"statusCode": 204}"#)];
/// Before the name of a header that a method answers with.
const HEADER: &str = "method.response.header.";

/// `cors`: `true`, or what it shall be. Nothing: not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<bool, Cors>")]
#[schemars(inline)]
pub struct CorsConfig(pub Option<Cors>);

/// Which pages of other origins may call, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// The origin of the pages that may call (`https://app.example.com`), or `*` for all. One: a
    /// header that is always the same cannot name several.
    #[schemars(extend("default" = ["*"]))]
    pub origins: Option<Vec<String>>,
    /// Headers that a call may have, besides those that browsers always let pass.
    #[schemars(extend("default" = HEADERS))]
    pub headers: Option<Vec<String>>,
    /// Methods of the calls. Nothing: every method.
    pub methods: Option<Vec<String>>,
    /// How long a browser may remember the answer: seconds, or `10m`. Nothing: as it likes.
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<u32>,
    /// Whether a call may carry cookies and what else the browser knows of the user. Needs an origin
    /// by name.
    #[serde(default)]
    pub credentials: bool,
}

impl From<ShortOrLong<bool, Cors>> for CorsConfig {
    fn from(written: ShortOrLong<bool, Cors>) -> Self {
        match written {
            ShortOrLong::Short(is_on) => Self(is_on.then(Cors::default)),
            ShortOrLong::Long(cors) => Self(Some(cors)),
        }
    }
}

impl Cors {
    /// By name, with their values.
    pub fn headers(&self) -> BTreeMap<String, String> {
        let methods = METHODS.iter().filter(|method| **method != "ANY");
        let headers = [
            (ORIGIN, listed(self.origins.as_deref(), ["*"])),
            (ALLOWED_HEADERS, listed(self.headers.as_deref(), HEADERS)),
            (ALLOWED_METHODS, listed(self.methods.as_deref(), methods.copied())),
            (MAX_AGE, self.max_age.map(|age| age.to_string()).unwrap_or_default()),
            (CREDENTIALS, if self.credentials { "true".to_owned() } else { String::new() }),
        ];
        let said = headers.into_iter().filter(|(_, value)| !value.is_empty());
        said.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let origins = self.origins.clone().unwrap_or_else(|| vec!["*".to_owned()]);
        if origins.is_empty() {
            problems
                .at(&["cors", "origins"], "nobody may call")
                .hint("name an origin, or take it out");
        }
        if origins.len() > 1 {
            let message = "a header that is always the same names one origin";
            let hint = "write one, or `*`; for several, take `cors` out, let a function answer \
                        `OPTIONS`, and there name the origin that asks";
            problems.at(&["cors", "origins", "1"], message).hint(hint);
        }
        let lists = [
            ("origins", origins.as_slice()),
            ("headers", self.headers.as_deref().unwrap_or_default()),
            ("methods", self.methods.as_deref().unwrap_or_default()),
        ];
        for (field, items) in lists {
            let (is_good, hint) = rule(field);
            for (at, item) in items.iter().enumerate().filter(|(_, item)| !is_open(item)) {
                if !is_good(item) {
                    let one = field.trim_end_matches('s');
                    let message = format!("`{item}` is no {one}");
                    problems.at(&["cors", field, &at.to_string()], message).hint(hint);
                } else if item == "*" && self.credentials {
                    let message = format!("with `credentials`, `*` does not stand for all {field}");
                    match (field, &self.origins) {
                        ("origins", None) => problems.at(&["cors", "credentials"], message),
                        _ => problems.at(&["cors", field, &at.to_string()], message),
                    }
                    .hint("browsers want them by name then");
                }
            }
        }
        problems.0
    }
}

/// What may stand in a list, and how it looks.
fn rule(field: &str) -> (fn(&str) -> bool, &'static str) {
    match field {
        "origins" => (is_origin, "`*`, or `https://app.example.com` (no path)"),
        "headers" => (is_token, "the name alone"),
        _ => (is_method, "as `GET`; or `*`"),
    }
}

/// Sorted, each once, with commas between them.
fn listed<'a>(written: Option<&[String]>, default: impl IntoIterator<Item = &'a str>) -> String {
    let mut all: Vec<String> = match written {
        Some(all) => all.to_vec(),
        None => default.into_iter().map(str::to_owned).collect(),
    };
    all.sort();
    all.dedup();
    all.join(",")
}

fn is_origin(text: &str) -> bool {
    let is_host = |host: &str| {
        !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:[]".contains(c))
    };
    text == "*"
        || text.split_once("://").is_some_and(|(scheme, host)| is_host(host) && is_token(scheme))
}

pub fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&*+-.^_`|~".contains(c))
}

fn is_method(text: &str) -> bool {
    text == "*" || (text != "ANY" && METHODS.contains(&text))
}

/// The headers of a preflight that is whole, as [`Api::put_preflight`] makes it. Of another method,
/// none.
pub fn preflight(method: &Method) -> Option<BTreeMap<String, String>> {
    let integration = method.method_integration()?;
    let answers = integration.integration_responses()?;
    let mapped = answers.get(STATUS)?.response_parameters()?;
    let declared = method.method_responses()?.get(STATUS)?.response_parameters()?;
    let is_request = |asked: &HashMap<String, String>| {
        asked.len() == REQUEST.len()
            && REQUEST.iter().all(|(sort, text)| asked.get(*sort).is_some_and(|now| now == text))
    };
    let is_whole = integration.r#type() == Some(&IntegrationType::Mock)
        && integration.request_templates().is_some_and(is_request)
        && integration.content_handling() == Some(&ContentHandlingStrategy::ConvertToText)
        && answers.len() == 1
        && mapped.keys().all(|header| declared.contains_key(header));
    let header = |(to, from): (&String, &String)| {
        Some((to.strip_prefix(HEADER)?.to_owned(), unquoted(from)))
    };
    is_whole.then(|| mapped.iter().filter_map(header).collect())
}

impl Apis {
    /// A method that API Gateway answers by itself. Of four calls, whatever fails is made anew from
    /// the first: none of them may be sent twice.
    pub(super) async fn put_preflight(
        &self,
        id: &str,
        on: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<()> {
        let client = &self.cloud.apigateway;
        let declared = headers.keys().map(|name| (format!("{HEADER}{name}"), true)).collect();
        let request = client.put_method_response().rest_api_id(id).resource_id(on);
        let request = request.http_method(PREFLIGHT).status_code(STATUS);
        let request = request.set_response_parameters(Some(declared));
        self.call("PutMethodResponse", request.customize().once().send()).await?;

        let asked = REQUEST.map(|(sort, text)| (sort.to_owned(), text.to_owned())).into();
        let request = client.put_integration().rest_api_id(id).resource_id(on);
        let request = request.http_method(PREFLIGHT).r#type(IntegrationType::Mock);
        let request = request.set_request_templates(Some(asked));
        // Or a mock fails where all media types are binary.
        let request = request.content_handling(ContentHandlingStrategy::ConvertToText);
        self.call("PutIntegration", request.send()).await?;

        let mapped = |(name, value): (&String, &String)| (format!("{HEADER}{name}"), quoted(value));
        let mapped = headers.iter().map(mapped).collect();
        let request = client.put_integration_response().rest_api_id(id).resource_id(on);
        let request = request.http_method(PREFLIGHT).status_code(STATUS);
        let request = request.set_response_parameters(Some(mapped));
        self.call("PutIntegrationResponse", request.customize().once().send()).await.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::types::{Integration, IntegrationResponse, MethodResponse};
    use serde_json::{Value, json};

    use super::*;

    fn cors(value: Value) -> Cors {
        serde_json::from_value::<CorsConfig>(value).expect("a config").0.expect("it is on")
    }

    #[test]
    fn headers() {
        let said = |value: Value| json!(cors(value).headers());
        assert_eq!(
            said(json!(true)),
            json!({
                ORIGIN: "*",
                ALLOWED_HEADERS: "Authorization,Content-Type,X-Amz-Date,X-Amz-Security-Token,\
                                  X-Amz-User-Agent,X-Api-Key",
                ALLOWED_METHODS: "DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT",
            })
        );
        let all = json!({
            "origins": ["https://a.example"], "headers": [], "methods": ["PUT", "GET", "PUT"],
            "max_age": 600, "credentials": true,
        });
        assert_eq!(
            said(all),
            json!({
                ORIGIN: "https://a.example", ALLOWED_METHODS: "GET,PUT", MAX_AGE: "600",
                CREDENTIALS: "true",
            })
        );
        let off: CorsConfig = serde_json::from_value(json!(false)).expect("a config");
        assert_eq!(off, CorsConfig::default());
    }

    #[test]
    fn what_no_browser_would_take() {
        let wrong = |value: Value| -> Vec<String> {
            let problems = cors(value).check().into_iter();
            problems.map(|problem| problem.path.join(".")).collect()
        };
        assert_eq!(wrong(json!(true)), [""; 0]);
        assert_eq!(wrong(json!({ "origins": ["http://localhost:8080"] })), [""; 0]);
        assert_eq!(wrong(json!({ "origins": ["${env.ORIGIN}"] })), [""; 0]);
        assert_eq!(wrong(json!({ "origins": [] })), ["cors.origins"]);
        assert_eq!(wrong(json!({ "origins": ["https://a", "https://b"] })), ["cors.origins.1"]);
        for origin in ["a.example", "https://a/", "https://a,https://b", "https://", "https://a'"] {
            assert_eq!(wrong(json!({ "origins": [origin] })), ["cors.origins.0"], "{origin}");
        }
        let others = json!({ "headers": ["X-A", "X-B: c"], "methods": ["ANY", "get", "*"] });
        assert_eq!(wrong(others), ["cors.headers.1", "cors.methods.0", "cors.methods.1"]);
        assert_eq!(wrong(json!({ "credentials": true })), ["cors.credentials"]);
        let all = json!({ "credentials": true, "origins": ["*"], "headers": ["*"] });
        assert_eq!(wrong(all), ["cors.origins.0", "cors.headers.0"]);
    }

    #[test]
    fn a_preflight_is_whole_or_none() {
        let name = format!("{HEADER}{ORIGIN}");
        let answer = IntegrationResponse::builder().response_parameters(&name, "'*'").build();
        let integration = Integration::builder()
            .r#type(IntegrationType::Mock)
            .request_templates(REQUEST[0].0, REQUEST[0].1)
            .content_handling(ContentHandlingStrategy::ConvertToText)
            .integration_responses(STATUS, answer.clone());
        let declared = MethodResponse::builder().response_parameters(&name, true).build();
        let seen = |integration: Integration, declared: Option<MethodResponse>| {
            let method = Method::builder().method_integration(integration);
            let declared = declared.map(|declared| [(STATUS.to_owned(), declared)].into());
            preflight(&method.set_method_responses(declared).build())
        };
        let whole = seen(integration.clone().build(), Some(declared.clone()));
        assert_eq!(whole, Some([(ORIGIN.to_owned(), "*".to_owned())].into()));
        assert_eq!(seen(integration.clone().build(), None), None);
        for broken in [
            integration.clone().r#type(IntegrationType::Http),
            integration.clone().request_templates(REQUEST[0].0, "{}"),
            integration.clone().set_content_handling(None),
            integration.clone().integration_responses("500", answer),
            integration.set_integration_responses(None),
        ] {
            assert_eq!(seen(broken.build(), Some(declared.clone())), None);
        }
    }
}
