//! The OpenAPI documents that PutRestApi imports: what API Gateway refuses of one, and what it makes of it.
//!
//! Sources: "Develop REST APIs using OpenAPI in API Gateway" and "OpenAPI extensions for API Gateway"; what AWS was
//! recorded to make of documents in LocalStack's snapshot tests (Apache-2.0).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The largest document, in bytes.
const LARGEST: usize = 6_000_000;

const ANY: &str = "x-amazon-apigateway-any-method";
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// Extensions of the whole document that this reads.
const EXTENSIONS: [&str; 2] =
    ["x-amazon-apigateway-gateway-responses", "x-amazon-apigateway-binary-media-types"];

/// A document as API Gateway understands it.
#[derive(Debug)]
pub struct Definition {
    pub name: Value,
    pub version: Value,
    /// Null: none.
    pub description: Value,
    pub binary_types: Value,
    /// By path and HTTP method, as a reply has a method.
    pub methods: BTreeMap<String, BTreeMap<String, Value>>,
    /// By type, as a reply has them.
    pub responses: BTreeMap<String, Value>,
    /// Schemas by name.
    pub models: BTreeMap<String, Value>,
    /// How many of its parts are described: each becomes a part of the documentation, unless that is ignored.
    pub described: usize,
}

/// Reads a document. An error is what API Gateway refuses, or warns of.
pub fn read(body: &[u8]) -> Result<Definition, String> {
    if body.len() > LARGEST {
        return Err("the document has more than 6 MB".to_owned());
    }
    let document: Value =
        serde_json::from_slice(body).map_err(|_| "Invalid OpenAPI input.".to_owned())?;
    let info = &document["info"];
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    if !document["openapi"].as_str().is_some_and(|version| version.starts_with("3.0.")) {
        return Err("Unable to read the version of OpenAPI".to_owned());
    }
    if !is_text(&info["title"]) || !is_text(&info["version"]) || info["description"] == "" {
        return Err("attribute info is not complete".to_owned());
    }
    let unknown =
        keys(&document).into_iter().find(|key| key.starts_with("x-") && !EXTENSIONS.contains(key));
    if let Some(unknown) = unknown {
        return Err(format!("the extension {unknown} is not known here"));
    }
    let mut methods = BTreeMap::new();
    let mut described = usize::from(info["description"].is_string());
    for (path, item) in document["paths"].as_object().ok_or("attribute paths is missing")? {
        check_path(path, &document["paths"])?;
        let mut of_path = BTreeMap::new();
        for (name, operation) in item.as_object().into_iter().flatten() {
            let method = match name.as_str() {
                ANY => "ANY".to_owned(),
                name if METHODS.contains(&name) => name.to_ascii_uppercase(),
                other => return Err(format!("attribute {path}.{other} is unexpected")),
            };
            let at = format!("{method} {path}");
            let read = of_operation(&document, operation, &method)
                .map_err(|wrong| format!("{at}: {wrong}"))?;
            described += operation["responses"].as_object().map_or(0, Map::len);
            of_path.insert(method, read);
        }
        methods.insert(path.clone(), of_path);
    }
    let responses = document[EXTENSIONS[0]].as_object().into_iter().flatten();
    let responses = responses.map(|(sort, one)| (sort.clone(), of_response(sort, one)));
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    Ok(Definition {
        name: info["title"].clone(),
        version: info["version"].clone(),
        description: info["description"].clone(),
        binary_types: document[EXTENSIONS[1]].clone(),
        methods,
        responses: responses.collect(),
        models: schemas.map(|(name, schema)| (name.clone(), schema.clone())).collect(),
        described,
    })
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect()
}

