//! Deletes functions, and their log groups behind them.

use futures_util::join;
use stackwright_engine::kind::{Error, Fault, Handle, Result, tag};

use super::log_group::LogGroup;
use super::service::{CODES, Functions};
use super::spec::Spec;
use crate::fault::{Explain as _, code};

impl Functions {
    /// Deletes the function first: while it runs, it writes its log.
    pub(super) async fn delete_function(&self, handle: &Handle<Spec>) -> Result<()> {
        let mut lineage =
            handle.applied.as_ref().and_then(|spec| spec.tag(tag::LINEAGE)).map(str::to_owned);
        let mut arn = handle.outputs.get("arn").cloned();
        if (lineage.is_none() || arn.is_none())
            && let Some((seen, tags)) = self.get(&handle.id).await?
        {
            lineage = lineage.or_else(|| tags?.remove(tag::LINEAGE));
            arn = Some(seen.arn);
        }
        let group = arn.map(|arn| LogGroup::of(&self.logs, &arn)).transpose()?;
        let own_group = async {
            let (Some(group), Some(lineage)) = (group, &lineage) else { return Ok(None) };
            let is_ours = match handle.applied.as_ref().and_then(|applied| applied.logs) {
                Some(true) => group.is_of(&[lineage]).await,
                // An update that made one may not be on record.
                _ => group.exists_and_is_of(&[lineage]).await,
            };
            Ok(is_ours?.then_some(group))
        };
        let (deleted, own_group) = join!(self.delete_alone(&handle.id), own_group);
        deleted?;
        // Behind the function, which would write into it.
        match own_group? {
            Some(group) => group.remove().await,
            None => Ok(()),
        }
    }

    async fn delete_alone(&self, name: &str) -> Result<()> {
        let deleted = match self.lambda.delete_function().function_name(name).send().await {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => return Ok(()),
            reply => reply.map(drop).explain("DeleteFunction", CODES),
        };
        match deleted {
            Err(error) => self.unless_gone(name, error).await,
            deleted => deleted,
        }
    }

    /// Takes a delete of unknown outcome for done if the function is gone. One that Lambda could not create may
    /// also be one that it cannot delete: then no repetition helps.
    async fn unless_gone(&self, name: &str, error: Error) -> Result<()> {
        let seen = match error.fault {
            Fault::Unknown => self.get(name).await,
            _ => return Err(error),
        };
        let why = match seen {
            Ok(None) => return Ok(()),
            Ok(Some((seen, _))) => seen.failure(),
            Err(_) => None,
        };
        Err(match why {
            Some(why) => Error {
                fault: Fault::Terminal,
                message: format!("{}; the function has failed before: {why}", error.message),
                ..error
            }
            .with_hint("fix the cause, or delete the function by hand; then run again"),
            None => error,
        })
    }
}
