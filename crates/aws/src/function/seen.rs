//! What a reply of Lambda says of a function.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::{
    EnvironmentResponse, LastUpdateStatus, Layer, State, StateReasonCode, TracingMode,
    VpcConfigResponse,
};
use stackwright_engine::kind::{Live, Memo, Readiness, tag};

use super::config::{Architecture, Tracing, UNRESERVED, Vpc};
use super::spec::Spec;

/// `logs` and `log_retention` of a function without a log group of this stack.
pub const NO_LOGS: (Option<bool>, Option<Option<i32>>) = (Some(false), Some(None));

/// The fields that all replies have in common, each in a type of its own.
pub(super) struct Seen {
    pub name: String,
    pub arn: String,
    pub runtime: Option<String>,
    pub handler: Option<String>,
    pub role: Option<String>,
    pub timeout: Option<i32>,
    pub memory: Option<i32>,
    pub description: Option<String>,
    pub architecture: Option<Architecture>,
    pub environment: Option<EnvironmentResponse>,
    pub ephemeral_storage: Option<i32>,
    pub tracing: Option<TracingMode>,
    pub layers: Vec<String>,
    pub vpc: Vpc,
    /// Not part of a configuration: GetFunction reports it beside.
    pub concurrency: Option<i32>,
    pub code_sha256: Option<String>,
    pub code_size: i64,
    pub last_modified: Option<String>,
    pub state: Option<State>,
    pub state_reason: Option<String>,
    pub state_reason_code: Option<StateReasonCode>,
    pub last_update: Option<LastUpdateStatus>,
    pub last_update_reason: Option<String>,
}

/// Reads a `FunctionConfiguration` or the reply of CreateFunction.
macro_rules! seen {
    ($call:literal, $reply:expr) => {{
        let reply = $reply;
        match (reply.function_name, reply.function_arn) {
            (Some(name), Some(arn)) => Ok($crate::function::seen::Seen {
                name,
                arn,
                runtime: reply.runtime.map(|runtime| runtime.as_str().to_owned()),
                handler: reply.handler,
                role: reply.role,
                timeout: reply.timeout,
                memory: reply.memory_size,
                description: reply.description,
                architecture: $crate::function::seen::architecture(reply.architectures),
                environment: reply.environment,
                ephemeral_storage: reply.ephemeral_storage.map(|storage| storage.size),
                tracing: reply.tracing_config.and_then(|tracing| tracing.mode),
                layers: $crate::function::seen::layers(reply.layers),
                vpc: $crate::function::seen::vpc(reply.vpc_config),
                concurrency: None,
                code_sha256: reply.code_sha256,
                code_size: reply.code_size,
                last_modified: reply.last_modified,
                state: reply.state,
                state_reason: reply.state_reason,
                state_reason_code: reply.state_reason_code,
                last_update: reply.last_update_status,
                last_update_reason: reply.last_update_status_reason,
            }),
            _ => Err(stackwright_engine::kind::Error::new(
                stackwright_engine::kind::Fault::Unknown,
                concat!($call, ": the reply names no function"),
            )),
        }
    }};
}
pub(super) use seen;

pub(super) fn architecture(
    reported: Option<Vec<aws_sdk_lambda::types::Architecture>>,
) -> Option<Architecture> {
    let reported = reported?;
    [Architecture::X86, Architecture::Arm]
        .into_iter()
        .find(|known| reported.iter().any(|one| one.as_str() == known.as_str()))
}

/// A reply leaves them out if there are none.
pub(super) fn layers(reported: Option<Vec<Layer>>) -> Vec<String> {
    reported.into_iter().flatten().filter_map(|layer| layer.arn).collect()
}

/// A reply leaves it out, or has empty lists, if there is none.
pub(super) fn vpc(reported: Option<VpcConfigResponse>) -> Vpc {
    let lists = reported.map(|vpc| (vpc.subnet_ids, vpc.security_group_ids)).unwrap_or_default();
    let (subnets, security_groups) = (lists.0.unwrap_or_default(), lists.1.unwrap_or_default());
    Vpc { subnets, security_groups }.sorted()
}