/// Paths with two variables among siblings, or with something below a greedy one, are refused.
fn check_path(path: &str, all: &Value) -> Result<(), String> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_greedy = |part: &&str| part.ends_with("+}");
    if !path.starts_with('/') || parts.iter().rev().skip(1).any(is_greedy) {
        return Err(format!("Invalid path specified: {path}"));
    }
    for other in keys(all) {
        let mut both = parts.iter().zip(other.split('/')).skip_while(|(one, other)| *one == other);
        if let Some((one, other)) = both.next()
            && one.starts_with('{')
            && other.starts_with('{')
        {
            return Err(format!(
                "A sibling ({other}) of this resource already has a variable path part -- only one is allowed"
            ));
        }
    }
    Ok(())
}

fn of_operation(document: &Value, operation: &Value, method: &str) -> Result<Value, String> {
    let answers = operation["responses"].as_object().filter(|all| !all.is_empty());
    let answers = answers.ok_or("attribute responses is missing")?;
    let mut of_method = json!({
        "httpMethod": method,
        "authorizationType": authorization(operation)?,
        "apiKeyRequired": needs_key(document, operation)?,
    });
    for (status, answer) in answers {
        if !answer["description"].is_string() {
            return Err(format!("attribute responses.{status}.description is missing"));
        }
        let mut declared = json!({ "statusCode": status });
        for header in keys(&answer["headers"]) {
            declared["responseParameters"][format!("method.response.header.{header}")] =
                false.into();
        }
        of_method["methodResponses"][status] = declared;
    }
    if let Some(integration) = operation.get("x-amazon-apigateway-integration") {
        of_method["methodIntegration"] =
            of_integration(integration, &of_method["methodResponses"])?;
    }
    Ok(of_method)
}

fn authorization(operation: &Value) -> Result<String, String> {
    let sort = operation["x-amazon-apigateway-auth"]["type"].as_str().unwrap_or("NONE");
    match sort.to_ascii_uppercase() {
        sort if ["NONE", "AWS_IAM"].contains(&sort.as_str()) => Ok(sort),
        other => Err(format!("the authorization {other} is not known")),
    }
}

/// Of all schemes, this reads the one that stands for an API key.
fn needs_key(document: &Value, operation: &Value) -> Result<bool, String> {
    let wanted = operation["security"].as_array().into_iter().flatten().flat_map(keys);
    let mut needs = false;
    for name in wanted {
        let scheme = &document["components"]["securitySchemes"][name];
        let is_header = |value: &Value| {
            value.as_str().is_some_and(|name| name.eq_ignore_ascii_case("x-api-key"))
        };
        if scheme["type"] != "apiKey" || scheme["in"] != "header" || !is_header(&scheme["name"]) {
            return Err(format!("the security scheme {name} is not one of an API key"));
        }
        needs = true;
    }
    Ok(needs)
}

fn of_integration(integration: &Value, declared: &Value) -> Result<Value, String> {
    let sort = integration["type"].as_str().unwrap_or_default().to_ascii_uppercase();
    let mut made = json!({
        "type": sort,
        "passthroughBehavior": integration["passthroughBehavior"]
            .as_str().unwrap_or("when_no_match").to_ascii_uppercase(),
        "timeoutInMillis": 29_000,
        "cacheKeyParameters": [],
    });
    for field in ["requestTemplates", "contentHandling", "uri"] {
        if let Some(value) = integration.get(field) {
            made[field] = value.clone();
        }
    }
    match sort.as_str() {
        "MOCK" => {}
        "AWS_PROXY" => {
            let uri = integration["uri"].as_str().unwrap_or_default();
            let of_lambda = ":lambda:path/2015-03-31/functions/";
            if !uri.starts_with("arn:") || !uri.contains(of_lambda) {
                return Err("Invalid ARN specified in the request".to_owned());
            }
            // Whatever else is written, Lambda is called so.
            made["httpMethod"] = "POST".into();
        }
        other => return Err(format!("the integration type {other} is not known here")),
    }
    for (pattern, answer) in integration["responses"].as_object().into_iter().flatten() {
        let status = answer["statusCode"].as_str().unwrap_or_default();
        let mut made_answer = json!({ "statusCode": status });
        for header in keys(&answer["responseParameters"]) {
            if declared[status]["responseParameters"].get(header).is_none() {
                return Err(format!("Invalid mapping expression parameter specified: {header}"));
            }
        }
        if pattern != "default" {
            made_answer["selectionPattern"] = pattern.as_str().into();
        }
        if let Some(parameters) = answer.get("responseParameters") {
            made_answer["responseParameters"] = parameters.clone();
        }
        made["integrationResponses"][status] = made_answer;
    }
    Ok(made)
}

