//! Events of a run to the terminal as they happen, and signals to the run.

use stackwright_engine::event::{Event, Events};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::error::code;
use crate::render;

/// Prints what a run tells.
pub struct Progress {
    pub events: Events,
    printer: JoinHandle<()>,
}

impl Progress {
    /// Human lines on stderr, or JSON lines on stdout.
    pub fn start(json: bool) -> Self {
        let (events, mut heard) = mpsc::unbounded_channel::<Event>();
        let printer = tokio::spawn(async move {
            while let Some(event) = heard.recv().await {
                if json {
                    anstream::println!("{}", render::json::event(&event));
                } else if let Some(line) = render::human::event(&event) {
                    anstream::eprintln!("{line}");
                }
            }
        });
        Self { events, printer }
    }

    /// Returns when everything is printed.
    pub async fn end(self) {
        drop(self.events);
        let _ = self.printer.await;
    }
}

/// SIGINT and SIGTERM. Until [`catch`](Self::catch) they end the process, for until then nothing is
/// done that a kill could not cut short.
pub struct Signals {
    stop: watch::Sender<bool>,
    code: watch::Sender<u8>,
}

impl Signals {
    pub fn new() -> Self {
        Self { stop: watch::Sender::new(false), code: watch::Sender::new(0) }
    }

    /// Becomes true at the first signal.
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// From now on the first signal lets the steps under way end. At the second the process leaves
    /// at once, which is safe too: everything that matters is on disk before it is called.
    pub fn catch(&self) {
        let (stop, code) = (self.stop.clone(), self.code.clone());
        tokio::spawn(async move {
            code.send_replace(next_signal().await);
            stop.send_replace(true);
            std::process::exit(i32::from(next_signal().await));
        });
    }

    /// The exit code of the first signal; 0 while there was none.
    pub fn code(&self) -> u8 {
        *self.code.borrow()
    }

    /// What `work` comes to, or the exit code of a signal before that. For what may be dropped anywhere.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> std::result::Result<T, u8> {
        let mut stop = self.stop();
        tokio::select! {
            done = work => Ok(done),
            _ = stop.wait_for(|stop| *stop) => Err(self.code()),
        }
    }
}

/// The exit code of the signal that came.
async fn next_signal() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => code::INTERRUPTED,
        Some(()) = terminate.recv() => code::TERMINATED,
        else => std::future::pending().await,
    }
}
