//! Reads APIs: the tree of routes, the stage, the permissions on functions.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_apigateway::types::{ApiStatus, Deployment, Method, Resource as SeenResource, RestApi};
use aws_smithy_types::date_time::Format;
use futures_util::try_join;
use stackwright_engine::at_once::at_once;
use stackwright_engine::kind::{Found, Handle, Live, Memo, Readiness, Result, Sought, tag};

use super::access_log::AccessLog;
use super::config::STAGE;
use super::names::{Names, digest_of};
use super::seen;
use super::service::{AT_ONCE, Apis, PAGE};
use super::settings;
use super::spec::{Route, STAGE_TAG, Spec, Throttle, sorted};
use super::unmanaged::is_customized;
use crate::fault::if_readable;
use crate::function::permission::Granted;
use crate::tags::Tags;

/// All paths of an API, as a deployment would freeze them now.
#[derive(Clone, Debug, Default)]
pub struct Tree(pub BTreeMap<String, Resource>);

#[derive(Clone, Debug, Default)]
pub struct Resource {
    pub id: String,
    /// By HTTP method.
    pub methods: BTreeMap<String, Route>,
    /// The methods with settings that no route has.
    pub customized: BTreeSet<String>,
}

impl Tree {
    /// By `METHOD /path`, as in [`Spec::routes`].
    pub fn routes(&self) -> BTreeMap<String, Route> {
        let of = |(path, resource): (&String, &Resource)| {
            let methods = resource.methods.iter();
            methods.map(|(m, route)| (format!("{m} {path}"), route.clone())).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of).collect()
    }
}

/// The stages of an API.
#[derive(Clone, Debug, Default)]
pub struct Stages {
    /// The digest of what this stack's stage serves. Empty: its deployment is not stackwright's.
    pub digest: String,
    /// The deployments that a stage points at.
    pub used: BTreeSet<String>,
    pub deployments: Vec<Deployment>,
    /// Of this stack's stage. `None`: it does not exist.
    pub settings: Option<Settings>,
}

/// The settings of a stage.
#[derive(Clone, Debug)]
pub struct Settings {
    pub variables: BTreeMap<String, String>,
    pub throttle: Throttle,
    pub access_log: AccessLog,
}

/// Everything that is created after the API itself.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub tree: Tree,
    pub stages: Stages,
    /// By function, also those that grant nothing.
    pub granted: BTreeMap<String, Granted>,
    /// Whether the API was just created: nobody has set anything in it, and no function can have a permission for it.
    pub is_new: bool,
}

impl Parts {
    /// The parts of an API that was just created. `root`: the id of the path `/`.
    pub fn of_new(root: String) -> Self {
        let root = Resource { id: root, ..Resource::default() };
        let tree = Tree(BTreeMap::from([("/".to_owned(), root)]));
        Self { tree, is_new: true, ..Self::default() }
    }
}

impl Apis {
    pub(super) async fn observe_one(&self, handle: &Handle<Spec>) -> Result<Option<Live<Spec>>> {
        let stage = self.stage_of(handle).await?;
        let names = self.names(&handle.id, stage.as_deref().unwrap_or(STAGE)).await?;
        let applied = handle.applied.as_ref().map(|spec| spec.permissions.as_slice());
        let get = self.gateway.get_rest_api().rest_api_id(&handle.id).send();
        let responses = async {
            // One more call for each API, only if the applied spec has responses.
            match &handle.applied {
                Some(applied) if applied.gateway_responses.is_none() => Ok(Some(BTreeMap::new())),
                _ => self.gateway_responses(&handle.id).await,
            }
        };
        let (api, parts, gateway_responses, tags) = try_join!(
            self.unless_gone("GetRestApi", get),
            self.parts(&names, applied.unwrap_or_default()),
            responses,
            self.second_tags(names.arn()),
        )?;
        let (Some(api), Some(parts)) = (api, parts) else { return Ok(None) };
        let memo = Memo::of(&handle.id, parts.clone());
        let Parts { tree, stages, granted, .. } = parts;
        let correct = granted.into_iter().filter(|(_, granted)| granted.is_correct);
        // Without routes there is no stage: as soon as there is one, its settings differ.
        let applied = handle.applied.as_ref();
        let (variables, throttle, access_log) = match stages.settings {
            Some(Settings { variables, throttle, access_log }) => {
                (Some(variables), Some(throttle), Some(access_log))
            }
            None => (
                applied.and_then(|applied| applied.variables.clone()),
                applied.and_then(|applied| applied.throttle.clone()),
                applied.and_then(|applied| applied.access_log.clone()),
            ),
        };
        let endpoint = settings::endpoint_seen(api.endpoint_configuration());
        let binary_types = Some(sorted(api.binary_media_types()));
        let date = api.created_date.and_then(|date| date.fmt(Format::DateTime).ok());
        let listed = || api.tags.unwrap_or_default().into_iter().collect();
        let tags = tags.unwrap_or_else(listed);
        Ok(Some(Live {
            readiness: match api.api_status {
                Some(ApiStatus::Pending | ApiStatus::Updating) => {
                    Readiness::Pending("the API to be available".to_owned())
                }
                _ => Readiness::Ready,
            },
            spec: Spec {
                name: api.name.unwrap_or_default(),
                tags,
                description: Some(api.description.unwrap_or_default()),
                stage,
                endpoint,
                binary_types,
                routes: tree.routes(),
                gateway_responses,
                permissions: correct.map(|(function, _)| function).collect(),
                variables,
                throttle,
                access_log,
                deployed: stages.digest,
            },
            outputs: names.outputs(),
            fingerprints: BTreeMap::new(),
            identity: None,
            notes: Vec::new(),
            facts: date.map(|date| ("created".to_owned(), date)).into_iter().collect(),
            memo,
        }))
    }

