//! What happens during a run: the only thing rendering sees of it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::awaited::Awaited;
use crate::execute::failure::Failure;
use crate::plan::action::ActionKind;

#[derive(Clone, Debug)]
pub enum Event {
    /// The create that an interrupted run left open has an outcome.
    Recovered {
        address: Address,
        id: Option<String>,
        outcome: Recovery,
    },
    /// The state has adopted an owned object or, with `--adopt`, one of another lineage.
    Adopted {
        address: Address,
        id: String,
    },
    /// The file or a command has moved `former` to this address.
    Moved {
        address: Address,
        former: Address,
    },
    Started {
        address: Address,
        action: ActionKind,
    },
    /// The cloud has accepted a create.
    Made {
        address: Address,
        id: String,
    },
    /// `because`: the message of the error that makes it wait, redacted.
    Waiting {
        address: Address,
        awaited: Awaited,
        because: Option<String>,
        elapsed: Duration,
        limit: Duration,
    },
    Finished {
        address: Address,
        action: ActionKind,
        elapsed: Duration,
    },
    Failed {
        address: Address,
        failure: Arc<Failure>,
    },
    /// The step was not started.
    Skipped {
        address: Address,
        reason: SkipReason,
    },
    /// No further step starts; calls in flight are finished.
    Stopping,
}

/// The outcome of a create that an interrupted run left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// The object exists; its tags show its owner.
    Found,
    /// The create was sent again, with its token.
    SentAgain,
    /// The object is not seen; this run creates one of the same unique name in its place.
    CreatedLater,
    /// The create was never carried out.
    NeverHappened,
}

/// Why a step was not started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Its dependency at this address failed or was skipped.
    Needs(Address),
    /// A dependency failed.
    DependencyFailed,
    /// The run was interrupted.
    Interrupted,
    /// An error occurred after which no other step can succeed.
    Halted,
}

/// Where events go.
pub type Events = tokio::sync::mpsc::UnboundedSender<Event>;

tokio::task_local! {
    static AT_WORK: Address;
}

/// Runs `operation` as that of `address`: while it is polled, [`at_work`] returns the address.
pub(crate) fn working<F: Future>(
    address: Address,
    operation: F,
) -> impl Future<Output = F::Output> {
    AT_WORK.scope(address, operation)
}

/// Returns the address whose operation is running here, for reports of calls in progress.
pub fn at_work() -> Option<Address> {
    AT_WORK.try_with(Clone::clone).ok()
}
