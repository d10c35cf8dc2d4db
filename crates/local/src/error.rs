//! The errors of the local cloud, each with a hint on how to fix it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the local cloud needs Python 3.10 or newer; there is no python3 on PATH")]
    NoPython,
    #[error("the local cloud needs Python 3.10 or newer; {} is Python {version}", python.display())]
    OldPython { python: PathBuf, version: String },
    #[error("cannot run {}: {output}", python.display())]
    BrokenPython { python: PathBuf, output: String },
    #[error("{} has no pip; the local cloud is installed with pip", python.display())]
    NoPip { python: PathBuf },
    #[error("cannot install the local cloud: {}\n{output}", if *offline {
        "pip cannot reach the package index"
    } else {
        "pip failed"
    })]
    Install { offline: bool, command: String, output: String },
    #[error("port {port} is used by something that is not an AWS endpoint ({answer})")]
    PortTaken { port: u16, answer: String },
    #[error("the local cloud cannot listen on port {port}: {source}")]
    NoPort { port: u16, source: io::Error },
    #[error("the local cloud exited at startup ({status}); the end of its log, {}:\n{output}",
        log.display())]
    Crashed { status: String, log: PathBuf, output: String },
    #[error("the local cloud did not respond on port {port} within {} s; the end of its log, {}:\n{output}",
        after.as_secs(), log.display())]
    NotResponding { port: u16, after: Duration, log: PathBuf, output: String },
    #[error(
        "the emulator on port {port} was not started by stackwright, so stackwright does not stop it"
    )]
    NotManaged { port: u16 },
    #[error("the local cloud (process {pid}) does not stop, not even when it is killed")]
    NotStopped { pid: u32 },
    #[error("cannot listen on port {port}: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("cannot {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// How the user can fix the problem, if there is something to suggest.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPython | Self::OldPython { .. } => {
                "install Python 3.10 or newer (https://www.python.org/downloads/), or start an \
                 AWS emulator yourself: stackwright uses any emulator that answers on the port"
                    .to_owned()
            }
            Self::BrokenPython { python, .. } => {
                format!("run it yourself to see what is wrong: {} --version", python.display())
            }
            Self::NoPip { python } => format!(
                "install pip: {} -m ensurepip --user, or apt-get install python3-pip",
                python.display()
            ),
            Self::Install { offline, command, .. } => {
                let first = if *offline {
                    "check the network, HTTPS_PROXY and PIP_INDEX_URL; "
                } else {
                    ""
                };
                format!("{first}to install it by hand, run: {command}")
            }
            Self::PortTaken { port, .. } => format!(
                "stop the process that uses the port, or choose another port: {}",
                other_port(*port)
            ),
            Self::NoPort { port, .. } => format!("choose another port: {}", other_port(*port)),
            Self::Crashed { log, .. } => format!("see the full log: {}", log.display()),
            Self::NotResponding { log, .. } => format!(
                "run `stackwright local down`, then try again; see the full log: {}",
                log.display()
            ),
            Self::NotManaged { .. } => "stop it the way you started it".to_owned(),
            Self::NotStopped { pid } => format!("inspect the process: ps -fp {pid}"),
            Self::Listen { .. } => {
                "stop the process that uses the port, or choose another one with --port".to_owned()
            }
            Self::Io { .. } => return None,
        })
    }
}

/// A setting that chooses another port.
fn other_port(port: u16) -> String {
    let other = if port == Config::PORT { 4600 } else { Config::PORT };
    format!("STACKWRIGHT_LOCAL_PORT={other}")
}

/// Adds the file and the failed action to an I/O error.
pub(crate) trait At<T> {
    /// `action` completes "cannot … PATH".
    fn at(self, action: &'static str, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { action, path: path.to_owned(), source })
    }
}
