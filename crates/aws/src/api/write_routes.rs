//! Sets the routes of an API, by calls for each that differs. Callers see nothing of it before the next
//! deployment, so that the order matters to API Gateway alone: deletions come first, since a parent
//! cannot have two variables.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_apigateway::types::IntegrationType;
use stackwright_engine::kind::{Error, Fault, Result};

use super::names::invocation;
use super::observe::{Resource, Tree};
use super::routes::{NotARoute, RouteKey, and_parents, last_part, parent};
use super::service::{Apis, not_visible};
use super::spec::Route;
use crate::client::SingleAttempt as _;

impl Apis {
    /// Tells whether the routes are as desired.
    pub(super) async fn has_routes(
        &self,
        id: &str,
        routes: &BTreeMap<String, Route>,
    ) -> Result<bool> {
        Ok(self.tree(id).await?.is_some_and(|tree| tree.routes() == *routes))
    }

    /// Sets the routes that differ. Returns whether there were any.
    pub(super) async fn set_routes(
        &self,
        id: &str,
        mut tree: Tree,
        desired: &BTreeMap<String, Route>,
    ) -> Result<bool> {
        if tree.routes() == *desired {
            return Ok(false);
        }
        let mut wanted = BTreeMap::new();
        for (key, route) in desired {
            let key: RouteKey = key
                .parse()
                .map_err(|error: NotARoute| Error::terminal(error.message).with_hint(error.hint))?;
            wanted.insert(key, route);
        }
        let paths: BTreeSet<&str> = wanted.keys().flat_map(|key| and_parents(&key.path)).collect();
        self.clear(id, &mut tree, &wanted, &paths).await?;
        self.grow(id, &mut tree, &paths).await?;
        for (key, route) in &wanted {
            let resource = tree.0.get(&key.path).ok_or_else(|| not_visible(&key.path))?;
            let now = resource.methods.get(&key.method);
            if now.is_none() {
                self.put_method(id, &resource.id, key, route).await?;
                if !route.preflight.is_empty() {
                    self.put_preflight(id, &resource.id, &route.preflight).await?;
                    continue;
                }
            }
            let is_right = now.is_some_and(|now| now.has_same_target(route));
            if let Some(function) = route.function.as_deref().filter(|_| !is_right) {
                self.put_integration(id, &resource.id, key, function).await?;
            }
        }
        Ok(true)
    }

    /// Deletes paths and methods that no route needs, and methods that differ in more than what they
    /// call: nobody knows what else was changed of those, so that they are created again.
    async fn clear(
        &self,
        id: &str,
        tree: &mut Tree,
        wanted: &BTreeMap<RouteKey, &Route>,
        paths: &BTreeSet<&str>,
    ) -> Result<()> {
        let unneeded = |path: &&String| path.as_str() != "/" && !paths.contains(path.as_str());
        let gone: Vec<String> = tree.0.keys().filter(unneeded).cloned().collect();
        // In reverse order: children before their parents.
        for path in gone.iter().rev() {
            if let Some(resource) = tree.0.remove(path) {
                let request = self.gateway.delete_resource();
                let request = request.rest_api_id(id).resource_id(&resource.id);
                self.unless_gone("DeleteResource", request.send()).await?;
            }
        }
        for (path, resource) in &mut tree.0 {
            let keep = |method: &String, now: &Route| {
                let key = RouteKey { method: method.clone(), path: path.clone() };
                wanted.get(&key).is_some_and(|route| route.differs_in_target_alone(now))
            };
            for (method, _) in resource.methods.extract_if(.., |method, now| !keep(method, now)) {
                let request = self.gateway.delete_method();
                let request = request.rest_api_id(id).resource_id(&resource.id);
                self.unless_gone("DeleteMethod", request.http_method(method).send()).await?;
            }
        }
        Ok(())
    }

    /// Creates the paths that are missing.
    async fn grow(&self, id: &str, tree: &mut Tree, paths: &BTreeSet<&str>) -> Result<()> {
        // In order: parents before their children.
        for path in paths {
            if tree.0.contains_key(*path) {
                continue;
            }
            let above = parent(path).and_then(|parent| tree.0.get(parent));
            let above = &above.ok_or_else(|| not_visible("the root of the API"))?.id;
            let request = self.gateway.create_resource().rest_api_id(id);
            let request = request.parent_id(above).path_part(last_part(path));
            let made =
                self.call("CreateResource", request.customize().single_attempt().send()).await?;
            let id = made.id.filter(|id| !id.is_empty()).ok_or_else(|| {
                Error::new(
                    Fault::Unknown,
                    "CreateResource: the reply does not name the new resource",
                )
            })?;
            let resource = Resource { id, methods: BTreeMap::new() };
            tree.0.insert((*path).to_owned(), resource);
        }
        Ok(())
    }

    async fn put_method(&self, id: &str, on: &str, key: &RouteKey, route: &Route) -> Result<()> {
        let request = self.gateway.put_method().rest_api_id(id).resource_id(on);
        let request = request.http_method(&key.method).authorization_type(&route.authorization);
        let request = request.api_key_required(route.api_key);
        self.call("PutMethod", request.customize().single_attempt().send()).await.map(drop)
    }

    async fn put_integration(
        &self,
        id: &str,
        on: &str,
        key: &RouteKey,
        function: &str,
    ) -> Result<()> {
        let request = self.gateway.put_integration().rest_api_id(id).resource_id(on);
        let request = request.http_method(&key.method).r#type(IntegrationType::AwsProxy);
        // Lambda is called by POST, whatever the method of the request.
        let request = request.integration_http_method("POST").uri(invocation(function)?);
        self.call("PutIntegration", request.send()).await.map(drop)
    }
}
