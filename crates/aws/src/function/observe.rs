//! Reads functions: one GetFunction each, and the log group of those that should have one.

use std::collections::BTreeMap;

use aws_sdk_lambda::operation::get_function::GetFunctionOutput;
use futures_util::join;
use stackwright_engine::at_once::at_once;
use stackwright_engine::kind::{Error, Fault, Found, Handle, Live, Result, tag};

use super::log_group::{LogGroup, Seen as Group};
use super::seen::{NO_LOGS, Seen, seen};
use super::service::{CODES, Functions};
use super::spec::Spec;
use super::vendor;
use crate::fault::{Explain as _, code};

/// How many calls are in flight; Lambda accepts 100 GetFunction a second.
const AT_ONCE: usize = 16;

/// The output from which the log group follows.
const ARN: &str = "arn";

impl Functions {
    pub(super) async fn observe_all(
        &self,
        handles: &[Handle<Spec>],
    ) -> Vec<Result<Option<Live<Spec>>>> {
        at_once(AT_ONCE, handles, |handle| self.observe_one(handle)).await
    }

    async fn observe_one(&self, handle: &Handle<Spec>) -> Result<Option<Live<Spec>>> {
        let (seen, group) = join!(self.get(&handle.id), self.group(handle, &handle.outputs));
        let Some((seen, tags)) = seen? else { return Ok(None) };
        let mut live = seen.live(tags);
        live.notes.extend(handle.applied.iter().flat_map(|applied| self.unpinned(applied)));
        let group = if handle.outputs.contains_key(ARN) {
            group?
        } else {
            self.group(handle, &live.outputs).await?
        };
        let lineages = [&Some(&live.spec), &handle.applied.as_ref()]
            .map(|spec| spec.and_then(|spec| spec.tag(tag::LINEAGE)).unwrap_or_default());
        // One of somebody else is none of this stack's, whose own has a retention as soon as it is complete.
        let days = group.filter(|group| group.is_of(&lineages)).and_then(|group| group.days);
        (live.spec.logs, live.spec.log_retention) =
            days.map_or(NO_LOGS, |days| (Some(true), Some(Some(days))));
        Ok(Some(live))
    }

    /// Reads the log group of the function that has these outputs.
    async fn group(
        &self,
        handle: &Handle<Spec>,
        outputs: &BTreeMap<String, String>,
    ) -> Result<Option<Group>> {
        // A function without `logs: true` has no group of this stack: nothing to read.
        let may_exist = handle.applied.as_ref().is_none_or(|applied| applied.logs == Some(true));
        match outputs.get(ARN).filter(|_| may_exist) {
            Some(arn) => LogGroup::of(&self.logs, arn)?.read().await,
            None => Ok(None),
        }
    }

    pub(super) async fn find_named(&self, names: &[String]) -> Result<Vec<Found>> {
        let seen = at_once(AT_ONCE, names, |name| self.get(name)).await;
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

    /// Returns the function and its tags (`None`: the credentials may not read them). `None`: the
    /// function is gone.
    pub(super) async fn get(
        &self,
        name: &str,
    ) -> Result<Option<(Seen, Option<BTreeMap<String, String>>)>> {
        let reply = match self.lambda.get_function().function_name(name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(None),
            reply => reply.explain("GetFunction", CODES)?,
        };
        let GetFunctionOutput { configuration, tags, tags_error, concurrency, .. } = reply;
        let Some(configuration) = configuration else {
            return Err(Error::new(Fault::Unknown, "GetFunction: the reply contains no function"));
        };
        let tags = tags.unwrap_or_default().into_iter().collect();
        let mut seen = seen!("GetFunction", configuration)?;
        seen.concurrency = concurrency.and_then(|of| of.reserved_concurrent_executions);
        Ok(Some((seen, tags_error.is_none().then_some(tags))))
    }

    /// Returns a note on requirements without a fixed version.
    pub(super) fn unpinned(&self, spec: &Spec) -> Option<String> {
        let runtime = spec.runtime.as_deref()?;
        vendor::python(runtime)?;
        let requirements =
            self.sources.folder.join(&spec.code.as_ref()?.path).join(vendor::REQUIREMENTS);
        let loose = vendor::unpinned(&std::fs::read_to_string(requirements).ok()?);
        let names = loose.join("`, `");
        (!loose.is_empty())
            .then(|| format!("requirements.txt does not pin `{names}`: later builds may differ"))
    }
}
