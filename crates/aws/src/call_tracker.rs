//! The calls to one cloud: how many there were, and which replies are awaited now.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::timeout::MergeTimeoutConfig;
use stackwright_engine::Address;
use stackwright_engine::event::at_work;
use tokio::time::Instant;

/// Counts every attempt that is sent, and lists what is awaited. Cheap to clone; clones share their
/// contents.
#[derive(Clone, Debug, Default)]
pub struct CallTracker(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    total: AtomicU64,
    writes: AtomicU64,
    next: AtomicU64,
    /// In the order in which the waits began.
    awaited: Mutex<BTreeMap<u64, Awaited>>,
}

/// Something that the program waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Completes "waiting for …".
    pub what: String,
    /// The resource whose operation waits. `None`: the operation is not of one resource.
    pub address: Option<Address>,
    /// The outcome of the previous attempt.
    pub because: Option<String>,
    pub since: Instant,
    /// The wait ends with an error after this time.
    pub limit: Duration,
}

/// Lists something as awaited until it is dropped.
#[derive(Debug)]
pub struct Awaiting {
    tracker: CallTracker,
    key: u64,
}

impl CallTracker {
    /// Returns how many attempts were sent so far.
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    /// Returns how many of them were writes.
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::Relaxed)
    }

    /// Returns what is awaited now, the longest wait first.
    pub fn awaited(&self) -> Vec<Awaited> {
        self.lock().values().cloned().collect()
    }

    /// Lists `what` as awaited until the guard is dropped. `what` completes "waiting for …".
    pub fn awaits(&self, what: impl Into<String>, limit: Duration) -> Awaiting {
        let (what, address, since) = (what.into(), at_work(), Instant::now());
        let key = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key, Awaited { what, address, because: None, since, limit });
        Awaiting { tracker: self.clone(), key }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Awaited>> {
        // Each critical section leaves the map complete, so that a poisoned lock is harmless.
        self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaiting {
    /// Lists `what` from now on, in the place of what was listed, which it returns.
    pub fn lists(&self, what: String, limit: Duration) -> Option<Awaited> {
        let mut former = None;
        self.change(|awaited| {
            let new = Awaited { what, limit, since: Instant::now(), ..awaited.clone() };
            former = Some(std::mem::replace(awaited, new));
        });
        former
    }

    /// The wait ends after this time, counted from now.
    pub fn ends_after(&self, limit: Duration) {
        self.change(|awaited| awaited.limit = awaited.since.elapsed().saturating_add(limit));
    }

    /// The wait begins now.
    fn begins(&self) {
        self.change(|awaited| awaited.since = Instant::now());
    }

    fn because(&self, why: String) {
        self.change(|awaited| awaited.because = Some(why));
    }

    fn change(&self, how: impl FnOnce(&mut Awaited)) {
        if let Some(awaited) = self.tracker.lock().get_mut(&self.key) {
            how(awaited);
        }
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        self.tracker.lock().remove(&self.key);
    }
}

/// The SDK stores it with the operation and drops it with the operation, also a cancelled one.
impl Storable for Awaiting {
    type Storer = StoreReplace<Self>;
}

impl Intercept for CallTracker {
    fn name(&self) -> &'static str {
        "call tracker"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(operation) = bag.load::<Metadata>() else { return Ok(()) };
        let what = format!("{} to answer {}", operation.service(), operation.name());
        let limit = bag.load::<MergeTimeoutConfig>().read_timeout().unwrap_or(Duration::MAX);
        let awaiting = self.awaits(what, limit);
        bag.interceptor_state().store_put(awaiting);
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(operation) = bag.load::<Metadata>() else { return Ok(()) };
        tracing::debug!(target: "stackwright::call", "{} {}", operation.service(), operation.name());
        self.0.total.fetch_add(1, Ordering::Relaxed);
        if !is_read(operation.name()) {
            self.0.writes.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(awaiting) = bag.load::<Awaiting>() {
            awaiting.begins();
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(awaiting) = bag.load::<Awaiting>() {
            awaiting.because(match context.response().map(|reply| reply.status().as_u16()) {
                Some(status) => format!("an attempt was answered with status {status}"),
                None => "an attempt brought no answer".to_owned(),
            });
        }
        Ok(())
    }
}

/// Tells by its name whether an operation only reads.
pub fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Filter"].iter().any(|read| operation.starts_with(read))
}
