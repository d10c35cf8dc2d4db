//! Waiting: look at once, then at growing distances, never for ever.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::address::Address;
use crate::event::{Event, Events};
use crate::kind::{Error, Fault};

/// Growing pauses with jitter: 25 ms at first, 5 s at most.
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl Backoff {
    pub fn new() -> Self {
        Self { next: Duration::from_millis(25) }
    }

    pub async fn pause(&mut self) {
        let mut byte = [0];
        // Without random numbers there is no jitter; nothing else depends on it.
        let _ = getrandom::fill(&mut byte);
        sleep(self.next.mul_f64(0.75 + f64::from(byte[0]) / 512.0)).await;
        self.next = (self.next * 8 / 5).min(Duration::from_secs(5));
    }
}

/// One thing that is waited for, with a limit, told to whoever watches.
pub struct Wait<'a> {
    address: &'a Address,
    events: &'a Events,
    since: Instant,
    told: Option<Instant>,
    backoff: Backoff,
}

impl<'a> Wait<'a> {
    pub fn new(address: &'a Address, events: &'a Events) -> Self {
        let (since, told, backoff) = (Instant::now(), None, Backoff::new());
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
