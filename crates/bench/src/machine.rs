//! What the figures depend on: machine, versions and build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The machine, and what was built on it.
#[derive(Clone, Debug)]
pub struct Machine {
    /// By what it is: `commit`, `processor`, ….
    lines: Vec<(&'static str, String)>,
}

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Machine {
    /// Asks the machine. What it does not say is `unknown`.
    pub fn asked(binary: &Path, profile: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let dirty = printed(
            "git",
            &["status", "--porcelain", "--untracked-files=no", "--", "crates", "src"],
        );
        let commit = printed("git", &["rev-parse", "--short=10", "HEAD"]).unwrap_or_else(unknown);
        let is_dirty = dirty.is_some_and(|changes| !changes.is_empty());
        let changed = if is_dirty { " with changes" } else { "" };
        let size = crate::process::size(binary) as f64 / 1e6;
        let load = read("/proc/loadavg").and_then(|text| Some(text.split(' ').next()?.to_owned()));
        let lines = vec![
            ("day", jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()),
            ("commit", format!("{commit}{changed}")),
            ("profile", profile.to_owned()),
            ("binary", format!("{size:.1} MB")),
            ("compiler", printed("rustc", &["--version"]).unwrap_or_else(unknown)),
            ("processor", processor().unwrap_or_else(unknown)),
            ("cores", cores.to_string()),
            ("memory", memory().unwrap_or_else(unknown)),
            ("kernel", read("/proc/sys/kernel/osrelease").unwrap_or_else(unknown)),
            ("load", load.unwrap_or_else(unknown)),
        ];
        Self { lines }
    }

    /// All that is known, by what it is.
    pub fn lines(&self) -> std::collections::BTreeMap<&'static str, String> {
        self.lines.iter().cloned().collect()
    }

    /// One sentence for the page.
    pub fn sentence(&self) -> String {
        let lines = self.lines();
        let of = |name: &str| lines.get(name).cloned().unwrap_or_default();
        format!(
            "Measured on {} at commit {}: profile {}, binary of {}, {}; {} with {} cores, {} of memory, Linux \
             {}, load {} before the run.",
            of("day"),
            of("commit"),
            of("profile"),
            of("binary"),
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
