//! A REST API of API Gateway.

use serde_json::Value;

use super::text::{items, last_part, without_items};
use super::{Kind, List, ListRequest, NotFound, Object, OwnerTags, PathOperation, on};
use crate::request::ApiRequest;

pub const KIND: Kind = Kind {
    name: "api",
    service: "apigateway",
    is_declared: true,
    create: "CreateRestApi",
    delete: "DeleteRestApi",
    list: List {
        operation: "GetRestApis",
        request: ListRequest::Get("restapis"),
        has_tags: true,
        objects,
        without: |reply, hides| without_items(reply, "item", "id", hides),
    },
    named,
    created: |_, reply| {
        let made: Value = serde_json::from_str(reply).unwrap_or_default();
        made["id"].as_str().map(str::to_owned).into_iter().collect()
    },
    not_found: |_| NotFound {
        status: 404,
        code: "NotFoundException",
        message: "Invalid API identifier specified".to_owned(),
    },
    paths: PATHS,
};

const PATHS: &[PathOperation] = &[
    on("POST", "restapis", "CreateRestApi"),
    on("GET", "restapis", "GetRestApis"),
    on("GET", "restapis/*", "GetRestApi"),
    on("PATCH", "restapis/*", "UpdateRestApi"),
    on("PUT", "restapis/*", "PutRestApi"),
    on("DELETE", "restapis/*", "DeleteRestApi"),
    on("GET", "restapis/*/models", "GetModels"),
    on("GET", "restapis/*/authorizers", "GetAuthorizers"),
    on("GET", "restapis/*/requestvalidators", "GetRequestValidators"),
    on("GET", "restapis/*/documentation/parts", "GetDocumentationParts"),
    on("GET", "restapis/*/resources", "GetResources"),
    on("POST", "restapis/*/resources/*", "CreateResource"),
    on("DELETE", "restapis/*/resources/*", "DeleteResource"),
    on("GET", "restapis/*/resources/*/methods/*", "GetMethod"),
    on("PUT", "restapis/*/resources/*/methods/*", "PutMethod"),
    on("DELETE", "restapis/*/resources/*/methods/*", "DeleteMethod"),
    on("PUT", "restapis/*/resources/*/methods/*/responses/*", "PutMethodResponse"),
    on("PUT", "restapis/*/resources/*/methods/*/integration", "PutIntegration"),
    on("PUT", "restapis/*/resources/*/methods/*/integration/responses/*", "PutIntegrationResponse"),
    on("GET", "restapis/*/gatewayresponses", "GetGatewayResponses"),
    on("PUT", "restapis/*/gatewayresponses/*", "PutGatewayResponse"),
    on("DELETE", "restapis/*/gatewayresponses/*", "DeleteGatewayResponse"),
    on("GET", "restapis/*/deployments", "GetDeployments"),
    on("POST", "restapis/*/deployments", "CreateDeployment"),
    on("GET", "restapis/*/deployments/*", "GetDeployment"),
    on("DELETE", "restapis/*/deployments/*", "DeleteDeployment"),
    on("GET", "restapis/*/stages", "GetStages"),
    on("POST", "restapis/*/stages", "CreateStage"),
    on("DELETE", "restapis/*/stages/*", "DeleteStage"),
    on("PATCH", "restapis/*/stages/*", "UpdateStage"),
    on("GET", "tags/*", "GetTags"),
    on("PUT", "tags/*", "TagResource"),
    on("DELETE", "tags/*", "UntagResource"),
];

/// By its id in the path, or by its ARN in the path of its tags.
fn named(request: &ApiRequest) -> Vec<String> {
    let in_arn = || request.under("tags").map(|arn| last_part(&arn, '/'));
    request.under("restapis").or_else(in_arn).into_iter().collect()
}

fn objects(reply: &str) -> Vec<Object> {
    let read = |item: &Value| {
        let owner = OwnerTags::read(|key| item["tags"][key].as_str().map(str::to_owned));
        Some(Object { owner, ..Object::plain(item["id"].as_str()?) })
    };
    items(reply, "item").iter().filter_map(read).collect()
}
