//! The time of a run.

use jiff::Timestamp;
use tokio::time::Instant;

/// The wall clock at the start of a run, moved on by the runtime's clock: where a simulation turns
/// that one, the times in records turn with it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Timestamp,
    since: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self::starting(Timestamp::now())
    }

    /// One that shows `wall` now.
    pub fn starting(wall: Timestamp) -> Self {
        Self { wall, since: Instant::now() }
    }

    pub fn now(&self) -> Timestamp {
        let passed = self.since.elapsed().try_into().unwrap_or_default();
        self.wall.saturating_add::<jiff::SignedDuration>(passed).unwrap_or(self.wall)
    }

    /// How long ago an RFC 3339 time was; zero for one that cannot be read or lies ahead.
    pub fn age(&self, since: &str) -> std::time::Duration {
        since
            .parse::<Timestamp>()
            .ok()
            .and_then(|then| self.now().duration_since(then).try_into().ok())
            .unwrap_or_default()
    }
}
