//! The routes of a REST API, and which of them serves a call.

use serde_json::Value;

use super::Upstream;
use crate::request::decoded;

/// A method of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `ANY` is for all methods without a route of their own.
    pub method: String,
    /// `/a/{b}/{rest+}`
    pub path: String,
    /// The URI of its integration; `None` when it has none.
    pub uri: Option<String>,
}

impl Route {
    /// The ARN of the function that the route calls.
    pub fn function(&self) -> Option<&str> {
        let (_, rest) = self.uri.as_deref()?.split_once("/functions/")?;
        rest.strip_suffix("/invocations")
    }
}

/// All routes as they are now; `None` when there is no such API.
pub fn routes(upstream: &Upstream, api: &str) -> Option<Vec<Route>> {
    let resources = upstream.items(&format!("restapis/{api}/resources?embed=methods&limit=500"))?;
    Some(resources.iter().flat_map(of_resource).collect())
}

fn of_resource(resource: &Value) -> Vec<Route> {
    let path = resource["path"].as_str().unwrap_or_default();
    let methods = resource["resourceMethods"].as_object().into_iter().flatten();
    let route = |(method, seen): (&String, &Value)| Route {
        method: method.clone(),
        path: path.to_owned(),
        uri: match &seen["methodIntegration"] {
            Value::Null => None,
            integration => Some(integration["uri"].as_str().unwrap_or_default().to_owned()),
        },
    };
    methods.map(route).collect()
}

/// The route that serves a call: of those that match, the most specific one, compared part by part
/// from the beginning of the path; then the one for exactly that method.
///
/// Source: "Set up a proxy integration with a proxy resource": the most specific route serves.
/// Where a resource lacks the method, a `{rest+}` above it serves the call.
pub fn serving<'a>(routes: &'a [Route], method: &str, path: &str) -> Option<&'a Route> {
    let fitting = routes.iter().filter_map(|route| {
        let is_exact = route.method == method;
        let rank = rank(&route.path, path).filter(|_| is_exact || route.method == "ANY")?;
        Some(((rank, is_exact), route))
    });
    fitting.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, route)| route)
}

/// How specific a matching pattern is in each part: 2 for a literal, 1 for a variable, 0 for a rest.
fn rank(pattern: &str, path: &str) -> Option<Vec<u8>> {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    };
    let (pattern, path) = (parts(pattern), parts(path));
    let is_greedy = pattern.last().is_some_and(|last| last.ends_with("+}"));
    let is_long_enough =
        if is_greedy { path.len() >= pattern.len() } else { path.len() == pattern.len() };
    let each = pattern.iter().zip(&path).map(|(wanted, part)| match wanted {
        wanted if wanted == part => Some(2),
        wanted if wanted.ends_with("+}") => Some(0),
        wanted if wanted.starts_with('{') => Some(1),
        _ => None,
    });
    each.collect::<Option<_>>().filter(|_| is_long_enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_route_serves_the_call() {
        let route = |text: &&str| {
            let (method, path) = text.split_once(' ').expect("a method and a path");
            Route { method: method.into(), path: path.into(), uri: None }
        };
        let routes: Vec<Route> =
            ["GET /a", "ANY /a/{id}", "GET /a/{id}", "POST /a/b", "ANY /{rest+}", "PUT /"]
                .iter()
                .map(route)
                .collect();
        let check = |method: &str, path: &str, expected: &str| {
            let found = serving(&routes, method, path);
            let found = found.map(|route| format!("{} {}", route.method, route.path));
            assert_eq!(found.unwrap_or_default(), expected, "{method} {path}");
        };
        check("GET", "/a", "GET /a");
        check("POST", "/a", "ANY /{rest+}");
        check("GET", "/a/b", "GET /a/{id}");
        check("POST", "/a/b", "POST /a/b");
        check("PUT", "/a/%62", "ANY /a/{id}");
        check("GET", "/x/y/z", "ANY /{rest+}");
        check("PUT", "/", "PUT /");
        check("GET", "/", "");
    }

    #[test]
    fn a_route_names_its_function() {
        let route = |uri: Option<&str>| Route {
            method: "GET".into(),
            path: "/".into(),
            uri: uri.map(str::to_owned),
        };
        let arn = "arn:aws:lambda:us-east-1:1:function:f";
        let uri = format!(
            "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
        );
        assert_eq!(route(Some(&uri)).function(), Some(arn));
        assert_eq!(route(Some("http://x")).function(), None);
        assert_eq!(route(None).function(), None);
    }
}
