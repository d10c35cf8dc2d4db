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

/// Becomes true at the first SIGINT or SIGTERM; at the second the process leaves at once, which is
/// safe too: everything that matters is on disk before it is called.
pub fn stop_on_signals() -> (watch::Receiver<bool>, watch::Receiver<u8>) {
    let (stop, stopped) = watch::channel(false);
    let (exit, code) = watch::channel(0);
    tokio::spawn(async move {
        let first = next_signal().await;
        let _ = exit.send(first);
        let _ = stop.send(true);
        std::process::exit(i32::from(next_signal().await));
    });
    (stopped, code)
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
