//! A request to a service's API, as the kinds and the proxy's rules read it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An operation of a service: `lambda CreateFunction`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// As in the signature's scope: `ec2`, `iam`, `sts`, `lambda`, `apigateway`, `logs`.
    pub service: String,
    pub name: String,
    /// Whether it changes something.
    pub writes: bool,
}

/// A request to a service's API.
#[derive(Clone, Debug)]
pub struct ApiRequest {
    pub operation: Operation,
    /// As sent: percent-encoded, without the query.
    pub path: String,
    pub body: Bytes,
}

impl ApiRequest {
    /// Whether it asks `service` for the operation `name`.
    pub fn is(&self, service: &str, name: &str) -> bool {
        self.operation.service == service && self.operation.name == name
    }

    /// All fields of a form with their values, sorted.
    pub fn form(&self) -> Vec<(String, String)> {
        let mut pairs = form(&self.body);
        pairs.sort();
        pairs
    }

    /// The value of one field of a form.
    pub fn field(&self, name: &str) -> Option<String> {
        self.form().into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The body as JSON, null when it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The part of the path that follows `collection`, decoded.
    pub fn under(&self, collection: &str) -> Option<String> {
        let mut parts = self.path.split('/').skip_while(|part| *part != collection).skip(1);
        parts.next().filter(|part| !part.is_empty()).map(decoded)
    }
}

/// The fields of a form or a query with their values, in their order.
pub fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect()
}

/// Decodes the percent signs of a path or a form.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_and_a_form_are_decoded() {
        let request = ApiRequest {
            operation: Operation { service: "x".into(), name: "Y".into(), writes: false },
            path: "/2017-03-31/functions/arn%3Aaws%3Alambda/policy".into(),
            body: Bytes::from_static(b"B=1%2B1&A=a+b%"),
        };
        assert_eq!(request.under("functions").as_deref(), Some("arn:aws:lambda"));
        assert_eq!(request.under("policy"), None);
        assert_eq!(request.field("A").as_deref(), Some("a b%"));
        assert_eq!(request.field("B").as_deref(), Some("1+1"));
    }
}
