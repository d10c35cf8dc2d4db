//! What is no call of a service: the emulators' page of health, and calls of deployed APIs.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};

use super::Shared;

/// A deployed API answers every path of a stage that exists; it runs no function.
pub(super) fn answer(shared: &Shared, head: &Parts) -> Response<Bytes> {
    let path = head.uri.path();
    let body = match path.trim_matches('/').split('/').collect::<Vec<_>>()[..] {
        ["_localstack", "health"] => Some(format!(r#"{{"version":"double {}"}}"#, shared.port)),
        ["restapis", api, stage, "_user_request_", ..]
            if shared.objects().gateway.has_stage(api, stage) =>
        {
            Some(r#"{"message":"answered by the double"}"#.to_owned())
        }
        _ => None,
    };
    let is_known = body.is_some();
    let mut response = Response::new(Bytes::from(body.unwrap_or_default()));
    if !is_known {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}
