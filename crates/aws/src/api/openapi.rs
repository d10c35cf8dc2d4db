//! The OpenAPI document of an API, with the extensions of API Gateway: what an import reads.
//!
//! An import overwrites: what the document does not name is deleted or reset. So it also has what is unmanaged, as
//! far as that can be imported. What API Gateway sets by default is left out, so that an import makes what the
//! calls for single routes make.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::GatewayResponse as SeenResponse;
use serde_json::{Map, Value, json};
use stackwright_engine::kind::{Error, Result};

use super::gateway::GatewayResponse;
use super::names::invocation;
use super::preflight;
use super::routes::{NotARoute, RouteKey};
use super::spec::{Route, Spec};

/// The scheme of a method that needs an API key. API Gateway knows it by the header.
const API_KEY: &str = "api_key";

/// The version of the document, which OpenAPI demands, where the API has none.
const VERSION: &str = "1.0";

/// The models of every new API.
pub const MODELS: [&str; 2] = ["Empty", "Error"];

/// What exists and is not in the spec, and stays only if the import repeats it.
#[derive(Debug, Default)]
pub struct Unmanaged {
    pub version: Option<String>,
    pub description: Option<String>,
    pub binary_types: Vec<String>,
    pub responses: Vec<SeenResponse>,
    /// `None`: those of a new API.
    pub models: Option<Vec<&'static str>>,
}

/// Returns the document that makes an API as desired.
pub fn document(desired: &Spec, unmanaged: &Unmanaged) -> Result<Value> {
    let description = desired.description.as_ref().or(unmanaged.description.as_ref());
    let types = desired.binary_types.as_ref().unwrap_or(&unmanaged.binary_types);
    let mut info = json!({
        "title": desired.name,
        "version": unmanaged.version.as_deref().unwrap_or(VERSION),
    });
    if let Some(text) = description.filter(|text| !text.is_empty()) {
        info["description"] = text.as_str().into();
    }
    let models = unmanaged.models.as_deref().unwrap_or(&MODELS);
    let schemas: Map<String, Value> =
        models.iter().map(|name| ((*name).to_owned(), model(name))).collect();
    let mut components = json!({ "schemas": schemas });
    if desired.routes.values().any(|route| route.api_key) {
        let scheme = json!({ "type": "apiKey", "name": "x-api-key", "in": "header" });
        components["securitySchemes"] = json!({ API_KEY: scheme });
    }
    let mut document = json!({
        "openapi": "3.0.1",
        "info": info,
        "paths": paths(&desired.routes)?,
        "components": components,
    });
    let responses = responses(desired, &unmanaged.responses);
    if !responses.is_empty() {
        document["x-amazon-apigateway-gateway-responses"] = responses.into();
    }
    if !types.is_empty() {
        document["x-amazon-apigateway-binary-media-types"] = json!(types);
    }
    Ok(document)
}

/// Returns a model of a new API.
pub fn model(name: &str) -> Value {
    let mut model = json!({ "title": format!("{name} Schema"), "type": "object" });
    if name == "Error" {
        model["properties"] = json!({ "message": { "type": "string" } });
    }
    model
}

fn paths(routes: &BTreeMap<String, Route>) -> Result<Map<String, Value>> {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for (key, route) in routes {
        let RouteKey { method, path } = key
            .parse()
            .map_err(|error: NotARoute| Error::terminal(error.message).with_hint(error.hint))?;
        let method = match method.as_str() {
            "ANY" => "x-amazon-apigateway-any-method".to_owned(),
            method => method.to_ascii_lowercase(),
        };
        paths.entry(path).or_default().insert(method, operation(route)?);
    }
    Ok(paths.into_iter().map(|(path, methods)| (path, methods.into())).collect())
}

fn operation(route: &Route) -> Result<Value> {
    let mut operation = json!({
        // OpenAPI demands one. It means nothing to a function that makes its own responses.
        "responses": { "200": { "description": "200 response" } },
        "x-amazon-apigateway-auth": { "type": route.authorization },
    });
    if route.api_key {
        operation["security"] = json!([{ API_KEY: [] }]);
    }
    if !route.preflight.is_empty() {
        operation["responses"] = preflight::responses(&route.preflight);
        operation["x-amazon-apigateway-integration"] = preflight::integration(&route.preflight);
    } else if let Some(function) = &route.function {
        operation["x-amazon-apigateway-integration"] = json!({
            "type": "aws_proxy",
            // Lambda is called by POST, whatever the method of the request.
            "httpMethod": "POST",
            "uri": invocation(function)?,
            "passthroughBehavior": "when_no_match",
        });
    }
    Ok(operation)
}

fn responses(desired: &Spec, unmanaged: &[SeenResponse]) -> Map<String, Value> {
    let unmanaged = unmanaged.iter().filter_map(|one| {
        let sort = one.response_type()?.as_str().to_owned();
        let (parameters, templates) = (one.response_parameters(), one.response_templates());
        Some((sort, response(one.status_code(), json!(parameters), json!(templates))))
    });
    let desired = desired.gateway_responses.iter().flatten().map(|(sort, one)| {
        let GatewayResponse { status, body, .. } = one;
        let status = status.map(|status| status.to_string());
        let of_file = response(status.as_deref(), json!(one.parameters()), json!(body));
        (sort.clone(), of_file)
    });
    unmanaged.chain(desired).collect()
}

