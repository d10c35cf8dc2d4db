//! The kind `api`: a REST API of API Gateway, from its routes to the stage that serves them.
//!
//! One object of this kind is many in AWS (resources, methods, integrations, deployments, a stage,
//! statements in the policies of functions), with one writer: API Gateway refuses two at a time. A
//! change of routes is not live before it is deployed, so that what the stage serves is a field of its
//! own, [`spec::Spec::deployed`]. Routes are set by one [`import`] where there are none yet or many differ, and by
//! calls for single ones otherwise.

mod access_log;
mod check;
mod config;
mod cors;
mod deploy;
mod edits;
mod gateway;
mod import;
mod names;
mod observe;
mod openapi;
mod preflight;
mod routes;
mod seen;
mod service;
mod settings;
mod spec;
mod stage;
mod text;
mod unmanaged;
mod write;
mod write_gateway;
mod write_routes;

use std::sync::Arc;

use futures_util::join;
use stackwright_engine::at_once::at_once;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    CheckContext, Context, CreateIdempotency, Created, Field, Found, Handle, Intent, Live,
    Ownership, Problem, Provider, ResourceType, Result, Sought, field,
};

use self::config::Config;
pub use self::service::Apis;
use self::service::{AT_ONCE, CONSISTENCY_WINDOW};
use self::spec::Spec;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};

/// The kind `api`.
pub struct Api;

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
        CreateIdempotency::LookUp { consistency_window: CONSISTENCY_WINDOW };
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const DELETION_IMPACT: &'static str = "its id, and with it its URL";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        check::check(config, context)
    }
}

impl Connect for Apis {
    fn connect(cloud: &Arc<Cloud>, _: &Sources) -> Self {
        Self::new(cloud)
    }
}

impl Provider for Apis {
    type Type = Api;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        spec::normalize(config, context)
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        at_once(AT_ONCE, handles, |handle| self.observe_one(handle)).await
    }

    /// Names are not unique: the tags alone identify an API.
    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        self.find_all(sought).await
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.create_api(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_api(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        // Both go in any case: neither waits for the other.
        let (deleted, revoked) = join!(self.delete_api(&handle.id), self.delete_orphans(handle));
        deleted.and(revoked)
    }
}

impl Ownership for Apis {
    async fn delete_orphans(&self, handle: &Handle<Spec>) -> Result<()> {
        self.revoke_permissions(handle).await
    }
}