    /// Returns the applied stage; of an adopted API, the one in its tag. `None`: stackwright did not
    /// create the API, and only the file says which of its stages is meant.
    async fn stage_of(&self, handle: &Handle<Spec>) -> Result<Option<String>> {
        if let Some(applied) = &handle.applied {
            return Ok(Some(applied.stage().to_owned()));
        }
        let request = self.gateway.get_rest_api().rest_api_id(&handle.id);
        let api = self.unless_gone("GetRestApi", request.send()).await?;
        Ok(api.and_then(|api| api.tags?.remove(STAGE_TAG)))
    }

    /// Returns the tags of an API. `listed`: those that are reported with the API itself.
    async fn tags(&self, arn: String, listed: Tags) -> Result<Tags> {
        Ok(self.second_tags(arn).await?.unwrap_or(listed))
    }

    /// Returns the tags of an API as GetTags reports them. AWS has one list of them; some endpoints report those
    /// of the create with the API forever, and keep a second list, which TagResource changes.
    ///
    /// That the second list is empty proves nothing: an endpoint may not know there what a create has set. Then,
    /// and where the call cannot be made, this is `None`. An API that was released has a tag there for that
    /// reason ([`RELEASED`](super::spec::RELEASED)).
    async fn second_tags(&self, arn: String) -> Result<Option<Tags>> {
        let request = self.gateway.get_tags().resource_arn(arn);
        let reply = if_readable(self.unless_gone("GetTags", request.send()).await)?;
        let tags = reply.flatten().and_then(|reply| reply.tags).unwrap_or_default();
        Ok(Some(tags.into_iter().collect()).filter(|tags: &Tags| !tags.is_empty()))
    }

    /// Tells whether an API is still reported as owned once its ownership tags are removed: by an endpoint
    /// that keeps a second list of tags, and has no tag there now.
    pub(super) async fn seems_owned(&self, names: &Names) -> Result<bool> {
        let request = self.gateway.get_rest_api().rest_api_id(&names.id);
        let api = self.unless_gone("GetRestApi", request.send()).await?;
        let listed: Tags = api.and_then(|api| api.tags).unwrap_or_default().into_iter().collect();
        if !listed.contains_key(tag::STACK) {
            return Ok(false);
        }
        Ok(self.tags(names.arn(), listed).await?.contains_key(tag::STACK))
    }

    /// Reads everything but the API itself. `functions`: whose permissions are read, beside those that
    /// routes call. `None`: the API is gone.
    pub(super) async fn parts(&self, names: &Names, functions: &[String]) -> Result<Option<Parts>> {
        let known: BTreeSet<String> = functions.iter().cloned().collect();
        let (tree, stages, mut granted) = try_join!(
            self.tree(&names.id),
            self.stages(names),
            self.granted(names, known.clone()),
        )?;
        let (Some(tree), Some(stages)) = (tree, stages) else { return Ok(None) };
        let called = tree.0.values().flat_map(|resource| resource.methods.values());
        let called = called.filter_map(|route| route.function.as_ref());
        let more: BTreeSet<String> = called.filter(|arn| !known.contains(*arn)).cloned().collect();
        granted.extend(self.granted(names, more).await?);
        Ok(Some(Parts { tree, stages, granted, is_new: false }))
    }

