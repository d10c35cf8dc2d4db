//! A stage serves its deployment's snapshot of the routes, whatever the routes are now; and a
//! deployment that a stage points at cannot be deleted.
//!
//! The rule does not apply to an API that was deployed without the proxy. A call of a route that is in
//! the snapshot but has been deleted is answered by the emulator.
//!
//! Sources: "Deploy REST APIs in API Gateway" (a deployment is a snapshot of the resources; to change
//! what a stage serves, deploy again); the error of DeleteDeployment, hashicorp/terraform-provider-aws
//! issue 19805.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::invocation::gateway_error;
use super::object::deleted;
use super::tree::{Route, routes, serving};
use super::{Answer, ApiRequest, Invocation, Rule, Upstream};
use crate::proxy::refusal::error;

/// The stages are read again after one of these operations.
const MOVES: [&str; 4] = ["CreateDeployment", "CreateStage", "UpdateStage", "DeleteStage"];

pub struct Snapshot {
    upstream: Upstream,
    apis: Mutex<HashMap<String, Api>>,
}

#[derive(Default)]
struct Api {
    /// By deployment.
    frozen: HashMap<String, Arc<[Route]>>,
    /// The deployment of each stage.
    stages: HashMap<String, String>,
}

impl Snapshot {
    pub fn new(upstream: &Upstream) -> Self {
        Self { upstream: upstream.clone(), apis: Mutex::default() }
    }

    /// The snapshot that the called stage serves; `None` when it is not known.
    pub fn frozen(&self, invocation: &Invocation) -> Option<Arc<[Route]>> {
        let apis = self.apis();
        let api = apis.get(&invocation.api)?;
        api.frozen.get(api.stages.get(&invocation.stage)?).cloned()
    }

    fn apis(&self) -> MutexGuard<'_, HashMap<String, Api>> {
        self.apis.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a new deployment's snapshot, and where the stages point now.
    fn learn(&self, api: &str, deployment: Option<&str>) {
        let path = format!("restapis/{api}/stages");
        let Some(stages) = self.upstream.items(&path) else { return };
        let frozen = deployment.and_then(|_| routes(&self.upstream, api));
        let pointer = |stage: &Value| {
            let text = |field: &str| stage[field].as_str().map(str::to_owned);
            Some((text("stageName")?, text("deploymentId")?))
        };
        let mut apis = self.apis();
        let known = apis.entry(api.to_owned()).or_default();
        known.stages = stages.iter().filter_map(pointer).collect();
        if let (Some(deployment), Some(frozen)) = (deployment, frozen) {
            known.frozen.insert(deployment.to_owned(), frozen.into());
        }
    }
}

impl Rule for Snapshot {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if !request.is("apigateway", "DeleteDeployment") {
            return None;
        }
        let deployment = request.under("deployments")?;
        let apis = self.apis();
        let mut served = apis.get(&request.under("restapis")?)?.stages.values();
        let text = "Active stages pointing to this deployment must be moved or deleted";
        let is_served = served.any(|served| *served == deployment);
        is_served.then(|| error(&request.operation, 400, "BadRequestException", text))
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        for object in deleted(request, answer) {
            self.apis().remove(&object.id);
        }
        let moves = MOVES.iter().any(|name| request.is("apigateway", name));
        let Some(api) = request.under("restapis").filter(|_| moves) else { return false };
        if answer.status().is_success() {
            let made: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let deployment = made["id"].as_str().filter(|_| request.operation.name == MOVES[0]);
            self.learn(&api, deployment);
        }
        false
    }

    fn invoked(&self, invocation: &Invocation) -> Option<Answer> {
        let frozen = self.frozen(invocation)?;
        let unknown = || {
            gateway_error(
                403,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            )
        };
        serving(&frozen, &invocation.method, &invocation.path).is_none().then(unknown)
    }
}
