//! SIGINT and SIGTERM: what is under way may end, and nothing else has to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::error::code;
use crate::progress::show;
use crate::render::unfinished;

/// Caught from the start. While something is under way that must not be cut, the first signal only
/// asks it to end; at any other time, and at the second, the process leaves at once. That is safe
/// too: everything that matters is on disk before it is called.
pub struct Signals {
    /// The exit code of the first signal; 0 while there was none.
    code: watch::Sender<u8>,
    stop: watch::Sender<bool>,
    is_ending: Arc<AtomicBool>,
}

impl Signals {
    /// `again`: the command that goes on; `json`: how it is told.
    pub fn catch(again: &str, json: bool) -> Self {
        let signals = Self {
            code: watch::Sender::new(0),
            stop: watch::Sender::new(false),
            is_ending: Arc::default(),
        };
        let (interrupt, terminate) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        // Where they cannot be caught they end the process, as ever.
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

    /// Becomes true at the first signal, if something is under way then.
    pub fn stop(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// The exit code of the first signal; 0 while there was none.
    pub fn code(&self) -> u8 {
        *self.code.borrow()
    }

    /// `work`, which hears of the first signal by [`stop`](Self::stop) and then ends by itself.
    pub async fn ending<T>(&self, work: impl Future<Output = T>) -> T {
        self.is_ending.store(true, Ordering::SeqCst);
        let done = work.await;
        self.is_ending.store(false, Ordering::SeqCst);
        done
    }

    /// What `work`, which may be dropped anywhere, comes to; or the exit code of a signal before that.
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

/// The exit code of the signal that came.
async fn next((interrupt, terminate): &mut (Signal, Signal)) -> u8 {
    tokio::select! {
        Some(()) = interrupt.recv() => code::INTERRUPTED,
        Some(()) = terminate.recv() => code::TERMINATED,
        else => std::future::pending().await,
    }
}

/// Leaves, also where nothing can be written any more.
fn leave(code: u8, line: &str, json: bool) -> ! {
    show(line, json);
    std::process::exit(i32::from(code))
}
