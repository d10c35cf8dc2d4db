//! The packages that `requirements.txt` names, for the platform the function runs on.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use stackwright_engine::digest::hex;
use stackwright_engine::kind::{Error, Result};

use super::child;

pub const REQUIREMENTS: &str = "requirements.txt";
/// The limit of an installation: 250 MB over a slow line.
pub const TIME_LIMIT: Duration = Duration::from_secs(900);
/// Files in a package's metadata that differ from machine to machine.
const NOT_CODE: &[&str] = &["RECORD", "INSTALLER", "REQUESTED", "direct_url.json"];

/// Packages to install, and the platform to install them for.
pub struct Order<'a> {
    /// The folder that contains `requirements.txt`.
    pub folder: &'a Path,
    pub requirements: &'a [u8],
    /// `3.13`.
    pub python: &'a str,
    /// `x86_64` or `arm64`.
    pub architecture: &'a str,
    /// The digest of the whole folder.
    pub source: &'a str,
}

/// Returns `3.13` of `python3.13`.
pub fn python(runtime: &str) -> Option<&str> {
    runtime
        .strip_prefix("python")
        .filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// Returns the requirements without `==`: a later build may install other versions.
pub fn unpinned(requirements: &str) -> Vec<String> {
    requirements
        .lines()
        .map(|line| line.split(" #").next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
        .filter(|line| !line.contains("==") && !line.contains(" @ "))
        .map(str::to_owned)
        .collect()
}

impl Order<'_> {
    /// Returns the folder with the packages, from the cache or installed now (by python3 with pip).
    pub async fn fill(&self, cache: &Path) -> Result<PathBuf> {
        let vendored = cache.join("vendor");
        let ready = vendored.join(self.key());
        if ready.is_dir() {
            return Ok(ready);
        }
        let failed = |error: io::Error| {
            Error::terminal(format!("{}: {error}", vendored.display())).with_source(error)
        };
        std::fs::create_dir_all(&vendored).map_err(failed)?;
        let building =
            tempfile::Builder::new().prefix(".new-").tempdir_in(&vendored).map_err(failed)?;
        let target = building.path().join("packages");
        self.install(&target).await?;
        std::fs::create_dir_all(&target).map_err(failed)?;
        strip(&target).map_err(failed)?;
        match std::fs::rename(&target, &ready) {
            // Another run was faster.
            Err(_) if ready.is_dir() => {}
            renamed => renamed.map_err(failed)?,
        }
        Ok(ready)
    }

    /// Returns the key in the cache. If a requirement leads to other files, the whole folder counts.
    fn key(&self) -> String {
        let text = String::from_utf8_lossy(self.requirements);
        let leads_elsewhere = |line: &str| {
            line.starts_with(['-', '.', '/']) || line.contains(" @ ") || line.contains("file:")
        };
        let mut digest = Sha256::new();
        digest.update(format!("1 {} {}\n", self.python, self.architecture));
        if text.lines().map(str::trim).any(leads_elsewhere) {
            digest.update(format!("{}\n", self.source));
        }
        digest.update(self.requirements);
        hex(&digest.finalize())
    }

    fn platforms(&self) -> Vec<String> {
        let machine = if self.architecture == "arm64" { "aarch64" } else { "x86_64" };
        let mut platforms = vec![format!("manylinux2014_{machine}")];
        // From 3.12 on Lambda runs Amazon Linux 2023, whose glibc is 2.34.
        let minor = self.python.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
        if minor.is_some_and(|minor| minor >= 12) {
            platforms.push(format!("manylinux_2_28_{machine}"));
        }
        platforms
    }

    async fn install(&self, target: &Path) -> Result<()> {
        let mut pip = ["python3", "-m", "pip", "install", "--target"].map(OsStr::new).to_vec();
        pip.push(target.as_os_str());
        pip.extend(
            ["--only-binary=:all:", "--no-compile", "--implementation", "cp"].map(OsStr::new),
        );
        pip.extend(["--python-version", self.python].map(OsStr::new));
        pip.extend(["--disable-pip-version-check", "--no-input", "--quiet"].map(OsStr::new));
        pip.extend(["-r", REQUIREMENTS].map(OsStr::new));
        let platforms = self.platforms();
        pip.extend(platforms.iter().flat_map(|platform| ["--platform", platform].map(OsStr::new)));
        match child::output(&pip, self.folder, TIME_LIMIT).await {
            Ok(Some(output)) if output.status.success() => Ok(()),
            Ok(Some(output)) if output.status.code() == Some(child::NOT_FOUND) => {
                let message = format!("{REQUIREMENTS} needs python3 with pip; there is no python3");
                Err(Error::terminal(message)
                    .with_hint("install Python 3, or let `code` be a zip file"))
            }
            Ok(Some(output)) => Err(self.explain(&output)),
            Ok(None) => Err(Error::terminal("pip did not finish within 15 minutes")
                .with_hint("check the network")),
            Err(error) => Err(Error::terminal(format!("pip: {error}")).with_source(error)),
        }
    }

    fn explain(&self, output: &Output) -> Error {
        let said = String::from_utf8_lossy(&output.stderr);
        let any = |marks: &[&str]| marks.iter().any(|mark| said.contains(mark));
        let hint = if any(&["No module named pip"]) {
            "install pip for python3".to_owned()
        } else if any(&["connection broken", "ConnectionError", "Max retries", "name resolution"]) {
            "pip reached no package index: check network and proxy, then run again".to_owned()
        } else if any(&["No matching distribution"]) {
            format!(
                "only wheels for Python {} on {} are installed; check name and version",
                self.python, self.architecture
            )
        } else {
            format!(
                "for the whole output, run in {}: python3 -m pip install -r {REQUIREMENTS}",
                self.folder.display()
            )
        };
        let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
        let errors = lines.iter().filter_map(|line| line.strip_prefix("ERROR: "));
        let mut last: Vec<&str> = errors.collect();
        if last.is_empty() {
            last = lines;
        }
        let last = last[last.len().saturating_sub(3)..].join("; ");
        Error::terminal(format!("pip could not install {REQUIREMENTS}: {last}")).with_hint(hint)
    }
}

/// Removes what differs from machine to machine: byte code, launchers with the path of Python in their
/// first line, and records of the installation.
fn strip(folder: &Path) -> io::Result<()> {
    let launchers = folder.join("bin");
    if launchers.is_dir() {
        std::fs::remove_dir_all(launchers)?;
    }
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let is_metadata = folder.extension().is_some_and(|extension| extension == "dist-info");
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if name == "__pycache__" {
                    std::fs::remove_dir_all(entry.path())?;
                } else {
                    folders.push(entry.path());
                }
            } else if is_metadata && NOT_CODE.iter().any(|not_code| name == *not_code) {
                std::fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order<'a>(requirements: &'a str, source: &'a str) -> Order<'a> {
        Order {
            folder: Path::new("/"),
            requirements: requirements.as_bytes(),
            python: "3.13",
            architecture: "x86_64",
            source,
        }
    }

    #[test]
    fn unpinned_requirements_are_named() {
        let text = "# tools\nrequests==2.32.3\nboto3>=1.40  # any\n\n-r more.txt\nurllib3\n\
                    pkg @ https://x/pkg.whl\nidna==3.10 # ok";
        assert_eq!(unpinned(text), ["boto3>=1.40", "urllib3"]);
    }

    #[test]
    fn an_edit_of_code_alone_does_not_install_again() {
        assert_eq!(order("a==1", "x").key(), order("a==1", "y").key());
        assert_ne!(order("a==1", "x").key(), order("a==2", "x").key());
        assert_ne!(order("-r more.txt", "x").key(), order("-r more.txt", "y").key());
        assert_ne!(order("a==1", "x").key(), Order { python: "3.12", ..order("a==1", "x") }.key());
    }

    #[test]
    fn platforms_follow_the_runtime() {
        assert_eq!(order("", "").platforms(), ["manylinux2014_x86_64", "manylinux_2_28_x86_64"]);
        let old = Order { python: "3.11", architecture: "arm64", ..order("", "") };
        assert_eq!(old.platforms(), ["manylinux2014_aarch64"]);
        assert_eq!((python("python3.13"), python("nodejs22.x")), (Some("3.13"), None));
    }

    #[test]
    fn machine_specific_files_are_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = [
            "bin/x",
            "a/__pycache__/b.pyc",
            "a/RECORD",
            "a-1.dist-info/RECORD",
            "a-1.dist-info/METADATA",
        ];
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, "").expect("written");
        }
        strip(folder.path()).expect("stripped");
        let left = files.map(|file| folder.path().join(file).exists());
        assert_eq!(left, [false, false, true, false, true]);
    }
}