fn of_response(sort: &str, written: &Value) -> Value {
    let mut made = written.clone();
    made["responseType"] = sort.into();
    made["defaultResponse"] = false.into();
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/f/invocations";

    fn document(paths: Value) -> Value {
        json!({ "openapi": "3.0.1", "info": { "title": "a", "version": "1" }, "paths": paths })
    }

    fn proxy() -> Value {
        let integration = json!({ "type": "aws_proxy", "httpMethod": "POST", "uri": URI });
        let responses = json!({ "200": { "description": "done" } });
        json!({ "responses": responses, "x-amazon-apigateway-integration": integration })
    }

    fn refused(document: &Value) -> String {
        read(document.to_string().as_bytes()).err().unwrap_or_default()
    }

    #[test]
    fn methods_are_as_aws_makes_them() {
        let mut keyed = proxy();
        keyed["security"] = json!([{ "api_key": [] }]);
        keyed["x-amazon-apigateway-auth"] = json!({ "type": "aws_iam" });
        let mut document = document(json!({ "/a": { ANY: keyed } }));
        let scheme = json!({ "type": "apiKey", "name": "X-Api-Key", "in": "header" });
        document["components"]["securitySchemes"]["api_key"] = scheme;
        let read = read(document.to_string().as_bytes()).expect("a definition");
        assert_eq!(
            read.methods["/a"]["ANY"],
            json!({
                "httpMethod": "ANY",
                "authorizationType": "AWS_IAM",
                "apiKeyRequired": true,
                "methodResponses": { "200": { "statusCode": "200" } },
                "methodIntegration": {
                    "type": "AWS_PROXY",
                    "httpMethod": "POST",
                    "uri": URI,
                    "passthroughBehavior": "WHEN_NO_MATCH",
                    "timeoutInMillis": 29_000,
                    "cacheKeyParameters": [],
                },
            })
        );
    }

    #[test]
    fn what_cannot_be_imported_is_refused() {
        assert_eq!(refused(&document(json!({ "/a": { "get": proxy() } }))), "");
        let mut unversioned = document(json!({}));
        unversioned["info"]["version"] = Value::Null;
        let mut unknown = document(json!({}));
        unknown["x-amazon-apigateway-polcy"] = json!({});
        let mut keyed = proxy();
        keyed["security"] = json!([{ "api_key": [] }]);
        let mut mock = proxy();
        mock["x-amazon-apigateway-integration"] = json!({
            "type": "mock",
            "responses": { "default": {
                "statusCode": "204", "responseParameters": { "method.response.header.A": "'a'" },
            } },
        });
        for (wrong, part) in [
            (json!({ "swagger": "2.0" }), "version of OpenAPI"),
            (unversioned, "info"),
            (unknown, "polcy"),
            (document(json!({ "/a": { "fetch": proxy() } })), "/a.fetch"),
            (document(json!({ "/{a+}/b": { "get": proxy() } })), "Invalid path"),
            (document(json!({ "/a/{b}": {}, "/a/{c}/d": {} })), "already has a variable"),
            (document(json!({ "/a": { "get": {} } })), "responses"),
            (document(json!({ "/a": { "get": keyed } })), "api_key"),
            (document(json!({ "/a": { "get": mock } })), "header.A"),
        ] {
            assert!(refused(&wrong).contains(part), "{part}: {}", refused(&wrong));
        }
    }
}
