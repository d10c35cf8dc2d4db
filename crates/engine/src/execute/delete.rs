//! Deleting: a tombstone until absence is confirmed.

use std::time::Duration;

use super::Op;
use crate::kind::{Error, Fault};
use crate::observe::handle;
use crate::state::{Data, Step, Verb};
use crate::wait::Wait;

/// How long a deleted object may linger.
const LINGER: Duration = Duration::from_secs(600);

impl Op<'_> {
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let Some(object) = &self.object else { return Ok(()) };
        let data = || Data { id: Some(id.to_owned()), ..Data::default() };
        self.journal(Verb::Delete, Step::Intent, data()).await?;
        let handle = handle(&self.address, object);
        let mut wait = Wait::new(&self.address, self.shared.events);
        loop {
            match self.kind.delete(&handle).await {
                Ok(()) => break,
                // Deleting again is harmless and tells.
                Err(error) if error.fault == Fault::Unknown => {
                    if !wait.pause("the outcome of a delete", Duration::from_secs(60)).await {
                        return Err(error);
                    }
                }
                Err(error) => wait.pause_after(error).await?,
            }
        }
        self.journal(Verb::Delete, Step::Result, data()).await?;
        let mut wait = Wait::new(&self.address, self.shared.events);
        loop {
            match self.kind.observe(std::slice::from_ref(&handle)).await.pop() {
                Some(Ok(None)) | None => break,
                Some(Ok(Some(_))) => {
                    if !wait.pause(&format!("{id} to be gone"), LINGER).await {
                        return Err(Error::terminal(format!("{id} is still there")));
                    }
                }
                Some(Err(error)) => wait.pause_after_look(error).await?,
            }
        }
        self.journal(Verb::Delete, Step::Done, data()).await
    }
}
