//! Creates and changes functions.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::types::{Architecture, FunctionCode, LastUpdateStatus, Runtime, State};
use aws_smithy_types::Blob;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::change::{Change, ChangeReason};
use stackwright_engine::kind::{Created, Error, Fault, Handle, Result, tag};

use super::config::{EPHEMERAL_STORAGE, MEMORY, TIMEOUT, UNRESERVED};
use super::log_group::LogGroup;
use super::request::{environment, merged, storage, tracing, variables, vpc};
use super::seen::{NO_LOGS, seen};
use super::service::{CODES, Functions};
use super::spec::Spec;
use crate::fault::{Explain as _, code};
use crate::tags::{self, Difference};

/// The limit of an upload: 50 MB over a slow line.
const UPLOAD: Duration = Duration::from_secs(600);
/// The fields that UpdateFunctionConfiguration sets.
const CONFIGURATION: &[&str] = &[
    "runtime",
    "handler",
    "role",
    "timeout",
    "memory",
    "environment",
    "description",
    "ephemeral_storage",
    "tracing",
    "layers",
    "vpc",
];

impl Functions {
    pub(super) async fn create_function(&self, spec: &Spec) -> Result<Created<Spec>> {
        let zip = self.zip(spec).await?;
        let package = FunctionCode::builder().zip_file(Blob::new(zip)).build();
        let once = aws_sdk_lambda::Config::builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(upload());
        let reply = self
            .lambda
            .create_function()
            .function_name(&spec.name)
            .code(package)
            .set_runtime(spec.runtime.as_deref().map(Runtime::from))
            .set_handler(spec.handler.clone())
            .set_role(spec.role.clone())
            .set_timeout(spec.timeout)
            .set_memory_size(spec.memory)
            .set_environment(spec.environment.clone().map(environment))
            .set_architectures(spec.architecture.map(|one| vec![Architecture::from(one.as_str())]))
            .set_description(spec.description.clone())
            .set_ephemeral_storage(spec.ephemeral_storage.map(storage).transpose()?)
            .set_tracing_config(spec.tracing.map(tracing))
            .set_layers(spec.layers.clone())
            .set_vpc_config(spec.vpc.clone().map(vpc))
            .set_tags(spec.tags.clone().map(|tags| tags.into_iter().collect()))
            .customize()
            .config_override(once)
            .send()
            .await;
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => {
                // Any other conflict is one with an operation in progress, and passes.
                let message = error.as_service_error().and_then(ProvideErrorMetadata::message);
                let taken = code(&error) == Some("ResourceConflictException")
                    && message.is_none_or(|text| text.contains("already exist"));
                let role = spec.role.as_deref();
                let mut explained = self.explain_role("CreateFunction", error, role).await;
                if taken {
                    explained.fault = Fault::NameTaken;
                }
                return Err(explained);
            }
        };
        let mut live = seen!("CreateFunction", reply)?.live(spec.tags.clone());
        (live.spec.logs, live.spec.log_retention) = NO_LOGS;
        live.notes.extend(self.unpinned(spec));
        Ok(Created { id: spec.name.clone(), live })
    }

    pub(super) async fn update_function(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let changed =
            |fields: &[&str]| changes.iter().any(|change| fields.contains(&change.path.field()));
        let mut is_ready = true;
        // Code first, which cannot be read back: the engine takes it for done when this returns.
        if changed(&["architecture"]) || changes.iter().any(is_other_code) {
            if changed(&["runtime"]) {
                // Lambda takes no code for a runtime that it has retired: the new runtime is sent alone.
                self.send_configuration(on, desired, changes).await?;
                let message = "the new code waits until the function has its new runtime";
                return Err(Error::new(Fault::Conflict, message));
            }
            is_ready = self.send_code(on, desired).await?;
        }
        if is_ready && changed(CONFIGURATION) {
            self.send_configuration(on, desired, changes).await?;
        }
        if changed(&["tags"]) {
            self.send_tags(on, desired, changes).await?;
        }
        if changed(&["logs", "log_retention"]) {
            let own = desired.tags.clone().unwrap_or_default();
            let lineages = lineages(on, desired, changes);
            let group = LogGroup::of(&self.logs, arn(on)?)?;
            let days = desired.log_retention();
            match desired.logs {
                Some(true) if changed(&["logs"]) => group.create(&lineages, &own, days).await?,
                Some(true) => group.retain_for(days, &lineages).await?,
                _ => group.delete(&lineages).await?,
            }
        }
        if changed(&["concurrency"]) {
            self.send_concurrency(&on.id, desired.concurrency.unwrap_or(UNRESERVED)).await?;
        }
        Ok(())
    }

    async fn send_concurrency(&self, name: &str, calls: i32) -> Result<()> {
        let lambda = &self.lambda;
        if calls == UNRESERVED {
            let deleting = lambda.delete_function_concurrency().function_name(name);
            return deleting.send().await.explain("DeleteFunctionConcurrency", CODES).map(drop);
        }
        let putting = lambda.put_function_concurrency().function_name(name);
        let putting = putting.reserved_concurrent_executions(calls);
        putting
            .send()
            .await
            .explain("PutFunctionConcurrency", CODES)
            .map(drop)
            .map_err(explain_quota)
    }

    /// Uploads the code. Returns whether the function can be changed further at once.
    async fn send_code(&self, on: &Handle<Spec>, desired: &Spec) -> Result<bool> {
        let zip = self.zip(desired).await?;
        let architecture = Architecture::from(desired.architecture().as_str());
        let reply = self
            .lambda
            .update_function_code()
            .function_name(&on.id)
            .zip_file(Blob::new(zip))
            .architectures(architecture)
            .customize()
            .config_override(aws_sdk_lambda::Config::builder().timeout_config(upload()))
            .send()
            .await
            .explain("UpdateFunctionCode", CODES)?;
        let in_progress = reply.last_update_status == Some(LastUpdateStatus::InProgress)
            || reply.state == Some(State::Pending);
        Ok(!in_progress)
    }

    /// Sends what changed, in one call. The call leaves unchanged what it is not given, so that defaults
    /// are sent. Its environment replaces the old one, so that unmanaged variables are read first and
    /// sent along; the revision id makes the call fail if somebody changed them meanwhile.
    async fn send_configuration(
        &self,
        on: &Handle<Spec>,
        desired: &Spec,
        changes: &[Change],
    ) -> Result<()> {
        let lambda = &self.lambda;
        let read = lambda.get_function_configuration().function_name(&on.id).send().await;
        let live = read.explain("GetFunctionConfiguration", CODES)?;
        let changed = |field: &str| changes.iter().any(|change| change.path.field() == field);
        let mut update = lambda
            .update_function_configuration()
            .function_name(&on.id)
            .set_revision_id(live.revision_id.clone());
        if changed("runtime") {
            update = update.set_runtime(desired.runtime.as_deref().map(Runtime::from));
        }
        if changed("handler") {
            update = update.set_handler(desired.handler.clone());
        }
        if changed("role") {
            update = update.set_role(desired.role.clone());
        }
        if changed("timeout") {
            update = update.timeout(desired.timeout.unwrap_or(TIMEOUT));
        }
        if changed("memory") {
            update = update.memory_size(desired.memory.unwrap_or(MEMORY));
        }
        if changed("ephemeral_storage") {
            let size = desired.ephemeral_storage.unwrap_or(EPHEMERAL_STORAGE);
            update = update.ephemeral_storage(storage(size)?);
        }
        if changed("tracing") {
            update = update.tracing_config(tracing(desired.tracing.unwrap_or_default()));
        }
        if changed("layers") {
            update = update.set_layers(Some(desired.layers.clone().unwrap_or_default()));
        }
        if changed("vpc") {
            // Empty lists take the function out of its network.
            update = update.vpc_config(vpc(desired.vpc.clone().unwrap_or_default()));
        }
        if changed("description") {
            update = update.description(desired.description.clone().unwrap_or_default());
        }
        // A role was re-created: the key's grant names the old one, and is renewed with the environment.
        let is_recreated =
            changes.iter().any(|change| change.reason == ChangeReason::DependencyRecreated);
        if changed("environment") || is_recreated {
            let whole = merged(variables(&live)?, on, desired, changes);
            update = update.environment(environment(whole));
        }
        match update.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let role = desired.role.as_deref();
                Err(self.explain_role("UpdateFunctionConfiguration", error, role).await)
            }
        }
    }

    /// Changes the tags of the log group first: its lineage must be a known one until it has the new
    /// one.
    async fn send_tags(&self, on: &Handle<Spec>, desired: &Spec, changes: &[Change]) -> Result<()> {
        let arn = arn(on)?;
        let Difference { set, remove } = tags::difference(changes);
        let set: HashMap<String, String> = set.into_iter().collect();
        let logs = |spec: &Spec| spec.logs == Some(true);
        if logs(desired) || on.applied.as_ref().is_some_and(logs) {
            let group = LogGroup::of(&self.logs, arn)?;
            group.retag(&set, &remove, &lineages(on, desired, changes)).await?;
        }
        let lambda = &self.lambda;
        if !set.is_empty() {
            let tagging = lambda.tag_resource().resource(arn).set_tags(Some(set));
            tagging.send().await.explain("TagResource", CODES)?;
        }
        if !remove.is_empty() {
            let untagging = lambda.untag_resource().resource(arn).set_tag_keys(Some(remove));
            untagging.send().await.explain("UntagResource", CODES)?;
        }
        Ok(())
    }

    /// Removes the ownership tags from the log group. A function that never had `logs: true` has none.
    pub(super) async fn release_logs(&self, on: &Handle<Spec>, lineage: &str) -> Result<()> {
        let may_log = on.applied.as_ref().is_none_or(|applied| applied.logs == Some(true));
        match on.outputs.get("arn").filter(|_| may_log) {
            Some(arn) => {
                let group = LogGroup::of(&self.logs, arn)?;
                group.retag(&HashMap::new(), &tags::own(), &[lineage]).await
            }
            None => Ok(()),
        }
    }
}

