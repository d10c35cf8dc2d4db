//! API Gateway: REST APIs.

mod api;
mod deployments;
mod import;
mod methods;
mod patch;
mod resources;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::Outcome;
use super::call::Call;
use super::tagged::Tags;
use crate::proxy::Refusal;
use api::Api;

const GONE: Refusal = Refusal::new(404, "NotFoundException").saying("Invalid identifier specified");
const TAKEN: Refusal = Refusal::new(409, "ConflictException").saying("it exists already");
const BAD: Refusal = Refusal::new(400, "BadRequestException");

/// When everything was created, in seconds.
const CREATED: u64 = 1_767_225_600;

type Answer = Result<Value, Refusal>;

#[derive(Default)]
pub struct Gateway {
    apis: BTreeMap<String, Api>,
    last_id: u64,
}

impl Gateway {
    pub fn count(&self) -> usize {
        self.apis.len()
    }

    pub fn has_stage(&self, api: &str, stage: &str) -> bool {
        self.apis.get(api).is_some_and(|api| api.has_stage(stage))
    }

    pub fn answer(&mut self, call: &Call) -> Option<Outcome> {
        // `restapis/ID/…` or `tags/ARN`.
        let id = call.segment(1);
        let id = id.rsplit('/').next().unwrap_or(id).to_owned();
        let answer = match call.operation.name.as_str() {
            "CreateRestApi" => Ok(self.create(&call.json())),
            "GetRestApis" => {
                let all: Vec<Value> = self.apis.iter().map(|(id, api)| api.reply(id)).collect();
                Ok(list(&all, call))
            }
            "GetRestApi" => self.on(&id, |api, _| Ok(api.reply(&id))),
            "UpdateRestApi" => self.on(&id, |api, _| {
                api.patch(&call.json());
                Ok(api.reply(&id))
            }),
            "PutRestApi" => self.import(&id, call),
            "DeleteRestApi" => self.apis.remove(&id).map(|_| json!({})).ok_or(GONE),
            "GetTags" => self.on(&id, |api, _| Ok(json!({ "tags": api.tags }))),
            "TagResource" => self.on(&id, |api, _| {
                api.tags.extend(super::lambda::texts(&call.json()["tags"]));
                Ok(json!({}))
            }),
            "UntagResource" => self.on(&id, |api, _| {
                for key in call.queried("tagKeys") {
                    api.tags.remove(&key);
                }
                Ok(json!({}))
            }),
            _ => return self.within(&id, call).map(|answer| answer.map(Into::into)),
        };
        Some(answer.map(Into::into))
    }

    /// A call about a part of an API.
    fn within(&mut self, id: &str, call: &Call) -> Option<Answer> {
        let new = self.next_id();
        let Some(api) = self.apis.get_mut(id) else { return Some(Err(GONE)) };
        let of_tree = api.of_resources(call, &new).or_else(|| api.of_methods(call));
        let of_api = of_tree.or_else(|| api.of_deployments(call, &new));
        of_api.or_else(|| api.of_responses(call)).or_else(|| api.of_extras(call))
    }

    fn import(&mut self, id: &str, call: &Call) -> Answer {
        let Self { apis, last_id } = self;
        let api = apis.get_mut(id).ok_or(GONE)?;
        api.import(call, &mut || next_id(last_id))?;
        Ok(api.reply(id))
    }

    fn on(&mut self, id: &str, act: impl FnOnce(&mut Api, &str) -> Answer) -> Answer {
        act(self.apis.get_mut(id).ok_or(GONE)?, id)
    }

    fn create(&mut self, asked: &Value) -> Value {
        let (id, root) = (self.next_id(), self.next_id());
        let api = Api::new(asked, root);
        let reply = api.reply(&id);
        self.apis.insert(id, api);
        reply
    }

    fn next_id(&mut self) -> String {
        next_id(&mut self.last_id)
    }
}

/// Ten letters and digits.
fn next_id(last: &mut u64) -> String {
    *last += 1;
    format!("a{last:09}")
}

/// One page of a list: `position` is where the next one begins.
fn list(all: &[Value], call: &Call) -> Value {
    let number = |name: &str| call.queried(name).first().and_then(|text| text.parse().ok());
    let start: usize = number("position").unwrap_or_default();
    let size: usize = number("limit").unwrap_or(25);
    let page: Vec<&Value> = all.iter().skip(start).take(size).collect();
    let next = (start + size < all.len()).then(|| (start + size).to_string());
    json!({ "item": page, "position": next })
}

/// The tags of a request.
fn tags(asked: &Value) -> Tags {
    super::lambda::texts(&asked["tags"])
}
