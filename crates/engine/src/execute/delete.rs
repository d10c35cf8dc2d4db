//! Deleting an object: it stays in the state as being deleted until its absence is confirmed, by the reply of
//! a service that deletes before it answers, or by a read.

use std::time::Duration;

use serde_json::Value;

use super::{Failure, Op};
use crate::awaited::Awaited;
use crate::kind::{Fault, Handle, Memo};
use crate::observe::handle;
use crate::state::Transition;

/// How long a deleted object may stay visible.
const LINGER: Duration = Duration::from_secs(600);

impl Op<'_> {
    /// `is_replaced`: a successor may have the same name, which is free only when a read shows that the object is gone.
    pub async fn delete(&self, id: &str, is_replaced: bool) -> Result<(), Failure> {
        let Some(object) = &self.object else { return Ok(()) };
        let memo = self.live().map(|live| live.memo.clone()).unwrap_or_default();
        let handle = Handle { id: id.to_owned(), memo, ..handle(&self.address, object) };
        self.delete_object(handle, is_replaced).await
    }

    /// Deletes an object that the state has at this address.
    pub(super) async fn delete_object(
        &self,
        mut handle: Handle<Value>,
        is_replaced: bool,
    ) -> Result<(), Failure> {
        let id = handle.id.clone();
        self.journal(Transition::DeleteIntent { id: id.clone() }).await?;
        let mut wait = self.wait();
        let mut only_refusals = true;
        while let Err(error) = self.provider.delete(&handle).await {
            handle.memo = Memo::default();
            // A second delete is harmless and shows the outcome.
            only_refusals &= error.fault != Fault::Unknown;
            if let Err(error) = self.retry_change(&mut wait, error).await {
                // Some deletes are several calls: an object that is gone was not refused.
                if only_refusals && matches!(self.provider.observe_one(&handle).await, Ok(Some(_)))
                {
                    self.journal(Transition::DeleteRefused { id }).await?;
                }
                return Err(error.into());
            }
        }
        if is_replaced || !self.provider.kind().is_gone_once_accepted {
            self.await_absence(&handle).await?;
        }
        Ok(self.journal(Transition::Deleted { id }).await?)
    }

    /// Observes until the object is gone.
    async fn await_absence(&self, handle: &Handle<Value>) -> Result<(), Failure> {
        let mut wait = self.wait();
        let mut trouble = self.wait();
        loop {
            match self.provider.observe_one(handle).await {
                Ok(None) => return Ok(()),
                Ok(Some(_)) => {
                    trouble.is_over();
                    let awaited = Awaited::Gone(handle.id.clone());
                    if !wait.pause(&awaited, LINGER).await {
                        return Err(Failure::TimedOut { awaited, limit: LINGER });
                    }
                    if self.stopping() {
                        return Err(Failure::Interrupted(awaited));
                    }
                }
                Err(error) => self.retry_read(&mut trouble, error).await?,
            }
        }
    }
}
