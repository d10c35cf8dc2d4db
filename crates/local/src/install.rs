//! Installs the emulator once, also when several runs need it at the same time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::config::{Config, REQUIREMENTS, VERSION};
use crate::error::{At, Error, Result};
use crate::event::{Event, Report};
use crate::python::Python;

/// How often a run checks whether another run has finished installing.
const POLL: Duration = Duration::from_millis(100);
/// How long pip may take. No one waits longer for a download of 90 MB.
const TIMEOUT: Duration = Duration::from_secs(900);
/// How many lines of pip's output an error shows.
const OUTPUT_LINES: usize = 6;

/// Returns the folder to put on PYTHONPATH, and installs the emulator there if it is missing.
///
/// A folder with the final name is always complete: pip fills another folder, which is then renamed.
/// Compiled modules belong to one version of Python, so the name contains that version.
pub(crate) async fn installed(
    config: &Config,
    python: &Python,
    report: Report<'_>,
) -> Result<PathBuf> {
    let (major, minor) = python.version;
    let name = format!("ministack-{VERSION}-python{major}.{minor}");
    let complete = config.cache.join(&name);
    if complete.is_dir() {
        return Ok(complete);
    }
    fs::create_dir_all(&config.cache).at("create", &config.cache)?;
    let _lock = exclusive(&config.cache.join(format!("{name}.lock")), report).await?;
    if complete.is_dir() {
        return Ok(complete);
    }
    let began = Instant::now();
    report(Event::Installing { version: VERSION.to_owned(), into: complete.clone() });
    let partial = config.cache.join(format!("{name}.partial"));
    remove(&partial)?;
    pip(python, &partial, &complete).await?;
    fs::rename(&partial, &complete).at("rename", &partial)?;
    report(Event::Installed { took: began.elapsed() });
    Ok(complete)
}

/// Waits for a lock that the kernel frees when its holder ends, however it ends.
async fn exclusive(path: &Path, report: Report<'_>) -> Result<File> {
    let file = File::create(path).at("create", path)?;
    let mut reported = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error).at("lock", path),
            Err(TryLockError::WouldBlock) if !reported => {
                report(Event::WaitingForInstall);
                reported = true;
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(POLL).await,
        }
    }
}

/// Removes what an interrupted run left behind.
fn remove(partial: &Path) -> Result<()> {
    match fs::remove_dir_all(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", partial),
        _ => Ok(()),
    }
}

/// Runs pip once, so that one resolver sees all pins. pip gets the caller's environment, which may
/// name a proxy and a package index, except for settings that conflict with `--target`.
async fn pip(python: &Python, target: &Path, complete: &Path) -> Result<()> {
    let output = Command::new(&python.executable)
        .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
        .args(["--quiet", "--target"])
        .arg(target)
        .args(REQUIREMENTS)
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(TIMEOUT, output).await;
    let output = output
        .unwrap_or_else(|_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, "pip did not finish in 15 minutes"))
        })
        .at("run", &python.executable)?;
    if output.status.success() { Ok(()) } else { Err(pip_error(python, complete, &output)) }
}

fn pip_error(python: &Python, complete: &Path, output: &Output) -> Error {
    let output = String::from_utf8_lossy(&output.stderr);
    if output.contains("No module named pip") {
        return Error::NoPip { python: python.executable.clone() };
    }
    Error::Install {
        offline: is_offline(&output),
        command: format!(
            "{} -m pip install --target '{}' {}",
            python.executable.display(),
            complete.display(),
            REQUIREMENTS.join(" ")
        ),
        output: last_lines(&without_noise(&output), OUTPUT_LINES),
    }
}

