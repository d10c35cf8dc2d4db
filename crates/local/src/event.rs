//! The progress events that a caller may show while an operation takes time.

use std::path::PathBuf;
use std::time::Duration;

/// A callback that receives each event when it happens.
pub type Report<'a> = &'a mut (dyn FnMut(Event) + Send);

/// Progress of [`up`](crate::up), [`down`](crate::down) and [`reset`](crate::reset), in the order in
/// which the events happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// pip starts to download about 90 MB, which takes roughly 20 seconds.
    Installing {
        version: String,
        into: PathBuf,
    },
    /// Another run is installing the emulator; this run waits for it.
    WaitingForInstall,
    Installed {
        took: Duration,
    },
    Starting {
        port: u16,
    },
    /// An emulator holds the port's lock and does not respond yet: another run has just started it,
    /// or it hangs. This run waits for at most `limit`.
    WaitingForStart {
        port: u16,
        /// `None` while the emulator has no process yet.
        pid: Option<u32>,
        limit: Duration,
    },
    Started {
        port: u16,
        pid: u32,
        took: Duration,
    },
    /// The emulator was asked to save its state and exit.
    Stopping {
        pid: u32,
    },
    /// The emulator did not exit in time and was killed: changes since its start are lost.
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
