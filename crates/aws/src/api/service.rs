//! API Gateway, as this kind uses it: client, error codes, quotas and consistency windows.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::kind::{Error, Fault, Result};

use super::import::Imports;
use super::names::Names;
use crate::client::sdk_client;
use crate::cloud::Cloud;
use crate::fault::{Codes, Explain as _, Meaning, code};
use crate::function::permission::Permissions;
use crate::pace::{Pace, Quota};

sdk_client!(aws_sdk_apigateway, QUOTAS);

/// How long API Gateway may not show what it has just created.
pub const CONSISTENCY_WINDOW: Duration = Duration::from_secs(120);

/// The largest page of a list.
pub const PAGE: i32 = 500;

/// APIs, or permissions of one API, that are read at once.
pub const AT_ONCE: usize = 10;

/// The error codes of API Gateway. Reads and removals take `NotFoundException` for "gone" before it is
/// looked up here: to any other call, somebody has just removed what it names.
pub const CODES: Codes =
    &[("ConflictException", Meaning::Conflict), ("NotFoundException", Meaning::Conflict)];

/// A create with a quota of its own, beside that of every create.
const CREATE_EDGE_API: &str = "CreateRestApi of an edge-optimized API";

/// From "Amazon API Gateway quotas".
const QUOTAS: &[Quota] = &[
    Quota::of(&["CreateRestApi"], 1, 3_000),
    Quota::of(&[CREATE_EDGE_API], 1, 30_000),
    Quota::of(&["DeleteRestApi"], 1, 30_000),
    Quota::of(&["CreateDeployment"], 1, 5_000),
    Quota::of(&["PutRestApi"], 1, 1_000),
    Quota::of(&["CreateResource"], 5, 200),
    Quota::of(&["DeleteResource"], 5, 200),
    Quota::of(&["GetResources"], 5, 400),
    Quota::of_all(40, 100),
];

/// REST APIs of one account and region.
#[derive(Clone, Debug)]
pub struct Apis {
    cloud: Arc<Cloud>,
    pub(super) gateway: aws_sdk_apigateway::Client,
    pub(super) permissions: Permissions,
    pub(super) imports: Arc<Imports>,
    /// `None`: an emulator has no quotas.
    pace: Option<Pace>,
}

impl Apis {
    pub(super) fn new(cloud: &Arc<Cloud>) -> Self {
        Self {
            cloud: cloud.clone(),
            gateway: cloud.client(),
            permissions: Permissions::new(cloud),
            imports: Arc::default(),
            pace: cloud.pace::<aws_sdk_apigateway::Client>(),
        }
    }

    pub(super) async fn names(&self, id: &str, stage: &str) -> Result<Names> {
        Ok(Names {
            partition: self.cloud.partition().to_owned(),
            region: self.cloud.region.clone(),
            endpoint: self.cloud.endpoint.clone(),
            id: id.to_owned(),
            stage: stage.to_owned(),
            account: self.cloud.account().await?,
        })
    }

    /// Waits for the turn of an edge-optimized API, behind which the call still has its own.
    pub(super) async fn turn_of_edge_api(&self) {
        let Some(pace) = &self.pace else { return };
        let awaiting = self.cloud.calls.awaits("the turn of an API", Duration::ZERO);
        // An interrupted run sends the call, if its other quota allows that: at worst it is throttled.
        let _ = pace.turn(CREATE_EDGE_API, &awaiting).await;
    }

    /// Sends one call.
    pub(super) async fn call<T, E>(
        &self,
        call: &str,
        sent: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<T>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        sent.await.explain(call, CODES)
    }

    /// Sends one call. Returns `None` if what it names does not exist.
    pub(super) async fn unless_gone<T, E>(
        &self,
        call: &str,
        sent: impl Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    ) -> Result<Option<T>>
    where
        E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
    {
        match sent.await {
            Err(error) if code(&error) == Some("NotFoundException") => Ok(None),
            sent => sent.explain(call, CODES).map(Some),
        }
    }
}

/// Returns the error of a thing that exists and that API Gateway does not show yet.
pub(super) fn not_visible(what: &str) -> Error {
    let what = format!("{what} to be visible");
    let message = format!("waiting for {what}");
    Error::new(Fault::Awaiting { what, within: CONSISTENCY_WINDOW }, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::by_code;

    #[test]
    fn codes_of_api_gateway_come_before_the_status() {
        assert_eq!(by_code("NotFoundException", 404, CODES), Fault::Conflict);
        assert_eq!(by_code("ConflictException", 409, CODES), Fault::Conflict);
        assert_eq!(by_code("BadRequestException", 400, CODES), Fault::Terminal);
    }
}
