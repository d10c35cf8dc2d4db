//! The calls that turn the routes of an API into others, one for each part that differs. Callers see nothing of
//! them before the next deployment, so that the order matters to API Gateway alone: deletions come first, since
//! a parent cannot have two variables.

use std::collections::{BTreeMap, BTreeSet};

use stackwright_engine::kind::{Error, Result};

use super::observe::Tree;
use super::routes::{NotARoute, RouteKey, and_parents};
use super::spec::Route;

/// A part of the routes that differs.
#[derive(Debug, PartialEq, Eq)]
pub enum Edit<'a> {
    DeletePath(String),
    DeleteMethod(RouteKey),
    CreatePath(String),
    PutMethod(RouteKey, &'a Route),
    /// What makes a new method a preflight, with these headers.
    PutPreflight(RouteKey, &'a BTreeMap<String, String>),
    /// The function that a method calls, by its ARN.
    PutIntegration(RouteKey, &'a str),
}

impl Edit<'_> {
    /// Returns how many calls it takes.
    pub fn calls(&self) -> usize {
        match self {
            Self::PutPreflight(..) => 3,
            _ => 1,
        }
    }
}

/// Returns what turns the routes of `tree` into `desired`, in the order in which it must be done.
pub fn edits<'a>(tree: &Tree, desired: &'a BTreeMap<String, Route>) -> Result<Vec<Edit<'a>>> {
    let mut wanted = BTreeMap::new();
    for (key, route) in desired {
        let key: RouteKey = key
            .parse()
            .map_err(|error: NotARoute| Error::terminal(error.message).with_hint(error.hint))?;
        wanted.insert(key, route);
    }
    let paths: BTreeSet<&str> = wanted.keys().flat_map(|key| and_parents(&key.path)).collect();
    let mut edits = deletions(tree, &wanted, &paths);
    // In order: parents before their children.
    let missing = paths.iter().filter(|path| !tree.0.contains_key(**path));
    edits.extend(missing.map(|path| Edit::CreatePath((*path).to_owned())));
    for (key, route) in &wanted {
        edits.extend(of_route(kept(tree, key, route), key, route));
    }
    Ok(edits)
}

/// Returns the paths and methods that no route needs.
fn deletions<'a>(
    tree: &Tree,
    wanted: &BTreeMap<RouteKey, &'a Route>,
    paths: &BTreeSet<&str>,
) -> Vec<Edit<'a>> {
    let is_unneeded = |path: &String| path != "/" && !paths.contains(path.as_str());
    // In reverse order: children before their parents.
    let gone = tree.0.keys().rev().filter(|path| is_unneeded(path));
    let mut deletions: Vec<Edit<'a>> = gone.cloned().map(Edit::DeletePath).collect();
    for (path, resource) in tree.0.iter().filter(|(path, _)| !is_unneeded(path)) {
        for method in resource.methods.keys() {
            let key = RouteKey { method: method.clone(), path: path.clone() };
            let stays = wanted.get(&key).and_then(|route| kept(tree, &key, route));
            if stays.is_none() {
                deletions.push(Edit::DeleteMethod(key));
            }
        }
    }
    deletions
}

/// Returns the method that becomes a route. `None`: there is none, or it differs in more than what it calls, and
/// nobody knows what else was changed of it, so that it is created again.
pub fn kept<'a>(tree: &'a Tree, key: &RouteKey, route: &Route) -> Option<&'a Route> {
    let now = tree.0.get(&key.path)?.methods.get(&key.method)?;
    route.differs_in_target_alone(now).then_some(now)
}

fn of_route<'a>(now: Option<&Route>, key: &RouteKey, route: &'a Route) -> Vec<Edit<'a>> {
    let mut edits = Vec::new();
    if now.is_none() {
        edits.push(Edit::PutMethod(key.clone(), route));
        if !route.preflight.is_empty() {
            edits.push(Edit::PutPreflight(key.clone(), &route.preflight));
            return edits;
        }
    }
    let is_right = now.is_some_and(|now| now.has_same_target(route));
    if let Some(function) = route.function.as_deref().filter(|_| !is_right) {
        edits.push(Edit::PutIntegration(key.clone(), function));
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::super::observe::Resource;
    use super::*;

    fn route(function: &str, authorization: &str) -> Route {
        Route {
            function: Some(function.to_owned()),
            integration: None,
            authorization: authorization.to_owned(),
            api_key: false,
            preflight: BTreeMap::new(),
        }
    }

    fn preflight() -> Route {
        let headers = [("Access-Control-Allow-Origin".to_owned(), "*".to_owned())];
        Route { function: None, preflight: headers.into(), ..route("", "NONE") }
    }

    fn routes(of: &[(&str, Route)]) -> BTreeMap<String, Route> {
        of.iter().map(|(key, route)| ((*key).to_owned(), route.clone())).collect()
    }

    fn tree(of: &[(&str, Route)]) -> Tree {
        let mut tree = Tree::default();
        tree.0.insert("/".to_owned(), Resource::default());
        for (key, route) in of {
            let key: RouteKey = key.parse().expect("a route");
            for path in and_parents(&key.path) {
                tree.0.entry(path.to_owned()).or_default();
            }
            let resource = tree.0.get_mut(&key.path).expect("its path");
            resource.methods.insert(key.method, route.clone());
        }
        tree
    }

    fn check(now: &[(&str, Route)], desired: &[(&str, Route)], expected: &[&str]) {
        let desired = routes(desired);
        let edits = edits(&tree(now), &desired).expect("routes");
        let shown = |edit: &Edit<'_>| match edit {
            Edit::DeletePath(path) => format!("delete {path}"),
            Edit::DeleteMethod(key) => format!("delete {key}"),
            Edit::CreatePath(path) => format!("create {path}"),
            Edit::PutMethod(key, _) => format!("put {key}"),
            Edit::PutPreflight(key, _) => format!("answer {key}"),
            Edit::PutIntegration(key, function) => format!("{key} calls {function}"),
        };
        assert_eq!(edits.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn only_what_differs_is_edited() {
        let (f, g) = (route("f", "NONE"), route("g", "NONE"));
        check(&[("GET /a", f.clone())], &[("GET /a", f.clone())], &[]);
        check(&[("GET /a", f.clone())], &[("GET /a", g)], &["GET /a calls g"]);
        check(
            &[],
            &[("GET /a/b", f.clone()), ("OPTIONS /a/b", preflight())],
            &[
                "create /a",
                "create /a/b",
                "put GET /a/b",
                "GET /a/b calls f",
                "put OPTIONS /a/b",
                "answer OPTIONS /a/b",
            ],
        );
        let closed = route("f", "AWS_IAM");
        check(
            &[("GET /a/{b}", f.clone()), ("PUT /c", f.clone())],
            &[("PUT /c", closed)],
            &["delete /a/{b}", "delete /a", "delete PUT /c", "put PUT /c", "PUT /c calls f"],
        );
    }

    #[test]
    fn a_preflight_takes_four_calls() {
        let desired = routes(&[("OPTIONS /", preflight())]);
        let edits = edits(&tree(&[]), &desired).expect("routes");
        assert_eq!(edits.iter().map(Edit::calls).sum::<usize>(), 4);
    }

    #[test]
    fn what_is_no_route_is_an_error() {
        assert!(edits(&tree(&[]), &routes(&[("GET", route("f", "NONE"))])).is_err());
    }
}
