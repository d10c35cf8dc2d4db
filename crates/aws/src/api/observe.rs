//! What exists of an API: its tree of routes, its stage, the permissions on its functions.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_apigateway::types::{
    ApiStatus, Integration, IntegrationType, Method, Resource as SeenResource, RestApi, Stage,
};
use aws_smithy_types::date_time::Format;
use futures_util::{StreamExt, TryStreamExt, stream, try_join};
use stackwright_engine::kind::{Fault, Found, Handle, Live, Owner, Readiness, Result, tag};

use super::access_log::AccessLog;
use super::cors::preflight;
use super::names::{Names, digest_of, invoked};
use super::permission::Grant;
use super::spec::{Route, STAGE, STAGE_TAG, Spec, Throttle};
use super::stage::ALL_ROUTES;
use super::{Apis, TOGETHER, settings};
use crate::tags::Tags;

/// The most that a page holds.
pub const PAGE: i32 = 500;

/// All paths of an API, as they would be deployed now.
#[derive(Debug, Default)]
pub struct Tree(pub BTreeMap<String, Resource>);

#[derive(Debug)]
pub struct Resource {
    pub id: String,
    /// By HTTP method.
    pub methods: BTreeMap<String, Route>,
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
#[derive(Debug, Default)]
pub struct Stages {
    /// What ours serves: the digest that its deployment bears, or nothing.
    pub digest: String,
    /// The deployments that a stage points at.
    pub used: BTreeSet<String>,
    /// Of ours; `None`: it is not there.
    pub settings: Option<Settings>,
}

/// What a stage says by itself.
#[derive(Debug)]
pub struct Settings {
    pub variables: BTreeMap<String, String>,
    pub throttle: Throttle,
    pub access_log: AccessLog,
}

/// Everything that is made after the API itself.
#[derive(Debug)]
pub struct Seen {
    pub tree: Tree,
    pub stages: Stages,
    /// By function; those without a statement of ours too.
    pub grants: BTreeMap<String, Grant>,
}

impl Apis {
    pub(super) async fn look(&self, handle: &Handle<Spec>) -> Result<Option<Live<Spec>>> {
        let stage = self.stage_of(handle).await?;
        let names = self.names(&handle.id, stage.as_deref().unwrap_or(STAGE)).await?;
        let applied = handle.applied.as_ref().map(|spec| spec.permissions.as_slice());
        let get = self.cloud.apigateway.get_rest_api().rest_api_id(&handle.id).send();
        let answers = async {
            // A call for each API: only where somebody asked for it. What others set is no matter here.
            match &handle.applied {
                Some(applied) if applied.gateway_responses.is_none() => Ok(Some(BTreeMap::new())),
                _ => self.gateway_responses(&handle.id).await,
            }
        };
        let (api, seen, gateway_responses) = try_join!(
            self.maybe("GetRestApi", get),
            self.seen(&names, applied.unwrap_or_default()),
            answers,
        )?;
        let (Some(api), Some(Seen { tree, stages, grants })) = (api, seen) else { return Ok(None) };
        let good = grants.into_iter().filter(|(_, grant)| grant.is_good);
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
        let binary_types = Some(settings::sorted(api.binary_media_types()));
        let date = api.created_date.and_then(|date| date.fmt(Format::DateTime).ok());
        let tags = api.tags.unwrap_or_default().into_iter().collect();
        let tags = match &handle.applied {
            Some(applied) if applied.tags == tags => tags,
            _ => self.tags(names.arn()).await?.unwrap_or(tags),
        };
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
                permissions: good.map(|(function, _)| function).collect(),
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
        }))
    }

    /// The stage that was last applied; of an API that was adopted, the one it was made for. `None`:
    /// nobody here made it, and which of its stages is meant only the file says.
    async fn stage_of(&self, handle: &Handle<Spec>) -> Result<Option<String>> {
        if let Some(applied) = &handle.applied {
            return Ok(Some(applied.stage().to_owned()));
        }
        let request = self.cloud.apigateway.get_rest_api().rest_api_id(&handle.id);
        let api = self.maybe("GetRestApi", request.send()).await?;
        Ok(api.and_then(|api| api.tags?.remove(STAGE_TAG)))
    }

    /// What TagResource wrote. AWS says the same with the API; some endpoints keep two books, so it
    /// is asked only where the first does not say what is expected, and not every endpoint has it.
    async fn tags(&self, arn: String) -> Result<Option<Tags>> {
        let request = self.cloud.apigateway.get_tags().resource_arn(arn);
        match self.maybe("GetTags", request.send()).await {
            Ok(reply) => {
                Ok(reply.map(|reply| reply.tags.unwrap_or_default().into_iter().collect()))
            }
            Err(error) if matches!(error.fault, Fault::Unsupported | Fault::Denied) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `functions`: those whose permission is looked at besides those that routes call. `None`: the
    /// API is gone.
    pub(super) async fn seen(&self, names: &Names, functions: &[String]) -> Result<Option<Seen>> {
        let known: BTreeSet<String> = functions.iter().cloned().collect();
        let (tree, stages, mut grants) = try_join!(
            self.tree(&names.id),
            self.stages(names),
            self.grants(names, known.clone()),
        )?;
        let (Some(tree), Some(stages)) = (tree, stages) else { return Ok(None) };
        let called = tree.0.values().flat_map(|resource| resource.methods.values());
        let called = called.map(|route| &route.function).filter(|name| name.starts_with("arn:"));
        let more: BTreeSet<String> = called.filter(|arn| !known.contains(*arn)).cloned().collect();
        grants.extend(self.grants(names, more).await?);
        Ok(Some(Seen { tree, stages, grants }))
    }

    async fn grants(
        &self,
        names: &Names,
        functions: BTreeSet<String>,
    ) -> Result<BTreeMap<String, Grant>> {
        let look = |function: String| async move {
            let grant = self.grant(names, &function).await?;
            Ok((function, grant))
        };
        let looks: Vec<_> = functions.into_iter().map(look).collect();
        stream::iter(looks).buffer_unordered(TOGETHER).try_collect().await
    }

    async fn stages(&self, names: &Names) -> Result<Option<Stages>> {
        let client = &self.cloud.apigateway;
        let request = client.get_stages().rest_api_id(&names.id);
        let Some(reply) = self.maybe("GetStages", request.send()).await? else { return Ok(None) };
        let all = reply.item.unwrap_or_default();
        let ours = all.iter().find(|stage| stage.stage_name() == Some(&names.stage));
        let mut stages = Stages {
            digest: String::new(),
            used: all.iter().filter_map(|stage| stage.deployment_id.clone()).collect(),
            settings: ours.map(|stage| Settings {
                variables: stage.variables().cloned().unwrap_or_default().into_iter().collect(),
                throttle: throttle(stage),
                access_log: access_log(stage),
            }),
        };
        if let Some(deployment) = ours.and_then(|stage| stage.deployment_id()) {
            let request = client.get_deployment().rest_api_id(&names.id).deployment_id(deployment);
            let reply = self.maybe("GetDeployment", request.send()).await?;
            let description = reply.and_then(|reply| reply.description).unwrap_or_default();
            stages.digest = digest_of(&description).unwrap_or_default().to_owned();
        }
        Ok(Some(stages))
    }

    pub(super) async fn tree(&self, id: &str) -> Result<Option<Tree>> {
        let request = self.cloud.apigateway.get_resources().rest_api_id(id).limit(PAGE);
        let request = request.embed("methods");
        let mut tree = Tree::default();
        let mut position = None;
        loop {
            let sent = request.clone().set_position(position).send();
            let Some(page) = self.maybe("GetResources", sent).await? else { return Ok(None) };
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

    async fn resource(&self, api: &str, seen: SeenResource) -> Result<(String, Resource)> {
        let id = seen.id.unwrap_or_default();
        let mut methods = BTreeMap::new();
        for (name, mut method) in seen.resource_methods.unwrap_or_default() {
            if !is_told(&method) {
                // Half-built, or the endpoint does not embed it.
                let request = self.cloud.apigateway.get_method();
                let request = request.rest_api_id(api).resource_id(&id).http_method(&name);
                if let Some(reply) = self.maybe("GetMethod", request.send()).await? {
                    method = Method::builder()
                        .set_authorization_type(reply.authorization_type)
                        .set_api_key_required(reply.api_key_required)
                        .set_method_integration(reply.method_integration)
                        .set_method_responses(reply.method_responses)
                        .build();
                }
            }
            methods.insert(name, route(&method));
        }
        Ok((seen.path.unwrap_or_default(), Resource { id, methods }))
    }

    pub(super) async fn find_all(&self, owner: &Owner) -> Result<Vec<Found>> {
        let request = self.cloud.apigateway.get_rest_apis().limit(PAGE);
        let mut found = Vec::new();
        let mut position = None;
        loop {
            let sent = request.clone().set_position(position).send();
            let page = self.call("GetRestApis", sent).await?;
            for api in page.items.unwrap_or_default() {
                if api.tags().and_then(|tags| tags.get(tag::STACK)) == Some(&owner.stack) {
                    // What was let go is still listed with its first tags where two books are kept.
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
            tags: self.tags(names.arn()).await?.unwrap_or(listed),
            outputs: names.outputs(),
            id,
            name: api.name.unwrap_or_default(),
            created: api.created_date.and_then(|date| date.fmt(Format::DateTime).ok()),
        })
    }
}

fn access_log(stage: &Stage) -> AccessLog {
    let log = stage.access_log_settings();
    let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    AccessLog {
        group: text(log.and_then(|log| log.destination_arn())),
        format: text(log.and_then(|log| log.format())),
    }
}

fn throttle(stage: &Stage) -> Throttle {
    let all = stage.method_settings().and_then(|settings| settings.get(ALL_ROUTES));
    Throttle {
        rate: all.map(|all| all.throttling_rate_limit()),
        burst: all.map(|all| all.throttling_burst_limit()),
    }
}

fn route(method: &Method) -> Route {
    let authorization = method.authorization_type().unwrap_or_default().to_owned();
    let api_key = method.api_key_required().unwrap_or_default();
    if let Some(preflight) = preflight(method) {
        return Route { function: String::new(), authorization, api_key, preflight };
    }
    let function = method.method_integration().map(target).unwrap_or_default();
    Route { function, authorization, api_key, preflight: BTreeMap::new() }
}

/// Whether all of a method is there that says what it does.
fn is_told(method: &Method) -> bool {
    method.method_integration().is_some_and(|integration| {
        integration.r#type() != Some(&IntegrationType::Mock)
            || integration.integration_responses().is_some()
    })
}

/// The function that is called, or in words what happens instead.
fn target(integration: &Integration) -> String {
    let sort = integration.r#type().map_or("", IntegrationType::as_str);
    let (method, uri) = (integration.http_method(), integration.uri());
    match (sort, method, uri.and_then(invoked)) {
        ("AWS_PROXY", Some("POST"), Some(function)) => function.to_owned(),
        // It calls nothing, whatever an endpoint fills in.
        ("MOCK", ..) => sort.to_owned(),
        _ => [Some(sort), method, uri].into_iter().flatten().collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::super::names::invocation;
    use super::*;

    #[test]
    fn a_method_is_what_it_does() {
        let arn = "arn:aws:lambda:us-east-1:123456789012:function:f";
        let good = Integration::builder()
            .r#type(IntegrationType::AwsProxy)
            .http_method("POST")
            .uri(invocation(arn).expect("a function"));
        let told = |method: &str, integration: Option<Integration>| {
            let method = Method::builder().authorization_type(method);
            let route = route(&method.set_method_integration(integration).build());
            (route.function, route.authorization)
        };
        assert_eq!(told("NONE", Some(good.clone().build())), (arn.into(), "NONE".into()));
        assert_eq!(told("AWS_IAM", None), (String::new(), "AWS_IAM".into()));
        let mock = Integration::builder().r#type(IntegrationType::Mock).build();
        assert_eq!(told("NONE", Some(mock)).0, "MOCK");
        let get = good.http_method("GET").build();
        assert!(told("NONE", Some(get)).0.starts_with("AWS_PROXY GET arn:aws:apigateway:"));
        let keyed = Method::builder().authorization_type("NONE").api_key_required(true).build();
        assert!(route(&keyed).api_key);
    }
}