fn upload() -> TimeoutConfig {
    TimeoutConfig::builder().read_timeout(UPLOAD).build()
}

fn arn(on: &Handle<Spec>) -> Result<&str> {
    let arn = on.outputs.get("arn").map(String::as_str);
    arn.ok_or_else(|| Error::terminal(format!("{}: its ARN is not known", on.address)))
}

/// Tells whether a change is one of the code: the same files at another path, or by other patterns, are
/// the same code.
pub(super) fn is_other_code(change: &Change) -> bool {
    change.path.field() == "code" && change.path.0.get(1).is_none_or(|key| key == "digest")
}

/// Returns the lineages that mean this stack: desired, applied, and about to be replaced.
fn lineages<'a>(on: &'a Handle<Spec>, desired: &'a Spec, changes: &'a [Change]) -> Vec<&'a str> {
    let is_lineage = |change: &&Change| {
        change.path.field() == "tags" && change.path.0.get(1).is_some_and(|key| key == tag::LINEAGE)
    };
    let replaced =
        changes.iter().filter(is_lineage).filter_map(|change| change.before.as_ref()?.as_str());
    let specs = [Some(desired), on.applied.as_ref()].into_iter().flatten();
    specs.filter_map(|spec| spec.tag(tag::LINEAGE)).chain(replaced).collect()
}

