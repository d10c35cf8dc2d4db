//! What happens during a run: the only thing rendering sees of it.

use std::time::Duration;

use crate::address::Address;
use crate::plan::Action;

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// An interrupted run's open end was found and taken up.
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
    Started {
        address: Address,
        action: Action,
    },
    /// The cloud has said yes to a create.
    Made {
        address: Address,
        id: String,
    },
    /// `what` completes "waiting for …".
    Waiting {
        address: Address,
        what: String,
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
