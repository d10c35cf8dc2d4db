//! A stage serves what its deployment froze, whatever the routes are now; and a deployment that a
//! stage points at stays.
//!
//! An API that was deployed past the proxy is not known here, and nothing is said about it. A route
//! that was frozen and is there no more gets what the emulator makes of it.
//!
//! Sources: "Deploy REST APIs in API Gateway" (a deployment is a snapshot of the resources; to change
//! what a stage serves, deploy again); what DeleteDeployment says, hashicorp/terraform-provider-aws
//! issue 19805.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::called::said;
use super::object::ended;
use super::tree::{Route, routes, serving};
use super::{Answer, Asked, Called, Rule, Upstream};
use crate::proxy::refusal::error;

/// After one of these, stages are asked for.
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

    /// What the called stage's deployment froze; `None`: nothing is known.
    pub fn frozen(&self, called: &Called) -> Option<Arc<[Route]>> {
        let apis = self.apis();
        let api = apis.get(&called.api)?;
        api.frozen.get(api.stages.get(&called.stage)?).cloned()
    }

    fn apis(&self) -> MutexGuard<'_, HashMap<String, Api>> {
        self.apis.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns what was just deployed, and where the stages point now.
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
    fn before(&self, asked: &Asked) -> Option<Answer> {
        if !asked.is("apigateway", "DeleteDeployment") {
            return None;
        }
        let deployment = asked.under("deployments")?;
        let apis = self.apis();
        let mut served = apis.get(&asked.under("restapis")?)?.stages.values();
        let text = "Active stages pointing to this deployment must be moved or deleted";
        let is_served = served.any(|served| *served == deployment);
        is_served.then(|| error(&asked.operation, 400, "BadRequestException", text))
    }

    fn after(&self, asked: &Asked, answer: &mut Answer) -> bool {
        for object in ended(asked, answer) {
            self.apis().remove(&object.id);
        }
        let moves = MOVES.iter().any(|name| asked.is("apigateway", name));
        let Some(api) = asked.under("restapis").filter(|_| moves) else { return false };
        if answer.status().is_success() {
            let made: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            let deployment = made["id"].as_str().filter(|_| asked.operation.name == MOVES[0]);
            self.learn(&api, deployment);
        }
        false
    }

    fn called(&self, called: &Called) -> Option<Answer> {
        let frozen = self.frozen(called)?;
        let unknown =
            || said(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
        serving(&frozen, &called.method, &called.path).is_none().then(unknown)
    }
}
