//! Preflights: methods that API Gateway answers by itself, with the headers of `cors`.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::types::{ContentHandlingStrategy, IntegrationType, Method};
use serde_json::{Map, Value, json};
use stackwright_engine::kind::Result;

use super::cors::PREFLIGHT;
use super::service::Apis;
use super::text::{quoted, unquoted};
use crate::client::SingleAttempt as _;

/// No content.
const STATUS: &str = "204";
/// The template from which a mock integration takes its status.
const REQUEST: [(&str, &str); 1] = [("application/json", r#"{"statusCode": 204}"#)];
/// The prefix of a header in a mapping.
const HEADER: &str = "method.response.header.";

/// Returns the headers of a preflight that is complete, as [`Apis::put_preflight`] makes it. `None`: the
/// method is anything else.
pub fn preflight(method: &Method) -> Option<BTreeMap<String, String>> {
    let integration = method.method_integration()?;
    let answers = integration.integration_responses()?;
    let mapped = answers.get(STATUS)?.response_parameters()?;
    let declared = method.method_responses()?.get(STATUS)?.response_parameters()?;
    let is_request = |asked: &HashMap<String, String>| {
        asked.len() == REQUEST.len()
            && REQUEST.iter().all(|(sort, text)| asked.get(*sort).is_some_and(|now| now == text))
    };
    let is_complete = integration.r#type() == Some(&IntegrationType::Mock)
        && integration.request_templates().is_some_and(is_request)
        && integration.content_handling() == Some(&ContentHandlingStrategy::ConvertToText)
        && answers.len() == 1
        && mapped.keys().all(|header| declared.contains_key(header));
    let header = |(to, from): (&String, &String)| {
        Some((to.strip_prefix(HEADER)?.to_owned(), unquoted(from)))
    };
    is_complete.then(|| mapped.iter().filter_map(header).collect())
}

/// Returns the responses of a preflight in an OpenAPI document.
pub fn responses(headers: &BTreeMap<String, String>) -> Value {
    let header = |name: &String| (name.clone(), json!({ "schema": { "type": "string" } }));
    let headers: Map<String, Value> = headers.keys().map(header).collect();
    json!({ STATUS: { "description": "preflight", "headers": headers } })
}

/// Returns the integration of a preflight in an OpenAPI document.
pub fn integration(headers: &BTreeMap<String, String>) -> Value {
    let templates: BTreeMap<&str, &str> = REQUEST.into();
    json!({
        "type": "mock",
        "requestTemplates": templates,
        // Without it a mock fails if all media types are binary.
        "contentHandling": ContentHandlingStrategy::ConvertToText.as_str(),
        "passthroughBehavior": "when_no_match",
        "responses": {
            "default": { "statusCode": STATUS, "responseParameters": mapped(headers) },
        },
    })
}

/// Returns the mapping of each header.
fn mapped(headers: &BTreeMap<String, String>) -> HashMap<String, String> {
    let mapped = |(name, value): (&String, &String)| (format!("{HEADER}{name}"), quoted(value));
    headers.iter().map(mapped).collect()
}

impl Apis {
    /// Makes a method a preflight. If one of the calls fails, the next round starts again with a new
    /// method: none of them may be sent twice.
    pub(super) async fn put_preflight(
        &self,
        id: &str,
        on: &str,
        headers: &BTreeMap<String, String>,
    ) -> Result<()> {
        let client = &self.gateway;
        let declared = headers.keys().map(|name| (format!("{HEADER}{name}"), true)).collect();
        let request = client.put_method_response().rest_api_id(id).resource_id(on);
        let request = request.http_method(PREFLIGHT).status_code(STATUS);
        let request = request.set_response_parameters(Some(declared));
        self.call("PutMethodResponse", request.customize().single_attempt().send()).await?;

        let asked = REQUEST.map(|(sort, text)| (sort.to_owned(), text.to_owned())).into();
        let request = client.put_integration().rest_api_id(id).resource_id(on);
        let request = request.http_method(PREFLIGHT).r#type(IntegrationType::Mock);
        let request = request.set_request_templates(Some(asked));
        // Without it a mock fails if all media types are binary.
        let request = request.content_handling(ContentHandlingStrategy::ConvertToText);
        self.call("PutIntegration", request.send()).await?;

        let request = client.put_integration_response().rest_api_id(id).resource_id(on);
        let request = request.http_method(PREFLIGHT).status_code(STATUS);
        let request = request.set_response_parameters(Some(mapped(headers)));
        self.call("PutIntegrationResponse", request.customize().single_attempt().send())
            .await
            .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::types::{Integration, IntegrationResponse, MethodResponse};

    use super::*;

    const ORIGIN: &str = "Access-Control-Allow-Origin";

    #[test]
    fn an_incomplete_preflight_is_none() {
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
