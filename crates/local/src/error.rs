//! What can go wrong, in the user's words, each with what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the local cloud needs Python 3.10 or newer, and there is no python3 on PATH")]
    NoPython,
    #[error("the local cloud needs Python 3.10 or newer; found {version} ({})", python.display())]
    OldPython { python: PathBuf, version: String },
    #[error("{} does not run: {said}", python.display())]
    BrokenPython { python: PathBuf, said: String },
    #[error("{} has no pip, which installs the local cloud", python.display())]
    NoPip { python: PathBuf },
    #[error("the local cloud cannot be installed: {}\n{said}", if *offline {
        "pip does not reach the package index"
    } else {
        "pip failed"
    })]
    Install { offline: bool, command: String, said: String },
    #[error("port {port} is taken by something that is not an AWS endpoint ({answer})")]
    PortTaken { port: u16, answer: String },
    #[error("the local cloud ended at its start ({status}); the end of {}:\n{said}", log.display())]
    Crashed { status: String, log: PathBuf, said: String },
    #[error("the local cloud does not answer on port {port} after {} s; the end of {}:\n{said}",
        after.as_secs(), log.display())]
    Silent { port: u16, after: Duration, log: PathBuf, said: String },
    #[error("what answers on port {port} was not started by stackwright, so it is left alone")]
    NotOurs { port: u16 },
    #[error("the local cloud (process {pid}) does not end")]
    Immortal { pid: u32 },
    #[error("port {port} cannot be listened on: {source}")]
    Listen { port: u16, source: io::Error },
    #[error("{doing} {}: {source}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// What the user can do, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPython | Self::OldPython { .. } => {
                "install Python 3.10 or newer (https://www.python.org/downloads/), or start an \
                 AWS emulator yourself: what answers on the port is used as it is"
                    .to_owned()
            }
            Self::BrokenPython { python, .. } => {
                format!("try it by hand: {} --version", python.display())
            }
            Self::NoPip { python } => format!(
                "install it: {} -m ensurepip --user, or apt-get install python3-pip",
                python.display()
            ),
            Self::Install { offline, command, .. } => {
                let first = if *offline {
                    "check the network, HTTPS_PROXY and PIP_INDEX_URL; "
                } else {
                    ""
                };
                format!("{first}the same by hand: {command}")
            }
            Self::PortTaken { port, .. } => format!(
                "end what listens there, or choose another port: STACKWRIGHT_LOCAL_PORT={}",
                if *port == Config::PORT { 4600 } else { Config::PORT }
            ),
            Self::Crashed { log, .. } => format!("the whole log: {}", log.display()),
            Self::Silent { log, .. } => format!(
                "`stackwright local down` ends it, and the next run starts it again; the whole log: {}",
                log.display()
            ),
            Self::NotOurs { .. } => "stop it the way it was started".to_owned(),
            Self::Immortal { pid } => format!("look at it: ps -fp {pid}"),
            Self::Listen { .. } => "end what listens there, or choose another port".to_owned(),
            Self::Io { .. } => return None,
        })
    }
}

/// Names the file in an I/O error.
pub(crate) trait At<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T> {
        self.map_err(|source| Error::Io { doing, path: path.to_owned(), source })
    }
}
