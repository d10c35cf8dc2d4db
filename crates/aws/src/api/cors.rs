//! `cors`: which web pages of other origins may call.
//!
//! A browser asks before such a call, by an `OPTIONS` request, the preflight. API Gateway answers it by
//! itself, and adds the same headers to its gateway responses. A function adds them to its own
//! responses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::ShortOrLong;
use stackwright_engine::kind::{Problem, Problems};
use stackwright_engine::reference::is_open;

use super::routes::METHODS;
use super::text::is_token;

const ORIGIN: &str = "Access-Control-Allow-Origin";
const ALLOWED_HEADERS: &str = "Access-Control-Allow-Headers";
const ALLOWED_METHODS: &str = "Access-Control-Allow-Methods";
const MAX_AGE: &str = "Access-Control-Max-Age";
const CREDENTIALS: &str = "Access-Control-Allow-Credentials";

/// The headers that a request to API Gateway may need: a body's type, a signature, a key.
const HEADERS: [&str; 6] = [
    "Authorization",
    "Content-Type",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Amz-User-Agent",
    "X-Api-Key",
];

/// The method of a preflight.
pub const PREFLIGHT: &str = "OPTIONS";
/// `cors`: `true`, or the long form. `None`: off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<bool, Cors>")]
#[schemars(inline)]
pub struct CorsConfig(pub Option<Cors>);

/// Which web pages of other origins may call, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// The origin of the pages that may call (`https://app.example.com`), or `*` for all. Only one: the
    /// header has a fixed value, which cannot name several.
    #[schemars(extend("default" = ["*"]))]
    pub origins: Option<Vec<String>>,
    /// Headers that a request may have, beside those that browsers always allow.
    #[schemars(extend("default" = HEADERS))]
    pub headers: Option<Vec<String>>,
    /// Methods that a request may have. If unset, all.
    pub methods: Option<Vec<String>>,
    /// How long a browser may cache the response to a preflight: seconds, or `10m`. If unset, the
    /// browser decides.
    #[schemars(range(min = 0, max = 86400))]
    pub max_age: Option<u32>,
    /// Whether a request may carry cookies and other credentials of the user. It needs an origin other
    /// than `*`.
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
    /// Returns the headers by name, with their values.
    pub fn headers(&self) -> BTreeMap<String, String> {
        let methods = METHODS.iter().filter(|method| **method != "ANY");
        let headers = [
            (ORIGIN, listed(self.origins.as_deref(), ["*"])),
            (ALLOWED_HEADERS, listed(self.headers.as_deref(), HEADERS)),
            (ALLOWED_METHODS, listed(self.methods.as_deref(), methods.copied())),
            (MAX_AGE, self.max_age.map(|age| age.to_string()).unwrap_or_default()),
            (CREDENTIALS, if self.credentials { "true".to_owned() } else { String::new() }),
        ];
        let set = headers.into_iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| (name.to_owned(), value)).collect()
    }

    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Problems::default();
        let origins = self.origins.clone().unwrap_or_else(|| vec!["*".to_owned()]);
        if origins.is_empty() {
            problems
                .at(&["cors", "origins"], "`origins` is empty")
                .hint("name an origin, or remove the field");
        }
        if origins.len() > 1 {
            let message = "a header with a fixed value names one origin";
            let hint = "write one, or `*`; for several, remove `cors`, and let a function answer \
                        `OPTIONS` with the origin of the request";
            problems.at(&["cors", "origins", "1"], message).hint(hint);
        }
        let lists = [
            ("origins", origins.as_slice()),
            ("headers", self.headers.as_deref().unwrap_or_default()),
            ("methods", self.methods.as_deref().unwrap_or_default()),
        ];
        for (field, items) in lists {
            let Rule { accepts, hint } = rule(field);
            for (at, item) in items.iter().enumerate().filter(|(_, item)| !is_open(item)) {
                if !accepts(item) {
                    let one = field.trim_end_matches('s');
                    let message = format!("`{item}` is not a valid {one}");
                    problems.at(&["cors", field, &at.to_string()], message).hint(hint);
                } else if item == "*" && self.credentials {
                    let message = format!("with `credentials`, `*` does not mean all {field}");
                    match (field, &self.origins) {
                        ("origins", None) => problems.at(&["cors", "credentials"], message),
                        _ => problems.at(&["cors", field, &at.to_string()], message),
                    }
                    .hint("browsers then need them by name");
                }
            }
        }
        problems.0
    }
}

/// What a list accepts, and a hint with an example.
struct Rule {
    accepts: fn(&str) -> bool,
    hint: &'static str,
}

fn rule(field: &str) -> Rule {
    match field {
        "origins" => {
            Rule { accepts: is_origin, hint: "`*`, or `https://app.example.com` (no path)" }
        }
        "headers" => Rule { accepts: is_token, hint: "the name alone" },
        _ => Rule { accepts: is_method, hint: "for example `GET`, or `*`" },
    }
}

/// Joins items with commas, sorted and each once.
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

fn is_method(text: &str) -> bool {
    text == "*" || (text != "ANY" && METHODS.contains(&text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cors(value: Value) -> Cors {
        serde_json::from_value::<CorsConfig>(value).expect("a config").0.expect("it is on")
    }

    #[test]
    fn headers() {
        let headers = |value: Value| json!(cors(value).headers());
        assert_eq!(
            headers(json!(true)),
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
            headers(all),
            json!({
                ORIGIN: "https://a.example", ALLOWED_METHODS: "GET,PUT", MAX_AGE: "600",
                CREDENTIALS: "true",
            })
        );
        let off: CorsConfig = serde_json::from_value(json!(false)).expect("a config");
        assert_eq!(off, CorsConfig::default());
    }

    #[test]
    fn what_browsers_do_not_accept_is_a_problem() {
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
}
