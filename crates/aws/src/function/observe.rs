//! What exists: one GetFunction each, and the log group where there should be one.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use aws_sdk_lambda::types::{
    EnvironmentResponse, LastUpdateStatus, Layer, State, TracingMode, VpcConfigResponse,
};
use futures_util::stream::{self, StreamExt as _};
use stackwright_engine::kind::{Error, Fault, Found, Handle, Live, Readiness, Result, tag};

use super::{Architecture, Functions, Spec, Tracing, UNRESERVED, Vpc};
use crate::fault::{Explain as _, code};
use crate::log_group::{LogGroup, RETENTION, Standing};
use crate::vendor;

/// Calls in flight; Lambda takes 100 GetFunction a second.
const AT_ONCE: usize = 16;

/// `logs` and `log_retention` where there is no group of ours: both as when nothing is written.
pub(super) const NO_LOGS: (Option<bool>, Option<i32>) = (Some(false), Some(RETENTION));

/// What replies say of a function, all in the same words but in types of their own.
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
    /// Not in a configuration: GetFunction tells it beside.
    pub concurrency: Option<i32>,
    pub code_sha256: Option<String>,
    pub code_size: i64,
    pub last_modified: Option<String>,
    pub state: Option<State>,
    pub state_reason: Option<String>,
    pub last_update: Option<LastUpdateStatus>,
    pub last_update_reason: Option<String>,
}

