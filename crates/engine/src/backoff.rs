//! Growing pauses: look at once, then at growing distances.

use std::time::Duration;

use tokio::time::sleep;

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
