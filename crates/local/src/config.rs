//! Everything the caller decides, and the folders that follow from it.

use std::ffi::OsString;
use std::path::PathBuf;

/// The emulator's release. Its own pin on botocore decides boto3's.
pub const VERSION: &str = "1.5.33";

/// What pip installs, in one command, so that its resolver sees both pins.
pub(crate) const REQUIREMENTS: [&str; 2] = ["ministack==1.5.33", "boto3==1.43.106"];

/// Where a local cloud is and lies.
#[derive(Clone, Debug)]
pub struct Config {
    /// The port on 127.0.0.1, 4566 by custom.
    pub port: u16,
    /// Installed code: may be deleted at any time, shared by all local clouds of a user.
    pub cache: PathBuf,
    /// State, log and run file of the local clouds, one folder for each port.
    pub data: PathBuf,
    /// The interpreter to use; otherwise `path` is searched.
    pub python: Option<PathBuf>,
    /// PATH: where to look for Python, and the only variable of the caller that functions see.
    pub path: OsString,
}

impl Config {
    /// The port that tools expect an emulator on.
    pub const PORT: u16 = 4566;

    /// `http://127.0.0.1:4566`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The emulator's output since its last start; the run before is beside it with `.1`.
    pub fn log(&self) -> PathBuf {
        self.home().join("ministack.log")
    }

    /// What the emulator saves when it is stopped, and reads when it starts.
    pub fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    /// Process id and version; locked by the running emulator.
    pub(crate) fn run_file(&self) -> PathBuf {
        self.home().join("run.json")
    }

    /// Two ports are two clouds that share nothing but the installed code.
    pub(crate) fn home(&self) -> PathBuf {
        self.data.join(self.port.to_string())
    }
}
