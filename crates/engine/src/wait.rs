//! Waiting: for one thing after another, each with a limit, and told to whoever watches.

use std::time::Duration;

use tokio::time::Instant;

use crate::address::Address;
use crate::backoff::Backoff;
use crate::event::{Event, Events};

/// What is waited for, if anything is.
pub struct Wait<'a> {
    address: &'a Address,
    events: &'a Events,
    /// When it was last told of, or had its beginning.
    told: Instant,
    under_way: Option<UnderWay>,
}

struct UnderWay {
    what: String,
    since: Instant,
    backoff: Backoff,
}

impl<'a> Wait<'a> {
    pub fn new(address: &'a Address, events: &'a Events) -> Self {
        Self { address, events, told: Instant::now(), under_way: None }
    }

    /// It has come: the next wait, also for the same, starts anew.
    pub fn is_over(&mut self) {
        self.told = Instant::now();
        self.under_way = None;
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
        let wait = match self.under_way.take_if(|wait| wait.what == what) {
            Some(wait) => wait,
            None => {
                let (what, backoff) = (what.to_owned(), Backoff::of(self.address));
                UnderWay { what, since: now, backoff }
            }
        };
        let wait = self.under_way.insert(wait);
        let elapsed = wait.since.elapsed();
        if elapsed >= limit {
            return false;
        }
        // Short waits are not worth a line; long ones are told every few seconds.
        if self.told.elapsed() >= Duration::from_secs(2) {
            self.told = now;
            let (address, what) = (self.address.clone(), what.to_owned());
            let _ = self.events.send(Event::Waiting { address, what, because, elapsed, limit });
        }
        wait.backoff.pause().await;
        true
    }
}
