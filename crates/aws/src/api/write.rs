//! Creates, changes and deletes APIs.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{join, try_join};
use stackwright_engine::at_once::at_once;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Created, Error, Fault, Handle, Live, Memo, Readiness, Result, tag};

use super::config::Endpoint;
use super::import::Seen;
use super::names::Names;
use super::observe::Parts;
use super::service::{AT_ONCE, Apis, not_visible};
use super::settings;
use super::spec::{RELEASED, STAGE_TAG, Spec, sorted};
use super::write_gateway::changed_responses;
use crate::client::SingleAttempt as _;
use crate::fault::or_gone;
use crate::function::permission::{Granted, Permission};
use crate::tags;

/// Fields that are set by calls of their own. If one is deployed too, `deployed` differs with it.
const OWN_CALLS: [&str; 7] =
    ["name", "description", "tags", "variables", "throttle", "access_log", "binary_types"];

impl Apis {
    pub(super) async fn create_api(&self, spec: &Spec) -> Result<Created<Spec>> {
        let description = spec.description.clone().filter(|text| !text.is_empty());
        let stage = (STAGE_TAG.to_owned(), spec.stage().to_owned());
        let tags = spec.tags.clone().into_iter().chain([stage]).collect();
        let request = self.gateway.create_rest_api().name(&spec.name);
        let request = request.set_description(description);
        let request = request.endpoint_configuration(settings::endpoint(spec));
        let request = request.set_binary_media_types(spec.binary_types.clone());
        let request = request.set_tags(Some(tags));
        // What may fail comes before the call: a later error would hide that an API was created.
        let names = self.names("", spec.stage()).await?;
        if spec.endpoint.as_deref() == Some(Endpoint::Edge.as_str()) {
            self.turn_of_edge_api().await;
        }
        let sent = request.customize().single_attempt().send();
        let made = self.call("CreateRestApi", sent).await?;
        let endpoint = settings::endpoint_seen(made.endpoint_configuration());
        let binary_types = Some(sorted(made.binary_media_types()));
        let id = made.id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateRestApi: the reply does not name the new API")
        })?;
        let live = Live {
            spec: Spec {
                description: Some(spec.description.clone().unwrap_or_default()),
                routes: BTreeMap::new(),
                endpoint,
                binary_types,
                gateway_responses: Some(BTreeMap::new()),
                permissions: Vec::new(),
                deployed: String::new(),
                ..spec.clone()
            },
            outputs: Names { id: id.clone(), ..names }.outputs(),
            fingerprints: BTreeMap::new(),
            identity: None,
            readiness: Readiness::Ready,
            notes: Vec::new(),
            facts: BTreeMap::new(),
            memo: match made.root_resource_id.filter(|root| !root.is_empty()) {
                Some(root) => Memo::of(&id, Parts::of_new(root)),
                None => Memo::default(),
            },
        };
        Ok(Created { id, live })
    }

    pub(super) async fn update_api(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let names = self.names(&on.id, desired.stage()).await?;
        self.set_settings(&names, desired, changes).await?;
        if changes.iter().any(|change| change.path.field() == "endpoint") {
            // A new endpoint type takes a while, and is deployed afterwards.
            return Ok(());
        }
        if changes.iter().any(|change| !OWN_CALLS.contains(&change.path.field())) {
            let applied = on.applied.as_ref().map(|spec| spec.permissions.as_slice());
            let parts = self.parts_now(&names, on, desired, applied.unwrap_or_default()).await?;
            self.converge(&names, desired, &parts, &changed_responses(changes)).await?;
        }
        self.set_stage(&names, desired, changes).await?;
        self.set_tags(&names, changes).await
    }

    pub(super) async fn delete_api(&self, id: &str) -> Result<()> {
        let sent = self.gateway.delete_rest_api().rest_api_id(id).send();
        let deleted = self.unless_gone("DeleteRestApi", sent).await.map(drop);
        let read = self.gateway.get_rest_api().rest_api_id(id).send();
        or_gone(deleted, self.unless_gone("GetRestApi", read)).await
    }

    /// Removes the permissions from the functions that the applied spec calls.
    pub(super) async fn revoke_permissions(&self, handle: &Handle<Spec>) -> Result<()> {
        let Some(applied) = &handle.applied else { return Ok(()) };
        let permission = self.names(&handle.id, applied.stage()).await?.permission();
        for function in &applied.permissions {
            self.permissions.revoke(function, &permission, 1).await?;
        }
        Ok(())
    }

    /// Sets routes and permissions, then the deployment, then removes what is no longer needed: before and
    /// after the deployment, the stage calls functions that exist and that it may call.
    /// `responses`: the types of the gateway responses that differ.
    async fn converge(
        &self,
        names: &Names,
        desired: &Spec,
        parts: &Parts,
        responses: &[&str],
    ) -> Result<()> {
        let Parts { stages, granted, .. } = parts;
        let permission = names.permission();
        let grants = at_once(AT_ONCE, &desired.permissions, |function| {
            let now = granted.get(function).cloned().unwrap_or_default();
            self.grant(function, &permission, now)
        });
        // Where one fails, the others end: a write that is dropped on its way may still be done, unseen by the
        // read before the next attempt.
        let (seen, granting) =
            join!(self.set_definition(&names.id, parts, desired, responses), grants,);
        let seen = seen?;
        granting.into_iter().collect::<Result<()>>()?;
        if desired.deployed != stages.digest {
            if seen == Seen::NotYet {
                self.confirm(&names.id, desired, responses).await?;
            }
            self.deploy(names, stages, &desired.deployed).await?;
        }
        for (function, now) in granted {
            if !desired.permissions.contains(function) {
                self.permissions.revoke(function, &permission, now.count).await?;
            }
        }
        Ok(())
    }

    /// Fails if the definition is not as desired: a deployment freezes what is there, changes of others too.
    async fn confirm(&self, id: &str, desired: &Spec, responses: &[&str]) -> Result<()> {
        let (has_routes, has_responses) = try_join!(
            self.has_routes(id, &desired.routes),
            self.has_gateway_responses(id, desired, responses),
        )?;
        let conflict = |what: &str| {
            Error::new(Fault::Conflict, format!("the {what} differ from what was just set"))
        };
        if !has_routes {
            return Err(conflict("routes"));
        }
        if !has_responses {
            return Err(conflict("gateway responses"));
        }
        Ok(())
    }

    /// Returns what the API has, with the permissions of all functions that matter: what was just seen, or
    /// what is read now. API Gateway refuses a change of what is not there any more as a conflict.
    async fn parts_now(
        &self,
        names: &Names,
        on: &Handle<Spec>,
        desired: &Spec,
        applied: &[String],
    ) -> Result<Parts> {
        let mut functions: BTreeSet<String> =
            desired.permissions.iter().chain(applied).cloned().collect();
        let Some(seen) = on.memo.get::<Parts>(&names.id) else {
            let functions: Vec<String> = functions.into_iter().collect();
            return self.parts(names, &functions).await?.ok_or_else(|| not_visible("the API"));
        };
        let mut parts = seen.clone();
        if !parts.is_new {
            functions.retain(|function| !parts.granted.contains_key(function));
            parts.granted.extend(self.granted(names, functions).await?);
        }
        Ok(parts)
    }

    async fn grant(&self, function: &str, to: &Permission, now: Granted) -> Result<()> {
        if now.is_correct {
            return Ok(());
        }
        self.permissions.grant(function, to, &now).await
    }

    async fn set_tags(&self, names: &Names, changes: &[Change]) -> Result<()> {
        let tags::Difference { set, remove } = tags::difference(changes);
        if !set.is_empty() {
            let request = self.gateway.tag_resource().resource_arn(names.arn());
            let request = request.set_tags(Some(set.into_iter().collect()));
            self.call("TagResource", request.send()).await?;
        }
        if !remove.is_empty() {
            let request = self.gateway.untag_resource().resource_arn(names.arn());
            let is_released = remove.iter().any(|key| key == tag::STACK);
            let request = request.set_tag_keys(Some(remove));
            self.call("UntagResource", request.send()).await?;
            if is_released && self.seems_owned(names).await? {
                let (key, value) = RELEASED;
                let request = self.gateway.tag_resource().resource_arn(names.arn());
                self.call("TagResource", request.tags(key, value).send()).await?;
            }
        }
        Ok(())
    }
}
