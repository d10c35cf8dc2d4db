//! Deployments, and the stages that serve them.

use serde_json::{Value, json};

use super::api::Api;
use super::patch::patched;
use super::{Answer, BAD, CREATED, GONE, list};
use crate::double::call::Call;

/// What a deployment is described as.
pub struct Deployment(Value);

/// A stage, as a reply has it.
pub struct Stage(Value);

impl Stage {
    fn serves(&self, deployment: &str) -> bool {
        self.0["deploymentId"] == deployment
    }
}

impl Api {
    pub(super) fn of_deployments(&mut self, call: &Call, new: &str) -> Option<Answer> {
        let name = call.segment(3);
        Some(match call.operation.name.as_str() {
            "CreateDeployment" => self.deploy(&call.json(), new),
            "GetDeployments" => {
                let all: Vec<Value> = self.deployments.values().map(|one| one.0.clone()).collect();
                Ok(list(&all, call))
            }
            "GetDeployment" => self.deployments.get(name).map(|one| one.0.clone()).ok_or(GONE),
            "DeleteDeployment" => self.delete_deployment(name),
            "GetStages" => {
                let all: Vec<&Value> = self.stages.values().map(|stage| &stage.0).collect();
                Ok(json!({ "item": all }))
            }
            "UpdateStage" => self.update_stage(name, &call.json()),
            "DeleteStage" => self.stages.remove(name).map(|_| json!({})).ok_or(GONE),
            _ => return None,
        })
    }

    /// Deploys the API, and lets a stage serve the deployment.
    fn deploy(&mut self, asked: &Value, id: &str) -> Answer {
        let mut methods = self.resources.values().flat_map(|one| one.methods.values()).peekable();
        if methods.peek().is_none() {
            return Err(BAD.saying("The REST API doesn't contain any methods"));
        }
        if methods.any(|method| method["methodIntegration"].is_null()) {
            return Err(BAD.saying("No integration defined for method"));
        }
        let description = &asked["description"];
        let deployment = json!({ "id": id, "description": description, "createdDate": CREATED });
        self.deployments.insert(id.to_owned(), Deployment(deployment.clone()));
        if let Some(name) = asked["stageName"].as_str() {
            let new = || Stage(json!({ "stageName": name, "createdDate": CREATED }));
            let stage = self.stages.entry(name.to_owned()).or_insert_with(new);
            stage.0["deploymentId"] = id.into();
        }
        Ok(deployment)
    }

    fn delete_deployment(&mut self, id: &str) -> Answer {
        if self.stages.values().any(|stage| stage.serves(id)) {
            return Err(
                BAD.saying("Active stages pointing to this deployment must be moved or deleted")
            );
        }
        self.deployments.remove(id).map(|_| json!({})).ok_or(GONE)
    }

    fn update_stage(&mut self, name: &str, asked: &Value) -> Answer {
        let stage = self.stages.get_mut(name).ok_or(GONE)?;
        patched(&mut stage.0, asked);
        Ok(stage.0.clone())
    }
}
