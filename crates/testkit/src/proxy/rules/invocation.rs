//! A call of a deployed API, `/restapis/{api}/{stage}/_user_request_/{path}`.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode, header};

use super::Answer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    pub api: String,
    pub stage: String,
    pub method: String,
    /// Of the route: it begins with `/`, without query, as sent.
    pub path: String,
}

impl Invocation {
    /// `None`: something else.
    pub fn of(head: &Parts) -> Option<Self> {
        let rest = head.uri.path().strip_prefix("/restapis/")?;
        let (stage, path) = rest.split_once("/_user_request_")?;
        let (api, stage) = stage.split_once('/')?;
        let method = head.method.to_string();
        Some(Self {
            api: api.into(),
            stage: stage.into(),
            method,
            path: format!("/{}", path.trim_matches('/')),
        })
    }
}

/// An error that API Gateway itself answers to a caller.
pub fn gateway_error(status: u16, code: &str, message: &str) -> Answer {
    let body = serde_json::json!({ "message": message }).to_string();
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().expect("a type"));
    headers.insert("x-amzn-errortype", code.parse().expect("a code"));
    answer
}
