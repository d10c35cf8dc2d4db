//! Backoff: pauses that grow.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use tokio::time::sleep;

use crate::address::Address;

/// Pauses of 25 ms at first and 5 s at most, with jitter, so that operations that wait together do not
/// retry together. The jitter depends on the address alone, so that a simulation can be repeated.
pub struct Backoff {
    next: Duration,
    jitter: u64,
}

impl Backoff {
    pub fn of(address: &Address) -> Self {
        let mut hash = DefaultHasher::new();
        address.hash(&mut hash);
        Self { next: Duration::from_millis(25), jitter: hash.finish() }
    }

    pub async fn pause(&mut self) {
        self.jitter = self.jitter.rotate_left(11).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let off = 0.75 + (self.jitter >> 56) as f64 / 512.0;
        sleep(self.next.mul_f64(off)).await;
        self.next = (self.next * 8 / 5).min(Duration::from_secs(5));
    }
}