    /// Returns what these functions grant to the API.
    pub(super) async fn granted(
        &self,
        names: &Names,
        functions: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Granted>> {
        let permission = &names.permission();
        let read = |function: String| async move {
            let granted = self.permissions.observe(&function, permission).await?;
            Ok((function, granted))
        };
        at_once(AT_ONCE, functions, read).await.into_iter().collect()
    }

    async fn stages(&self, names: &Names) -> Result<Option<Stages>> {
        let request = self.gateway.get_stages().rest_api_id(&names.id);
        let (reply, deployments) =
            try_join!(self.unless_gone("GetStages", request.send()), self.deployments(&names.id),)?;
        let (Some(reply), Some(deployments)) = (reply, deployments) else { return Ok(None) };
        let all = reply.item.unwrap_or_default();
        let ours = all.iter().find(|stage| stage.stage_name() == Some(&names.stage));
        let served = ours.and_then(|stage| stage.deployment_id());
        let served = served.and_then(|id| deployments.iter().find(|one| one.id() == Some(id)));
        let served = served.and_then(|deployment| digest_of(deployment.description()?));
        Ok(Some(Stages {
            digest: served.unwrap_or_default().to_owned(),
            used: all.iter().filter_map(|stage| stage.deployment_id.clone()).collect(),
            settings: ours.map(|stage| Settings {
                variables: stage.variables().cloned().unwrap_or_default().into_iter().collect(),
                throttle: seen::throttle(stage),
                access_log: seen::access_log(stage),
            }),
            deployments,
        }))
    }

    pub(super) async fn tree(&self, id: &str) -> Result<Option<Tree>> {
        let request = self.gateway.get_resources().rest_api_id(id).limit(PAGE);
        let request = request.embed("methods");
        let mut tree = Tree::default();
        let mut position = None;
        loop {
            let sent = request.clone().set_position(position).send();
            let Some(page) = self.unless_gone("GetResources", sent).await? else { return Ok(None) };
            for resource in page.items.unwrap_or_default() {
                let (path, resource) = self.resource(id, resource).await?;
                tree.0.insert(path, resource);
            }
            position = page.position.filter(|position| !position.is_empty());
            if position.is_none() {
                return Ok(Some(tree));
            }
        }
    }

    async fn resource(&self, api: &str, reply: SeenResource) -> Result<(String, Resource)> {
        let id = reply.id.unwrap_or_default();
        let (mut methods, mut customized) = (BTreeMap::new(), BTreeSet::new());
        for (name, mut method) in reply.resource_methods.unwrap_or_default() {
            if !seen::is_complete(&method) {
                // It is half-built, or the endpoint does not embed all of it.
                let request = self.gateway.get_method();
                let request = request.rest_api_id(api).resource_id(&id).http_method(&name);
                if let Some(reply) = self.unless_gone("GetMethod", request.send()).await? {
                    method = Method::builder()
                        .set_authorization_type(reply.authorization_type)
                        .set_api_key_required(reply.api_key_required)
                        .set_method_integration(reply.method_integration)
                        .set_method_responses(reply.method_responses)
                        .set_request_parameters(reply.request_parameters)
                        .set_request_models(reply.request_models)
                        .set_request_validator_id(reply.request_validator_id)
                        .set_operation_name(reply.operation_name)
                        .set_authorization_scopes(reply.authorization_scopes)
                        .build();
                }
            }
            if is_customized(&method, &id) {
                customized.insert(name.clone());
            }
            methods.insert(name, seen::route(&method));
        }
        Ok((reply.path.unwrap_or_default(), Resource { id, methods, customized }))
    }

    pub(super) async fn find_all(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        let request = self.gateway.get_rest_apis().limit(PAGE);
        let mut found = Vec::new();
        let mut position = None;
        loop {
            let sent = request.clone().set_position(position).send();
            let page = self.call("GetRestApis", sent).await?;
            for api in page.items.unwrap_or_default() {
                let stack = api.tags().and_then(|tags| tags.get(tag::STACK));
                let is_known = api.id().is_some_and(|id| sought.known.contains(id));
                if stack == Some(&sought.owner.stack) && !is_known {
                    // An endpoint with two lists of tags still lists a released API with its first tags.
                    let api = self.found(api).await?;
                    found.extend(Some(api).filter(|api| api.tags.contains_key(tag::STACK)));
                }
            }
            position = page.position.filter(|position| !position.is_empty());
            if position.is_none() {
                return Ok(found);
            }
        }
    }

    async fn found(&self, api: RestApi) -> Result<Found> {
        let id = api.id.unwrap_or_default();
        let listed: Tags = api.tags.unwrap_or_default().into_iter().collect();
        let stage = listed.get(STAGE_TAG).map_or(STAGE, String::as_str);
        let names = self.names(&id, stage).await?;
        Ok(Found {
            tags: self.tags(names.arn(), listed).await?,
            outputs: names.outputs(),
            id,
            name: api.name.unwrap_or_default(),
            created: api.created_date.and_then(|date| date.fmt(Format::DateTime).ok()),
        })
    }
}
