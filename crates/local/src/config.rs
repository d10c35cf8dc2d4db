//! The settings of a local cloud, and the files and folders that follow from them.

use std::ffi::OsString;
use std::path::PathBuf;

/// The version of MiniStack. MiniStack pins botocore, and so decides the version of boto3.
pub const VERSION: &str = "1.5.33";

/// The packages that pip installs, in one command, so that its resolver sees both pins.
pub(crate) const REQUIREMENTS: [&str; 2] = ["ministack==1.5.33", "boto3==1.43.106"];

/// Where a local cloud listens and where it keeps its files.
#[derive(Clone, Debug)]
pub struct Config {
    /// The port on 127.0.0.1, by convention 4566.
    pub port: u16,
    /// The folder of the installed code. All local clouds of a user share it, and it may be deleted
    /// at any time.
    pub cache: PathBuf,
    /// The folder of state, log and run file of the local clouds, with one subfolder per port.
    pub data: PathBuf,
    /// The Python interpreter to use; `None` searches `path`.
    pub python: Option<PathBuf>,
    /// The caller's PATH. It is searched for Python, and it is the only variable of the caller that
    /// functions see.
    pub path: OsString,
}

impl Config {
    /// The port on which tools expect an emulator.
    pub const PORT: u16 = 4566;

    /// The endpoint's URL, for example `http://127.0.0.1:4566`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The emulator's output since its last start. The log of the start before is kept with the
    /// suffix `.1`.
    pub fn log(&self) -> PathBuf {
        self.home().join("ministack.log")
    }

    /// The folder that the emulator saves to when it stops, and loads when it starts.
    pub fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    /// The file with process id and version. The running emulator holds a lock on it.
    pub(crate) fn run_file(&self) -> PathBuf {
        self.home().join("run.json")
    }

    /// The folder of this port. Two ports are two clouds that share only the installed code.
    pub(crate) fn home(&self) -> PathBuf {
        self.data.join(self.port.to_string())
    }
}
