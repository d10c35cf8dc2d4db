//! What an API has beside what the spec says, and what of it an import cannot set.

use std::future::Future;

use aws_sdk_apigateway::operation::get_rest_api::GetRestApiOutput;
use aws_sdk_apigateway::types::{
    ApiKeySourceType, EndpointAccessMode, EndpointConfiguration, IpAddressType, Method,
    MethodResponse, Model, SecurityPolicy,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::try_join;
use serde_json::Value;
use stackwright_engine::kind::Result;

use super::edits::kept;
use super::observe::Tree;
use super::openapi::{MODELS, Unmanaged, model};
use super::preflight::preflight;
use super::routes::RouteKey;
use super::service::{Apis, PAGE};
use super::spec::Spec;
use crate::fault::if_readable;

/// How long an integration may take where nobody has set another time, in milliseconds.
const TIMEOUT: i32 = 29_000;

impl Apis {
    /// Reads what an import has to repeat. `responses`: the types of the gateway responses that it sets. `None`:
    /// the API has something that an import would lose, or it cannot be read.
    pub(super) async fn unmanaged(
        &self,
        id: &str,
        desired: &Spec,
        responses: &[&str],
    ) -> Result<Option<Unmanaged>> {
        let client = &self.gateway;
        // All of it is read again: an import overwrites what somebody changed meanwhile, without an error.
        let (tree, api, set, models, authorizers, validators, parts) = try_join!(
            self.tree(id),
            self.readable("GetRestApi", client.get_rest_api().rest_api_id(id).send()),
            self.seen_responses(id),
            self.readable("GetModels", client.get_models().rest_api_id(id).limit(PAGE).send()),
            self.readable("GetAuthorizers", client.get_authorizers().rest_api_id(id).send()),
            self.readable(
                "GetRequestValidators",
                client.get_request_validators().rest_api_id(id).send()
            ),
            self.readable(
                "GetDocumentationParts",
                client.get_documentation_parts().rest_api_id(id).send()
            ),
        )?;
        let (Some(tree), Some(api), Some(mut set), Some(models)) = (tree, api, set, models) else {
            return Ok(None);
        };
        let has_none = authorizers.is_some_and(|all| all.items().is_empty())
            && validators.is_some_and(|all| all.items().is_empty())
            && parts.is_some_and(|all| all.items().is_empty());
        let models = models.items().iter().map(of_new_api).collect::<Option<Vec<_>>>();
        if !has_none || models.is_none() || !is_importable(&api) || has_customized(&tree, desired) {
            return Ok(None);
        }
        set.retain(|one| {
            !one.response_type().is_some_and(|sort| responses.contains(&sort.as_str()))
        });
        Ok(Some(Unmanaged {
            version: api.version,
            description: api.description,
            binary_types: api.binary_media_types.unwrap_or_default(),
            responses: set,
            models,
        }))
    }

    /// Returns `None` if the endpoint does not have the call, or the credentials may not make it.
    async fn readable<T, E>(
        &self,
        call: &str,
        sent: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<Option<T>>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        Ok(if_readable(self.unless_gone(call, sent).await)?.flatten())
    }
}

/// Returns the name of a model that every new API has. `None`: somebody has made it, or changed it.
fn of_new_api(seen: &Model) -> Option<&'static str> {
    let name = MODELS.into_iter().find(|name| seen.name() == Some(name))?;
    let mut schema: Value = serde_json::from_str(seen.schema()?).ok()?;
    schema.as_object_mut()?.remove("$schema");
    (schema == model(name)).then_some(name)
}

/// Tells whether an import sets an API's settings again. It does not set the endpoint type, and leaves it.
fn is_importable(api: &GetRestApiOutput) -> bool {
    api.policy().is_none_or(str::is_empty)
        && api.minimum_compression_size().is_none()
        && !api.disable_execute_api_endpoint()
        && api.api_key_source().is_none_or(|source| *source == ApiKeySourceType::Header)
        && api.security_policy().is_none_or(|policy| *policy == SecurityPolicy::Tls10)
        && api.endpoint_access_mode().is_none_or(|mode| *mode == EndpointAccessMode::Basic)
        && api.endpoint_configuration().is_none_or(is_plain)
}

fn is_plain(endpoint: &EndpointConfiguration) -> bool {
    let of_addresses = endpoint.ip_address_type();
    endpoint.vpc_endpoint_ids().is_empty()
        && of_addresses.is_none_or(|sort| *sort == IpAddressType::Ipv4)
}

/// Tells whether a method that stays has settings of somebody else.
fn has_customized(tree: &Tree, desired: &Spec) -> bool {
    tree.0.iter().any(|(path, resource)| {
        resource.customized.iter().any(|method| {
            let key = RouteKey { method: method.clone(), path: path.clone() };
            let route = desired.routes.get(&key.to_string());
            route.is_some_and(|route| kept(tree, &key, route).is_some())
        })
    })
}