impl Seen {
    pub(super) fn outputs(&self) -> BTreeMap<String, String> {
        [("name", &self.name), ("arn", &self.arn)]
            .map(|(output, value)| (output.to_owned(), value.clone()))
            .into()
    }

    /// Returns why Lambda could not create the function, in its words. It will never work.
    pub(super) fn failure(&self) -> Option<String> {
        if self.state != Some(State::Failed) {
            return None;
        }
        let code = self.state_reason_code.as_ref().map(|code| code.as_str().to_owned());
        let said = code.into_iter().chain(self.state_reason.clone());
        let said: Vec<String> = said.filter(|text| !text.is_empty()).collect();
        Some(match said.as_slice() {
            [] => "Lambda could not create it, and does not say why".to_owned(),
            said => said.join(": "),
        })
    }

    fn readiness(&self) -> Readiness {
        if let Some(why) = self.failure() {
            return Readiness::Failed(why);
        }
        match self.state {
            Some(State::Pending) => Readiness::Pending("the function to be active".to_owned()),
            Some(State::Deleting) => Readiness::Pending("the function to be gone".to_owned()),
            _ if self.last_update == Some(LastUpdateStatus::InProgress) => {
                Readiness::Pending("the function's update".to_owned())
            }
            _ => Readiness::Ready,
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let state = self.state.as_ref().map(|state| state.as_str().to_owned());
        [
            ("state", state),
            ("last modified", self.last_modified.clone()),
            ("code size", Some(format!("{} bytes", self.code_size))),
        ]
        .into_iter()
        .filter_map(|(fact, value)| Some((fact.to_owned(), value?)))
        .collect()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.last_update == Some(LastUpdateStatus::Failed) {
            let reason = self.last_update_reason.as_deref().unwrap_or("no reason given");
            notes.push(format!("its last update failed: {reason}"));
        }
        if let Some(error) = self.environment.as_ref().and_then(|all| all.error.as_ref()) {
            let reason = error.message.as_deref().unwrap_or("no reason given");
            notes.push(format!("its environment cannot be read: {reason}"));
        }
        notes
    }

    /// Returns everything but the log group, which GetFunction does not report.
    pub(super) fn live(self, tags: Option<BTreeMap<String, String>>) -> Live<Spec> {
        let environment = match &self.environment {
            Some(all) if all.error.is_some() => None,
            Some(all) => Some(all.variables.clone().unwrap_or_default().into_iter().collect()),
            None => Some(BTreeMap::new()),
        };
        let fingerprints = self.code_sha256.clone().map(|sha256| ("code".to_owned(), sha256));
        Live {
            outputs: self.outputs(),
            fingerprints: fingerprints.into_iter().collect(),
            // A function that was re-created under its name has lost its policy: who may call it.
            identity: tags.as_ref().and_then(|tags| tags.get(tag::GENERATION).cloned()),
            readiness: self.readiness(),
            notes: self.notes(),
            facts: self.facts(),
            memo: Memo::default(),
            spec: Spec {
                name: self.name,
                tags,
                code: None,
                runtime: self.runtime,
                handler: self.handler,
                role: self.role,
                timeout: self.timeout,
                memory: self.memory,
                environment,
                architecture: self.architecture,
                logs: None,
                log_retention: None,
                ephemeral_storage: self.ephemeral_storage,
                tracing: self.tracing.map(|mode| match mode {
                    TracingMode::Active => Tracing::Active,
                    _ => Tracing::Passthrough,
                }),
                concurrency: Some(self.concurrency.unwrap_or(UNRESERVED)),
                layers: Some(self.layers),
                vpc: Some(self.vpc),
                description: Some(self.description.unwrap_or_default()),
            },
        }
    }
}
