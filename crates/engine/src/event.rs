//! What happens during a run: the only thing rendering sees of it.

use std::future::Future;
use std::time::Duration;

use crate::address::Address;
use crate::plan::Action;

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An interrupted run's open create is settled; `how` is a sentence without its full stop.
    Recovered {
        address: Address,
        id: Option<String>,
        how: &'static str,
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
        action: Action,
    },
    /// The cloud has said yes to a create.
    Made {
        address: Address,
        id: String,
    },
    /// `what` completes "waiting for …"; `because`: the error that made it wait, redacted.
    Waiting {
        address: Address,
        what: String,
        because: Option<String>,
        elapsed: Duration,
        limit: Duration,
    },
    Finished {
        address: Address,
        action: Action,
        elapsed: Duration,
    },
    Failed {
        address: Address,
        message: String,
        hint: Option<String>,
    },
    /// Not begun, because something it needs failed or the run was interrupted.
    Skipped {
        address: Address,
        because: String,
    },
    /// No further step is begun; calls in flight are finished.
    Stopping,
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
