//! The operations on the local cloud: up, down, status, reset.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config::{Config, VERSION};
use crate::daemon::{self, Exit, Running, StartLock, is_locked, poll_intervals};
use crate::error::{At, Error, Result};
use crate::event::{Event, Report};
use crate::install::installed;
use crate::probe::{PortUse, probe};
use crate::python::Python;

/// How long a run waits for an emulator that another run is starting.
const CONCURRENT_START_TIMEOUT: Duration = Duration::from_secs(60);

/// An AWS endpoint that answers on the port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// For example `http://127.0.0.1:4566`.
    pub url: String,
    /// The account id, twelve digits.
    pub account: String,
    /// Whether stackwright started it, now or in an earlier run.
    pub managed: bool,
    /// The version that the emulator reports; not every emulator does.
    pub version: Option<String>,
}

/// The result of [`status`].
#[derive(Clone, Debug)]
pub struct Status {
    pub port: u16,
    pub port_use: PortUse,
    /// The emulator's process, if stackwright started it.
    pub managed: Option<Running>,
    /// Resident memory in bytes.
    pub memory: Option<u64>,
    pub log: PathBuf,
    pub state: PathBuf,
    /// Size in bytes of the state that the last stop saved.
    pub saved: u64,
}

/// Returns the AWS endpoint on the port. If there is none, installs and starts an emulator.
///
/// # Errors
/// Python or pip is missing or too old, pip cannot download, something else uses the port, or the
/// emulator does not start.
pub async fn up(config: &Config, report: Report<'_>) -> Result<Endpoint> {
    let mut intervals = poll_intervals();
    let mut deadline = None;
    // An emulator that is exiting breaks its connections, so a single unknown reply proves nothing.
    let mut saw_unknown_reply = false;
    loop {
        let port_use = probe(config.port).await;
        let is_managed = is_locked(config);
        match port_use {
            PortUse::Aws { account, version } => {
                return Ok(Endpoint { url: config.url(), account, managed: is_managed, version });
            }
            PortUse::Other { answer } if saw_unknown_reply && !is_managed => {
                return Err(Error::PortTaken { port: config.port, answer });
            }
            PortUse::Other { .. } => saw_unknown_reply = !is_managed,
            PortUse::Free if is_managed => {}
            PortUse::Free => {
                // Another run may have started one in this moment.
                let free = can_listen(config.port);
                if !is_locked(config) {
                    free?;
                }
                if let Some(endpoint) = start(config, report).await? {
                    return Ok(endpoint);
                }
            }
        }
        if is_managed && deadline.is_none() {
            let pid = Running::find(config).map(|running| running.pid);
            report(Event::WaitingForStart {
                port: config.port,
                pid,
                limit: CONCURRENT_START_TIMEOUT,
            });
        }
        if Instant::now()
            > *deadline.get_or_insert_with(|| Instant::now() + CONCURRENT_START_TIMEOUT)
        {
            let (port, log) = (config.port, config.log());
            let (after, output) = (CONCURRENT_START_TIMEOUT, daemon::tail(&log));
            return Err(Error::NotResponding { port, after, output, log });
        }
        tokio::time::sleep(intervals.next().unwrap_or(CONCURRENT_START_TIMEOUT)).await;
    }
}

/// Refuses a port on which the emulator could not listen, before anything is installed. Nothing may answer on it
/// and somebody may have it all the same.
fn can_listen(port: u16) -> Result<()> {
    match std::net::TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let answer = "a process has it and does not listen".to_owned();
            Err(Error::PortTaken { port, answer })
        }
        Err(source) => Err(Error::NoPort { port, source }),
    }
}

/// Installs and starts the emulator; `None` when another run is already starting it.
async fn start(config: &Config, report: Report<'_>) -> Result<Option<Endpoint>> {
    let python = Python::find(config).await?;
    let tree = installed(config, &python, report).await?;
    let Some(lock) = StartLock::try_acquire(config)? else { return Ok(None) };
    let began = Instant::now();
    report(Event::Starting { port: config.port });
    let (pid, account) = lock.start(config, &python, &tree).await?;
    report(Event::Started { port: config.port, pid, took: began.elapsed() });
    let version = Some(VERSION.to_owned());
    Ok(Some(Endpoint { url: config.url(), account, managed: true, version }))
}

/// Stops the emulator that stackwright started. The emulator saves its objects for the next [`up`].
/// Returns `false` when none runs.
///
/// # Errors
/// The emulator on the port was not started by stackwright.
pub async fn down(config: &Config, report: Report<'_>) -> Result<bool> {
    let Some(running) = Running::find(config) else {
        return match probe(config.port).await {
            PortUse::Aws { .. } => Err(Error::NotManaged { port: config.port }),
            PortUse::Free | PortUse::Other { .. } => Ok(false),
        };
    };
    let began = Instant::now();
    let pid = running.pid;
    report(Event::Stopping { pid });
    if daemon::stop(config, &running).await? == Exit::Killed {
        report(Event::Killed { pid });
    }
    report(Event::Stopped { pid, took: began.elapsed() });
    Ok(true)
}

/// Reports what runs on the port. Changes nothing.
pub async fn status(config: &Config) -> Status {
    let managed = Running::find(config);
    Status {
        port: config.port,
        port_use: probe(config.port).await,
        memory: managed.as_ref().and_then(Running::memory),
        managed,
        log: config.log(),
        state: config.state(),
        saved: size(&config.state()),
    }
}

/// Deletes all objects of the local cloud: stops the emulator, removes its saved state, and starts it
/// again if it was running.
///
/// # Errors
/// The same as of [`down`] and [`up`].
pub async fn reset(config: &Config, report: Report<'_>) -> Result<Option<Endpoint>> {
    let ran = down(config, report).await?;
    let state = config.state();
    match fs::remove_dir_all(&state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).at("remove", &state);
        }
        _ => report(Event::Emptied),
    }
    if ran { up(config, report).await.map(Some) } else { Ok(None) }
}

/// Returns the size in bytes of all files below a folder. Unreadable files count as empty.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
