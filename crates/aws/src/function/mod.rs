//! The kind `function`: a Lambda function from a folder or a zip.

mod build;
mod check;
mod child;
mod code;
mod code_cache;
mod config;
mod delete;
mod environment;
mod handler;
pub mod invoke;
mod log_group;
pub mod logs;
mod observe;
mod package;
pub mod permission;
mod request;
mod role;
mod runtime;
mod seen;
mod service;
mod spec;
mod vendor;
mod write;

use std::sync::Arc;

use serde_json::json;
use stackwright_engine::change::Change;
use stackwright_engine::kind::{
    CheckContext, Context, Contribution, CreateIdempotency, Created, Error, ExistingPart, Field,
    Found, Handle, Intent, Live, Milestone, Owner, Ownership, Problem, Provider, ResourceType,
    Result, Sought, field,
};

use self::config::Config;
pub use self::service::Functions;
use self::spec::Spec;
use crate::cloud::Cloud;
use crate::connect::{Connect, Sources};
use crate::role::{must_trust, of_stack};

/// The services of which one must be able to assume a function's role, in all partitions.
const LAMBDA: [&str; 3] = ["lambda.amazonaws.com", "lambda.amazonaws.com.cn", "*"];

/// The kind `function`.
pub struct Function;

impl ResourceType for Function {
    const NAME: &'static str = "function";
    const OUTPUTS: &'static [&'static str] = &["name", "arn"];
    const FIELDS: &'static [Field] = &[
        field("name").replaces(),
        field("code").fingerprinted(),
        field("code.build").literal("the command has your environment: write `$NAME`"),
        field("role").address("role", "arn", "arn:"),
        field("vpc.security_groups.*").address("security_group", "id", "sg-"),
        field("timeout").seconds(),
        field("memory").megabytes(),
        field("ephemeral_storage").megabytes(),
    ];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const ID_IS_NAME: bool = true;
    const USABLE_ONCE: Milestone = Milestone::Created;
    const IS_GONE_ONCE_ACCEPTED: bool = true;
    const DELETION_IMPACT: &'static str = "its versions and aliases, and triggers that others made";

    type Config = Config;
    type Spec = Spec;

    fn check(config: &Config, context: &CheckContext<'_>) -> Vec<Problem> {
        let mut problems = check::check(config, context);
        problems.extend(must_trust(&LAMBDA, context.siblings, "role", &config.role));
        problems
    }

    fn lost_parts(live: &Spec) -> Vec<String> {
        let group =
            || format!("its log group {}, with all events in it", log_group::name(&live.name));
        (live.logs == Some(true)).then(group).into_iter().collect()
    }

    /// Environment variables that others have set.
    fn unmanaged(applied: Option<&Spec>, live: &Spec) -> Vec<String> {
        let Some(applied) = applied else { return Vec::new() };
        let known = |name: &String| {
            applied.environment.as_ref().is_some_and(|variables| variables.contains_key(name))
        };
        let variables = live.environment.iter().flatten().map(|(name, _)| name);
        let unknown = variables.filter(|name| !known(name));
        unknown.map(|name| format!("the environment variable `{name}`")).collect()
    }

    /// A function with `logs: true` adds the right to write them to its role.
    fn contributions(config: &Config, context: &Context) -> Vec<Contribution> {
        let role = of_stack(&config.role).filter(|_| config.logs == Some(true));
        let Context { partition, region, account, name, .. } = context;
        let group = log_group::arn(partition, region, account, name);
        let write = json!({
            "actions": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "resources": [format!("{group}:*")],
        });
        role.map(|to| Contribution { to, field: "allow", item: write }).into_iter().collect()
    }
}

impl Connect for Functions {
    fn connect(cloud: &Arc<Cloud>, sources: &Sources) -> Self {
        Self::new(cloud, sources.clone())
    }
}

impl Provider for Functions {
    type Type = Function;

    async fn normalize(&self, config: Config, context: &Context) -> Result<Spec> {
        let contents = self.contents(&config, context).await.map_err(|error| {
            let message = format!("code: {}", error.message);
            Error { message, ..error }.with_field("code")
        })?;
        let path = context.folder.join(&config.code.path);
        code::find_handler(&config, &path, &contents).map_err(code::refused)?;
        let architecture = config.architecture.unwrap_or_default();
        let digest = contents.digest(&config.runtime, architecture.as_str());
        Ok(spec::normalize(config, digest, context))
    }

    fn remarks(&self, desired: &Spec, changes: &[Change]) -> Vec<String> {
        let ends_logs = changes.iter().any(|change| change.path.field() == "logs")
            && desired.logs != Some(true);
        let logs = ends_logs.then(|| "its log group is deleted, with all events in it".to_owned());
        let shorter = changes.iter().find_map(log_group::shortened);
        self.left_out(desired, changes).into_iter().chain(logs).chain(shorter).collect()
    }

    async fn observe(&self, handles: &[Handle<Spec>]) -> Vec<Result<Option<Live<Spec>>>> {
        self.observe_all(handles).await
    }

    async fn find(&self, sought: Sought<'_>) -> Result<Vec<Found>> {
        self.find_named(sought.names).await
    }

    async fn create(&self, _: &Intent, spec: &Spec) -> Result<Created<Spec>> {
        self.create_function(spec).await
    }

    async fn update(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        self.update_function(on, desired, changes).await
    }

    async fn delete(&self, handle: &Handle<Spec>) -> Result<()> {
        self.delete_function(handle).await
    }
}

impl Ownership for Functions {
    /// Of a function that gets `logs: true`, the log group may exist: Lambda creates it if the role allows
    /// it.
    async fn existing_parts(
        &self,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<Vec<ExistingPart>> {
        let is_new =
            changes.is_empty() || changes.iter().any(|change| change.path.field() == "logs");
        if !is_new || desired.logs != Some(true) {
            return Ok(Vec::new());
        }
        let tags = desired.tags.clone().unwrap_or_default();
        let days = desired.log_retention();
        log_group::existing(&self.logs, &desired.name, &tags, days).await
    }

    async fn release(&self, handle: &Handle<Spec>, owner: &Owner) -> Result<()> {
        self.release_logs(handle, &owner.lineage).await
    }
}

#[cfg(test)]
mod tests;
