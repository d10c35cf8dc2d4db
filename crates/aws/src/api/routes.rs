//! Routes as written in the file, `METHOD /path`: parsing, and what API Gateway refuses.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use stackwright_engine::kind::{Problem, Problems};

pub const METHODS: [&str; 8] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY"];

/// Paths that API Gateway keeps for itself.
const RESERVED: [&str; 2] = ["ping", "sping"];

/// A route in its normal form: the method in capitals, no slash at the end. It is written
/// `METHOD /path`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteKey {
    pub method: String,
    /// `/`, or `/part/part`.
    pub path: String,
}

/// Why a text is not a route, and what one looks like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotARoute {
    pub message: String,
    pub hint: String,
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl FromStr for RouteKey {
    type Err = NotARoute;

    fn from_str(text: &str) -> Result<Self, NotARoute> {
        let wrong = |message: String, hint: &str| NotARoute { message, hint: hint.to_owned() };
        let Some((method, path)) = text.trim().split_once(char::is_whitespace) else {
            let hint = "a route is a method and a path, for example `POST /ec2`";
            return Err(wrong(format!("`{text}` is not a route"), hint));
        };
        let method = method.to_ascii_uppercase();
        if !METHODS.contains(&method.as_str()) {
            let hint = format!("one of {}", METHODS.join(", "));
            return Err(wrong(format!("`{method}` is not a method of a route"), &hint));
        }
        let path = path.trim();
        let Some(inner) = path.strip_prefix('/') else {
            return Err(wrong(format!("the path `{path}` does not start with `/`"), "write `/…`"));
        };
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        if inner.is_empty() {
            return Ok(Self { method, path: "/".to_owned() });
        }
        if RESERVED.contains(&inner) {
            let hint = "API Gateway answers it for its own health checks: take another path";
            return Err(wrong(format!("`{path}` is reserved"), hint));
        }
        let last = inner.split('/').count() - 1;
        for (at, part) in inner.split('/').enumerate() {
            check_part(part, at == last)
                .map_err(|(message, hint)| wrong(format!("`{path}`: {message}"), hint))?;
        }
        Ok(Self { method, path: format!("/{inner}") })
    }
}

fn check_part(part: &str, is_last: bool) -> Result<(), (String, &'static str)> {
    const PARTS: &str = "a part has letters, digits and `.` `_` `-` `:` `,`, or is `{name}`; `{proxy+}` at \
                         the end matches all that follows";
    let is = |text: &str, others: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
    };
    if let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        let greedy = name.strip_suffix('+');
        return match (is(greedy.unwrap_or(name), "._-"), greedy) {
            (true, Some(_)) if !is_last => {
                Err((format!("`{part}` matches all that follows it"), "it must be the last part"))
            }
            (true, _) => Ok(()),
            (false, _) => Err((format!("`{part}` is not a variable"), PARTS)),
        };
    }
    match part {
        "" => Err(("an empty part".to_owned(), PARTS)),
        part if part.starts_with(':') => Err((
            format!("`{part}` would match this text alone"),
            "a variable part is written in braces: `{id}`",
        )),
        part if is(part, "._-:,") => Ok(()),
        part => Err((format!("`{part}` is not a part of a path"), PARTS)),
    }
}

/// Returns `/a/b` of `/a/b/c`; `/` has no parent.
pub fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/')? {
        ("", "") => None,
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

/// Returns `c` of `/a/b/c`.
pub fn last_part(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, part)| part)
}

/// Returns `/a/b`, `/a` and `/` of `/a/b`.
pub fn and_parents(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| parent(path))
}

/// Returns how many resources API Gateway needs for routes: one for each part of a path, and `/`.
pub fn resources<'a>(keys: impl Iterator<Item = &'a String>) -> usize {
    let paths = keys.filter_map(|key| Some(key.parse::<RouteKey>().ok()?.path));
    let mut all = BTreeSet::from(["/".to_owned()]);
    for path in paths {
        all.extend(and_parents(&path).map(str::to_owned));
    }
    all.len()
}

