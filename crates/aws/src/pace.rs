//! Token buckets for the quotas of a service: a call waits for its turn instead of being refused.
//!
//! Other programs use the same account. So when AWS refuses a call although it had its turn, the buckets of that
//! call are taken for empty, and they refill at half the speed, which recovers within some minutes.

mod bucket;
mod quota;

use std::collections::{BTreeMap, HashMap};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::bucket::Bucket;
pub use self::quota::Quota;
use crate::call_tracker::{Awaiting, is_read};

/// The buckets of one service, per account and region. Cheap to clone; clones share their contents.
#[derive(Clone, Debug)]
pub struct Pace {
    since: Instant,
    quotas: &'static [Quota],
    shared: Arc<Mutex<Shared>>,
    stop: Stop,
}

/// Becomes true when the run is to stop, if anybody can ask for that.
pub type Stop = Arc<OnceLock<watch::Receiver<bool>>>;

/// A call was not sent: the run was interrupted while it waited for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not sent: the run was interrupted while the call waited for a quota of AWS")]
pub struct Interrupted;

#[derive(Debug, Default)]
struct Shared {
    buckets: HashMap<Key, Bucket>,
    /// The calls that wait for their turns, and the buckets that each of them waits for.
    queue: BTreeMap<Rank, Vec<Key>>,
    arrived: u64,
}

/// A bucket: the place of its quota, and the operation, where each operation has a bucket of its own.
type Key = (usize, Option<String>);

/// The order of calls that wait. Writes come first: an object that is half made keeps others waiting, and a
/// refresh of hundreds of objects must not delay it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_read: bool,
    arrived: u64,
}

/// A call that is not to be sent yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Early {
    wait: Duration,
    /// How far apart such calls are at the moment.
    every: Duration,
}

impl Pace {
    /// Starts with buckets that another run may just have used.
    pub fn new(quotas: &'static [Quota], stop: Stop) -> Self {
        Self { since: Instant::now(), quotas, shared: Arc::default(), stop }
    }

    /// Returns when `call` (the operation's name) may be sent. Meanwhile `awaiting` lists the wait. A call that is
    /// dropped before has taken nothing. The caller drops what it gets when the call is answered.
    ///
    /// # Errors
    /// The run is to stop, and the turn has not come.
    pub async fn turn(&self, call: &str, awaiting: &Awaiting) -> Result<Sent, Interrupted> {
        let place = self.queue_up(call);
        let early = match place.take() {
            Ok(sent) => return Ok(sent),
            Err(early) => early,
        };
        let seconds = early.wait.as_secs_f32();
        tracing::info!(target: "stackwright::pace", call, seconds, "waiting for a quota of AWS");
        let former = awaiting.lists(turn_of(call, early.every), early.wait);
        let mut wait = early.wait;
        let sent = loop {
            awaiting.ends_after(wait);
            tokio::select! {
                () = sleep(wait) => match place.take() {
                    Ok(sent) => break sent,
                    Err(early) => wait = early.wait,
                },
                () = self.stopped() => return Err(Interrupted),
            }
        };
        if let Some(former) = former {
            awaiting.lists(former.what, former.limit);
        }
        Ok(sent)
    }

    async fn stopped(&self) {
        let Some(stop) = self.stop.get() else { return pending().await };
        if stop.clone().wait_for(|is_asked| *is_asked).await.is_err() {
            // Nobody is left who could ask.
            pending().await
        }
    }

    /// AWS has refused `call`: somebody else uses the quota, too, or it is smaller than declared.
    pub fn throttled(&self, call: &str) {
        let now = self.since.elapsed();
        tracing::info!(target: "stackwright::pace", call, "throttled: such calls slow down");
        let mut shared = self.lock();
        for key in self.keys(call) {
            let quota = &self.quotas[key.0];
            let bucket = shared.buckets.entry(key).or_insert_with(|| Bucket::new(quota));
            bucket.slow_down(quota, now);
        }
    }

    fn keys(&self, call: &str) -> Vec<Key> {
        let is_named = self.quotas.iter().any(|quota| quota.names(call));
        let covering =
            self.quotas.iter().enumerate().filter(|(_, quota)| quota.covers(call, is_named));
        covering.map(|(at, quota)| (at, quota.is_for_each().then(|| call.to_owned()))).collect()
    }

    fn queue_up(&self, call: &str) -> Place<'_> {
        let keys = self.keys(call);
        let mut shared = self.lock();
        shared.arrived += 1;
        let rank = Rank { is_read: is_read(call), arrived: shared.arrived };
        shared.queue.insert(rank, keys);
        Place { pace: self, rank }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // Each critical section leaves the buckets complete, so that a poisoned lock is harmless.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue of a service, until it is dropped.
struct Place<'a> {
    pace: &'a Pace,
    rank: Rank,
}

impl Place<'_> {
    /// Takes a token from each bucket of the call, or none. Tokens for those that come first stay.
    fn take(&self) -> Result<Sent, Early> {
        let now = self.pace.since.elapsed();
        let quotas = self.pace.quotas;
        let mut shared = self.pace.lock();
        let Shared { buckets, queue, .. } = &mut *shared;
        let early = |key: &Key| {
            let quota = &quotas[key.0];
            let first = queue.range(..self.rank).filter(|(_, keys)| keys.contains(key)).count();
            let bucket = buckets.get(key).copied().unwrap_or_else(|| Bucket::new(quota));
            Early { wait: bucket.wait(quota, now, first), every: bucket.every(quota, now) }
        };
        let keys = queue.get(&self.rank).into_iter().flatten();
        if let Some(early) = keys.map(early).max().filter(|early| !early.wait.is_zero()) {
            return Err(early);
        }
        let keys = queue.remove(&self.rank).unwrap_or_default();
        for key in &keys {
            let bucket = buckets.entry(key.clone());
            bucket.or_insert_with(|| Bucket::new(&quotas[key.0])).take();
        }
        Ok(Sent { pace: self.pace.clone(), keys })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pace.lock().queue.remove(&self.rank);
    }
}

/// A call that is sent, and not answered until this is dropped.
#[derive(Debug)]
pub struct Sent {
    pace: Pace,
    keys: Vec<Key>,
}

impl Drop for Sent {
    fn drop(&mut self) {
        let now = self.pace.since.elapsed();
        let mut shared = self.pace.lock();
        for key in &self.keys {
            if let Some(bucket) = shared.buckets.get_mut(key) {
                bucket.arrived(&self.pace.quotas[key.0], now);
            }
        }
    }
}

fn turn_of(call: &str, every: Duration) -> String {
    format!("the turn of {call}, which AWS accepts once every {} s", every.as_secs_f32())
}

#[cfg(test)]
mod tests;
