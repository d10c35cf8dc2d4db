//! Token buckets for AWS's fixed quotas: a call waits for its turn instead of being refused.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::calls::Calls;

/// So many calls at once, then one each `every`; `covers` names the operations that share it.
struct Quota {
    covers: fn(&str) -> bool,
    burst: u32,
    every: Duration,
}

const fn quota(covers: fn(&str) -> bool, burst: u32, every: u64) -> Quota {
    Quota { covers, burst, every: Duration::from_millis(every) }
}

/// Per account and region. Source: the quotas of API Gateway's and of Lambda's control plane.
const QUOTAS: &[Quota] = &[
    quota(|call| call == "CreateRestApi", 1, 3_000),
    quota(|call| call == "DeleteRestApi", 1, 30_000),
    quota(|call| call == "CreateDeployment", 1, 5_000),
    quota(|call| call == "CreateResource", 5, 200),
    quota(|call| call == "DeleteResource", 5, 200),
    quota(|call| call == "GetResources", 5, 400),
    quota(|call| !is_lambda(call), 40, 100),
    quota(|call| call == "GetPolicy", 15, 67),
    quota(|call| is_lambda(call) && call != "GetPolicy", 15, 67),
];

fn is_lambda(call: &str) -> bool {
    ["GetPolicy", "AddPermission", "RemovePermission"].contains(&call)
}

/// The buckets of one cloud, shared by its copies.
#[derive(Clone, Debug)]
pub struct Pace {
    since: Instant,
    /// Where it is told who waits for a turn.
    calls: Calls,
    /// One for each of [`QUOTAS`]; none where no quota holds.
    buckets: Arc<Mutex<Vec<Bucket>>>,
}

impl Pace {
    /// `limited`: against AWS itself. Other endpoints have no such quotas.
    pub fn new(limited: bool, calls: Calls) -> Self {
        let count = if limited { QUOTAS.len() } else { 0 };
        let buckets = Arc::new(Mutex::new(vec![Bucket::default(); count]));
        Self { since: Instant::now(), calls, buckets }
    }

    /// Returns when `call` (the operation's name) may be sent. First come, first served.
    pub async fn turn(&self, call: &str) {
        let (wait, every) = self.reserve(call, self.since.elapsed());
        if !wait.is_zero() {
            let seconds = wait.as_secs_f32();
            tracing::info!(target: "stackwright::pace", call, seconds, "waiting for a quota of AWS");
            let every = every.as_secs_f32();
            let turn = format!("the turn of {call}, which AWS takes once every {every} s");
            let _awaiting = self.calls.awaits(turn, wait);
            sleep(wait).await;
        }
    }

    /// How long to wait, and how far apart such calls may be.
    fn reserve(&self, call: &str, now: Duration) -> (Duration, Duration) {
        // A bucket is whole after each step, whatever happened to another holder of the lock.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let concerned = QUOTAS.iter().zip(buckets.iter_mut()).filter(|(q, _)| (q.covers)(call));
        let waits = concerned.map(|(quota, bucket)| (bucket.take(quota, now), quota.every));
        waits.max().unwrap_or_default()
    }
}

/// When the bucket is full again, counted from the start.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket(Duration);

impl Bucket {
    /// Takes one token, from the future if need be; returns how long until it is there.
    fn take(&mut self, quota: &Quota, now: Duration) -> Duration {
        let full = self.0.max(now);
        self.0 = full + quota.every;
        (full.saturating_sub(quota.every * (quota.burst - 1))).saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits of calls made at these milliseconds.
    fn waits(call: &str, at: &[u64]) -> Vec<u128> {
        let pace = Pace::new(true, Calls::default());
        let wait = |ms: &u64| pace.reserve(call, Duration::from_millis(*ms)).0.as_millis();
        at.iter().map(wait).collect()
    }

    #[test]
    fn each_call_waits_for_its_token() {
        assert_eq!(waits("DeleteRestApi", &[0, 0, 70_000]), [0, 30_000, 0]);
        assert_eq!(waits("GetResources", &[0, 0, 0, 0, 0, 0, 0]), [0, 0, 0, 0, 0, 400, 800]);
        assert_eq!(waits("GetResources", &[0, 0, 0, 0, 0, 2_000, 2_000])[5..], [0, 0]);
        assert_eq!(waits("GetStages", &[0; 42])[39..], [0, 100, 200]);
    }

    #[test]
    fn an_endpoint_has_no_quotas() {
        let pace = Pace::new(false, Calls::default());
        assert!((0..100).all(|_| pace.reserve("DeleteRestApi", Duration::ZERO).0.is_zero()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_is_known() {
        let calls = Calls::default();
        let pace = Pace::new(true, calls.clone());
        pace.turn("DeleteRestApi").await;
        assert_eq!(calls.awaited(), []);
        let second = tokio::spawn(async move { pace.turn("DeleteRestApi").await });
        tokio::time::sleep(Duration::from_secs(8)).await;
        let awaited = calls.awaited();
        assert_eq!(awaited.len(), 1, "{awaited:?}");
        assert_eq!(awaited[0].what, "the turn of DeleteRestApi, which AWS takes once every 30 s");
        assert_eq!((awaited[0].since.elapsed().as_secs(), awaited[0].limit.as_secs()), (8, 30));
        second.await.expect("its turn");
        assert_eq!(calls.awaited(), []);
    }
}
