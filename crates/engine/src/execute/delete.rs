//! Deleting: a tombstone until absence is confirmed.

use std::time::Duration;

use super::Op;
use crate::kind::{Error, Fault};
use crate::observe::handle;
use crate::state::Transition;

/// How long a deleted object may linger.
const LINGER: Duration = Duration::from_secs(600);

impl Op<'_> {
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let Some(object) = &self.object else { return Ok(()) };
        self.journal(Transition::DeleteIntent { id: id.to_owned() }).await?;
        let handle = handle(&self.address, object);
        let mut wait = self.wait();
        let mut is_refused = true;
        while let Err(error) = self.provider.delete(&handle).await {
            // Deleting again is harmless and tells.
            is_refused &= error.fault != Fault::Unknown;
            if let Err(error) = self.retry_change(&mut wait, error).await {
                // Some deletes are several calls: what is gone already is not a refusal.
                let seen = self.provider.observe(std::slice::from_ref(&handle)).await.pop();
                if is_refused && matches!(seen, Some(Ok(Some(_)))) {
                    self.journal(Transition::DeleteRefused { id: id.to_owned() }).await?;
                }
                return Err(error);
            }
        }
        self.journal(Transition::DeleteAccepted { id: id.to_owned() }).await?;
        let mut wait = self.wait();
        let mut trouble = self.wait();
        loop {
            match self.provider.observe(std::slice::from_ref(&handle)).await.pop() {
                Some(Ok(None)) | None => break,
                Some(Ok(Some(_))) => {
                    trouble.is_over();
                    if !wait.pause(&format!("{id} to be gone"), LINGER).await {
                        return Err(Error::terminal(format!("{id} is still there")));
                    }
                    if self.stopping() {
                        let message = format!("interrupted while waiting for {id} to be gone");
                        return Err(Error::terminal(message));
                    }
                }
                Some(Err(error)) => self.retry_look(&mut trouble, error).await?,
            }
        }
        self.journal(Transition::Deleted { id: id.to_owned() }).await
    }
}
