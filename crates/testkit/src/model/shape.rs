//! A service model as its file has it; only what checks need.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub struct Service {
    pub metadata: Metadata,
    pub operations: HashMap<String, Operation>,
    pub shapes: HashMap<String, Shape>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    pub protocol: Protocol,
    pub api_version: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Query,
    Ec2,
    Json,
    RestJson,
}

#[derive(Debug, Deserialize)]
pub struct Operation {
    pub name: String,
    pub http: Http,
    pub input: Option<Target>,
    pub output: Option<Target>,
    #[serde(default)]
    pub errors: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    pub method: String,
    /// `/restapis/{restapi_id}/resources`, sometimes with a query.
    pub request_uri: String,
    /// The status of a success, where the model has one.
    pub response_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub shape: String,
    /// The element that has the members of a result.
    pub result_wrapper: Option<String>,
}

/// How an error is sent.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorOf {
    /// `None`: the name of the shape.
    pub code: Option<String>,
    pub http_status_code: Option<u16>,
}

#[derive(Debug, Deserialize)]
pub struct Shape {
    #[serde(rename = "type")]
    pub of: Type,
    #[serde(default)]
    pub required: Vec<String>,
    #[serde(default)]
    pub members: BTreeMap<String, Member>,
    /// The items of a list.
    pub member: Option<Member>,
    pub key: Option<Member>,
    pub value: Option<Member>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub pattern: Option<String>,
    #[serde(default, rename = "enum")]
    pub values: Vec<String>,
    #[serde(default)]
    pub flattened: bool,
    /// The member that is the whole body.
    pub payload: Option<String>,
    pub error: Option<ErrorOf>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    Structure,
    List,
    Map,
    String,
    Blob,
    Timestamp,
    Boolean,
    Integer,
    Long,
    Float,
    Double,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    pub shape: String,
    /// `uri`, `querystring`, `header`…; `None`: in the body.
    pub location: Option<String>,
    pub location_name: Option<String>,
    pub query_name: Option<String>,
}

impl Member {
    /// The name in JSON, a path or a query, of the member that the model calls `name`.
    pub fn wire<'a>(&'a self, name: &'a str) -> &'a str {
        self.location_name.as_deref().unwrap_or(name)
    }
}