/// From a `FunctionConfiguration` or the reply of CreateFunction.
macro_rules! seen {
    ($call:literal, $reply:expr) => {{
        let reply = $reply;
        match (reply.function_name, reply.function_arn) {
            (Some(name), Some(arn)) => Ok($crate::function::observe::Seen {
                name,
                arn,
                runtime: reply.runtime.map(|runtime| runtime.as_str().to_owned()),
                handler: reply.handler,
                role: reply.role,
                timeout: reply.timeout,
                memory: reply.memory_size,
                description: reply.description,
                architecture: $crate::function::observe::architecture(reply.architectures),
                environment: reply.environment,
                ephemeral_storage: reply.ephemeral_storage.map(|storage| storage.size),
                tracing: reply.tracing_config.and_then(|tracing| tracing.mode),
                layers: $crate::function::observe::layers(reply.layers),
                vpc: $crate::function::observe::vpc(reply.vpc_config),
                concurrency: None,
                code_sha256: reply.code_sha256,
                code_size: reply.code_size,
                last_modified: reply.last_modified,
                state: reply.state,
                state_reason: reply.state_reason,
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

/// Left out where there are none.
pub(super) fn layers(reported: Option<Vec<Layer>>) -> Vec<String> {
    reported.into_iter().flatten().filter_map(|layer| layer.arn).collect()
}

/// Left out, or with empty lists, where there is none.
pub(super) fn vpc(reported: Option<VpcConfigResponse>) -> Vpc {
    let lists = reported.map(|vpc| (vpc.subnet_ids, vpc.security_group_ids)).unwrap_or_default();
    let (subnets, security_groups) = (lists.0.unwrap_or_default(), lists.1.unwrap_or_default());
    Vpc { subnets, security_groups }.sorted()
}

impl Functions {
    pub(super) async fn observe_all(
        &self,
        handles: &[Handle<Spec>],
    ) -> Vec<Result<Option<Live<Spec>>>> {
        let looks: Vec<_> = handles.iter().map(|handle| self.look(handle)).collect();
        stream::iter(looks).buffered(AT_ONCE).collect().await
    }

    async fn look(&self, handle: &Handle<Spec>) -> Result<Option<Live<Spec>>> {
        let Some((seen, tags)) = self.get(&handle.id).await? else { return Ok(None) };
        let mut live = seen.live(tags);
        live.notes.extend(handle.applied.iter().flat_map(|applied| self.unpinned(applied)));
        // Nothing was made where nothing was asked for, so there is nothing to look at.
        match handle.applied.as_ref().map(|applied| applied.logs) {
            None | Some(Some(true)) => self.look_for_logs(handle, &mut live).await?,
            Some(_) => (live.spec.logs, live.spec.log_retention) = NO_LOGS,
        }
        Ok(Some(live))
    }

    /// A group that is not ours is there, but not for us to take away: neither yes nor no.
    async fn look_for_logs(&self, handle: &Handle<Spec>, live: &mut Live<Spec>) -> Result<()> {
        let lineages = [&Some(&live.spec), &handle.applied.as_ref()]
            .map(|spec| spec.and_then(|spec| spec.tag(tag::LINEAGE)).unwrap_or_default());
        let arn = live.outputs.get("arn").map(String::as_str).unwrap_or_default();
        let group = LogGroup::of(&self.cloud, arn)?;
        let standing = group.standing(&lineages).await?;
        (live.spec.logs, live.spec.log_retention) = match standing {
            Standing::Ours { days } => (Some(true), Some(days)),
            Standing::Absent | Standing::Unfinished => NO_LOGS,
            Standing::Foreign => (None, None),
        };
        if standing == Standing::Foreign {
            live.notes.push("its log group is not this stack's: it is left as it is".to_owned());
        }
        Ok(())
    }

    pub(super) async fn find_named(&self, names: &[String]) -> Result<Vec<Found>> {
        let looks: Vec<_> = names.iter().map(|name| self.get(name)).collect();
        let seen: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        seen.into_iter()
            .filter_map(Result::transpose)
            .map(|found| {
                let (seen, tags) = found?;
                Ok(Found {
                    outputs: seen.outputs(),
                    id: seen.name.clone(),
                    name: seen.name,
                    tags: tags.unwrap_or_default(),
                    created: None,
                })
            })
            .collect()
    }

    /// The function and its tags (`None`: they may not be read); `None` when it is gone.
    pub(super) async fn get(
        &self,
        name: &str,
    ) -> Result<Option<(Seen, Option<BTreeMap<String, String>>)>> {
        let reply = match self.cloud.lambda.get_function().function_name(name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(None),
            reply => reply.explain("GetFunction")?,
        };
        let GetFunctionOutput { configuration, tags, tags_error, concurrency, .. } = reply;
        let Some(configuration) = configuration else {
            return Err(Error::new(Fault::Unknown, "GetFunction: the reply holds no function"));
        };
        let tags = tags.unwrap_or_default().into_iter().collect();
        let mut seen = seen!("GetFunction", configuration)?;
        seen.concurrency = concurrency.and_then(|of| of.reserved_concurrent_executions);
        Ok(Some((seen, tags_error.is_none().then_some(tags))))
    }

    /// Notes on requirements that may become other packages another day.
    pub(super) fn unpinned(&self, spec: &Spec) -> Option<String> {
        let runtime = spec.runtime.as_deref()?;
        vendor::python(runtime)?;
        let requirements =
            self.sources.folder.join(&spec.code.as_ref()?.path).join(vendor::REQUIREMENTS);
        let loose = vendor::unpinned(&std::fs::read_to_string(requirements).ok()?);
        let names = loose.join("`, `");
        (!loose.is_empty())
            .then(|| format!("`{names}` in requirements.txt without a fixed version"))
    }
}

impl Seen {
    pub(super) fn outputs(&self) -> BTreeMap<String, String> {
        [("name", &self.name), ("arn", &self.arn)]
            .map(|(output, value)| (output.to_owned(), value.clone()))
            .into()
    }

    fn readiness(&self) -> Readiness {
        match self.state {
            Some(State::Pending) => Readiness::Pending("the function to be active".to_owned()),
            Some(State::Deleting) => Readiness::Pending("the function to be gone".to_owned()),
            Some(State::Failed) => Readiness::Failed(
                self.state_reason.clone().unwrap_or_else(|| "Lambda could not make it".to_owned()),
            ),
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

    /// Everything but the log group, which GetFunction does not know.
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
            // A function made anew under its name has lost its policy: who may call it.
            identity: tags.as_ref().and_then(|tags| tags.get(tag::GENERATION).cloned()),
            readiness: self.readiness(),
            notes: self.notes(),
            facts: self.facts(),
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
