//! What AWS allows, as each service declares it beside its client.

use std::time::Duration;

use crate::call_tracker::is_read;

/// A quota of a service: so many calls at once, then one each `every`.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    calls: Calls,
    burst: u32,
    pub(super) every: Duration,
    /// Whether AWS says what it allows. If not, nothing waits until a call has been throttled.
    pub(super) is_published: bool,
}

/// The operations that a quota is for.
#[derive(Clone, Copy, Debug)]
enum Calls {
    /// These together.
    These(&'static [&'static str]),
    /// All of the service together.
    All,
    /// Those that no quota names, together.
    Others,
    /// Each one by itself that reads and that no quota names.
    EachOtherRead,
    /// Each one by itself that writes and that no quota names.
    EachOtherWrite,
}

impl Quota {
    /// Declares a quota that some operations share. `every`: milliseconds.
    pub const fn of(operations: &'static [&'static str], burst: u32, every: u64) -> Self {
        Self::new(Calls::These(operations), burst, every)
    }

    /// Declares a quota of all operations of the service together. `every`: milliseconds.
    pub const fn of_all(burst: u32, every: u64) -> Self {
        Self::new(Calls::All, burst, every)
    }

    /// Declares a quota of those operations together that no other quota of the service names. `every`:
    /// milliseconds.
    pub const fn of_others(burst: u32, every: u64) -> Self {
        Self::new(Calls::Others, burst, every)
    }

    /// Declares the quota of each reading operation that no other quota of the service names. `every`:
    /// milliseconds.
    pub const fn of_each_other_read(burst: u32, every: u64) -> Self {
        Self::new(Calls::EachOtherRead, burst, every)
    }

    /// Declares the quota of each writing operation that no other quota of the service names. `every`:
    /// milliseconds.
    pub const fn of_each_other_write(burst: u32, every: u64) -> Self {
        Self::new(Calls::EachOtherWrite, burst, every)
    }

    /// Declares that AWS does not say what it allows. Nothing waits until AWS has throttled a call; from then on,
    /// and until it has recovered, it counts as a quota of this size that somebody else uses, too.
    #[must_use]
    pub const fn unpublished(self) -> Self {
        Self { is_published: false, ..self }
    }

    const fn new(calls: Calls, burst: u32, every: u64) -> Self {
        Self { calls, burst, every: Duration::from_millis(every), is_published: true }
    }

    pub(super) fn names(&self, call: &str) -> bool {
        matches!(self.calls, Calls::These(operations) if operations.contains(&call))
    }

    /// `is_named`: whether any quota of the service names the call.
    pub(super) fn covers(&self, call: &str, is_named: bool) -> bool {
        match self.calls {
            Calls::These(_) => self.names(call),
            Calls::All => true,
            Calls::Others => !is_named,
            Calls::EachOtherRead => !is_named && is_read(call),
            Calls::EachOtherWrite => !is_named && !is_read(call),
        }
    }

    /// Tells whether each operation has a bucket of its own.
    pub(super) fn is_for_each(&self) -> bool {
        matches!(self.calls, Calls::EachOtherRead | Calls::EachOtherWrite)
    }

    /// How far a burst of calls may be ahead of the steady rate: the time that all but the first token of a full bucket
    /// take to come.
    pub(super) fn slack(&self) -> Duration {
        self.every * self.burst.saturating_sub(1)
    }
}
