//! One token bucket, which slows down when AWS throttles its calls and then recovers.

use std::time::Duration;

use super::quota::Quota;

/// What an earlier run took just before this one is not back yet: one run may follow another at once.
pub(super) const SINCE_LAST_RUN: Duration = Duration::from_secs(4);

/// How long a bucket takes to recover its whole speed.
const RECOVERY: Duration = Duration::from_secs(240);

/// The lowest share of a quota that is used.
const LEAST: f64 = 1.0 / 16.0;

/// Calls that are sent within this time of a throttled one may be throttled for the same reason: they do not slow the
/// bucket down again.
const OLD_NEWS: Duration = Duration::from_secs(1);

/// When the bucket is full again, and which share of the quota is used. Times are counted from the start.
///
/// A call takes its token when AWS has answered it, at the latest: until then it may arrive at any moment, so that
/// however long calls are under way, no two arrive too close together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    full: Duration,
    /// The calls that are not answered yet.
    under_way: u32,
    slowed: Option<Slowed>,
}

#[derive(Clone, Copy, Debug)]
struct Slowed {
    at: Duration,
    share: f64,
}

impl Bucket {
    /// As it is at the start.
    pub fn new(quota: &Quota) -> Self {
        Self { full: quota.slack().min(SINCE_LAST_RUN), under_way: 0, slowed: None }
    }

    /// Returns how long it takes until a call may be sent that so many calls precede.
    pub fn wait(&self, quota: &Quota, now: Duration, ahead: usize) -> Duration {
        if !self.is_in_force(quota, now) {
            return Duration::ZERO;
        }
        let others = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(self.under_way);
        let full = self.full.max(now).saturating_add(self.every(quota, now).saturating_mul(others));
        full.saturating_sub(self.slack(quota, now)).saturating_sub(now)
    }

    /// A call is sent.
    pub fn take(&mut self) {
        self.under_way += 1;
    }

    /// A call is answered, or nobody waits for its answer any more.
    pub fn arrived(&mut self, quota: &Quota, now: Duration) {
        self.under_way = self.under_way.saturating_sub(1);
        if self.is_in_force(quota, now) {
            self.full = self.full.max(now) + self.every(quota, now);
        }
    }

    /// Tells whether calls are held back at all.
    fn is_in_force(&self, quota: &Quota, now: Duration) -> bool {
        quota.is_published || self.share(now) < 1.0
    }

    /// How far apart calls are at the moment.
    pub fn every(&self, quota: &Quota, now: Duration) -> Duration {
        quota.every.div_f64(self.share(now))
    }

    /// A call was throttled: there was no token, and fewer come.
    pub fn slow_down(&mut self, quota: &Quota, now: Duration) {
        let is_news = self.slowed.is_none_or(|slowed| now >= slowed.at + OLD_NEWS);
        if is_news {
            let share = (self.share(now) / 2.0).max(LEAST);
            self.slowed = Some(Slowed { at: now, share });
        }
        let empty = now + self.slack(quota, now) + self.every(quota, now);
        self.full = self.full.max(empty);
    }

    fn slack(&self, quota: &Quota, now: Duration) -> Duration {
        quota.slack().mul_f64(self.share(now))
    }

    /// Which share of the quota is used: all of it, unless calls were throttled.
    fn share(&self, now: Duration) -> f64 {
        let Some(Slowed { at, share }) = self.slowed else { return 1.0 };
        let recovered = now.saturating_sub(at).as_secs_f64() / RECOVERY.as_secs_f64();
        (share + recovered).min(1.0)
    }
}