/// Returns what API Gateway refuses. The paths of the problems begin with `routes`.
pub fn check<'a>(keys: impl Iterator<Item = &'a String>) -> Vec<Problem> {
    let mut problems = Problems::default();
    let mut seen: BTreeMap<RouteKey, &str> = BTreeMap::new();
    // By parent: the variable part and the first route with it.
    let mut variables: BTreeMap<String, (String, &str)> = BTreeMap::new();
    for key in keys {
        let route = match key.parse::<RouteKey>() {
            Ok(route) => route,
            Err(NotARoute { message, hint }) => {
                problems.at(&["routes", key], message).hint(hint);
                continue;
            }
        };
        for path in and_parents(&route.path).filter(|path| last_part(path).starts_with('{')) {
            let (Some(parent), part) = (parent(path), last_part(path)) else { continue };
            let (first, by) =
                variables.entry(parent.to_owned()).or_insert_with(|| (part.to_owned(), key));
            if first != part {
                let message = format!(
                    "`{part}` and `{first}` (in `{by}`) are two variables under `{parent}`"
                );
                let is_greedy = |part: &str| part.ends_with("+}");
                let hint = if is_greedy(part) == is_greedy(first) {
                    format!("API Gateway accepts one; name both `{first}`")
                } else {
                    "API Gateway accepts one: `{name+}` also matches what `{name}` does, so \
                              that one route can serve both; or give one of them another path"
                        .to_owned()
                };
                problems.at(&["routes", key], message).hint(hint);
            }
        }
        if let Some(first) = seen.insert(route, key) {
            problems
                .at(&["routes", key], format!("the same route as `{first}`"))
                .hint("case of the method and a slash at the end make no difference");
        }
    }
    let has = |method: &&str, path: &str| {
        seen.contains_key(&RouteKey { method: (*method).to_owned(), path: path.to_owned() })
    };
    for (route, key) in seen.iter().filter(|(route, _)| route.method == "ANY") {
        if METHODS.iter().all(|method| has(method, &route.path)) {
            let message = "no request reaches it: every method has a route of its own";
            problems.at(&["routes", key], message).hint("remove it");
        }
    }
    problems.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_all(keys: &[&str]) -> Vec<String> {
        let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        check(keys.iter()).into_iter().map(|p| format!("{}: {}", p.path[1], p.message)).collect()
    }

    #[test]
    fn normal_form() {
        for (text, normal) in [
            ("POST /ec2", "POST /ec2"),
            ("post  /ec2/", "POST /ec2"),
            ("ANY /", "ANY /"),
            ("GET /a,b/ping", "GET /a,b/ping"),
            ("get /a/{id}/b:c/{proxy+}", "GET /a/{id}/b:c/{proxy+}"),
        ] {
            assert_eq!(text.parse::<RouteKey>().map(|key| key.to_string()), Ok(normal.to_owned()));
        }
    }

    #[test]
    fn malformed_routes_are_errors() {
        for wrong in [
            "/ec2",
            "POST",
            "POST/ec2",
            "FETCH /a",
            "GET a",
            "GET //a",
            "GET /a b",
            "GET /*",
            "GET /{}",
            "GET /{a",
            "GET /x{a}",
            "GET /{proxy+}/a",
            "GET /{+}",
            "GET /é",
            "GET /a/:id",
            "GET /a~b",
            "GET /a+b",
            "GET /a%20b",
            "GET /ping",
            "ANY /sping/",
        ] {
            assert!(wrong.parse::<RouteKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn conflicts_between_routes() {
        assert_eq!(
            check_all(&["GET /a/{id}", "PUT /a/{id}/b", "GET /a/b", "ANY /a/{id}"]),
            [""; 0]
        );
        let mut all = METHODS.map(|method| format!("{method} /a"));
        let keys: Vec<&str> = all.iter().map(String::as_str).collect();
        let hidden = "ANY /a: no request reaches it: every method has a route of its own";
        assert_eq!(check_all(&keys), [hidden]);
        all[0] = "GET /b".to_owned();
        let keys: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(check_all(&keys), [""; 0]);
        assert_eq!(check_all(&["GET /a", "get /a/"]), ["get /a/: the same route as `GET /a`"]);
        assert_eq!(
            check_all(&["GET /a/{id}/b", "GET /a/{name}/c", "GET /a/{proxy+}"]),
            [
                "GET /a/{name}/c: `{name}` and `{id}` (in `GET /a/{id}/b`) are two variables under `/a`",
                "GET /a/{proxy+}: `{proxy+}` and `{id}` (in `GET /a/{id}/b`) are two variables under `/a`",
            ]
        );
    }

    #[test]
    fn parents() {
        assert_eq!(and_parents("/a/b").collect::<Vec<_>>(), ["/a/b", "/a", "/"]);
        assert_eq!(and_parents("/").collect::<Vec<_>>(), ["/"]);
        assert_eq!((last_part("/a/b"), last_part("/")), ("b", ""));
    }
}
