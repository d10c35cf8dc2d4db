//! A call of a service, with its parts read as its protocol writes them.

use bytes::Bytes;
use http::request::Parts;
use serde_json::Value;

use super::form::Form;
use crate::request::{Operation, decoded, form};

/// A call of a service.
#[derive(Debug)]
pub struct Call {
    pub operation: Operation,
    /// The segments of the path behind the version, decoded.
    pub path: Vec<String>,
    query: String,
    body: Bytes,
}

impl Call {
    pub fn new(operation: Operation, head: &Parts, body: Bytes) -> Self {
        let segments = head.uri.path().trim_matches('/').split('/');
        // Lambda's paths begin with the version of its API.
        let path = segments.skip_while(|segment| segment.starts_with("20")).map(decoded).collect();
        Self { operation, path, query: head.uri.query().unwrap_or_default().to_owned(), body }
    }

    /// The body as the form of the query protocols.
    pub fn form(&self) -> Form {
        Form::read(&self.body)
    }

    /// The body as JSON, null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// One segment of the path, empty if there is none.
    pub fn segment(&self, at: usize) -> &str {
        self.path.get(at).map_or("", String::as_str)
    }

    /// The values of a parameter of the query, in their order.
    pub fn queried(&self, name: &str) -> Vec<String> {
        let pairs = form(self.query.as_bytes()).into_iter();
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value).collect()
    }
}
