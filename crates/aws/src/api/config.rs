//! What a user writes about an API.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use stackwright_engine::config::ShortOrLong;

use super::access_log::AccessLogConfig;
use super::cors::CorsConfig;
use super::gateway::GatewayResponseConfig;

/// The default stage.
pub const STAGE: &str = "prod";

/// A REST API whose routes call functions.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A description for people, at most 1024 characters.
    #[schemars(extend("default" = ""))]
    pub description: Option<String>,
    /// The stage that is deployed, which is the last part of the URL. A change replaces the API.
    #[schemars(extend("default" = STAGE))]
    #[schemars(extend("x-also-called" = ["stage_name"]))]
    pub stage: Option<String>,
    /// Who may call: `iam` (signed requests of principals with the permission `execute-api:Invoke`) or
    /// `none` (everybody).
    #[serde(default)]
    #[schemars(extend("default" = "iam"))]
    pub authorization: Authorization,
    /// Routes: `METHOD /path`, then the function that answers: `POST /ec2: function.ec2-control`, or
    /// `{function: …, authorization: …, api_key: true}`. The method may be `ANY`; `{name}` matches one
    /// part of the path, `{proxy+}` at its end all that follows.
    #[serde(default)]
    #[schemars(extend("x-also-called" = ["paths", "resources"]))]
    pub routes: BTreeMap<String, RouteConfig>,
    /// Allows web pages of other origins to call: `true` for all origins, or a map. API Gateway answers
    /// preflight requests (`OPTIONS`) on every path without a route for `OPTIONS` or `ANY`, and adds the
    /// headers to its own responses (403, 500…). A function must add them to its responses itself.
    #[serde(default)]
    #[schemars(extend("default" = false))]
    pub cors: CorsConfig,
    /// What API Gateway responds instead of a function, by the type of the response: `DEFAULT_4XX`,
    /// `DEFAULT_5XX`, `UNAUTHORIZED`, `THROTTLED`… Types that are not in the file are left as they are.
    #[serde(default)]
    pub gateway_responses: BTreeMap<String, GatewayResponseConfig>,
    /// The endpoint type: `regional`, or `edge` (requests enter at the CloudFront location nearest to
    /// the caller).
    #[schemars(extend("default" = Endpoint::default().as_str()))]
    #[schemars(extend("x-also-called" = ["endpoint_configuration"]))]
    pub endpoint: Option<Endpoint>,
    /// Media types of binary bodies: `image/png`, or `*/*` for all. Functions receive and return such a
    /// body in base64.
    #[schemars(extend("default" = []))]
    #[schemars(extend("x-also-called" = ["binary_media_types"]))]
    pub binary_types: Option<Vec<String>>,
    /// Variables of the stage, which functions receive with every request. A change takes effect at once,
    /// without a deployment.
    #[schemars(extend("x-also-called" = ["stage_variables"]))]
    pub variables: Option<BTreeMap<String, String>>,
    /// How many requests the stage accepts, all routes together. Others get status 429.
    pub throttle: Option<ThrottleConfig>,
    /// Where the stage writes a line for each request. The account needs a role for it, which
    /// stackwright does not create: `aws apigateway update-account` sets it.
    #[schemars(extend("x-also-called" = ["access_log_settings"]))]
    pub access_log: Option<AccessLogConfig>,
}

/// How many requests a stage accepts.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThrottleConfig {
    /// Requests per second, in the long run.
    #[schemars(range(min = 0), extend("default" = RATE))]
    pub rate: Option<f64>,
    /// Requests at once.
    #[schemars(range(min = 0), extend("default" = BURST))]
    pub burst: Option<i32>,
}

/// AWS's own defaults: the quota of a new account.
pub const RATE: f64 = 10_000.0;
pub const BURST: i32 = 5_000;

/// What answers a route, and who may call it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "ShortOrLong<FunctionAddress, RouteParts>")]
#[schemars(inline, description = "")]
pub struct RouteConfig {
    /// `function.KEY`, or an ARN; empty if the file does not have it.
    pub function: String,
    /// `None`: that of the API.
    pub authorization: Option<Authorization>,
    /// Whether a request also needs an API key.
    pub api_key: bool,
}

#[derive(Default, Deserialize, JsonSchema)]
#[schemars(inline)]
struct FunctionAddress(String);

/// A route in the long form.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, description = "")]
struct RouteParts {
    #[schemars(required)]
    function: Option<FunctionAddress>,
    /// Who may call this route, instead of the API's `authorization`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Authorization")]
    authorization: Option<Authorization>,
    /// Whether a request also needs an API key of a usage plan. stackwright does not create keys and
    /// plans.
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
    /// Returns the type as API Gateway names it.
    pub fn as_type(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Iam => "AWS_IAM",
        }
    }
}

/// The endpoint type. (A private API needs a policy, which this kind does not manage.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Endpoint {
    #[default]
    Regional,
    Edge,
}

impl Endpoint {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regional => "regional",
            Self::Edge => "edge",
        }
    }
}