fn response(status: Option<&str>, parameters: Value, templates: Value) -> Value {
    let parts = [
        ("statusCode", json!(status)),
        ("responseParameters", parameters),
        ("responseTemplates", templates),
    ];
    let set = parts.into_iter().filter(|(_, part)| !part.is_null() && *part != json!({}));
    set.map(|(name, part)| (name.to_owned(), part)).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use aws_sdk_apigateway::types::GatewayResponseType;

    use super::*;

    const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";
    const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/\
                       arn:aws:lambda:us-east-1:123456789012:function:f/invocations";

    fn spec(more: Value) -> Spec {
        let mut spec = json!({
            "name": "a", "tags": {}, "routes": {}, "permissions": [], "deployed": "x",
        });
        spec.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        serde_json::from_value(spec).expect("a spec")
    }

    #[test]
    fn a_document_says_what_the_spec_says() {
        let origin = "Access-Control-Allow-Origin";
        let spec = spec(json!({
            "description": "two routes",
            "binary_types": ["image/png"],
            "routes": {
                "ANY /a/{b+}": { "function": ARN, "authorization": "NONE", "api_key": true },
                "GET /": { "function": ARN, "authorization": "AWS_IAM" },
                "OPTIONS /": { "authorization": "NONE", "preflight": { origin: "*" } },
            },
            "gateway_responses": {
                "DEFAULT_4XX": { "status": 404, "headers": { origin: "*" }, "body": { "a/b": "c" } },
            },
        }));
        let proxy = json!({
            "type": "aws_proxy", "httpMethod": "POST", "uri": URI, "passthroughBehavior": "when_no_match",
        });
        let response = json!({ "200": { "description": "200 response" } });
        let header = format!("method.response.header.{origin}");
        let expected = json!({
            "openapi": "3.0.1",
            "info": { "title": "a", "version": "1.0", "description": "two routes" },
            "paths": {
                "/": {
                    "get": {
                        "responses": response,
                        "x-amazon-apigateway-auth": { "type": "AWS_IAM" },
                        "x-amazon-apigateway-integration": proxy,
                    },
                    "options": {
                        "responses": { "204": {
                            "description": "preflight",
                            "headers": { origin: { "schema": { "type": "string" } } },
                        } },
                        "x-amazon-apigateway-auth": { "type": "NONE" },
                        "x-amazon-apigateway-integration": {
                            "type": "mock",
                            "requestTemplates": { "application/json": "{\"statusCode\": 204}" },
                            "contentHandling": "CONVERT_TO_TEXT",
                            "passthroughBehavior": "when_no_match",
                            "responses": { "default": {
                                "statusCode": "204",
                                "responseParameters": { header: "'*'" },
                            } },
                        },
                    },
                },
                "/a/{b+}": { "x-amazon-apigateway-any-method": {
                    "responses": response,
                    "security": [{ "api_key": [] }],
                    "x-amazon-apigateway-auth": { "type": "NONE" },
                    "x-amazon-apigateway-integration": proxy,
                } },
            },
            "components": {
                "schemas": {
                    "Empty": { "title": "Empty Schema", "type": "object" },
                    "Error": {
                        "title": "Error Schema",
                        "type": "object",
                        "properties": { "message": { "type": "string" } },
                    },
                },
                "securitySchemes": {
                    "api_key": { "type": "apiKey", "name": "x-api-key", "in": "header" },
                },
            },
            "x-amazon-apigateway-gateway-responses": { "DEFAULT_4XX": {
                "statusCode": "404",
                "responseParameters": { format!("gatewayresponse.header.{origin}"): "'*'" },
                "responseTemplates": { "a/b": "c" },
            } },
            "x-amazon-apigateway-binary-media-types": ["image/png"],
        });
        assert_eq!(document(&spec, &Unmanaged::default()).expect("a document"), expected);
    }

    #[test]
    fn a_document_repeats_what_is_unmanaged() {
        let mapping = ("gatewayresponse.header.X-A", "method.request.header.X-A");
        let unmanaged = Unmanaged {
            version: Some("7".to_owned()),
            description: Some("by hand".to_owned()),
            binary_types: vec!["a/b".to_owned()],
            responses: vec![
                SeenResponse::builder()
                    .response_type(GatewayResponseType::Throttled)
                    .status_code("503")
                    .response_parameters(mapping.0, mapping.1)
                    .build(),
            ],
            models: Some(vec!["Empty"]),
        };
        let document = |more: Value| document(&spec(more), &unmanaged).expect("a document");
        let kept = document(json!({}));
        assert_eq!(kept["info"], json!({ "title": "a", "version": "7", "description": "by hand" }));
        assert_eq!(kept["x-amazon-apigateway-binary-media-types"], json!(["a/b"]));
        assert_eq!(
            kept["x-amazon-apigateway-gateway-responses"],
            json!({ "THROTTLED": {
                "statusCode": "503", "responseParameters": { mapping.0: mapping.1 },
            } })
        );
        assert_eq!(kept["components"], json!({ "schemas": { "Empty": model("Empty") } }));
        let set = document(json!({ "description": "", "binary_types": [] }));
        assert_eq!(set["info"], json!({ "title": "a", "version": "7" }), "the file comes first");
        assert_eq!(set.get("x-amazon-apigateway-binary-media-types"), None);
    }
}
