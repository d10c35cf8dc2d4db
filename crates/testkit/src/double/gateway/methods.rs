//! Methods with their integrations and responses.

use serde_json::{Value, json};

use super::api::Api;
use super::{Answer, GONE, TAKEN};
use crate::double::call::Call;

impl Api {
    pub(super) fn of_methods(&mut self, call: &Call) -> Option<Answer> {
        // `restapis/ID/resources/ID/methods/METHOD/…`
        let name = call.segment(5);
        let status = call.path.last().map_or("", String::as_str);
        Some(match call.operation.name.as_str() {
            "GetMethod" => self.method(call).map(|method| method.clone()),
            "PutMethod" => self.put_method(call, name),
            "DeleteMethod" => self
                .resources
                .get_mut(call.segment(3))
                .and_then(|resource| resource.methods.remove(name))
                .map(|_| json!({}))
                .ok_or(GONE),
            "PutIntegration" => self.put_integration(call),
            "PutMethodResponse" => self.method(call).and_then(|method| {
                put_response(&mut method["methodResponses"], status, &call.json())
            }),
            "PutIntegrationResponse" => self.method(call).and_then(|method| {
                let integration = method.get_mut("methodIntegration").ok_or(GONE)?;
                put_response(&mut integration["integrationResponses"], status, &call.json())
            }),
            _ => return None,
        })
    }

    fn method(&mut self, call: &Call) -> Result<&mut Value, crate::proxy::Refusal> {
        let resource = self.resources.get_mut(call.segment(3)).ok_or(GONE)?;
        resource.methods.get_mut(call.segment(5)).ok_or(GONE)
    }

    fn put_method(&mut self, call: &Call, name: &str) -> Answer {
        let resource = self.resources.get_mut(call.segment(3)).ok_or(GONE)?;
        if resource.methods.contains_key(name) {
            return Err(TAKEN);
        }
        let asked = call.json();
        let method = json!({
            "httpMethod": name,
            "authorizationType": asked["authorizationType"],
            "apiKeyRequired": asked["apiKeyRequired"].as_bool().unwrap_or_default(),
        });
        resource.methods.insert(name.to_owned(), method.clone());
        Ok(method)
    }

    fn put_integration(&mut self, call: &Call) -> Answer {
        let method = self.method(call)?;
        let mut integration = call.json();
        integration["passthroughBehavior"] = "WHEN_NO_MATCH".into();
        integration["timeoutInMillis"] = 29_000.into();
        integration["cacheNamespace"] = call.segment(3).into();
        integration["cacheKeyParameters"] = json!([]);
        method["methodIntegration"] = integration.clone();
        Ok(integration)
    }
}

/// Adds a response for one status, which must be new.
fn put_response(responses: &mut Value, status: &str, asked: &Value) -> Answer {
    if responses.get(status).is_some() {
        return Err(TAKEN);
    }
    let mut response = asked.clone();
    response["statusCode"] = status.into();
    responses[status] = response.clone();
    Ok(response)
}
