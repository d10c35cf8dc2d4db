//! Sets the routes of an API by calls for each that differs.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::IntegrationType;
use stackwright_engine::kind::{Error, Fault, Result};

use super::edits::{Edit, edits};
use super::names::invocation;
use super::observe::Tree;
use super::routes::{RouteKey, last_part, parent};
use super::service::{Apis, not_visible};
use super::spec::Route;
use crate::client::SingleAttempt as _;

/// The ids of the paths of an API.
type Ids = BTreeMap<String, String>;

impl Apis {
    /// Tells whether the routes are as desired.
    pub(super) async fn has_routes(
        &self,
        id: &str,
        routes: &BTreeMap<String, Route>,
    ) -> Result<bool> {
        Ok(self.tree(id).await?.is_some_and(|tree| tree.routes() == *routes))
    }

    /// Sets the routes that differ.
    pub(super) async fn set_routes(
        &self,
        id: &str,
        tree: &Tree,
        desired: &BTreeMap<String, Route>,
    ) -> Result<()> {
        let mut ids: Ids =
            tree.0.iter().map(|(path, resource)| (path.clone(), resource.id.clone())).collect();
        for edit in edits(tree, desired)? {
            self.make(id, &mut ids, edit).await?;
        }
        Ok(())
    }

    async fn make(&self, id: &str, ids: &mut Ids, edit: Edit<'_>) -> Result<()> {
        match edit {
            Edit::DeletePath(path) => {
                let request = self.gateway.delete_resource().rest_api_id(id);
                let request = request.set_resource_id(ids.remove(&path));
                self.unless_gone("DeleteResource", request.send()).await.map(drop)
            }
            Edit::CreatePath(path) => {
                let made = self.create_path(id, ids, &path).await?;
                ids.insert(path, made);
                Ok(())
            }
            Edit::DeleteMethod(key) => {
                let request = self.gateway.delete_method().rest_api_id(id);
                let request = request.resource_id(of_path(ids, &key.path)?);
                let request = request.http_method(key.method);
                self.unless_gone("DeleteMethod", request.send()).await.map(drop)
            }
            Edit::PutMethod(key, route) => {
                self.put_method(id, of_path(ids, &key.path)?, &key, route).await
            }
            Edit::PutPreflight(key, headers) => {
                self.put_preflight(id, of_path(ids, &key.path)?, headers).await
            }
            Edit::PutIntegration(key, function) => {
                self.put_integration(id, of_path(ids, &key.path)?, &key, function).await
            }
        }
    }

    /// Returns the id of the new path.
    async fn create_path(&self, id: &str, ids: &Ids, path: &str) -> Result<String> {
        let above = of_path(ids, parent(path).unwrap_or("/"))?;
        let request = self.gateway.create_resource().rest_api_id(id);
        let request = request.parent_id(above).path_part(last_part(path));
        let made = self.call("CreateResource", request.customize().single_attempt().send()).await?;
        made.id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateResource: the reply does not name the new resource")
        })
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

fn of_path<'a>(ids: &'a Ids, path: &str) -> Result<&'a str> {
    let id = ids.get(path).map(String::as_str);
    id.ok_or_else(|| not_visible(if path == "/" { "the root of the API" } else { path }))
}
