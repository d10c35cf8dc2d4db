//! An API with a method without integration, or without any method, cannot be deployed.
//!
//! Sources: the error of CreateDeployment, hashicorp/terraform-provider-aws issue 21210 and
//! anomalyco/sst issue 3976.

use super::tree::routes;
use super::{Answer, ApiRequest, Rule, Upstream};
use crate::proxy::refusal::error;

pub struct HalfBuilt {
    upstream: Upstream,
}

impl HalfBuilt {
    pub fn new(upstream: &Upstream) -> Self {
        Self { upstream: upstream.clone() }
    }
}

impl Rule for HalfBuilt {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if !request.is("apigateway", "CreateDeployment") {
            return None;
        }
        let routes = routes(&self.upstream, &request.under("restapis")?)?;
        let said = match routes.iter().find(|route| route.uri.is_none()) {
            Some(_) => "No integration defined for method",
            None if routes.is_empty() => "The REST API doesn't contain any methods",
            None => return None,
        };
        Some(error(&request.operation, 400, "BadRequestException", said))
    }
}