/// Tells whether a method has settings that no route has, so that an import would reset them.
pub fn is_customized(method: &Method, resource: &str) -> bool {
    let is_empty = |text: Option<&str>| text.is_none_or(str::is_empty);
    let is_of_route = is_empty(method.request_validator_id())
        && is_empty(method.operation_name())
        && method.authorization_scopes().is_empty()
        && method.request_models().is_none_or(|all| all.is_empty())
        // API Gateway itself declares the variables of a path.
        && method.request_parameters().into_iter().flatten()
            .all(|(name, is_needed)| *is_needed && name.starts_with("method.request.path."));
    let Some(integration) = method.method_integration() else { return !is_of_route };
    let is_plain = is_empty(integration.credentials())
        && is_empty(integration.connection_id())
        && integration.request_parameters().is_none_or(|all| all.is_empty())
        && integration.passthrough_behavior().is_none_or(|one| one == "WHEN_NO_MATCH")
        && [0, TIMEOUT].contains(&integration.timeout_in_millis())
        && integration.cache_namespace().is_none_or(|name| name == resource)
        && integration.cache_key_parameters().is_empty();
    let is_preflight = preflight(method).is_some();
    let is_bare = method.method_responses().into_iter().flatten().all(is_bare_success)
        && integration.integration_responses().is_none_or(|all| all.is_empty())
        && integration.request_templates().is_none_or(|all| all.is_empty())
        && integration.content_handling().is_none();
    !(is_of_route && is_plain && (is_preflight || is_bare))
}

/// Tells whether a response is the one that an import declares of every method.
fn is_bare_success((status, declared): (&String, &MethodResponse)) -> bool {
    status == "200"
        && declared.response_models().is_none_or(|all| all.is_empty())
        && declared.response_parameters().is_none_or(|all| all.is_empty())
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::types::{Integration, IntegrationType};

    use super::*;

    #[test]
    fn settings_that_an_import_does_not_set_are_not_importable() {
        let api = || GetRestApiOutput::builder().name("a").version("1.0");
        let endpoint = |sort: IpAddressType| EndpointConfiguration::builder().ip_address_type(sort);
        let plain = api()
            .api_key_source(ApiKeySourceType::Header)
            .security_policy(SecurityPolicy::Tls10)
            .endpoint_configuration(endpoint(IpAddressType::Ipv4).build());
        assert!(is_importable(&plain.build()) && is_importable(&api().build()));
        for other in [
            api().policy("{}"),
            api().minimum_compression_size(0),
            api().disable_execute_api_endpoint(true),
            api().api_key_source(ApiKeySourceType::Authorizer),
            api().security_policy(SecurityPolicy::Tls12),
            api().endpoint_access_mode(EndpointAccessMode::Strict),
            api().endpoint_configuration(endpoint(IpAddressType::Dualstack).build()),
            api().endpoint_configuration(
                EndpointConfiguration::builder().vpc_endpoint_ids("vpce-1").build(),
            ),
        ] {
            let other = other.build();
            assert!(!is_importable(&other), "{other:?}");
        }
    }

    #[test]
    fn models_of_a_new_api_are_known() {
        let model = |name: &str, schema: &str| Model::builder().name(name).schema(schema).build();
        let draft = r#""$schema": "http://json-schema.org/draft-04/schema#", "#;
        let empty = r#""title": "Empty Schema", "type": "object""#;
        assert_eq!(of_new_api(&model("Empty", &format!("{{{draft}{empty}}}"))), Some("Empty"));
        assert_eq!(of_new_api(&model("Empty", &format!("{{{empty}}}"))), Some("Empty"));
        assert_eq!(of_new_api(&model("Pet", &format!("{{{empty}}}"))), None);
        assert_eq!(of_new_api(&model("Error", &format!("{{{empty}}}"))), None, "it was changed");
    }

    #[test]
    fn settings_of_somebody_else_on_a_method_are_seen() {
        let method = || Method::builder().authorization_type("NONE").api_key_required(false);
        let integration = || {
            Integration::builder()
                .r#type(IntegrationType::AwsProxy)
                .http_method("POST")
                .passthrough_behavior("WHEN_NO_MATCH")
                .timeout_in_millis(TIMEOUT)
                .cache_namespace("r")
        };
        let is = |method: Method| is_customized(&method, "r");
        let plain = method().request_parameters("method.request.path.id", true);
        assert!(!is(plain.method_integration(integration().build()).build()));
        assert!(!is(method().build()), "it is half-built");
        for integration in [
            integration().timeout_in_millis(1_000),
            integration().passthrough_behavior("NEVER"),
            integration().credentials("arn:aws:iam::123456789012:role/r"),
            integration().cache_namespace("other"),
            integration().request_templates("application/json", "{}"),
            integration().request_parameters("integration.request.header.X", "'x'"),
        ] {
            assert!(is(method().method_integration(integration.build()).build()));
        }
        let answer = || MethodResponse::builder().status_code("200");
        let imported = method().method_responses("200", answer().build());
        assert!(!is(imported.method_integration(integration().build()).build()));
        for method in [
            method().request_parameters("method.request.header.X", true),
            method().request_models("application/json", "Empty"),
            method().operation_name("x"),
            method().request_validator_id("v"),
            method().method_responses("404", answer().build()),
            method().method_responses("200", answer().response_models("a/b", "Empty").build()),
        ] {
            assert!(is(method.method_integration(integration().build()).build()));
        }
    }
}
