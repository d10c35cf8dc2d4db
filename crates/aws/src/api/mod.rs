//! `api`: a REST API of API Gateway, from its routes to the stage that serves them.
//!
//! One object here is many in AWS (resources, methods, integrations, deployments, a stage,
//! statements in the policies of functions), with one writer: API Gateway refuses two at a time. A
//! change of routes is not live before it is deployed, so what the stage serves is a field of its
//! own, [`spec::Spec::deployed`].

pub mod access_log;
mod apply;
pub mod cors;
mod deploy;
pub mod gateway;
mod names;
mod observe;
mod permission;
pub mod routes;
pub mod settings;
pub mod spec;
mod stage;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use futures_util::{StreamExt, stream};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    Context, CreateIdempotency, Created, Error, Fault, Field, Found, Handle, Intent, Live, Owner,
    Ownership, Problem, Provider, Readiness, ResourceType, Result, Siblings, field,
};

use self::names::Names;
use self::spec::{Config, Spec};
use crate::cloud::Cloud;
use crate::fault::{Explain, code};
use crate::function::Sources;
use crate::kinds::Connect;
use crate::once::Once;
use crate::tags;

/// APIs, or permissions of one API, looked at together.
const TOGETHER: usize = 10;

/// Fields that are set by calls of their own; where one is deployed, too, `deployed` differs with it.
const OWN: [&str; 7] =
    ["name", "description", "tags", "variables", "throttle", "access_log", "binary_types"];

/// The kind `api`.
pub struct Api;

/// REST APIs of one account and region.
#[derive(Clone, Debug)]
pub struct Apis {
    pub cloud: Arc<Cloud>,
}

impl Connect for Apis {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self { cloud: cloud.clone() }
    }
}

impl ResourceType for Api {
    const NAME: &'static str = "api";
    const OUTPUTS: &'static [&'static str] = &["id", "url", "arn"];
    const FIELDS: &'static [Field] = &[
        field("stage").replaces().clear_text(),
        field("routes").exclusive(),
        field("routes.*").address("function", "arn", "arn:"),
        field("routes.*.function").address("function", "arn", "arn:"),
        // Its preflights are routes.
        field("cors").exclusive(),
        field("cors.max_age").seconds(),
        field("deployed").internal(),
        field("permissions").internal(),
    ];
    const CREATE: CreateIdempotency =
        CreateIdempotency::LookUp { consistency_window: Duration::from_secs(120) };
    const DELETION_IMPACT: &'static str = "its id, and with it its URL";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, _: Siblings<'_>) -> Vec<Problem> {
        spec::check(config)
    }
}

impl Provider for Apis {
    type Type = Api;

    async fn normalize(&self, config: Config, at: &Context) -> Result<Spec> {
        spec::normalize(config, at)
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        let looks: Vec<_> = handles.iter().map(|handle| self.look(handle)).collect();
        stream::iter(looks).buffered(TOGETHER).collect().await
    }

    async fn find(&self, owner: &Owner, _: &[String]) -> Result<Vec<Found>> {
        // Names are not unique: the tags alone tell.
        self.find_all(owner).await
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        let description = spec.description.clone().filter(|text| !text.is_empty());
        let request = self.cloud.apigateway.create_rest_api().name(&spec.name);
        let request = request.set_description(description);
        let request = request.endpoint_configuration(settings::endpoint(spec));
        let request = request.set_binary_media_types(spec.binary_types.clone());
        let stage = (spec::STAGE_TAG.to_owned(), spec.stage().to_owned());
        let request =
            request.set_tags(Some(spec.tags.clone().into_iter().chain([stage]).collect()));
        // Whatever may fail comes before the call: an error behind it would hide what was made.
        let names = self.names("", spec.stage()).await?;
        let made = self.call("CreateRestApi", request.customize().once().send()).await?;
        let endpoint = settings::endpoint_seen(made.endpoint_configuration());
        let binary_types = Some(settings::sorted(made.binary_media_types()));
        let id = made.id.filter(|id| !id.is_empty()).ok_or_else(|| {
            Error::new(Fault::Unknown, "CreateRestApi: the reply does not say what was made")
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
        };
        Ok(Created { id, live })
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let names = self.names(&on.id, desired.stage()).await?;
        self.set_settings(&names, desired, changes).await?;
        if changes.iter().any(|change| change.path.field() == "endpoint") {
            // That takes a while, and is deployed when it is over.
            return Ok(());
        }
        let set = self.set_gateway_responses(&names.id, desired, changes).await?;
        if changes.iter().any(|change| !OWN.contains(&change.path.field())) {
            let applied = on.applied.as_ref().map(|spec| spec.permissions.as_slice());
            self.converge(&names, desired, applied.unwrap_or_default(), &set).await?;
        }
        self.set_stage(&names, desired, changes).await?;
        self.set_tags(&names, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        let request = self.cloud.apigateway.delete_rest_api().rest_api_id(&handle.id);
        self.maybe("DeleteRestApi", request.send()).await?;
        self.delete_orphans(handle).await
    }
}

impl Ownership for Apis {
    async fn delete_orphans(&self, handle: &Handle<Spec>) -> Result<()> {
        if let Some(applied) = &handle.applied {
            let names = self.names(&handle.id, applied.stage()).await?;
            for function in &applied.permissions {
                self.disallow(&names, function, 1).await?;
            }
        }
        Ok(())
    }
}

impl Apis {
    async fn names(&self, id: &str, stage: &str) -> Result<Names> {
        Ok(Names {
            partition: self.cloud.partition().to_owned(),
            region: self.cloud.region.clone(),
            endpoint: self.cloud.endpoint.clone(),
            id: id.to_owned(),
            stage: stage.to_owned(),
            account: self.cloud.account().await?,
        })
    }

    async fn set_tags(&self, names: &Names, changes: &[Change]) -> Result<()> {
        let tags::Difference { set, remove } = tags::difference(changes);
        if !set.is_empty() {
            let request = self.cloud.apigateway.tag_resource().resource_arn(names.arn());
            let request = request.set_tags(Some(set.into_iter().collect()));
            self.call("TagResource", request.send()).await?;
        }
        if !remove.is_empty() {
            let request = self.cloud.apigateway.untag_resource().resource_arn(names.arn());
            let request = request.set_tag_keys(Some(remove));
            self.call("UntagResource", request.send()).await?;
        }
        Ok(())
    }

    /// One call, in its turn. What it names is known to exist: if it is not there, it is not yet,
    /// or no longer.
    async fn call<T, E>(
        &self,
        call: &str,
        sent: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.cloud.pace.turn(call).await;
        let sent = sent.await;
        let fault = sent.as_ref().err().and_then(missing);
        sent.explain(call).map_err(|error| match fault {
            Some(fault) => Error { fault, ..error },
            None => error,
        })
    }

    /// One call, in its turn; `None` where what it names does not exist.
    async fn maybe<T, E>(
        &self,
        call: &str,
        sent: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<Option<T>>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        self.cloud.pace.turn(call).await;
        match sent.await {
            Err(error) if missing(&error).is_some() => Ok(None),
            sent => sent.explain(call).map(Some),
        }
    }
}

/// What it means to a write that what it names does not exist.
fn missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<Fault> {
    match code(error)? {
        // API Gateway's: a resource or method that was there a moment ago.
        "NotFoundException" => Some(Fault::Conflict),
        // Lambda's.
        "ResourceNotFoundException" => Some(Fault::Awaiting {
            what: "Lambda to know the function".to_owned(),
            within: Duration::from_secs(20),
        }),
        _ => None,
    }
}
