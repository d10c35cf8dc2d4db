//! SIGINT and SIGTERM: operations in progress may finish, everything else stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::exit::code;
use crate::progress::show;
use crate::render::unfinished;

/// The handler of both signals, installed at startup. During work that should finish, the first signal
/// requests a stop. At any other time, and at the second signal, the process exits immediately. That is
/// safe too, because every create is on disk before it is sent.
pub struct Signals {
    /// The exit code of the first signal; 0 before any signal.
    code: watch::Sender<u8>,
    stop: watch::Sender<bool>,
    is_ending: Arc<AtomicBool>,
}

impl Signals {
    /// Installs the handler. `again` is the command that resumes the run; `json` selects the output.
    pub fn catch(again: &str, json: bool) -> Self {
        let signals = Self {
            code: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            is_ending: Arc::default(),
        };
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        // If a handler cannot be installed, the signals end the process as usual.
        if let (Ok(interrupt), Ok(terminate)) = (interrupt, terminate) {
            let (code, stop) = (signals.code.clone(), signals.stop.clone());
            let (is_ending, again) = (signals.is_ending.clone(), again.to_owned());
            tokio::spawn(async move {
                let mut caught = (interrupt, terminate);
                let first = next(&mut caught).await;
                if !is_ending.load(Ordering::SeqCst) {
                    leave(first, &unfinished::idle(&again, json), json);
                }
                code.send_replace(first);
                stop.send_replace(true);
                let second = next(&mut caught).await;
                leave(second, &unfinished::left(&again, json), json);
            });
        }
        signals
    }

    /// Returns a receiver that becomes true when the first signal requests a stop.
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// The exit code of the first signal; 0 before any signal.
    pub fn code(&self) -> u8 {
        *self.code.borrow()
    }

    /// Runs `work`, which receives the first signal through [`stop`](Self::stop) and then finishes by
    /// itself.
    pub async fn ending<T>(&self, work: impl Future<Output = T>) -> T {
        self.is_ending.store(true, Ordering::SeqCst);
        let done = work.await;
        self.is_ending.store(false, Ordering::SeqCst);
        done
    }

    /// Runs `work`, which may be dropped at any point. Returns its result, or the exit code of a signal
    /// that came first.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, u8> {
        let mut stop = self.stop();
        self.ending(async {
            tokio::select! {
                done = work => Ok(done),
                _ = stop.wait_for(|stop| *stop) => Err(self.code()),
            }
        })
        .await
    }
}

/// Waits for a signal and returns its exit code.
async fn next((interrupt, terminate): &mut (Signal, Signal)) -> u8 {
    tokio::select! {
        Some(()) = interrupt.recv() => code::INTERRUPTED,
        Some(()) = terminate.recv() => code::TERMINATED,
        else => std::future::pending().await,
    }
}

/// Prints a line and exits, even if the line cannot be printed.
fn leave(code: u8, line: &str, json: bool) -> ! {
    show(line, json);
    std::process::exit(i32::from(code))
}
