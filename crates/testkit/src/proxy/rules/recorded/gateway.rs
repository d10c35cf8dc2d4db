//! API Gateway: patches, paths, integrations and imports.

use serde_json::Value;

use super::{Recorded, Refused};
use crate::openapi;
use crate::request::ApiRequest;

fn bad_request(message: impl Into<String>) -> Option<Refused> {
    Some(Refused { status: 400, code: "BadRequestException", message: message.into() })
}

fn missing(message: impl Into<String>) -> Option<Refused> {
    Some(Refused { status: 404, code: "NotFoundException", message: message.into() })
}

impl Recorded {
    pub(super) fn gateway(&self, request: &ApiRequest, name: &str) -> Option<Refused> {
        let body = request.json();
        match name {
            "CreateRestApi" => api(&body),
            "UpdateRestApi" => patches(&body).find_map(api_patch),
            "UpdateStage" => patches(&body).find_map(stage_patch),
            "PutIntegration" => integration(&body),
            "PutRestApi" => openapi::read(&request.body).err().and_then(bad_request),
            "CreateResource" => self.resource(request, &body),
            "DeleteGatewayResponse" => self.gateway_response(request),
            _ => None,
        }
    }

    /// A path has one variable among its siblings, and nothing below a greedy one.
    fn resource(&self, request: &ApiRequest, body: &Value) -> Option<Refused> {
        let (api, parent) = (request.under("restapis")?, request.under("resources")?);
        let part = body["pathPart"].as_str()?;
        let all = self.upstream.items(&format!("restapis/{api}/resources?limit=500"))?;
        let greedy = |one: &&Value| {
            one["id"] == *parent
                && one["pathPart"].as_str().is_some_and(|part| part.ends_with("+}"))
        };
        if let Some(parent) = all.iter().find(greedy) {
            return bad_request(format!(
                "Cannot create a child of a resource with a greedy path variable: {}",
                parent["pathPart"].as_str().unwrap_or_default()
            ));
        }
        let mut siblings = all.iter().filter(|one| one["parentId"] == *parent);
        let variable = siblings
            .find_map(|one| one["pathPart"].as_str().filter(|part| part.starts_with('{')))?;
        let is_second = part.starts_with('{') && part != variable;
        is_second.then_some(())?;
        bad_request(format!(
            "A sibling ({variable}) of this resource already has a variable path part -- only one is allowed"
        ))
    }

    fn gateway_response(&self, request: &ApiRequest) -> Option<Refused> {
        let (api, of) = (request.under("restapis")?, request.under("gatewayresponses")?);
        let all = self.upstream.items(&format!("restapis/{api}/gatewayresponses"))?;
        let is_set =
            all.iter().any(|one| one["responseType"] == *of && one["defaultResponse"] != true);
        if is_set { None } else { missing("Gateway response type not defined on api") }
    }
}

fn api(body: &Value) -> Option<Refused> {
    if body["description"] == "" {
        return bad_request("Description cannot be an empty string");
    }
    let types = body["endpointConfiguration"]["types"].as_array();
    types.filter(|types| types.len() > 1)?;
    bad_request("Cannot create an api with multiple Endpoint Types.")
}

struct Patch<'a> {
    op: &'a str,
    path: &'a str,
    value: &'a str,
}

fn patches(body: &Value) -> impl Iterator<Item = Patch<'_>> {
    let each = body["patchOperations"].as_array().into_iter().flatten();
    each.map(|patch| {
        let [op, path, value] =
            ["op", "path", "value"].map(|name| patch[name].as_str().unwrap_or_default());
        Patch { op, path, value }
    })
}

/// The fields of an API that a patch replaces; the rest have an element in their path.
const API_FIELDS: &[&str] = &[
    "/apiKeySource",
    "/description",
    "/disableExecuteApiEndpoint",
    "/endpointConfiguration/ipAddressType",
    "/minimumCompressionSize",
    "/name",
    "/policy",
    "/securityPolicy",
];

fn api_patch(Patch { op, path, value }: Patch<'_>) -> Option<Refused> {
    if API_FIELDS.contains(&path) {
        return if op == "replace" {
            None
        } else {
            bad_request("Invalid patch operation specified. Must be one of: [replace]")
        };
    }
    if path.starts_with("/endpointConfiguration/types/") {
        let is_type = op == "remove" || ["REGIONAL", "EDGE", "PRIVATE"].contains(&value);
        return if is_type {
            None
        } else {
            bad_request("Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE")
        };
    }
    let has_element = ["/binaryMediaTypes/", "/endpointConfiguration/vpcEndpointIds"];
    let is_known = has_element.iter().any(|known| path.starts_with(known));
    if is_known { None } else { bad_request(format!("Invalid patch path {path}")) }
}

/// What a method setting of a stage ends with.
const METHOD_SETTINGS: &[&str] = &[
    "/metrics/enabled",
    "/logging/dataTrace",
    "/logging/loglevel",
    "/throttling/burstLimit",
    "/throttling/rateLimit",
    "/caching/enabled",
    "/caching/ttlInSeconds",
    "/caching/dataEncrypted",
    "/caching/requireAuthorizationForCacheControl",
    "/caching/unauthorizedCacheControlHeaderStrategy",
];

fn stage_patch(Patch { op, path, value }: Patch<'_>) -> Option<Refused> {
    let parts = path.split('/').skip(1).count();
    let is_whole = ["/accessLogSettings", "/canarySettings"].contains(&path)
        || path.starts_with("/variables/");
    if op == "remove" && !is_whole {
        // A method's settings are removed as a whole: `/{path}/{method}`.
        let is_method = parts == 2 && !path.starts_with("/accessLogSettings");
        return if is_method {
            None
        } else {
            bad_request(format!(
                "Cannot remove method setting {} because there is no method setting for this method ",
                path.trim_start_matches('/')
            ))
        };
    }
    if path == "/accessLogSettings/format" && value.is_empty() {
        return bad_request("Access Log value must not be empty");
    }
    let fields = [
        "/deploymentId",
        "/description",
        "/cacheClusterEnabled",
        "/cacheClusterSize",
        "/clientCertificateId",
        "/accessLogSettings/destinationArn",
        "/accessLogSettings/format",
        "/tracingEnabled",
    ];
    let is_method_setting = METHOD_SETTINGS.iter().any(|end| path.ends_with(end));
    if is_whole || is_method_setting || fields.contains(&path) {
        return None;
    }
    bad_request(format!("Invalid method setting path: {path}. Must be one of: [/deploymentId, …]"))
}

fn integration(body: &Value) -> Option<Refused> {
    if !body["type"].as_str().is_some_and(|of| of.starts_with("AWS")) {
        return None;
    }
    let uri = body["uri"].as_str().unwrap_or_default();
    if body["httpMethod"].as_str().is_none_or(str::is_empty) {
        return bad_request("Enumeration value for HttpMethod must be non-empty");
    }
    let mut parts = uri.split(':');
    if parts.next() != Some("arn") {
        return bad_request("Invalid ARN specified in the request");
    }
    if parts.nth(1) != Some("apigateway") || !(uri.contains(":path/") || uri.contains(":action/")) {
        return bad_request("AWS ARN for integration must contain path or action");
    }
    None
}
