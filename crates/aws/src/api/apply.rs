//! Towards the wanted routes, by calls for each that differs. Nothing of it reaches a caller before
//! the next deployment, so that order matters only to API Gateway: what goes, goes first, since two
//! variables cannot stand under one parent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_apigateway::types::IntegrationType;
use stackwright_engine::kind::{Error, Fault, Result};

use super::Apis;
use super::names::{Names, invocation};
use super::observe::{Seen, Tree};
use super::routes::{NotARoute, RouteKey, and_parents, last_part, parent};
use super::spec::{Route, Spec};
use crate::once::Once;

impl Apis {
    /// Routes, permissions, deployment, and what is no longer needed, in this order: the stage points
    /// at a function that is there and may be called, before and after the deployment. `set`: the
    /// gateway responses that were just changed.
    pub(super) async fn converge(
        &self,
        names: &Names,
        desired: &Spec,
        applied: &[String],
        set: &[&str],
    ) -> Result<()> {
        let functions: Vec<String> = desired.permissions.iter().chain(applied).cloned().collect();
        let Seen { tree, stages, grants } =
            self.seen(names, &functions).await?.ok_or_else(|| unseen("the API"))?;
        let is_changed = self.set_routes(&names.id, tree, &desired.routes).await?;
        for function in &desired.permissions {
            match grants.get(function) {
                Some(grant) if grant.is_good => {}
                grant => {
                    self.allow(names, function, &grant.cloned().unwrap_or_default()).await?;
                }
            }
        }
        if desired.deployed != stages.digest {
            // A deployment freezes whatever is there, a stranger's change too.
            if is_changed && !self.has_routes(&names.id, &desired.routes).await? {
                let message = "the routes are not what was just set";
                return Err(Error::new(Fault::Conflict, message));
            }
            if !self.has_gateway_responses(&names.id, desired, set).await? {
                let message = "the gateway responses are not what was just set";
                return Err(Error::new(Fault::Conflict, message));
            }
            self.deploy(names, &stages, &desired.deployed).await?;
        }
        for (function, grant) in &grants {
            if !desired.permissions.contains(function) {
                self.disallow(names, function, grant.count).await?;
            }
        }
        Ok(())
    }

    async fn has_routes(&self, id: &str, routes: &BTreeMap<String, Route>) -> Result<bool> {
        Ok(self.tree(id).await?.is_some_and(|tree| tree.routes() == *routes))
    }

    /// Whether anything had to be changed.
    async fn set_routes(
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
            let resource = tree.0.get(&key.path).ok_or_else(|| unseen(&key.path))?;
            let now = resource.methods.get(&key.method);
            if now.is_none() {
                self.put_method(id, &resource.id, key, route).await?;
                if !route.preflight.is_empty() {
                    self.put_preflight(id, &resource.id, &route.preflight).await?;
                    continue;
                }
            }
            if now.is_none_or(|now| now.function != route.function) {
                self.put_integration(id, &resource.id, key, route).await?;
            }
        }
        Ok(true)
    }

    /// Removes paths and methods that no route needs, and methods that differ in more than the
    /// function they call: how those came to be configured is not known, so they are made anew.
    async fn clear(
        &self,
        id: &str,
        tree: &mut Tree,
        wanted: &BTreeMap<RouteKey, &Route>,
        paths: &BTreeSet<&str>,
    ) -> Result<()> {
        let unneeded = |path: &&String| path.as_str() != "/" && !paths.contains(path.as_str());
        let gone: Vec<String> = tree.0.keys().filter(unneeded).cloned().collect();
        // Backwards: children before their parents.
        for path in gone.iter().rev() {
            if let Some(resource) = tree.0.remove(path) {
                let request = self.cloud.apigateway.delete_resource();
                let request = request.rest_api_id(id).resource_id(&resource.id);
                self.maybe("DeleteResource", request.send()).await?;
            }
        }
        for (path, resource) in &mut tree.0 {
            let keep = |method: &String, now: &Route| {
                let key = RouteKey { method: method.clone(), path: path.clone() };
                let Some(route) = wanted.get(&key) else { return false };
                Route { function: now.function.clone(), ..(*route).clone() } == *now
            };
            for (method, _) in resource.methods.extract_if(.., |method, now| !keep(method, now)) {
                let request = self.cloud.apigateway.delete_method();
                let request = request.rest_api_id(id).resource_id(&resource.id);
                self.maybe("DeleteMethod", request.http_method(method).send()).await?;
            }
        }
        Ok(())
    }

    /// Makes the paths that are missing.
    async fn grow(&self, id: &str, tree: &mut Tree, paths: &BTreeSet<&str>) -> Result<()> {
        // In order: parents before their children.
        for path in paths {
            if tree.0.contains_key(*path) {
                continue;
            }
            let above = parent(path).and_then(|parent| tree.0.get(parent));
            let above = &above.ok_or_else(|| unseen("the root of the API"))?.id;
            let request = self.cloud.apigateway.create_resource().rest_api_id(id);
            let request = request.parent_id(above).path_part(last_part(path));
            let made = self.call("CreateResource", request.customize().once().send()).await?;
            let id = made.id.filter(|id| !id.is_empty()).ok_or_else(|| {
                Error::new(Fault::Unknown, "CreateResource: the reply does not say what was made")
            })?;
            let resource = super::observe::Resource { id, methods: BTreeMap::new() };
            tree.0.insert((*path).to_owned(), resource);
        }
        Ok(())
    }

    async fn put_method(&self, id: &str, on: &str, key: &RouteKey, route: &Route) -> Result<()> {
        let request = self.cloud.apigateway.put_method().rest_api_id(id).resource_id(on);
        let request = request.http_method(&key.method).authorization_type(&route.authorization);
        let request = request.api_key_required(route.api_key);
        self.call("PutMethod", request.customize().once().send()).await.map(drop)
    }

    async fn put_integration(
        &self,
        id: &str,
        on: &str,
        key: &RouteKey,
        route: &Route,
    ) -> Result<()> {
        let request = self.cloud.apigateway.put_integration().rest_api_id(id).resource_id(on);
        let request = request.http_method(&key.method).r#type(IntegrationType::AwsProxy);
        // Lambda is called by POST, whatever the caller's method was.
        let request = request.integration_http_method("POST").uri(invocation(&route.function)?);
        self.call("PutIntegration", request.send()).await.map(drop)
    }
}

/// The engine knows that it exists; API Gateway does not show it yet.
pub(super) fn unseen(what: &str) -> Error {
    let what = format!("{what} to be visible");
    let message = format!("waiting for {what}");
    Error::new(Fault::Awaiting { what, within: Duration::from_secs(120) }, message)
}