/// Explains why an account refuses any reservation: it must keep ten unreserved executions.
fn explain_quota(error: Error) -> Error {
    if !error.message.contains("UnreservedConcurrentExecution") {
        return error;
    }
    let hint = "an account keeps 10 concurrent executions unreserved, and a new account has 10 in all: reserve \
                fewer (`concurrency`), or ask AWS for more (console: Service Quotas)";
    Error { hint: Some(hint.to_owned()), ..error }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use stackwright_engine::Address;
    use stackwright_engine::kind::Memo;

    use super::*;
    use crate::test_changes::edited;

    fn spec(environment: &[(&str, &str)], tags: &[(&str, &str)]) -> Spec {
        serde_json::from_value(json!({
            "name": "f",
            "environment": map(environment),
            "tags": map(tags),
        }))
        .expect("a spec")
    }

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn handle(applied: Option<Spec>) -> Handle<Spec> {
        let address = Address::new("function", "f");
        Handle {
            address,
            id: "f".to_owned(),
            generation: 1,
            outputs: BTreeMap::new(),
            applied,
            memo: Memo::default(),
        }
    }

    fn change(path: &[&str], before: Option<&str>, after: Option<&str>) -> Change {
        let (before, after) = (before.map(Into::into), after.map(Into::into));
        Change { before, after, ..edited(path) }
    }

    #[test]
    fn unmanaged_variables_stay_and_removed_ones_go() {
        let live = map(&[("A", "old"), ("B", "old"), ("FOREIGN", "x")]);
        let desired = spec(&[("A", "new"), ("C", "new")], &[]);
        let expected = map(&[("A", "new"), ("C", "new"), ("FOREIGN", "x")]);
        let known = handle(Some(spec(&[("A", "sealed"), ("B", "sealed")], &[])));
        let merge = |on, changes: &[_]| merged(live.clone(), on, &desired, changes);
        assert_eq!(merge(&known, &[]), expected);
        let gone = change(&["environment", "B"], Some("old"), None);
        assert_eq!(merge(&handle(None), &[gone]), expected);
    }

    #[test]
    fn a_lineage_that_is_being_replaced_is_still_this_stacks() {
        let desired = spec(&[], &[(tag::LINEAGE, "new")]);
        let replaced = [change(&["tags", tag::LINEAGE], Some("old"), Some("new"))];
        assert_eq!(lineages(&handle(None), &desired, &replaced), ["new", "old"]);
    }

    #[test]
    fn another_path_to_the_same_code_is_no_change_of_code() {
        assert!(!is_other_code(&change(&["code", "path"], Some("a"), Some("b"))));
        assert!(is_other_code(&change(&["code", "digest"], Some("a"), Some("b"))));
        assert!(is_other_code(&change(&["code"], None, None)));
    }
}
