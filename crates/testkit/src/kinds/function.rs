//! A Lambda function.

use super::text::{last_part, without_items};
use super::{Kind, List, ListRequest, NotFound, PathOperation, on, plain_items};
use crate::request::ApiRequest;

pub const KIND: Kind = Kind {
    name: "function",
    service: "lambda",
    is_declared: true,
    create: "CreateFunction",
    delete: "DeleteFunction",
    list: List {
        operation: "ListFunctions",
        request: ListRequest::Get("2015-03-31/functions/"),
        has_tags: false,
        objects: |reply| plain_items(reply, "Functions", "FunctionName"),
        without: |reply, hides| without_items(reply, "Functions", "FunctionName", hides),
    },
    named,
    created: |request, _| named(request),
    not_found: |name| NotFound {
        status: 404,
        code: "ResourceNotFoundException",
        message: format!(
            "Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}"
        ),
    },
    paths: PATHS,
};

const PATHS: &[PathOperation] = &[
    on("POST", "functions", "CreateFunction"),
    on("GET", "functions", "ListFunctions"),
    on("GET", "functions/*", "GetFunction"),
    on("DELETE", "functions/*", "DeleteFunction"),
    on("PUT", "functions/*/code", "UpdateFunctionCode"),
    on("GET", "functions/*/configuration", "GetFunctionConfiguration"),
    on("PUT", "functions/*/configuration", "UpdateFunctionConfiguration"),
    on("PUT", "functions/*/concurrency", "PutFunctionConcurrency"),
    on("DELETE", "functions/*/concurrency", "DeleteFunctionConcurrency"),
    on("POST", "functions/*/invocations", "Invoke"),
    on("GET", "functions/*/policy", "GetPolicy"),
    on("POST", "functions/*/policy", "AddPermission"),
    on("DELETE", "functions/*/policy/*", "RemovePermission"),
    on("GET", "tags/*", "ListTags"),
    on("POST", "tags/*", "TagResource"),
    on("DELETE", "tags/*", "UntagResource"),
];

/// By its name in the path, its ARN in the path of its tags, or its name in the create's body.
fn named(request: &ApiRequest) -> Vec<String> {
    let in_path = request.under("functions").or_else(|| request.under("tags"));
    let in_body = || request.json()["FunctionName"].as_str().map(str::to_owned);
    in_path.or_else(in_body).map(|name| last_part(&name, ':')).into_iter().collect()
}
