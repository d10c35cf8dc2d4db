//! Waiting for one thing: with a limit, and told to whoever watches.

use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::event::{Event, Events};
use crate::kind::{Error, Fault};

/// One thing that is waited for.
pub struct Wait<'a> {
    address: &'a Address,
    events: &'a Events,
    since: Instant,
    told: Option<Instant>,
    backoff: Backoff,
}

impl<'a> Wait<'a> {
    pub fn new(address: &'a Address, events: &'a Events) -> Self {
        let (since, told, backoff) = (Instant::now(), None, Backoff::of(address));
        Self { address, events, since, told, backoff }
    }

    /// Pauses once more for `what` (completes "waiting for …"), or `false` when `limit` has passed.
    pub async fn pause(&mut self, what: &str, limit: Duration) -> bool {
        let elapsed = self.since.elapsed();
        if elapsed >= limit {
            return false;
        }
        // Short waits are not worth a line; long ones are told every few seconds.
        let last = self.told.unwrap_or(self.since);
        if last.elapsed() >= Duration::from_secs(2) {
            self.told = Some(Instant::now());
            let (address, what) = (self.address.clone(), what.to_owned());
            let _ = self.events.send(Event::Waiting { address, what, elapsed, limit });
        }
        self.backoff.pause().await;
        true
    }

    /// As [`pause_after`](Self::pause_after), for a look: nothing comes of one whose reply is lost.
    pub async fn pause_after_look(&mut self, mut error: Error) -> Result<(), Error> {
        if error.fault == Fault::Unknown {
            error.fault = Fault::Transient;
        }
        self.pause_after(error).await
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
