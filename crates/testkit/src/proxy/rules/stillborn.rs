//! Lambda accepts functions and cannot create them: each is `Failed`, and a delete of one breaks down without
//! any effect.
//!
//! Sources: "Lambda function states"; LocalStack, which answers so where it has no Docker.

use serde_json::Value;

use super::{Answer, ApiRequest, Rule};
use crate::proxy::refusal::error;

const REASON: &str = "We are currently unable to create the function";

pub struct Stillborn;

impl Rule for Stillborn {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let is_delete = request.is("lambda", "DeleteFunction");
        is_delete.then(|| error(&request.operation, 500, "ServiceException", "An error occurred"))
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        let calls = ["CreateFunction", "GetFunction", "GetFunctionConfiguration"];
        if !answer.status().is_success() || !calls.iter().any(|name| request.is("lambda", name)) {
            return false;
        }
        let Ok(mut body) = serde_json::from_slice::<Value>(answer.body()) else { return false };
        let configuration = match body.get_mut("Configuration") {
            Some(configuration) => configuration,
            None => &mut body,
        };
        configuration["State"] = "Failed".into();
        configuration["StateReasonCode"] = "InternalError".into();
        configuration["StateReason"] = REASON.into();
        *answer.body_mut() = body.to_string().into();
        true
    }
}
