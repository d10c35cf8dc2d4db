//! Reads and sets gateway responses.

use std::collections::BTreeMap;

use aws_sdk_apigateway::types::{GatewayResponse as SeenResponse, GatewayResponseType};
use stackwright_engine::change::Change;
use stackwright_engine::kind::Result;

use super::gateway::GatewayResponse;
use super::service::{Apis, PAGE};
use super::spec::Spec;
use crate::fault::if_readable;

impl Apis {
    /// Reads the responses that were set, by type. `None`: the endpoint does not report them, or the
    /// credentials may not read them.
    pub(super) async fn gateway_responses(
        &self,
        id: &str,
    ) -> Result<Option<BTreeMap<String, GatewayResponse>>> {
        let Some(set) = self.seen_responses(id).await? else { return Ok(None) };
        let sort = |one: &SeenResponse| one.response_type().map(|sort| sort.as_str().to_owned());
        Ok(Some(
            set.iter().filter_map(|one| Some((sort(one)?, GatewayResponse::seen(one)))).collect(),
        ))
    }

    /// Reads the responses that were set, as they are reported. `None`: as above.
    pub(super) async fn seen_responses(&self, id: &str) -> Result<Option<Vec<SeenResponse>>> {
        // A page is larger than the number of types.
        let request = self.gateway.get_gateway_responses().rest_api_id(id).limit(PAGE);
        let reply = self.unless_gone("GetGatewayResponses", request.send()).await;
        let Some(reply) = if_readable(reply)? else { return Ok(None) };
        let mut all = reply.and_then(|reply| reply.items).unwrap_or_default();
        all.retain(|one| !one.default_response());
        Ok(Some(all))
    }

    /// Sets the responses of these types, or deletes those that are not desired any more. Callers see
    /// nothing of it before the next deployment.
    pub(super) async fn set_gateway_responses(
        &self,
        id: &str,
        desired: &Spec,
        set: &[&str],
    ) -> Result<()> {
        let client = &self.gateway;
        for sort in set {
            let kind = GatewayResponseType::from(*sort);
            let Some(wanted) = desired.gateway_response(sort) else {
                let request = client.delete_gateway_response().rest_api_id(id).response_type(kind);
                self.unless_gone("DeleteGatewayResponse", request.send()).await?;
                continue;
            };
            let request = client.put_gateway_response().rest_api_id(id).response_type(kind);
            let request = request.set_status_code(wanted.status.map(|status| status.to_string()));
            let request = request.set_response_parameters(Some(wanted.parameters()));
            let body = wanted.body.clone().into_iter().collect();
            let request = request.set_response_templates(Some(body));
            self.call("PutGatewayResponse", request.send()).await?;
        }
        Ok(())
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

/// Returns the types of the gateway responses that changes are about.
pub fn changed_responses(changes: &[Change]) -> Vec<&str> {
    let mut set: Vec<&str> = changes.iter().filter_map(changed).collect();
    set.dedup();
    set
}

fn changed(change: &Change) -> Option<&str> {
    match change.path.0.as_slice() {
        [field, sort, ..] if field == "gateway_responses" => Some(sort),
        _ => None,
    }
}
