//! An API by itself: its settings, tags and gateway responses.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::deployments::{Deployment, Stage};
use super::import::models_of_new_api;
use super::patch::patched;
use super::resources::Resource;
use super::{Answer, CREATED, GONE, list, tags};
use crate::double::call::Call;
use crate::double::tagged::Tags;

/// A REST API.
pub struct Api {
    /// Name, description, endpoint and media types, as a reply has them.
    settings: Value,
    pub tags: Tags,
    pub(super) root: String,
    /// By id.
    pub(super) resources: BTreeMap<String, Resource>,
    /// By type; those that were set.
    pub(super) responses: BTreeMap<String, Value>,
    /// Schemas by name.
    pub(super) models: BTreeMap<String, Value>,
    /// How many parts its documentation has.
    pub(super) documentation: usize,
    pub(super) deployments: BTreeMap<String, Deployment>,
    pub(super) stages: BTreeMap<String, Stage>,
}

impl Api {
    pub fn new(asked: &Value, root: String) -> Self {
        let endpoint = match &asked["endpointConfiguration"]["types"] {
            Value::Null => json!(["EDGE"]),
            types => types.clone(),
        };
        let settings = json!({
            "name": asked["name"],
            "description": asked["description"],
            "createdDate": CREATED,
            "apiKeySource": "HEADER",
            "endpointConfiguration": { "types": endpoint, "ipAddressType": "ipv4" },
            "binaryMediaTypes": asked["binaryMediaTypes"],
            "disableExecuteApiEndpoint": false,
        });
        let resources = [(root.clone(), Resource::root())].into();
        Self {
            settings,
            tags: tags(asked),
            root,
            resources,
            responses: BTreeMap::new(),
            models: models_of_new_api(),
            documentation: 0,
            deployments: BTreeMap::new(),
            stages: BTreeMap::new(),
        }
    }

    pub fn has_stage(&self, stage: &str) -> bool {
        self.stages.contains_key(stage)
    }

    pub fn reply(&self, id: &str) -> Value {
        let mut reply = self.settings.clone();
        reply["id"] = id.into();
        reply["tags"] = json!(self.tags);
        reply["rootResourceId"] = self.root.as_str().into();
        reply
    }

    /// Sets a setting; null removes it.
    pub(super) fn set(&mut self, field: &str, value: Value) {
        self.settings[field] = value;
    }

    pub fn patch(&mut self, asked: &Value) {
        patched(&mut self.settings, asked);
    }

    /// Answers a call about gateway responses.
    pub(super) fn of_responses(&mut self, call: &Call) -> Option<Answer> {
        let sort = call.segment(3).to_owned();
        Some(match call.operation.name.as_str() {
            "GetGatewayResponses" => {
                let all: Vec<Value> = self.responses.values().cloned().collect();
                Ok(list(&all, call))
            }
            "PutGatewayResponse" => {
                let mut response = call.json();
                response["responseType"] = sort.as_str().into();
                response["defaultResponse"] = false.into();
                self.responses.insert(sort, response.clone());
                Ok(response)
            }
            "DeleteGatewayResponse" => self.responses.remove(&sort).map(|_| json!({})).ok_or(GONE),
            _ => return None,
        })
    }
}
