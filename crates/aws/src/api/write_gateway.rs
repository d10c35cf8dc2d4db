//! Reads and sets gateway responses.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::{GatewayResponse as SeenResponse, GatewayResponseType};
use stackwright_engine::change::Change;
use stackwright_engine::kind::{Fault, Result};

use super::gateway::{GatewayResponse, HEADER};
use super::service::{Apis, PAGE};
use super::spec::Spec;
use super::text::quoted;

impl Apis {
    /// Reads the responses that were set, by type. `None`: the endpoint does not report them, or the
    /// credentials may not read them.
    pub(super) async fn gateway_responses(
        &self,
        id: &str,
    ) -> Result<Option<BTreeMap<String, GatewayResponse>>> {
        // A page is larger than the number of types.
        let request = self.gateway.get_gateway_responses().rest_api_id(id).limit(PAGE);
        let reply = match self.unless_gone("GetGatewayResponses", request.send()).await {
            Err(error) if matches!(error.fault, Fault::Unsupported | Fault::Denied) => {
                return Ok(None);
            }
            reply => reply?,
        };
        let all = reply.and_then(|reply| reply.items).unwrap_or_default();
        let set = all.iter().filter(|one| !one.default_response());
        let sort = |one: &SeenResponse| one.response_type().map(|sort| sort.as_str().to_owned());
        Ok(Some(set.filter_map(|one| Some((sort(one)?, GatewayResponse::seen(one)))).collect()))
    }

    /// Sets the responses that differ, deletes those that are not desired any more, and returns their
    /// types. Callers see nothing of it before the next deployment.
    pub(super) async fn set_gateway_responses<'a>(
        &self,
        id: &str,
        desired: &Spec,
        changes: &'a [Change],
    ) -> Result<Vec<&'a str>> {
        let client = &self.gateway;
        let mut set: Vec<&str> = changes.iter().filter_map(changed).collect();
        set.dedup();
        for sort in &set {
            let kind = GatewayResponseType::from(*sort);
            let Some(wanted) = desired.gateway_response(sort) else {
                let request = client.delete_gateway_response().rest_api_id(id).response_type(kind);
                self.unless_gone("DeleteGatewayResponse", request.send()).await?;
                continue;
            };
            let headers = wanted.headers.iter();
            let headers = headers.map(|(name, value)| (format!("{HEADER}{name}"), quoted(value)));
            let request = client.put_gateway_response().rest_api_id(id).response_type(kind);
            let request = request.set_status_code(wanted.status.map(|status| status.to_string()));
            let request = request.set_response_parameters(Some(headers.collect()));
            let body = wanted.body.clone().into_iter().collect();
            let request = request.set_response_templates(Some(body));
            self.call("PutGatewayResponse", request.send()).await?;
        }
        Ok(set)
    }

    /// Tells whether the responses of these types are as desired.
    pub(super) async fn has_gateway_responses(
        &self,
        id: &str,
        desired: &Spec,
        set: &[&str],
    ) -> Result<bool> {
        if set.is_empty() {
            return Ok(true);
        }
        let Some(seen) = self.gateway_responses(id).await? else { return Ok(true) };
        Ok(set.iter().all(|sort| match (seen.get(*sort), desired.gateway_response(sort)) {
            (Some(seen), Some(wanted)) => seen.is(wanted),
            (seen, wanted) => seen.is_none() && wanted.is_none(),
        }))
    }
}

/// Returns the type of the gateway response that a change is about.
fn changed(change: &Change) -> Option<&str> {
    match change.path.0.as_slice() {
        [field, sort, ..] if field == "gateway_responses" => Some(sort),
        _ => None,
    }
}
