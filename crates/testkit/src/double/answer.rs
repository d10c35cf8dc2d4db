//! What a service answers: a body, or an error.

use bytes::Bytes;
use http::{Response, header};
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
    fn from(value: Value) -> Self {
        Self::Json(value.to_string())
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
    let mut response = Response::new(Bytes::from(text));
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
