//! The only place that writes to stdout and stderr.
//!
//! A run does not depend on its output, because everything that matters is on disk. So a write that fails
//! (a full disk) ends nothing: it is remembered, and the exit code reports it at the end. A pipe whose reader
//! has gone is no failure: `stackwright logs … | head` got what it wanted.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first write that failed.
static LOST: OnceLock<Lost> = OnceLock::new();
/// Whether the reader of stdout has gone.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Output that could not be written.
#[derive(Debug)]
pub struct Lost {
    /// `stdout` or `stderr`.
    pub stream: &'static str,
    pub error: io::Error,
}

/// Writes a text to stdout.
pub fn out(text: &str) {
    let written = write(anstream::stdout().lock(), text);
    if let Err(error) = &written
        && error.kind() == ErrorKind::BrokenPipe
    {
        CLOSED.store(true, Ordering::Relaxed);
    }
    remember("stdout", written);
}

/// Writes a text to stderr.
pub fn err(text: &str) {
    remember("stderr", write(anstream::stderr().lock(), text));
}

/// Writes a line to stdout, as it is.
macro_rules! stdout {
    ($($what:tt)*) => { $crate::print::out(&(format!($($what)*) + "\n")) };
}
/// Writes a line to stderr, as it is.
macro_rules! stderr {
    ($($what:tt)*) => { $crate::print::err(&(format!($($what)*) + "\n")) };
}
pub(crate) use {stderr, stdout};

/// Returns the first output that could not be written.
pub fn lost() -> Option<&'static Lost> {
    LOST.get()
}

/// Tells whether nobody can read what is written to stdout: a command without an end has to end then.
pub fn is_unread() -> bool {
    CLOSED.load(Ordering::Relaxed) || lost().is_some_and(|lost| lost.stream == "stdout")
}

/// Remembers the outcome of a write that was done elsewhere.
pub fn remember(stream: &'static str, written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            // Only the first failure counts; later ones have the same cause.
            let _ = LOST.set(Lost { stream, error });
        }
        _ => {}
    }
}

/// Writes everything, also what has no newline yet: an error would be lost at the end of the process.
fn write(mut stream: impl Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    stream.flush()
}
