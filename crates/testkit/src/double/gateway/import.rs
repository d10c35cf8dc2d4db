//! PutRestApi: a document takes the place of what an API has.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::api::Api;
use super::resources::Resource;
use super::{Answer, BAD};
use crate::double::call::Call;
use crate::openapi::{self, Definition};
use crate::proxy::Refusal;

/// The models of an API that CreateRestApi has made.
pub fn models_of_new_api() -> BTreeMap<String, Value> {
    let schema = "http://json-schema.org/draft-04/schema#";
    let empty = json!({ "$schema": schema, "title": "Empty Schema", "type": "object" });
    let mut error = json!({ "$schema": schema, "title": "Error Schema", "type": "object" });
    error["properties"]["message"]["type"] = "string".into();
    [("Empty".to_owned(), empty), ("Error".to_owned(), error)].into()
}

impl Api {
    /// Overwrites everything but stages, deployments, tags and the type of the endpoint. `new` makes an id.
    pub fn import(&mut self, call: &Call, new: &mut dyn FnMut() -> String) -> Result<(), Refusal> {
        if call.queried("mode") != ["overwrite"] {
            return Err(BAD.saying("the double knows no other mode than overwrite"));
        }
        let definition =
            openapi::read(call.body()).map_err(|_| BAD.saying("Invalid OpenAPI input."))?;
        let ignored = call.queried("ignore").contains(&"documentation".to_owned());
        self.documentation = if ignored { 0 } else { definition.described };
        let Definition {
            name, version, description, binary_types, methods, responses, models, ..
        } = definition;
        self.set("name", name);
        self.set("version", version);
        self.set("description", description);
        self.set("binaryMediaTypes", binary_types);
        for (field, default) in [
            ("apiKeySource", json!("HEADER")),
            ("minimumCompressionSize", Value::Null),
            ("policy", Value::Null),
            ("disableExecuteApiEndpoint", json!(false)),
        ] {
            self.set(field, default);
        }
        self.responses = responses;
        self.models = models;
        self.replace_resources(methods, new);
        Ok(())
    }

    /// A path that was there keeps its id.
    fn replace_resources(
        &mut self,
        methods: BTreeMap<String, BTreeMap<String, Value>>,
        new: &mut dyn FnMut() -> String,
    ) {
        let former: BTreeMap<String, String> =
            self.resources.iter().map(|(id, one)| (one.path.clone(), id.clone())).collect();
        self.resources = [(self.root.clone(), Resource::root())].into();
        for (path, methods) in methods {
            let mut id = self.root.clone();
            let mut whole = String::new();
            for part in path.split('/').filter(|part| !part.is_empty()) {
                whole = format!("{whole}/{part}");
                let there = self.resources.iter().find(|(_, one)| one.path == whole);
                id = match there.map(|(id, _)| id.clone()) {
                    Some(there) => there,
                    None => {
                        let made = former.get(&whole).cloned().unwrap_or_else(&mut *new);
                        self.resources.insert(made.clone(), Resource::below(&id, part, &whole));
                        made
                    }
                };
            }
            let methods = methods.into_iter().map(|(name, mut method)| {
                if method["methodIntegration"].is_object() {
                    method["methodIntegration"]["cacheNamespace"] = id.as_str().into();
                }
                (name, method)
            });
            if let Some(resource) = self.resources.get_mut(&id) {
                resource.methods = methods.collect();
            }
        }
    }

    /// Answers a call about what an import overwrites, and this cloud does not make otherwise.
    pub(super) fn of_extras(&self, call: &Call) -> Option<Answer> {
        let of_part = |at: usize| json!({ "id": format!("part{at}"), "properties": "{}" });
        Some(match call.operation.name.as_str() {
            "GetModels" => {
                let model = |(name, schema): (&String, &Value)| json!({ "name": name, "contentType": "application/json", "schema": schema.to_string() });
                Ok(super::list(&self.models.iter().map(model).collect::<Vec<_>>(), call))
            }
            "GetDocumentationParts" => {
                let parts: Vec<Value> = (0..self.documentation).map(of_part).collect();
                Ok(super::list(&parts, call))
            }
            "GetAuthorizers" | "GetRequestValidators" => Ok(super::list(&[], call)),
            _ => return None,
        })
    }
}
