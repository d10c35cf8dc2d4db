//! One emulator process: how it starts, how others know that it runs, how it ends.
//!
//! The emulator holds a lock on its run file. The kernel frees the lock when the process ends,
//! however it ends, so a held lock means "runs", and the process id in the file is then its own:
//! no stale file, and no signal to a process that inherited the number.

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
use crate::probe::{What, probe};
use crate::python::Python;

/// From start to the first answer: under a second as a rule, more on a loaded machine.
const START: Duration = Duration::from_secs(60);
/// From the request to end to the end: it saves its state in between.
const STOP: Duration = Duration::from_secs(30);
/// From the kill to the end, and for an end that was under way already.
const KILL: Duration = Duration::from_secs(5);
/// Of the log, what an error shows.
const LINES: usize = 12;

/// What the run file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub pid: u32,
    pub version: String,
}

impl Running {
    /// The emulator of this port, when it runs and was started by us. `None` also while it is only
    /// being started.
    pub fn find(config: &Config) -> Option<Self> {
        held(config)
            .then(|| fs::read(config.run_file()).ok())?
            .and_then(|text| serde_json::from_slice(&text).ok())
    }

    /// Resident memory in bytes, where the system tells.
    pub fn memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
    }
}

/// Does a process hold the run file?
pub(crate) fn held(config: &Config) -> bool {
    let Ok(file) = File::open(config.run_file()) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

/// The right to start the emulator of a port.
#[derive(Debug)]
pub(crate) struct Claim(File);

impl Claim {
    /// `None` when another process starts or runs it.
    pub fn take(config: &Config) -> Result<Option<Self>> {
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

    /// Starts the emulator and waits until it answers. Its process id is on disk before the wait.
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
        // A process that just started has an id; it has none only after it was waited for.
        let pid = child.id().unwrap_or_default();
        let running = Running { pid, version: VERSION.to_owned() };
        let text = serde_json::to_vec(&running).map_err(std::io::Error::from).at("write", &path)?;
        self.0.rewind().and_then(|()| self.0.write_all(&text)).at("write", &path)?;
        drop(self);
        healthy(config, child).await.map(|account| (pid, account))
    }
}

/// The environment is cleared: functions run as children of the emulator, and would inherit every
/// secret of the user's shell.
fn command(config: &Config, python: &Python, tree: &Path) -> Result<Command> {
    let home = config.cache.join("home");
    let temporary = config.home().join("tmp");
    let state = config.state();
    // Functions unpack their code there, and their emulator leaves it behind.
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
        // The default is 0.0.0.0, and whoever reaches the port runs code on this machine.
        .env("BIND_HOST", "127.0.0.1")
        // Otherwise it listens on 0.0.0.0:8883 too.
        .env("IOT_MTLS_ENABLED", "0")
        .env("GATEWAY_PORT", config.port.to_string())
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", state);
    Ok(command)
}

/// An empty log; the one of the last run is kept beside it.
fn fresh_log(config: &Config) -> Result<File> {
    let path = config.log();
    if path.exists() {
        let old = path.with_extension("log.1");
        fs::rename(&path, &old).at("rename", &path)?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(&path).at("create", &path)
}

/// Looks at once, then backs off. Returns the account.
async fn healthy(config: &Config, mut child: Child) -> Result<String> {
    let deadline = Instant::now() + START;
    for pause in pauses() {
        if let Some(status) = child.try_wait().at("wait for", &config.log())? {
            return Err(crashed(config, status));
        }
        if let What::Cloud { account, .. } = probe(config.port).await {
            return Ok(account);
        }
        if Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    child.kill().await.at("end", &config.log())?;
    let said = tail(&config.log());
    Err(Error::Silent { port: config.port, after: START, log: config.log(), said })
}

fn crashed(config: &Config, status: ExitStatus) -> Error {
    let said = tail(&config.log());
    Error::Crashed { status: status.to_string(), log: config.log(), said }
}

pub(crate) fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    last_lines(&String::from_utf8_lossy(&text), LINES)
}

/// 10 ms, then half as much again each time, up to a quarter of a second.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    let first = Duration::from_millis(10);
    std::iter::successors(Some(first), |pause| {
        Some(pause.mul_f32(1.5).min(Duration::from_millis(250)))
    })
}

/// How an emulator ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It saved its state.
    Clean,
    /// It hung, and lost what changed since its start.
    Killed,
}

/// Ends a running emulator, gently first: only a clean end saves its state.
pub(crate) async fn end(config: &Config, running: &Running) -> Result<End> {
    let asked = signal("TERM", &running.pid.to_string()).await?;
    if gone(config, if asked { STOP } else { KILL }).await {
        return Ok(End::Clean);
    }
    // Its whole session, which is named after its first process: functions too.
    signal("KILL", &format!("-{}", running.pid)).await?;
    if gone(config, KILL).await {
        Ok(End::Killed)
    } else {
        Err(Error::Immortal { pid: running.pid })
    }
}

async fn gone(config: &Config, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    for pause in pauses() {
        if !held(config) {
            return true;
        }
        if Instant::now() > deadline {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    false
}

/// `kill` is part of every POSIX shell, but no file on every system. `false` when it is refused,
/// also because the process has just ended by itself.
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
    fn a_run_file_without_a_process_is_not_running() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        assert_eq!(Running::find(&config), None);
        fs::create_dir_all(config.home()).unwrap();
        fs::write(config.run_file(), r#"{"pid":1,"version":"1.5.33"}"#).unwrap();
        assert_eq!(Running::find(&config), None);
    }

    #[test]
    fn one_claim_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let first = Claim::take(&config).unwrap();
        assert!(first.is_some());
        assert!(Claim::take(&config).unwrap().is_none());
        assert!(held(&config));
        drop(first);
        assert!(!held(&config));
        assert!(Claim::take(&config).unwrap().is_some());
    }

    #[test]
    fn the_last_log_is_kept_once() {
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
