//! Repeating what failed: while the error may go by itself, the run goes on, and its budget lasts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::Op;
use crate::awaited::Awaited;
use crate::kind::{Error, Fault};
use crate::wait::Wait;

/// How long a call is repeated that a service refuses for now, or that meets another's change.
const REFUSED: Duration = Duration::from_secs(120);
/// How long the outcome of a call is looked for whose reply was lost.
const OUTCOME: Duration = Duration::from_secs(60);

/// For each operation that may be under way at once. One wait of [`REFUSED`] comes to about 33
/// repetitions.
const AT_FIRST: usize = 64;
/// For each step that ended well.
const EARNED: usize = 32;

/// How many more times this run may repeat what failed.
///
/// Each wait has a limit of its own, but a thousand steps that wait in vain, one after another,
/// are hours. So a run begins with what lets everything under way use up its own limit about
/// twice, and earns more by getting on. Where nothing succeeds it ends after some four minutes,
/// however long its plan is. Where calls are only throttled, a step would have to be refused more
/// than [`EARNED`] times, which is two minutes of pauses, for the budget to shrink at all.
///
/// What something awaits to come about (an object to be visible, a role to be assumable) is not
/// counted: it has a limit, and is no sign of a service that is overrun.
pub(crate) struct Budget(AtomicUsize);

impl Budget {
    pub fn of(parallelism: usize) -> Self {
        Self(AtomicUsize::new(AT_FIRST * parallelism))
    }

    /// A step ended well.
    pub fn earn(&self) {
        self.0.fetch_add(EARNED, Ordering::Relaxed);
    }

    /// `false`: nothing is left.
    fn spend(&self) -> bool {
        let less = |left: usize| left.checked_sub(1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl Op<'_> {
    /// Pauses after an error that may go by itself, and gives back one that will not.
    pub async fn retry(&self, wait: &mut Wait<'_>, error: Error) -> Result<(), Error> {
        let (awaited, limit) = match &error.fault {
            Fault::Transient => (Awaited::Capacity, REFUSED),
            Fault::Conflict => (Awaited::OtherChange, REFUSED),
            Fault::Awaiting { what, within } => (Awaited::Other(what.clone()), *within),
            _ => return Err(error),
        };
        self.pause(wait, awaited, limit, error).await
    }

    /// As [`retry`](Self::retry), for a look: nothing comes of one whose reply is lost.
    pub async fn retry_look(&self, wait: &mut Wait<'_>, error: Error) -> Result<(), Error> {
        if error.fault == Fault::Unknown {
            return self.pause(wait, Awaited::ReadableAnswer, OUTCOME, error).await;
        }
        self.retry(wait, error).await
    }

    /// As [`retry`](Self::retry), for a change: one whose reply is lost may have been made, and the
    /// next look tells.
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

    /// Gives the error back as one to go on after; or as the end, when the run was interrupted or
    /// has nothing left to spend.
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
