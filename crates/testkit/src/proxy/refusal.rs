//! A service's error, in the protocol of the service.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};

use crate::request::Operation;

/// An error of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub status: u16,
    #[serde(deserialize_with = "forever")]
    pub code: Text,
    /// When empty, the message says that the test refused the call.
    #[serde(deserialize_with = "forever")]
    pub message: Text,
}

/// With an alias, serde does not borrow the text from its input.
pub(super) type Text = &'static str;

/// Reads a text from a log and keeps it until the process ends.
pub(super) fn forever<'de, D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    Ok(String::deserialize(from)?.leak())
}

impl Refusal {
    /// The error of a service that breaks down.
    pub const BROKEN: Self = Self::new(500, "InternalError");

    pub const fn new(status: u16, code: &'static str) -> Self {
        Self { status, code, message: "" }
    }

    #[must_use]
    pub const fn saying(self, message: &'static str) -> Self {
        Self { message, ..self }
    }

    /// The error that `service` answers to too many calls.
    pub fn throttle(service: &str) -> Self {
        let (status, code) = match service {
            "ec2" => (503, "RequestLimitExceeded"),
            "iam" | "sts" => (400, "Throttling"),
            "logs" => (400, "ThrottlingException"),
            _ => (429, "TooManyRequestsException"),
        };
        Self::new(status, code)
    }

    pub(crate) fn answer(self, operation: &Operation) -> Response<Bytes> {
        let Self { status, code, message } = self;
        match message {
            "" => error(
                operation,
                status,
                code,
                &format!("{} was refused by the test", operation.name),
            ),
            message => error(operation, status, code, message),
        }
    }
}

/// An error in the protocol of the operation's service.
pub(super) fn error(
    operation: &Operation,
    status: u16,
    code: &str,
    message: &str,
) -> Response<Bytes> {
    let (sort, body) = match operation.service.as_str() {
        "ec2" => (
            "text/xml",
            format!(
                "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>\
                 </Errors><RequestID>0</RequestID></Response>"
            ),
        ),
        "iam" | "sts" => (
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}\
                 </Message></Error><RequestId>0</RequestId></ErrorResponse>"
            ),
        ),
        _ => (
            "application/json",
            serde_json::json!({ "__type": code, "message": message }).to_string(),
        ),
    };
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, sort.parse().expect("a type"));
    headers.insert("x-amzn-errortype", code.parse().expect("a code"));
    answer
}
