//! Deleting: a tombstone until absence is confirmed.

use std::time::Duration;

use super::Op;
use crate::kind::{Error, Fault};
use crate::observe::handle;
use crate::state::{Data, Step, Verb};

/// How long a deleted object may linger.
const LINGER: Duration = Duration::from_secs(600);

impl Op<'_> {
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let Some(object) = &self.object else { return Ok(()) };
        let data = || Data { id: Some(id.to_owned()), ..Data::default() };
        self.journal(Verb::Delete, Step::Intent, data()).await?;
        let handle = handle(&self.address, object);
        let mut wait = self.wait();
        let mut is_refused = true;
        while let Err(error) = self.kind.delete(&handle).await {
            // Deleting again is harmless and tells.
            is_refused &= error.fault != Fault::Unknown;
            if let Err(error) = wait.pause_after_change(error).await {
                // Some deletes are several calls: what is gone already is not a refusal.
                let seen = self.kind.observe(std::slice::from_ref(&handle)).await.pop();
                if is_refused && matches!(seen, Some(Ok(Some(_)))) {
                    self.journal(Verb::Delete, Step::Failed, data()).await?;
                }
                return Err(error);
            }
        }
        self.journal(Verb::Delete, Step::Result, data()).await?;
        let mut wait = self.wait();
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
