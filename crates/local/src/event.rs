//! What the caller may show while something takes time.

use std::path::PathBuf;
use std::time::Duration;

/// Takes events as they happen.
pub type Report<'a> = &'a mut (dyn FnMut(Event) + Send);

/// Progress of [`up`](crate::up), [`down`](crate::down) and [`reset`](crate::reset), in the order
/// of their happening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// pip is about to download; roughly 20 seconds and 90 MB.
    Installing {
        version: String,
        into: PathBuf,
    },
    /// Another run is installing; this one waits for it.
    WaitingForInstall,
    Installed {
        took: Duration,
    },
    Starting {
        port: u16,
    },
    /// A process has the port and does not answer yet: another run has just started it, or it is
    /// stuck. This run waits, for so long at most.
    WaitingForStart {
        port: u16,
        /// `None`: it is just being started.
        pid: Option<u32>,
        limit: Duration,
    },
    Started {
        port: u16,
        pid: u32,
        took: Duration,
    },
    /// Asked to save its state and end.
    Stopping {
        pid: u32,
    },
    /// It did not end in time and was killed: what changed since its start is lost.
    Killed {
        pid: u32,
    },
    Stopped {
        pid: u32,
        took: Duration,
    },
    /// The saved state was removed.
    Emptied,
}
