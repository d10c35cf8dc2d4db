//! A function in its normal form.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stackwright_engine::kind::Context;

use super::config::{Architecture, CodeFrom, Config, Tracing, Vpc};
use super::log_group::RETENTION;

/// A function in its normal form. It is not `Debug`: the environment may contain secrets.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<bool>,
    /// Days. `Some(None)`: the function has no log group of this stack, so that nothing is retained in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_retention: Option<Option<i32>>,
    /// MB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracing: Option<Tracing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The code of a function. The digest identifies it; the path leads to it in this working copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// As written in the file.
    pub path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// See [`Contents::digest`](super::package::Contents::digest).
    pub digest: String,
}

impl Spec {
    pub fn architecture(&self) -> Architecture {
        self.architecture.unwrap_or_default()
    }

    /// How many days the log group keeps its events.
    pub fn log_retention(&self) -> i32 {
        self.log_retention.flatten().unwrap_or(RETENTION)
    }

    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.as_ref()?.get(key).map(String::as_str)
    }
}

/// Returns the normal form of a config whose code has this digest.
pub fn normalize(config: Config, digest: String, context: &Context) -> Spec {
    let CodeFrom { path, exclude, .. } = config.code;
    Spec {
        name: context.name.clone(),
        tags: Some(context.tags.clone()),
        code: Some(Code { path, exclude, digest }),
        runtime: Some(config.runtime),
        handler: Some(config.handler),
        role: Some(config.role),
        timeout: config.timeout,
        memory: config.memory,
        environment: config.environment,
        architecture: config.architecture,
        logs: config.logs,
        log_retention: config.log_retention.map(Some),
        ephemeral_storage: config.ephemeral_storage,
        tracing: config.tracing,
        concurrency: config.concurrency,
        layers: config.layers,
        vpc: config.vpc.map(Vpc::sorted),
        description: config.description,
    }
}
