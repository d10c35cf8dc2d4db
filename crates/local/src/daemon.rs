//! One emulator process: how it starts, how other runs detect it, and how it stops.
//!
//! The emulator keeps a lock on its run file. The kernel frees the lock when the process ends, however
//! it ends. So a locked file means that the emulator runs, and that the process id in the file is its
//! own: there are no stale files, and no signal goes to a process that inherited the id.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use crate::config::{Config, VERSION};
use crate::error::{At, Error, Result};
use crate::install::last_lines;
use crate::probe::{PortUse, probe};
use crate::python::Python;

/// How long the emulator may take until its first reply: usually less than a second, more on a loaded
/// machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long the emulator may take to exit after SIGTERM, including saving its state.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a process may take to disappear after SIGKILL, or when it was already exiting.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);
/// How many lines of the log an error shows.
const LOG_LINES: usize = 12;

/// The content of the run file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub version: String,
}

impl Running {
    /// Returns the emulator of this port if it runs and stackwright started it. `None` also while
    /// another run has the lock and has not started the process yet.
    pub fn find(config: &Config) -> Option<Self> {
        is_locked(config)
            .then(|| fs::read(config.run_file()).ok())?
            .and_then(|text| serde_json::from_slice(&text).ok())
    }

    /// Returns the resident memory in bytes, on systems that have /proc.
    pub fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

/// Returns whether a process has locked the run file: an emulator runs or is being started.
pub(crate) fn is_locked(config: &Config) -> bool {
    let Ok(file) = File::open(config.run_file()) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The lock on a port's run file. Only the run that has it may start the emulator.
#[derive(Debug)]
pub(crate) struct StartLock(File);

impl StartLock {
    /// Returns `None` when an emulator runs, or another run is starting one.
    pub fn try_acquire(config: &Config) -> Result<Option<Self>> {
        let folder = config.home();
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).at("create", &folder)?;
        let path = config.run_file();
        let file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .at("open", &path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0).at("write", &path)?;
                Ok(Some(Self(file)))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).at("lock", &path),
        }
    }

    /// Starts the emulator and waits until it responds. Returns its process id and account. The process
    /// id is on disk before the wait begins.
    pub async fn start(
        mut self,
        config: &Config,
        python: &Python,
        tree: &Path,
    ) -> Result<(u32, String)> {
        let log = fresh_log(config)?;
        let path = config.run_file();
        let lock = self.0.try_clone().at("open", &path)?;
        let mut command = command(config, python, tree)?;
        command.stdin(lock).stderr(log.try_clone().at("open", &config.log())?).stdout(log);
        let child = command.spawn().at("run", &python.executable)?;
        // Only a child that was already waited for has no id.
        let pid = child.id().unwrap_or_default();
        let running = Running { pid, version: VERSION.to_owned() };
        let text = serde_json::to_vec(&running).map_err(std::io::Error::from).at("write", &path)?;
        self.0.rewind().and_then(|()| self.0.write_all(&text)).at("write", &path)?;
        drop(self);
        wait_until_ready(config, child).await.map(|account| (pid, account))
    }
}

/// Builds the emulator's command with a cleared environment: functions run as children of the emulator,
/// and would inherit every secret of the user's shell.
fn command(config: &Config, python: &Python, tree: &Path) -> Result<Command> {
    let home = config.cache.join("home");
    let temporary = config.home().join("tmp");
    let state = config.state();
    // The emulator unpacks the code of functions here and never removes it.
    if temporary.exists() {
        fs::remove_dir_all(&temporary).at("empty", &temporary)?;
    }
    for folder in [&home, &temporary, &state] {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).at("create", folder)?;
    }
    let mut command = Command::new(&python.executable);
    command
        .args(["-c", include_str!("launch.py")])
        .current_dir(config.home())
        .env_clear()
        .env("PATH", &config.path)
        .env("HOME", home)
        .env("LANG", "C.UTF-8")
        .env("TMPDIR", temporary)
        .env("PYTHONPATH", tree)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        // The default is 0.0.0.0, and everyone who reaches the port can run code on this machine.
        .env("BIND_HOST", "127.0.0.1")
        // Without this, it also listens on 0.0.0.0:8883.
        .env("IOT_MTLS_ENABLED", "0")
        .env("GATEWAY_PORT", config.port.to_string())
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", state);
    Ok(command)
}

