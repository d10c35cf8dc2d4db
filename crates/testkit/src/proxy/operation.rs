//! Which operation an HTTP request is: the four protocols that the services speak.
//!
//! EC2 and IAM say it in a form (`Action=`), CloudWatch Logs in the header `X-Amz-Target`, Lambda
//! and API Gateway by method and path. The service is the one the request was signed for.

use http::request::Parts;
use serde::{Deserialize, Serialize};

/// `lambda CreateFunction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// As in the signature's scope: `ec2`, `iam`, `sts`, `lambda`, `apigateway`, `logs`.
    pub service: String,
    pub name: String,
    /// Changes something.
    pub writes: bool,
}

/// `None`: not a call of a service's API (a health probe, a call of a deployed API).
pub fn operation(head: &Parts, body: &[u8]) -> Option<Operation> {
    let service = signed_for(head)?;
    if service == "execute-api" {
        return None;
    }
    let target = head.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let name = match (target, action(body)) {
        (Some(target), _) => target.rsplit('.').next().unwrap_or(target).to_owned(),
        (None, Some(action)) => action,
        (None, None) => return Some(rest(service, head)),
    };
    let writes = !["Describe", "Get", "List", "Filter"].iter().any(|read| name.starts_with(read));
    Some(Operation { service: service.to_owned(), name, writes })
}

/// The service in `Credential=KEY/20260101/us-east-1/SERVICE/aws4_request`.
fn signed_for(head: &Parts) -> Option<&str> {
    let value = head.headers.get(http::header::AUTHORIZATION)?.to_str().ok()?;
    value.split("Credential=").nth(1)?.split(',').next()?.split('/').nth(3)
}

fn action(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let pair = text.split('&').find_map(|pair| pair.strip_prefix("Action="))?;
    Some(pair.to_owned())
}

/// Lambda's and API Gateway's; `*` is any one segment.
const REST: &[(&str, &str, &str)] = &[
    ("POST", "functions", "CreateFunction"),
    ("GET", "functions", "ListFunctions"),
    ("GET", "functions/*", "GetFunction"),
    ("DELETE", "functions/*", "DeleteFunction"),
    ("PUT", "functions/*/code", "UpdateFunctionCode"),
    ("GET", "functions/*/configuration", "GetFunctionConfiguration"),
    ("PUT", "functions/*/configuration", "UpdateFunctionConfiguration"),
    ("PUT", "functions/*/concurrency", "PutFunctionConcurrency"),
    ("DELETE", "functions/*/concurrency", "DeleteFunctionConcurrency"),
    ("POST", "functions/*/invocations", "Invoke"),
    ("GET", "functions/*/policy", "GetPolicy"),
    ("POST", "functions/*/policy", "AddPermission"),
    ("DELETE", "functions/*/policy/*", "RemovePermission"),
    ("POST", "restapis", "CreateRestApi"),
    ("GET", "restapis", "GetRestApis"),
    ("GET", "restapis/*", "GetRestApi"),
    ("PATCH", "restapis/*", "UpdateRestApi"),
    ("DELETE", "restapis/*", "DeleteRestApi"),
    ("GET", "restapis/*/resources", "GetResources"),
    ("POST", "restapis/*/resources/*", "CreateResource"),
    ("DELETE", "restapis/*/resources/*", "DeleteResource"),
    ("GET", "restapis/*/resources/*/methods/*", "GetMethod"),
    ("PUT", "restapis/*/resources/*/methods/*", "PutMethod"),
    ("DELETE", "restapis/*/resources/*/methods/*", "DeleteMethod"),
    ("PUT", "restapis/*/resources/*/methods/*/responses/*", "PutMethodResponse"),
    ("PUT", "restapis/*/resources/*/methods/*/integration", "PutIntegration"),
    ("PUT", "restapis/*/resources/*/methods/*/integration/responses/*", "PutIntegrationResponse"),
    ("GET", "restapis/*/gatewayresponses", "GetGatewayResponses"),
    ("PUT", "restapis/*/gatewayresponses/*", "PutGatewayResponse"),
    ("DELETE", "restapis/*/gatewayresponses/*", "DeleteGatewayResponse"),
    ("GET", "restapis/*/deployments", "GetDeployments"),
    ("POST", "restapis/*/deployments", "CreateDeployment"),
    ("GET", "restapis/*/deployments/*", "GetDeployment"),
    ("DELETE", "restapis/*/deployments/*", "DeleteDeployment"),
    ("GET", "restapis/*/stages", "GetStages"),
    ("POST", "restapis/*/stages", "CreateStage"),
    ("DELETE", "restapis/*/stages/*", "DeleteStage"),
    ("PATCH", "restapis/*/stages/*", "UpdateStage"),
    ("GET", "tags/*", "GetTags"),
    ("PUT", "tags/*", "TagResource"),
    ("POST", "tags/*", "TagResource"),
    ("DELETE", "tags/*", "UntagResource"),
];

/// An operation without a name here is its method and path.
fn rest(service: &str, head: &Parts) -> Operation {
    let path = head.uri.path().trim_matches('/');
    // Lambda's paths begin with the version of its API.
    let plain = match path.split_once('/') {
        Some((version, rest)) if version.starts_with("20") => rest,
        _ => path,
    };
    let method = head.method.as_str();
    let known = REST.iter().find(|(m, pattern, _)| *m == method && fits(pattern, plain));
    Operation {
        service: service.to_owned(),
        name: known.map_or_else(|| format!("{method} /{path}"), |(_, _, name)| (*name).to_owned()),
        writes: method != "GET" && method != "HEAD",
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.trim_end_matches('/').split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == "*" || wanted == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(method: &str, path: &str, service: &str, more: (&str, &str), expected: &str) {
        let (header, body) = more;
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
        );
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", scope)
            .header("x-amz-target", header);
        let mut head = request.body(()).expect("a request").into_parts().0;
        if header.is_empty() {
            head.headers.remove("x-amz-target");
        }
        let found = operation(&head, body.as_bytes()).map(|found| {
            let sort = if found.writes { "writes" } else { "reads" };
            format!("{} {} {sort}", found.service, found.name)
        });
        assert_eq!(found.unwrap_or_default(), expected);
    }

    #[test]
    fn an_operation_is_known_by_its_protocol() {
        let form = ("", "Action=RunInstances&Version=2016-11-15");
        check("POST", "/", "ec2", form, "ec2 RunInstances writes");
        check("POST", "/", "iam", ("", "Action=GetRole"), "iam GetRole reads");
        let target = ("Logs_20140328.CreateLogGroup", "{}");
        check("POST", "/", "logs", target, "logs CreateLogGroup writes");
        let code = "/2015-03-31/functions/f/code";
        check("PUT", code, "lambda", ("", ""), "lambda UpdateFunctionCode writes");
        let functions = "/2015-03-31/functions/";
        check("POST", functions, "lambda", ("", "{}"), "lambda CreateFunction writes");
        let method = "/restapis/a/resources/b/methods/GET";
        check("GET", method, "apigateway", ("", ""), "apigateway GetMethod reads");
        check("GET", "/new/thing", "lambda", ("", ""), "lambda GET /new/thing reads");
        check("POST", "/prod/x", "execute-api", ("", ""), "");
    }
}
