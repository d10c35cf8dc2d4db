//! Finds a Python interpreter that is new enough.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::config::Config;
use crate::error::{Error, Result};

const OLDEST: (u32, u32) = (3, 10);

/// How long an interpreter may take to print its version. Shims of version managers take a second or
/// two.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The names to try. A machine with an old `python3` often has a newer one under its full name.
const NAMES: [&str; 6] =
    ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Python {
    /// The path that the interpreter reports itself. A shim of a version manager would not do: it
    /// needs environment variables, and the emulator runs without them.
    pub executable: PathBuf,
    pub version: (u32, u32),
}

impl Python {
    /// Returns the configured interpreter, or the first on PATH that is new enough.
    pub async fn find(config: &Config) -> Result<Self> {
        if let Some(python) = &config.python {
            return Self::inspect(python).await;
        }
        let mut first_error = None;
        for candidate in candidates(&config.path) {
            match Self::inspect(&candidate).await {
                Ok(python) => return Ok(python),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or(Error::NoPython))
    }

    /// Runs an interpreter to learn its version and its real path.
    async fn inspect(python: &Path) -> Result<Self> {
        let broken = |output: String| Error::BrokenPython { python: python.to_owned(), output };
        let command = Command::new(python)
            .args(["-c", "import sys; print('%d.%d.%d' % sys.version_info[:3], sys.executable)"])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(TIMEOUT, command).await;
        let output = output.map_err(|_| broken("no output within 30 seconds".to_owned()))?;
        let output = output.map_err(|error| broken(error.to_string()))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let Some((version, executable)) = printed.trim().split_once(' ') else {
            return Err(broken(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        };
        match parse(version) {
            Some(parsed) if parsed >= OLDEST => {
                Ok(Self { executable: executable.into(), version: parsed })
            }
            _ => Err(Error::OldPython { python: python.to_owned(), version: version.to_owned() }),
        }
    }
}

/// Lists the interpreters on PATH, in the order of [`NAMES`].
fn candidates(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    let folders: Vec<PathBuf> =
        std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect();
    NAMES.into_iter().filter_map(move |name| {
        folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())
    })
}

/// Reads major and minor version from `3.12.1`.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// Creates a folder of scripts that stand in for interpreters.
    fn folder(scripts: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, answer) in scripts {
            let file = folder.path().join(name);
            fs::write(&file, format!("#!/bin/sh\n{answer}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    async fn find(scripts: &[(&str, &str)]) -> Result<Python> {
        let folder = folder(scripts);
        Python::find(&Config {
            port: 1,
            cache: PathBuf::new(),
            data: PathBuf::new(),
            python: None,
            path: folder.path().into(),
        })
        .await
    }

    #[tokio::test]
    async fn no_python_on_path_is_an_error() {
        let error = find(&[]).await.unwrap_err();
        assert!(matches!(error, Error::NoPython));
        assert!(error.hint().unwrap().contains("install Python 3.10"));
    }

    #[tokio::test]
    async fn an_old_python_is_an_error_with_its_version() {
        let error = find(&[("python3", "echo 3.9.6 /usr/bin/python3")]).await.unwrap_err();
        assert!(error.to_string().contains("is Python 3.9.6"), "{error}");
    }

    #[tokio::test]
    async fn a_newer_python_is_preferred_to_an_old_python3() {
        let found = find(&[
            ("python3", "echo 3.9.6 /usr/bin/python3"),
            ("python3.12", "echo 3.12.1 /opt/python3.12"),
        ]);
        let expected = Python { executable: "/opt/python3.12".into(), version: (3, 12) };
        assert_eq!(found.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_broken_python_is_an_error_with_its_output() {
        let error = find(&[("python3", "echo no encodings >&2; exit 1")]).await.unwrap_err();
        assert!(error.to_string().ends_with("python3: no encodings"), "{error}");
    }
}
