//! Up, down, status, reset: what a user does with the local cloud.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::config::{Config, VERSION};
use crate::daemon::{self, Claim, End, Running, held, pauses};
use crate::error::{At, Error, Result};
use crate::event::{Event, Report};
use crate::install::installed;
use crate::probe::{What, probe};
use crate::python::Python;

/// How long a run waits for the emulator that another run is starting.
const OTHERS: Duration = Duration::from_secs(60);

/// A cloud that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://127.0.0.1:4566`
    pub url: String,
    /// Twelve digits.
    pub account: String,
    /// Started by stackwright, now or in an earlier run.
    pub managed: bool,
    /// Its own word; not every emulator has one.
    pub version: Option<String>,
}

/// What [`status`] finds.
#[derive(Clone, Debug)]
pub struct Status {
    pub port: u16,
    pub what: What,
    /// The process, when it is ours.
    pub managed: Option<Running>,
    /// Bytes, resident.
    pub memory: Option<u64>,
    pub log: PathBuf,
    pub state: PathBuf,
    /// Bytes on disk: what was saved at the last stop.
    pub saved: u64,
}

/// Uses what answers STS on the port, else installs and starts an emulator there.
///
/// # Errors
/// No Python, too old, no pip, no network, the port taken by something else, a crash at the start.
pub async fn up(config: &Config, report: Report<'_>) -> Result<Endpoint> {
    let mut pauses = pauses();
    let mut deadline = None;
    // An emulator that is just ending breaks its connections: one strange answer proves nothing.
    let mut strange = false;
    loop {
        let what = probe(config.port).await;
        let held = held(config);
        match what {
            What::Cloud { account, version } => {
                return Ok(Endpoint { url: config.url(), account, managed: held, version });
            }
            What::Other { answer } if strange && !held => {
                return Err(Error::PortTaken { port: config.port, answer });
            }
            What::Other { .. } => strange = !held,
            What::Nothing if held => {}
            What::Nothing => {
                if let Some(endpoint) = start(config, report).await? {
                    return Ok(endpoint);
                }
            }
        }
        if held && deadline.is_none() {
            let pid = Running::find(config).map(|running| running.pid);
            report(Event::WaitingForStart { port: config.port, pid, limit: OTHERS });
        }
        if Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + OTHERS) {
            let (port, log) = (config.port, config.log());
            return Err(Error::Silent { port, after: OTHERS, said: daemon::tail(&log), log });
        }
        tokio::time::sleep(pauses.next().unwrap_or(OTHERS)).await;
    }
}

/// `None` when another run was faster.
async fn start(config: &Config, report: Report<'_>) -> Result<Option<Endpoint>> {
    let python = Python::find(config).await?;
    let tree = installed(config, &python, report).await?;
    let Some(claim) = Claim::take(config)? else { return Ok(None) };
    let began = Instant::now();
    report(Event::Starting { port: config.port });
    let (pid, account) = claim.start(config, &python, &tree).await?;
    report(Event::Started { port: config.port, pid, took: began.elapsed() });
    let version = Some(VERSION.to_owned());
    Ok(Some(Endpoint { url: config.url(), account, managed: true, version }))
}

/// Stops the emulator that stackwright started; what it holds is saved for the next [`up`].
/// `false` when none runs.
///
/// # Errors
/// What answers on the port was not started by stackwright.
pub async fn down(config: &Config, report: Report<'_>) -> Result<bool> {
    let Some(running) = Running::find(config) else {
        return match probe(config.port).await {
            What::Cloud { .. } => Err(Error::NotOurs { port: config.port }),
            What::Nothing | What::Other { .. } => Ok(false),
        };
    };
    let began = Instant::now();
    let pid = running.pid;
    report(Event::Stopping { pid });
    if daemon::end(config, &running).await? == End::Killed {
        report(Event::Killed { pid });
    }
    report(Event::Stopped { pid, took: began.elapsed() });
    Ok(true)
}

/// Looks, changes nothing.
pub async fn status(config: &Config) -> Status {
    let managed = Running::find(config);
    Status {
        port: config.port,
        what: probe(config.port).await,
        memory: managed.as_ref().and_then(Running::memory),
        managed,
        log: config.log(),
        state: config.state(),
        saved: size(&config.state()),
    }
}

/// Empties the local cloud: stops it, removes what it saved, and starts it again if it ran.
///
/// # Errors
/// As [`down`] and [`up`].
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

/// Bytes of all files below a folder; what cannot be read counts as nothing.
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
