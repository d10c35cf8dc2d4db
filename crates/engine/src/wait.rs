//! Waiting: for one thing after another, each with a limit, and told to whoever watches.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::event::{Event, Events};

/// What one operation waits for, one thing after another.
pub struct Wait<'a> {
    address: &'a Address,
    events: &'a Events,
    /// When it was last told of, or had its beginning.
    told: Instant,
    backoff: Backoff,
    /// Why, as it was last told: the same is not told again.
    because: Option<String>,
    /// What is waited for, each since its first pause: two reasons by turns start nothing anew.
    under_way: BTreeMap<String, Instant>,
}

impl<'a> Wait<'a> {
    pub fn new(address: &'a Address, events: &'a Events) -> Self {
        let (backoff, under_way) = (Backoff::of(address), BTreeMap::new());
        Self { address, events, told: Instant::now(), backoff, because: None, under_way }
    }

    /// It has come: the next wait, also for the same, starts anew.
    pub fn is_over(&mut self) {
        *self = Self::new(self.address, self.events);
    }

    /// Pauses once more for `what` (completes "waiting for …"), or `false` when `limit` has passed
    /// since the first pause for it.
    pub async fn pause(&mut self, what: &str, limit: Duration) -> bool {
        self.pause_because(what, limit, None).await
    }

    /// As [`pause`](Self::pause), after an error, in words that may be told.
    pub async fn pause_because(
        &mut self,
        what: &str,
        limit: Duration,
        because: Option<String>,
    ) -> bool {
        let now = Instant::now();
        let elapsed = match self.under_way.get(what) {
            Some(since) => since.elapsed(),
            None => {
                self.under_way.insert(what.to_owned(), now);
                self.backoff = Backoff::of(self.address);
                Duration::ZERO
            }
        };
        if elapsed >= limit {
            return false;
        }
        // Short waits are not worth a line; long ones are told every few seconds.
        if self.told.elapsed() >= Duration::from_secs(2) {
            self.told = now;
            let (address, what) = (self.address.clone(), what.to_owned());
            let because = because.filter(|because| self.because.as_ref() != Some(because));
            if because.is_some() {
                self.because.clone_from(&because);
            }
            let _ = self.events.send(Event::Waiting { address, what, because, elapsed, limit });
        }
        self.backoff.pause().await;
        true
    }
}
