//! Waiting: for one thing after another, each with a limit, and told to whoever watches.

use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::event::{Event, Events};
use crate::kind::{Error, Fault};

/// What is waited for, if anything is.
pub struct Wait<'a> {
    address: &'a Address,
    events: &'a Events,
    under_way: Option<UnderWay>,
}

struct UnderWay {
    what: String,
    since: Instant,
    told: Instant,
    backoff: Backoff,
}

impl<'a> Wait<'a> {
    pub fn new(address: &'a Address, events: &'a Events) -> Self {
        Self { address, events, under_way: None }
    }

    /// It has come: the next wait, also for the same, starts anew.
    pub fn is_over(&mut self) {
        self.under_way = None;
    }

    /// Pauses once more for `what` (completes "waiting for …"), or `false` when `limit` has passed
    /// since the first pause for it.
    pub async fn pause(&mut self, what: &str, limit: Duration) -> bool {
        let now = Instant::now();
        let wait = match self.under_way.take_if(|wait| wait.what == what) {
            Some(wait) => wait,
            None => {
                let (what, backoff) = (what.to_owned(), Backoff::of(self.address));
                UnderWay { what, since: now, told: now, backoff }
            }
        };
        let wait = self.under_way.insert(wait);
        let elapsed = wait.since.elapsed();
        if elapsed >= limit {
            return false;
        }
        // Short waits are not worth a line; long ones are told every few seconds.
        if wait.told.elapsed() >= Duration::from_secs(2) {
            wait.told = now;
            let (address, what) = (self.address.clone(), what.to_owned());
            let _ = self.events.send(Event::Waiting { address, what, elapsed, limit });
        }
        wait.backoff.pause().await;
        true
    }

    /// As [`pause_after`](Self::pause_after), for a look: nothing comes of one whose reply is lost.
    pub async fn pause_after_look(&mut self, mut error: Error) -> Result<(), Error> {
        if error.fault == Fault::Unknown {
            error.fault = Fault::Transient;
        }
        self.pause_after(error).await
    }

    /// As [`pause_after`](Self::pause_after), for a change: one whose reply is lost may have been made,
    /// and the next look tells.
    pub async fn pause_after_change(&mut self, error: Error) -> Result<(), Error> {
        if error.fault != Fault::Unknown {
            return self.pause_after(error).await;
        }
        let going_on = self.pause("the outcome of an earlier call", Duration::from_secs(60)).await;
        if going_on { Ok(()) } else { Err(error) }
    }

    /// Pauses after an error that may go by itself, and gives back one that will not.
    pub async fn pause_after(&mut self, error: Error) -> Result<(), Error> {
        let (what, limit) = match &error.fault {
            Fault::Transient => ("the service to take more calls", Duration::from_secs(120)),
            Fault::Conflict => ("another change of the same object", Duration::from_secs(120)),
            Fault::Awaiting { what, within } => (what.as_str(), *within),
            _ => return Err(error),
        };
        if self.pause(what, limit).await { Ok(()) } else { Err(error) }
    }
}