/// Creates an empty log and keeps the previous one under another name.
fn fresh_log(config: &Config) -> Result<File> {
    let path = config.log();
    if path.exists() {
        let old = path.with_extension("log.1");
        fs::rename(&path, &old).at("rename", &path)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(&path).at("create", &path)
}

/// Polls until the emulator responds, and returns its account.
async fn wait_until_ready(config: &Config, mut child: Child) -> Result<String> {
    let deadline = Instant::now() + START_TIMEOUT;
    for pause in poll_intervals() {
        if let Some(status) =
            child.try_wait().at("wait for the process that writes", &config.log())?
        {
            return Err(crashed(config, status));
        }
        if let PortUse::Aws { account, .. } = probe(config.port).await {
            return Ok(account);
        }
        if Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    child.kill().await.at("stop the process that writes", &config.log())?;
    let output = tail(&config.log());
    Err(Error::NotResponding { port: config.port, after: START_TIMEOUT, log: config.log(), output })
}

fn crashed(config: &Config, status: ExitStatus) -> Error {
    let output = tail(&config.log());
    Error::Crashed { status: status.to_string(), log: config.log(), output }
}

/// Returns the last lines of a log; nothing if it cannot be read.
pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    last_lines(&String::from_utf8_lossy(&text), LOG_LINES)
}

/// Returns intervals that start at 10 ms and grow by half each time, up to 250 ms.
pub(crate) fn poll_intervals() -> impl Iterator<Item = Duration> {
    let first = Duration::from_millis(10);
    std::iter::successors(Some(first), |pause| {
        Some(pause.mul_f32(1.5).min(Duration::from_millis(250)))
    })
}

/// How an emulator process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The emulator saved its state.
    Clean,
    /// The emulator hung and was killed: changes since its start are lost.
    Killed,
}

/// Stops a running emulator: with SIGTERM, because only a clean exit saves its state, and with SIGKILL
/// if that takes too long.
pub(crate) async fn stop(config: &Config, running: &Running) -> Result<Exit> {
    let is_signalled = signal("TERM", &running.pid.to_string()).await?;
    let timeout = if is_signalled { STOP_TIMEOUT } else { KILL_TIMEOUT };
    if is_stopped_within(config, timeout).await {
        return Ok(Exit::Clean);
    }
    // The emulator leads its own process group, which functions belong to.
    signal("KILL", &format!("-{}", running.pid)).await?;
    if is_stopped_within(config, KILL_TIMEOUT).await {
        Ok(Exit::Killed)
    } else {
        Err(Error::NotStopped { pid: running.pid })
    }
}

/// Waits until the emulator has released its lock; `false` if it does not do so in time.
async fn is_stopped_within(config: &Config, timeout: Duration) -> bool {
    let deadline = Instant::now() + timeout;
    for pause in poll_intervals() {
        if !is_locked(config) {
            return true;
        }
        if Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    false
}

/// Sends a signal with the shell's `kill`, because not every system has an executable of that name.
/// Returns `false` when `kill` fails, for example because the process has just exited.
async fn signal(name: &str, to: &str) -> Result<bool> {
    let status = Command::new("/bin/sh")
        .args(["-c", r#"kill -s "$1" -- "$2""#, "sh", name, to])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await
        .at("run", Path::new("/bin/sh"))?;
    Ok(status.success())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]
mod tests {
    use super::*;

    fn config(data: &Path) -> Config {
        Config { port: 4566, cache: data.into(), data: data.into(), python: None, path: "".into() }
    }

    #[test]
    fn a_run_file_without_a_lock_is_not_a_running_emulator() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        assert_eq!(Running::find(&config), None);
        fs::create_dir_all(config.home()).unwrap();
        fs::write(config.run_file(), r#"{"pid":1,"version":"1.5.33"}"#).unwrap();
        assert_eq!(Running::find(&config), None);
    }

    #[test]
    fn only_one_run_may_start_the_emulator() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let first = StartLock::try_acquire(&config).unwrap();
        assert!(first.is_some());
        assert!(StartLock::try_acquire(&config).unwrap().is_none());
        assert!(is_locked(&config));
        drop(first);
        assert!(!is_locked(&config));
        assert!(StartLock::try_acquire(&config).unwrap().is_some());
    }

    #[test]
    fn the_previous_log_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        fs::create_dir_all(config.home()).unwrap();
        for text in ["first", "second"] {
            fresh_log(&config).unwrap().write_all(text.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(config.log()).unwrap(), "second");
        assert_eq!(fs::read_to_string(config.home().join("ministack.log.1")).unwrap(), "first");
    }
}
