//! Token buckets for a service's fixed quotas: a call waits for its turn instead of being refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::call_tracker::CallTracker;

/// A quota of a service: so many calls at once, then one each `every`.
#[derive(Debug)]
pub struct Quota {
    /// The operations that share the quota. `None`: all operations of the service.
    operations: Option<&'static [&'static str]>,
    burst: u32,
    every: Duration,
}

impl Quota {
    /// Declares a quota that some operations share. `every`: milliseconds.
    pub const fn of(operations: &'static [&'static str], burst: u32, every: u64) -> Self {
        Self { operations: Some(operations), burst, every: Duration::from_millis(every) }
    }

    /// Declares a quota of all operations of the service together. `every`: milliseconds.
    pub const fn of_all(burst: u32, every: u64) -> Self {
        Self { operations: None, burst, every: Duration::from_millis(every) }
    }

    fn covers(&self, call: &str) -> bool {
        self.operations.is_none_or(|operations| operations.contains(&call))
    }
}

/// The buckets of one service, per account and region. Cheap to clone; clones share their contents.
#[derive(Clone, Debug)]
pub struct Pace {
    since: Instant,
    quotas: &'static [Quota],
    /// Lists who waits for a turn.
    tracker: CallTracker,
    /// One for each of `quotas`.
    buckets: Arc<Mutex<Vec<Bucket>>>,
}

impl Pace {
    /// Starts with full buckets.
    pub fn new(quotas: &'static [Quota], tracker: CallTracker) -> Self {
        let buckets = Arc::new(Mutex::new(vec![Bucket::default(); quotas.len()]));
        Self { since: Instant::now(), quotas, tracker, buckets }
    }

    /// Returns when `call` (the operation's name) may be sent. First come, first served.
    pub async fn turn(&self, call: &str) {
        let Reservation { wait, every } = self.reserve(call, self.since.elapsed());
        if !wait.is_zero() {
            let seconds = wait.as_secs_f32();
            tracing::info!(target: "stackwright::pace", call, seconds, "waiting for a quota of AWS");
            let every = every.as_secs_f32();
            let turn = format!("the turn of {call}, which AWS accepts once every {every} s");
            let _awaiting = self.tracker.awaits(turn, wait);
            sleep(wait).await;
        }
    }

    fn reserve(&self, call: &str, now: Duration) -> Reservation {
        // Each critical section leaves the buckets complete, so that a poisoned lock is harmless.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let concerned = self.quotas.iter().zip(buckets.iter_mut());
        let concerned = concerned.filter(|(quota, _)| quota.covers(call));
        let reserve = |(quota, bucket): (&Quota, &mut Bucket)| Reservation {
            wait: bucket.take(quota, now),
            every: quota.every,
        };
        concerned.map(reserve).max().unwrap_or_default()
    }
}

/// A place in the queue of a quota.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Reservation {
    /// How long to wait.
    wait: Duration,
    /// How far apart such calls may be.
    every: Duration,
}

/// When the bucket is full again, counted from the start.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket(Duration);

impl Bucket {
    /// Takes one token, if need be a future one; returns how long until it is there.
    fn take(&mut self, quota: &Quota, now: Duration) -> Duration {
        let full = self.0.max(now);
        self.0 = full + quota.every;
        (full.saturating_sub(quota.every * (quota.burst - 1))).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTAS: &[Quota] = &[
        Quota::of(&["Delete"], 1, 30_000),
        Quota::of(&["List", "ListMore"], 5, 400),
        Quota::of_all(40, 100),
    ];

    /// Returns the waits of calls that are sent at these milliseconds.
    fn waits(quotas: &'static [Quota], call: &str, at: &[u64]) -> Vec<u128> {
        let pace = Pace::new(quotas, CallTracker::default());
        let wait = |ms: &u64| pace.reserve(call, Duration::from_millis(*ms)).wait.as_millis();
        at.iter().map(wait).collect()
    }

    #[test]
    fn each_call_waits_for_its_token() {
        assert_eq!(waits(QUOTAS, "Delete", &[0, 0, 70_000]), [0, 30_000, 0]);
        assert_eq!(waits(QUOTAS, "List", &[0, 0, 0, 0, 0, 0, 0]), [0, 0, 0, 0, 0, 400, 800]);
        assert_eq!(waits(QUOTAS, "List", &[0, 0, 0, 0, 0, 2_000, 2_000])[5..], [0, 0]);
        assert_eq!(waits(QUOTAS, "Other", &[0; 42])[39..], [0, 100, 200]);
    }

    #[test]
    fn without_quotas_nothing_waits() {
        assert!(waits(&[], "Delete", &[0; 100]).iter().all(|wait| *wait == 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_for_a_turn_is_listed_as_awaited() {
        let tracker = CallTracker::default();
        let pace = Pace::new(QUOTAS, tracker.clone());
        pace.turn("Delete").await;
        assert_eq!(tracker.awaited(), []);
        let second = tokio::spawn(async move { pace.turn("Delete").await });
        tokio::time::sleep(Duration::from_secs(8)).await;
        let awaited = tracker.awaited();
        assert_eq!(awaited.len(), 1, "{awaited:?}");
        assert_eq!(awaited[0].what, "the turn of Delete, which AWS accepts once every 30 s");
        assert_eq!((awaited[0].since.elapsed().as_secs(), awaited[0].limit.as_secs()), (8, 30));
        second.await.expect("its turn");
        assert_eq!(tracker.awaited(), []);
    }
}
