//! Deleting an object: it stays in the state as being deleted until its absence is confirmed.

use std::time::Duration;

use serde_json::Value;

use super::{Failure, Op, Reached};
use crate::awaited::Awaited;
use crate::kind::{Fault, Handle};
use crate::observe::handle;
use crate::state::Transition;

/// How long a deleted object may stay visible.
const LINGER: Duration = Duration::from_secs(600);

impl Op<'_> {
    pub async fn delete(&self, id: &str) -> Result<(), Failure> {
        match &self.object {
            Some(object) => {
                self.delete_object(&Handle { id: id.to_owned(), ..handle(&self.address, object) })
                    .await
            }
            None => Ok(()),
        }
    }

    /// Deletes an object that the state has at this address.
    pub(super) async fn delete_object(&self, handle: &Handle<Value>) -> Result<(), Failure> {
        let id = handle.id.as_str();
        self.journal(Transition::DeleteIntent { id: id.to_owned() }).await?;
        let mut wait = self.wait();
        let mut is_refused = true;
        while let Err(error) = self.provider.delete(handle).await {
            // A second delete is harmless and shows the outcome.
            is_refused &= error.fault != Fault::Unknown;
            if let Err(error) = self.retry_change(&mut wait, error).await {
                // Some deletes are several calls: an object that is gone was not refused.
                if is_refused && matches!(self.provider.observe_one(handle).await, Ok(Some(_))) {
                    self.journal(Transition::DeleteRefused { id: id.to_owned() }).await?;
                }
                return Err(error.into());
            }
        }
        self.reached(Reached::DeleteAccepted);
        let mut wait = self.wait();
        let mut trouble = self.wait();
        loop {
            match self.provider.observe_one(handle).await {
                Ok(None) => break,
                Ok(Some(_)) => {
                    trouble.is_over();
                    let awaited = Awaited::Gone(id.to_owned());
                    if !wait.pause(&awaited, LINGER).await {
                        return Err(Failure::TimedOut { awaited, limit: LINGER });
                    }
                    if self.stopping() {
                        return Err(Failure::Interrupted(awaited));
                    }
                }
                Err(error) => self.retry_look(&mut trouble, error).await?,
            }
        }
        Ok(self.journal(Transition::Deleted { id: id.to_owned() }).await?)
    }
}
