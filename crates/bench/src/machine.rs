//! What the figures depend on: machine, versions and build.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::binary::Binary;
use crate::process::size;

/// The machine, the commit and the measured program.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What is known, by its name: `commit`, `processor`, ….
    lines: BTreeMap<&'static str, String>,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Machine {
    /// Reads what the machine says of itself. What it does not say is `unknown`.
    pub fn read() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let dirty = printed(
            "git",
            &["status", "--porcelain", "--untracked-files=no", "--", "crates", "src"],
        );
        let commit = printed("git", &["rev-parse", "--short=10", "HEAD"]).unwrap_or_else(unknown);
        let is_dirty = dirty.is_some_and(|changes| !changes.is_empty());
        let changed = if is_dirty { " with changes" } else { "" };
        let load = read("/proc/loadavg").and_then(|text| Some(text.split(' ').next()?.to_owned()));
        let lines = [
            ("day", jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
            ("commit", format!("{commit}{changed}")),
            ("compiler", printed("rustc", &["--version"]).unwrap_or_else(unknown)),
            ("processor", processor().unwrap_or_else(unknown)),
            ("cores", cores.to_string()),
            ("memory", memory().unwrap_or_else(unknown)),
            ("kernel", read("/proc/sys/kernel/osrelease").unwrap_or_else(unknown)),
            ("load", load.unwrap_or_else(unknown)),
        ];
        Self { lines: lines.into() }
    }

    /// The same with the program that is measured. If it is built for that, the load is the one after the build.
    ///
    /// # Errors
    /// There is no such program, or it cannot be built.
    pub fn with(binary: &Binary) -> Result<Self> {
        let megabytes = size(binary.file()?) as f64 / 1e6;
        let mut machine = Self::read();
        machine.lines.insert("profile", binary.profile().to_owned());
        machine.lines.insert("binary", format!("{megabytes:.1} MB"));
        Ok(machine)
    }

    /// What is known, by its name.
    pub fn lines(&self) -> &BTreeMap<&'static str, String> {
        &self.lines
    }

    /// One sentence for the page.
    pub fn sentence(&self) -> String {
        let of = |name: &str| self.lines.get(name).map_or("", String::as_str);
        let program = match self.lines.get("profile") {
            Some(profile) => format!("profile {profile}, binary of {}, ", of("binary")),
            None => String::new(),
        };
        format!(
            "Measured on {} at commit {}: {program}{}; {} with {} cores, {} of memory, Linux {}, load {} before \
             the run.",
            of("day"),
            of("commit"),
            of("compiler"),
            of("processor"),
            of("cores"),
            of("memory"),
            of("kernel"),
            of("load"),
        )
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn read(file: &str) -> Option<String> {
    Some(fs::read_to_string(file).ok()?.trim().to_owned())
}

fn processor() -> Option<String> {
    let text = read("/proc/cpuinfo")?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory() -> Option<String> {
    let text = read("/proc/meminfo")?;
    let kilobytes: f64 = text.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(format!("{:.0} GB", kilobytes / 1e6))
}

/// What a command prints; `None` if it fails.
fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(root()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_describes_the_measured_program_if_there_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("program");
        fs::write(&file, vec![0; 1_250_000]).expect("a file");
        let machine = Machine::with(&Binary::new(Some(file))).expect("a program");
        let sentence = machine.sentence();
        assert!(sentence.contains(": profile unknown, binary of 1.2 MB, rustc "), "{sentence}");
        let sentence = Machine::read().sentence();
        assert!(sentence.contains(": rustc ") && !sentence.contains("binary"), "{sentence}");
    }
}
