//! The time of a run.

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall clock at the start of a run, advanced by the clock of the runtime: a simulation that
/// advances that clock also advances the recorded times.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    since: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self::starting(Timestamp::now())
    }

    /// Returns a clock that shows `wall` now.
    pub fn starting(wall: Timestamp) -> Self {
        Self { wall, since: Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        let passed = self.since.elapsed().try_into().unwrap_or_default();
        self.wall.saturating_add::<jiff::SignedDuration>(passed).unwrap_or(self.wall)
    }

    /// Returns how long ago an RFC 3339 time was; zero for one that is malformed or in the future.
    pub fn age(&self, since: &str) -> std::time::Duration {
        since
            .parse::<Timestamp>()
            .ok()
            .and_then(|then| self.now().duration_since(then).try_into().ok())
            .unwrap_or_default()
    }
}
