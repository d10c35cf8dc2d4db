//! The tree of paths.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::api::Api;
use super::{Answer, BAD, GONE, TAKEN, list};
use crate::double::call::Call;

/// A path of an API.
pub struct Resource {
    /// `None`: the root.
    parent: Option<String>,
    /// What the path adds to that of its parent.
    part: String,
    pub(super) path: String,
    /// By HTTP method, as a reply has them.
    pub methods: BTreeMap<String, Value>,
}

impl Resource {
    pub fn root() -> Self {
        let path = "/".to_owned();
        Self { parent: None, part: String::new(), path, methods: BTreeMap::new() }
    }

    /// The path `whole`, which adds `part` to that of `parent`.
    pub fn below(parent: &str, part: &str, whole: &str) -> Self {
        Self {
            parent: Some(parent.to_owned()),
            part: part.to_owned(),
            path: whole.to_owned(),
            methods: BTreeMap::new(),
        }
    }

    fn reply(&self, id: &str, embeds_methods: bool) -> Value {
        let mut reply = json!({ "id": id, "path": self.path });
        if let Some(parent) = &self.parent {
            reply["parentId"] = parent.as_str().into();
            reply["pathPart"] = self.part.as_str().into();
        }
        if !self.methods.is_empty() {
            let method = |(name, method): (&String, &Value)| {
                (name.clone(), if embeds_methods { method.clone() } else { json!({}) })
            };
            let methods: Map<String, Value> = self.methods.iter().map(method).collect();
            reply["resourceMethods"] = methods.into();
        }
        reply
    }
}

impl Api {
    pub(super) fn of_resources(&mut self, call: &Call, new: &str) -> Option<Answer> {
        let id = call.segment(3);
        Some(match call.operation.name.as_str() {
            "GetResources" => {
                let embeds = call.queried("embed").iter().any(|part| part == "methods");
                let all = self.resources.iter().map(|(id, one)| one.reply(id, embeds));
                Ok(list(&all.collect::<Vec<_>>(), call))
            }
            "CreateResource" => self.add_resource(id, &call.json(), new),
            "DeleteResource" => self.delete_resource(id),
            _ => return None,
        })
    }

    fn add_resource(&mut self, parent: &str, asked: &Value, id: &str) -> Answer {
        let part = asked["pathPart"].as_str().unwrap_or_default();
        let above = self.resources.get(parent).ok_or(GONE)?;
        let path = format!("{}/{part}", above.path.trim_end_matches('/'));
        let is_sibling = |one: &Resource| one.parent.as_deref() == Some(parent) && one.part == part;
        if self.resources.values().any(is_sibling) {
            return Err(TAKEN);
        }
        let resource = Resource::below(parent, part, &path);
        let reply = resource.reply(id, false);
        self.resources.insert(id.to_owned(), resource);
        Ok(reply)
    }

    /// Deletes a path with all paths below it.
    fn delete_resource(&mut self, id: &str) -> Answer {
        if id == self.root {
            return Err(BAD.saying("the root cannot be deleted"));
        }
        let path = self.resources.remove(id).ok_or(GONE)?.path;
        let below = format!("{path}/");
        self.resources.retain(|_, one| !one.path.starts_with(&below));
        Ok(json!({}))
    }
}
