//! Retries: a failed call is repeated while its error may pass, the run continues, and the budget lasts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Op;
use crate::awaited::Awaited;
use crate::kind::{Error, Fault};
use crate::wait::Wait;

/// How long a call is repeated that the service refuses for now, or that meets another change.
const REFUSED: Duration = Duration::from_secs(120);
/// How long a throttled call is repeated at most, while other steps of the run succeed.
const CROWDED: Duration = Duration::from_secs(600);
/// How long the operation waits for the outcome of a call whose reply was lost.
const OUTCOME: Duration = Duration::from_secs(60);

/// Retries at the start, for each operation that may run at the same time. One wait of [`REFUSED`] has
/// about 33 retries.
const AT_FIRST: usize = 64;
/// Retries that each successful step adds.
const EARNED: usize = 32;

/// The number of retries that this run has left.
///
/// Each wait has its own limit, but a thousand steps that reach their limit one after another take hours.
/// So a run starts with enough retries for all parallel operations to reach their limit about twice, and
/// every successful step adds more. If nothing succeeds, the run ends after some four minutes, however
/// long its plan is. If calls are only throttled, the budget shrinks only if a step is refused more than
/// [`EARNED`] times, which takes two minutes of pauses.
///
/// A wait for something to happen (an object to be visible, a role to be assumable) is not counted: it
/// has a limit, and is no sign of an overloaded service.
pub(crate) struct Budget {
    left: AtomicUsize,
    /// When a step succeeded last.
    earned: Mutex<Option<Instant>>,
}

impl Budget {
    pub fn of(parallelism: usize) -> Self {
        Self { left: AtomicUsize::new(AT_FIRST * parallelism), earned: Mutex::default() }
    }

    /// Adds the retries of a successful step.
    pub fn earn(&self) {
        self.left.fetch_add(EARNED, Ordering::Relaxed);
        *self.earned.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Returns how long a throttled call is repeated that was refused first at `since`. While other steps
    /// succeed, the service is not overloaded: this one was just unlucky, and its time starts again.
    fn patience(&self, since: Instant) -> Duration {
        let earned = *self.earned.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = earned.map_or(Duration::ZERO, |at| at.saturating_duration_since(since));
        (REFUSED + lost).min(CROWDED)
    }

    /// Uses one retry; `false` if none is left.
    fn spend(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl Op<'_> {
    /// Pauses after an error that may pass, and returns any other error.
    pub async fn retry(&self, wait: &mut Wait<'_>, error: Error) -> Result<(), Error> {
        let (awaited, limit) = match &error.fault {
            Fault::Transient => {
                let since = wait.since(&Awaited::Capacity);
                (Awaited::Capacity, self.shared.budget.patience(since))
            }
            Fault::Conflict => (Awaited::OtherChange, REFUSED),
            Fault::Awaiting { what, within } => (Awaited::Other(what.clone()), *within),
            _ => return Err(error),
        };
        self.pause(wait, awaited, limit, error).await
    }

    /// As [`retry`](Self::retry), for a read: one whose reply is lost has changed nothing.
    pub async fn retry_read(&self, wait: &mut Wait<'_>, error: Error) -> Result<(), Error> {
        if error.fault == Fault::Unknown {
            return self.pause(wait, Awaited::ReadableAnswer, OUTCOME, error).await;
        }
        self.retry(wait, error).await
    }

    /// As [`retry`](Self::retry), for a change: one whose reply is lost may have happened, which the next
    /// observation shows.
    pub async fn retry_change(&self, wait: &mut Wait<'_>, error: Error) -> Result<(), Error> {
        if error.fault != Fault::Unknown {
            return self.retry(wait, error).await;
        }
        self.pause(wait, Awaited::ChangeOutcome, OUTCOME, error).await
    }

    async fn pause(
        &self,
        wait: &mut Wait<'_>,
        awaited: Awaited,
        limit: Duration,
        error: Error,
    ) -> Result<(), Error> {
        let error = self.may_repeat(error)?;
        let because = self.shared.run.scope.redacted(&error.message);
        if wait.pause_because(&awaited, limit, Some(because)).await { Ok(()) } else { Err(error) }
    }

    /// Returns `Ok` with an error after which the call may be retried, or `Err` if the run was interrupted
    /// or has no retries left.
    pub fn may_repeat(&self, error: Error) -> Result<Error, Error> {
        let is_free = matches!(error.fault, Fault::Awaiting { .. });
        if self.stopping() {
            Err(error)
        } else if is_free || self.shared.budget.spend() {
            Ok(error)
        } else {
            Err(error.with_hint(
                "too much has failed in this run for it to try again; run again to go on",
            ))
        }
    }
}
