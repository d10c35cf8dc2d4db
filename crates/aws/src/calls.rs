//! The calls to one cloud: how many there were, and what is awaited now.

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

/// Counts every attempt that reaches the wire, and knows what is under way. Cheap to clone; all
/// clones are one.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    total: AtomicU64,
    writes: AtomicU64,
    next: AtomicU64,
    /// In the order of their beginning.
    awaited: Mutex<BTreeMap<u64, Awaited>>,
}

/// Something that is waited for now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Completes "waiting for …".
    pub what: String,
    /// Whose operation waits; `None`: not that of one resource.
    pub address: Option<Address>,
    /// What came of the attempt before.
    pub because: Option<String>,
    pub since: Instant,
    /// It is given up after so long.
    pub limit: Duration,
}

/// Keeps something among what is awaited, until it is dropped.
#[derive(Debug)]
pub struct Awaiting {
    calls: Calls,
    key: u64,
}

impl Calls {
    /// All attempts so far.
    pub fn total(&self) -> u64 {
        self.0.total.load(Ordering::Relaxed)
    }

    /// Those of them that change something.
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::Relaxed)
    }

    /// What is waited for now, the longest wait first.
    pub fn awaited(&self) -> Vec<Awaited> {
        self.lock().values().cloned().collect()
    }

    /// `what` completes "waiting for …".
    pub fn awaits(&self, what: impl Into<String>, limit: Duration) -> Awaiting {
        let (what, address, since) = (what.into(), at_work(), Instant::now());
        let key = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(key, Awaited { what, address, because: None, since, limit });
        Awaiting { calls: self.clone(), key }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Awaited>> {
        // Whole after each step, whatever happened to another holder of the lock.
        self.0.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaiting {
    fn because(&self, why: String) {
        if let Some(awaited) = self.calls.lock().get_mut(&self.key) {
            awaited.because = Some(why);
        }
    }
}

impl Drop for Awaiting {
    fn drop(&mut self) {
        self.calls.lock().remove(&self.key);
    }
}

/// An operation keeps it as long as it lasts, and lets go of it also where it is dropped.
impl Storable for Awaiting {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(operation) = bag.load::<Metadata>() else { return Ok(()) };
        let what = format!("{} to answer {}", operation.service(), operation.name());
        let limit = bag.load::<MergeTimeoutConfig>().operation_timeout().unwrap_or(Duration::MAX);
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
/// Whether an operation only looks, by its name.
pub fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Filter"].iter().any(|read| operation.starts_with(read))
}
