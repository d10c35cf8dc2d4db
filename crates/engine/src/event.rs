//! What happens during a run: the only thing rendering sees of it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::awaited::Awaited;
use crate::execute::Failure;
use crate::plan::ActionKind;

#[derive(Clone, Debug)]
pub enum Event {
    /// The create that an interrupted run left open has an outcome.
    Recovered {
        address: Address,
        id: Option<String>,
        outcome: Recovery,
    },
    /// An object with our tags, or another lineage's with `--adopt`, is in the state now.
    Adopted {
        address: Address,
        id: String,
    },
    /// The file or a command gave what was `former` this address.
    Moved {
        address: Address,
        former: Address,
    },
    Started {
        address: Address,
        action: ActionKind,
    },
    /// The cloud has said yes to a create.
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
    /// Not begun.
    Skipped {
        address: Address,
        reason: SkipReason,
    },
    /// No further step is begun; calls in flight are finished.
    Stopping,
}

/// What came of a create that an interrupted run left open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// The object exists; its tags show whose it is.
    Found,
    /// The create was sent again, with its token.
    SentAgain,
    /// The object is not seen; this run creates one of the same unique name in its place.
    CreatedLater,
    /// The create was never carried out.
    NeverHappened,
}

/// Why a step is not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// It needs this address, whose step failed or is skipped itself.
    Needs(Address),
    /// It needs something that failed.
    DependencyFailed,
    /// The run was interrupted.
    Interrupted,
    /// An error came after which nothing else can succeed.
    Halted,
}

/// Where events go.
pub type Events = tokio::sync::mpsc::UnboundedSender<Event>;

tokio::task_local! {
    static AT_WORK: Address;
}

/// `operation` as that of `address`: so long as it is polled, [`at_work`] tells whose it is.
pub(crate) fn working<F: Future>(
    address: Address,
    operation: F,
) -> impl Future<Output = F::Output> {
    AT_WORK.scope(address, operation)
}

/// Whose operation is at work here; for kinds that tell which calls are under way.
pub fn at_work() -> Option<Address> {
    AT_WORK.try_with(Clone::clone).ok()
}