/// Keeps the last of pip's retry warnings and removes its notices.
fn without_noise(output: &str) -> String {
    let retry = |line: &&str| line.starts_with("WARNING: Retrying");
    let last = output.lines().rfind(retry);
    output
        .lines()
        .filter(|line| !retry(line) || Some(*line) == last)
        .filter(|line| !line.starts_with("WARNING: Running pip") && !line.starts_with("[notice]"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_offline(output: &str) -> bool {
    [
        "NewConnectionError",
        "Failed to establish a new connection",
        "ConnectTimeoutError",
        "Read timed out",
        "ProxyError",
        "name resolution",
    ]
    .iter()
    .any(|mark| output.contains(mark))
}

/// Returns the last lines that are not blank, indented.
pub(crate) fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(count)..];
    shown.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::{Arc, Mutex};

    /// A stand-in for Python whose `-m pip install` runs `script`; `$target` is its folder.
    fn python(folder: &Path, script: &str) -> Python {
        let executable = folder.join("python3");
        let find = "while [ \"$1\" != --target ]; do shift; done; target=$2";
        fs::write(&executable, format!("#!/bin/sh\n{find}\n{script}\n")).unwrap();
        fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
        Python { executable, version: (3, 11) }
    }

    fn config(folder: &Path) -> Config {
        Config {
            port: 1,
            cache: folder.join("cache"),
            data: folder.join("data"),
            python: None,
            path: "".into(),
        }
    }

    async fn fails(script: &str) -> Error {
        let folder = tempfile::tempdir().unwrap();
        let python = python(folder.path(), script);
        let config = config(folder.path());
        installed(&config, &python, &mut |_| ()).await.unwrap_err()
    }

    #[tokio::test]
    async fn parallel_runs_install_once() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let script = format!("echo once >> '{}'; sleep 0.2; mkdir -p \"$target\"", count.display());
        let python = python(folder.path(), &script);
        let config = config(folder.path());
        let events = Arc::new(Mutex::new(Vec::new()));
        let runs: Vec<_> = (0..4)
            .map(|_| {
                let (config, python, events) = (config.clone(), python.clone(), events.clone());
                tokio::spawn(async move {
                    let mut report = |event| events.lock().unwrap().push(event);
                    installed(&config, &python, &mut report).await.unwrap()
                })
            })
            .collect();
        for run in runs {
            assert!(run.await.unwrap().is_dir());
        }
        assert_eq!(fs::read_to_string(count).unwrap(), "once\n");
        let events = events.lock().unwrap();
        let waited = events.iter().filter(|event| **event == Event::WaitingForInstall).count();
        assert_eq!(waited, 3, "{events:?}");
    }

    #[tokio::test]
    async fn a_failed_install_leaves_no_complete_folder() {
        let folder = tempfile::tempdir().unwrap();
        let broken = python(folder.path(), "mkdir -p \"$target/half\"; exit 1");
        let config = config(folder.path());
        installed(&config, &broken, &mut |_| ()).await.unwrap_err();
        let works = python(folder.path(), "mkdir -p \"$target/whole\"");
        let tree = installed(&config, &works, &mut |_| ()).await.unwrap();
        assert!(tree.join("whole").is_dir());
        assert!(!tree.join("half").exists());
    }

    #[tokio::test]
    async fn an_unreachable_index_is_an_error_with_pips_output_and_the_command() {
        let error = fails(
            "echo 'WARNING: Retrying (total=1): NewConnectionError: Connection refused' >&2
             echo 'WARNING: Retrying (total=0): NewConnectionError: Connection refused' >&2
             echo 'WARNING: Running pip as the root user' >&2
             echo 'ERROR: No matching distribution found for ministack' >&2; exit 1",
        )
        .await;
        let text = error.to_string();
        assert!(text.contains("pip cannot reach the package index"), "{text}");
        let shown = "  WARNING: Retrying (total=0): NewConnectionError: Connection refused\n  \
                     ERROR: No matching distribution found for ministack";
        assert!(text.ends_with(shown), "{text}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("-m pip install --target"), "{hint}");
        assert!(hint.ends_with("ministack==1.5.33 boto3==1.43.106"), "{hint}");
    }

    #[tokio::test]
    async fn a_python_without_pip_is_an_error_with_a_hint() {
        let error = fails("echo '/usr/bin/python3: No module named pip' >&2; exit 1").await;
        assert!(matches!(error, Error::NoPip { .. }), "{error}");
        assert!(error.hint().unwrap().contains("ensurepip"));
    }
}
