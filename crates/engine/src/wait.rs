//! Waiting: for one thing after another, each with a limit, and reported to whoever watches.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;
use crate::awaited::Awaited;
use crate::backoff::Backoff;
use crate::event::{Event, Events};

/// Short waits are not worth a line; long ones are reported every few seconds.
const REPORTED_EVERY: Duration = Duration::from_secs(2);

/// What one operation waits for, one thing after another.
pub struct Wait<'a> {
    address: &'a Address,
    events: &'a Events,
    /// When it was last reported, or began.
    reported: Instant,
    backoff: Backoff,
    /// The error that was last reported as the cause: the same is not reported again.
    because: Option<String>,
    /// What is waited for, each since its first pause: two things by turns do not start over.
    under_way: BTreeMap<Awaited, Instant>,
}

impl<'a> Wait<'a> {
    pub fn new(address: &'a Address, events: &'a Events) -> Self {
        let (backoff, under_way) = (Backoff::of(address), BTreeMap::new());
        Self { address, events, reported: Instant::now(), backoff, because: None, under_way }
    }

    /// Returns when the first pause for something was; now, if there was none.
    pub fn since(&self, awaited: &Awaited) -> Instant {
        self.under_way.get(awaited).copied().unwrap_or_else(Instant::now)
    }

    /// It has come: the next wait, also for the same, starts over.
    pub fn is_over(&mut self) {
        *self = Self::new(self.address, self.events);
    }

    /// Pauses once more, or returns `false` when `limit` has passed since the first pause for this.
    pub async fn pause(&mut self, awaited: &Awaited, limit: Duration) -> bool {
        self.pause_because(awaited, limit, None).await
    }

    /// As [`pause`](Self::pause), after an error, whose message holds no secret.
    pub async fn pause_because(
        &mut self,
        awaited: &Awaited,
        limit: Duration,
        because: Option<String>,
    ) -> bool {
        let now = Instant::now();
        let elapsed = match self.under_way.get(awaited) {
            Some(since) => since.elapsed(),
            None => {
                self.under_way.insert(awaited.clone(), now);
                self.backoff = Backoff::of(self.address);
                Duration::ZERO
            }
        };
        if elapsed >= limit {
            return false;
        }
        if self.reported.elapsed() >= REPORTED_EVERY {
            self.reported = now;
            let (address, awaited) = (self.address.clone(), awaited.clone());
            let because = because.filter(|because| self.because.as_ref() != Some(because));
            if because.is_some() {
                self.because.clone_from(&because);
            }
            let _ = self.events.send(Event::Waiting { address, awaited, because, elapsed, limit });
        }
        self.backoff.pause().await;
        true
    }
}
