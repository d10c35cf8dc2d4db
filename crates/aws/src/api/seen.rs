//! What replies of API Gateway say of stages and methods.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::{Integration as SeenIntegration, IntegrationType, Method, Stage};

use super::access_log::AccessLog;
use super::config::{BURST, RATE};
use super::names::invoked;
use super::preflight::preflight;
use super::spec::{Integration, Route, Throttle};
use super::stage::ALL_ROUTES;

pub fn access_log(stage: &Stage) -> AccessLog {
    let log = stage.access_log_settings();
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    AccessLog {
        group: text(log.and_then(|log| log.destination_arn())),
        format: text(log.and_then(|log| log.format())),
    }
}

pub fn throttle(stage: &Stage) -> Throttle {
    let all = stage.method_settings().and_then(|settings| settings.get(ALL_ROUTES));
    Throttle {
        rate: all.map(|all| all.throttling_rate_limit()).map(|rate| limit(rate, RATE)),
        burst: all.map(|all| all.throttling_burst_limit()).map(|burst| limit(burst, BURST)),
    }
}

/// Returns a limit of a stage, or that of the account if the stage has none (-1).
fn limit<T: PartialOrd + Default>(limit: T, of_account: T) -> T {
    if limit < T::default() { of_account } else { limit }
}

pub fn route(method: &Method) -> Route {
    let mut route = Route {
        function: None,
        integration: None,
        authorization: method.authorization_type().unwrap_or_default().to_owned(),
        api_key: method.api_key_required().unwrap_or_default(),
        preflight: BTreeMap::new(),
    };
    if let Some(headers) = preflight(method) {
        route.preflight = headers;
    } else if let Some(integration) = method.method_integration() {
        match function(integration) {
            Some(function) => route.function = Some(function.to_owned()),
            None => route.integration = Some(other(integration)),
        }
    }
    route
}

/// Tells whether a reply has everything that says what a method does.
pub fn is_complete(method: &Method) -> bool {
    method.method_integration().is_some_and(|integration| {
        integration.r#type() != Some(&IntegrationType::Mock)
            || integration.integration_responses().is_some()
    })
}

/// Returns the function that an integration calls as it should: by POST, with the whole request.
fn function(integration: &SeenIntegration) -> Option<&str> {
    let is_proxy = integration.r#type() == Some(&IntegrationType::AwsProxy);
    let is_post = integration.http_method() == Some("POST");
    integration.uri().and_then(invoked).filter(|_| is_proxy && is_post)
}

fn other(integration: &SeenIntegration) -> Integration {
    let kind = integration.r#type().map_or("", IntegrationType::as_str).to_owned();
    if integration.r#type() == Some(&IntegrationType::Mock) {
        // It calls nothing, whatever an endpoint fills in.
        return Integration { kind, method: None, uri: None };
    }
    let text = |text: Option<&str>| text.map(str::to_owned);
    Integration { kind, method: text(integration.http_method()), uri: text(integration.uri()) }
}

#[cfg(test)]
mod tests {
    use super::super::names::invocation;
    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

    fn read(authorization: &str, integration: Option<SeenIntegration>) -> Route {
        let method = Method::builder().authorization_type(authorization);
        route(&method.set_method_integration(integration).build())
    }

    #[test]
    fn a_route_calls_a_function_or_has_another_integration() {
        let good = SeenIntegration::builder()
            .r#type(IntegrationType::AwsProxy)
            .http_method("POST")
            .uri(invocation(ARN).expect("a function"));
        let route = read("NONE", Some(good.clone().build()));
        assert_eq!((route.function.as_deref(), route.integration), (Some(ARN), None));
        assert_eq!(route.authorization, "NONE");
        let get = read("NONE", Some(good.http_method("GET").build()));
        let integration = get.integration.expect("an integration");
        assert_eq!(
            (integration.kind.as_str(), integration.method.as_deref()),
            ("AWS_PROXY", Some("GET"))
        );
        assert_eq!((get.function, integration.uri), (None, invocation(ARN).ok()));
        let mock = SeenIntegration::builder().r#type(IntegrationType::Mock).uri("x").build();
        let mock = read("NONE", Some(mock)).integration.expect("an integration");
        assert_eq!(mock, Integration { kind: "MOCK".to_owned(), method: None, uri: None });
    }

    #[test]
    fn a_half_built_route_has_no_target() {
        let route = read("AWS_IAM", None);
        assert_eq!((route.function, route.integration), (None, None));
        assert_eq!(route.authorization, "AWS_IAM");
    }

    #[test]
    fn a_route_may_need_a_key() {
        let keyed = Method::builder().authorization_type("NONE").api_key_required(true).build();
        assert!(route(&keyed).api_key);
    }
}
