//! Recognizes the operation of an HTTP request in the four protocols of the services.
//!
//! EC2 and IAM name it in a form (`Action=`), CloudWatch Logs in the header `X-Amz-Target`, Lambda
//! and API Gateway by method and path. The service is the one the request was signed for.

use http::request::Parts;

use crate::kinds::KINDS;
use crate::request::Operation;

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
        (None, None) => return Some(by_path(service, head)),
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

/// The operation of a service that recognizes it by method and path. An operation that no kind lists
/// is named by its method and path.
fn by_path(service: &str, head: &Parts) -> Operation {
    let path = head.uri.path().trim_matches('/');
    // Lambda's paths begin with the version of its API.
    let unversioned = match path.split_once('/') {
        Some((version, rest)) if version.starts_with("20") => rest,
        _ => path,
    };
    let method = head.method.as_str();
    let mut listed =
        KINDS.iter().filter(|kind| kind.service == service).flat_map(|kind| kind.paths);
    let listed = listed.find(|one| one.method == method && fits(one.path, unversioned));
    Operation {
        service: service.to_owned(),
        name: listed.map_or_else(|| format!("{method} /{path}"), |one| one.name.to_owned()),
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
