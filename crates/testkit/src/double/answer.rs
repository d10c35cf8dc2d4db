//! What a service answers: a body, or an error.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::proxy::Refusal;
use crate::request::Operation;

/// A body, or the error of the service.
pub type Outcome = Result<Body, Refusal>;

/// The body of a reply.
#[derive(Debug)]
pub enum Body {
    Xml(String),
    Json(String),
}

impl From<Value> for Body {
    /// Leaves out what is null, as AWS does.
    fn from(mut value: Value) -> Self {
        remove_nulls(&mut value);
        Self::Json(value.to_string())
    }
}

fn remove_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(remove_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nulls),
        _ => {}
    }
}

/// The status of a success, where it is not 200.
fn status(operation: &Operation) -> StatusCode {
    match (operation.service.as_str(), operation.name.as_str()) {
        ("lambda", "CreateFunction" | "AddPermission") => StatusCode::CREATED,
        ("lambda" | "apigateway", "TagResource" | "UntagResource")
        | ("lambda", "RemovePermission" | "DeleteFunctionConcurrency")
        | ("apigateway", "DeleteMethod") => StatusCode::NO_CONTENT,
        ("apigateway", "PutRestApi") => StatusCode::OK,
        ("apigateway", name) if name.starts_with("Create") || name.starts_with("Put") => {
            StatusCode::CREATED
        }
        ("apigateway", name) if name.starts_with("Delete") => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    }
}

/// The error of an operation that the double does not know.
pub const UNKNOWN: Refusal = Refusal::new(400, "UnknownOperationException")
    .saying("the double does not know this operation");

/// The response to a call.
pub fn response(operation: &Operation, outcome: Outcome) -> Response<Bytes> {
    let (sort, text) = match outcome {
        Ok(Body::Xml(text)) => ("text/xml", text),
        Ok(Body::Json(text)) => ("application/json", text),
        Err(refusal) => return refusal.answer(operation),
    };
    let status = status(operation);
    let has_body = ![StatusCode::NO_CONTENT, StatusCode::ACCEPTED].contains(&status);
    let mut response = Response::new(if has_body { text.into() } else { Bytes::new() });
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(sort));
    response
}

/// Appends `<name>text</name>`, with the characters that XML reserves written as entities.
pub fn element(xml: &mut String, name: &str, text: &str) {
    xml.extend(["<", name, ">"]);
    push_escaped(xml, text);
    xml.extend(["</", name, ">"]);
}

/// `<name>text</name>` by itself.
pub fn elements(parts: &[(&str, &str)]) -> String {
    let mut xml = String::new();
    for (name, text) in parts {
        element(&mut xml, name, text);
    }
    xml
}

fn push_escaped(xml: &mut String, text: &str) {
    if !text.contains(['&', '<', '>']) {
        return xml.push_str(text);
    }
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            other => xml.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_characters_are_written_as_entities() {
        assert_eq!(
            elements(&[("a", "1 < 2 & 3 > 2"), ("b", "x")]),
            "<a>1 &lt; 2 &amp; 3 &gt; 2</a><b>x</b>"
        );
    }
}
