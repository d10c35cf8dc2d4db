//! The tests that a mutant meets: in stages, and no further than to the first that fails.

use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Mutant, Part};

/// Of the whole program, those that guard something: calls fail, are late, or are the last.
pub const PROGRAM: &[&str] = &[
    "strict",
    "faults",
    "windows",
    "interrupted",
    "progress",
    "profiles",
    "builds",
    "policies",
    "retained",
    "prober::after_each_write",
];

/// A mutant may also make the tests hang: this is more than a stage needs.
const LIMIT: Duration = Duration::from_secs(600);
/// For what ends when it is asked to: a test, and then its emulator.
const GRACE: Duration = Duration::from_secs(15);

/// What came of a stage.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// Which test failed, or what else ended the stage.
    Failed(String),
    /// The end of what the compiler says.
    DoesNotCompile(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(by) => write!(f, "FAILED ({by})"),
            Self::DoesNotCompile(said) => write!(f, "do not compile:\n{said}"),
        }
    }
}

/// A clone of the last commit, and the folder that its builds share.
pub struct Bench {
    folder: TempDir,
    target: PathBuf,
}

/// The arguments of one `cargo test`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stage {
    targets: Vec<String>,
    tests: Vec<&'static str>,
}

/// The suite of a mutant by its name in the report.
pub fn name(part: Part) -> &'static str {
    match part {
        Part::Engine => "engine",
        Part::Aws | Part::Program => "program",
    }
}

impl Bench {
    pub fn new(root: &Path) -> io::Result<Self> {
        let asked = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        // The builds of the checkout are not mixed with those of its mutants, unless it is asked for.
        let target = std::path::absolute(asked.unwrap_or(root.join("target/mutants")))?;
        let bench = Self { folder: tempfile::tempdir()?, target };
        let cloned =
            Command::new("git").args(["clone", "-q"]).arg(root).arg(bench.checkout()).status()?;
        if cloned.success() {
            Ok(bench)
        } else {
            Err(io::Error::other("the repository cannot be cloned"))
        }
    }

    pub fn checkout(&self) -> PathBuf {
        self.folder.path().join("clone")
    }

    /// Whether a part compiles. With `stackwright` the SDK has the features that all builds share.
    pub fn check(&self, part: Part) -> io::Result<Outcome> {
        let package = match part {
            Part::Engine => "stackwright-engine",
            Part::Aws | Part::Program => "stackwright",
        };
        compiled(self.cargo("check").args(["-p", package]))
    }

    /// All stages, until one does not pass.
    pub fn test(&self, part: Part, mutant: Option<&Mutant>) -> io::Result<Outcome> {
        for stage in self.stages(part, mutant)? {
            let outcome = self.stage(&stage)?;
            if outcome != Outcome::Passed {
                return Ok(outcome);
            }
        }
        Ok(Outcome::Passed)
    }

    fn stages(&self, part: Part, mutant: Option<&Mutant>) -> io::Result<Vec<Stage>> {
        if name(part) == "engine" {
            return self.engine_stages();
        }
        let stage = |tests: &[&'static str]| Stage {
            targets: ["--test", "it"].map(str::to_owned).into(),
            tests: [&["--test-threads=4"], tests].concat(),
        };
        let suspects = mutant.map_or(&[][..], |mutant| mutant.suspects);
        let first = Some(suspects).filter(|suspects| !suspects.is_empty()).map(stage);
        Ok(first.into_iter().chain([stage(PROGRAM)]).collect())
    }

    /// Whole runs in the cloud in memory take longest: they come last.
    fn engine_stages(&self) -> io::Result<Vec<Stage>> {
        let mut quick = vec!["--lib".to_owned()];
        let mut slow = Vec::new();
        for entry in fs::read_dir(self.checkout().join("crates/engine/tests"))? {
            let path = entry?.path();
            let Some(target) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            let stage = if target == "run" { &mut slow } else { &mut quick };
            stage.extend(["--test".to_owned(), target.to_owned()]);
        }
        let stages = [quick, slow].map(|targets| Stage {
            targets: ["-p", "stackwright-engine"]
                .map(str::to_owned)
                .into_iter()
                .chain(targets)
                .collect(),
            tests: Vec::new(),
        });
        Ok(stages.into())
    }

    fn stage(&self, stage: &Stage) -> io::Result<Outcome> {
        // Warnings are no reason to stay.
        let built = compiled(self.cargo("test").args(&stage.targets).arg("--no-run"))?;
        if built != Outcome::Passed {
            return Ok(built);
        }
        let mut command = self.cargo("test");
        command.args(&stage.targets).arg("--").args(&stage.tests);
        // A group of its own, so that it can be ended with all that it has started.
        command.stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        watch(command.spawn()?, LIMIT)
    }

    fn cargo(&self, what: &str) -> Command {
        let cache = std::env::var_os("STACKWRIGHT_TEST_CACHE");
        let mut command = crate::cargo();
        command
            .args([what, "--locked"])
            .current_dir(self.checkout())
            .env("CARGO_TARGET_DIR", &self.target)
            .env("STACKWRIGHT_TEST_CACHE", cache.unwrap_or(self.target.join("emulators").into()))
            .env("STACKWRIGHT_WORLDS", "500")
            .env("STACKWRIGHT_SECONDS", "30")
            .env("RUST_BACKTRACE", "0")
            // What a mutant's tests do is no figure.
            .env_remove("STACKWRIGHT_FIGURES");
        command
    }
}

fn compiled(command: &mut Command) -> io::Result<Outcome> {
    let built = command.output()?;
    if built.status.success() {
        return Ok(Outcome::Passed);
    }
    let said = String::from_utf8_lossy(&built.stderr);
    let from = said.char_indices().rev().nth(800).map_or(0, |(at, _)| at);
    Ok(Outcome::DoesNotCompile(said[from..].to_owned()))
}

/// Reads what the tests say until one has failed, all have ended, or the time is over.
fn watch(mut tests: Child, limit: Duration) -> io::Result<Outcome> {
    let until = Instant::now() + limit;
    let (sender, lines) = mpsc::channel();
    if let Some(output) = tests.stdout.take() {
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody listens any more: the first failure was enough.
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
    }
    let failed = loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                if let Some(test) = failed_test(&line) {
                    break test.to_owned();
                }
            }
            Err(RecvTimeoutError::Timeout) => {
                break format!("no end within {} minutes", limit.as_secs() / 60);
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = tests.wait()?;
                return Ok(if status.success() {
                    Outcome::Passed
                } else {
                    Outcome::Failed(format!("the tests ended with {status}"))
                });
            }
        }
    };
    end(tests)?;
    Ok(Outcome::Failed(failed))
}

/// `test run::guards::x ... FAILED`
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// Ends the whole group: first by a word, for what supervises an emulator ends it after the test; in
/// the end without asking.
fn end(mut tests: Child) -> io::Result<()> {
    let group = format!("-{}", tests.id());
    let kill = |signal: &str| {
        let mut kill = Command::new("kill");
        kill.args(["-s", signal, "--", &group]).stderr(Stdio::null()).status()
    };
    kill("TERM")?;
    tests.wait()?;
    let until = Instant::now() + GRACE;
    while kill("0")?.success() {
        if Instant::now() > until {
            kill("KILL")?;
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).process_group(0);
        command.spawn().expect("sh runs")
    }

    #[test]
    fn the_first_failure_ends_the_tests_and_what_they_started() {
        let script =
            "sleep 300 & echo $! >&2; echo 'test a ... ok'; echo 'test b::c ... FAILED'; wait";
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut tests = command.process_group(0).spawn().expect("sh runs");
        let errors = tests.stderr.take().expect("a pipe");
        let outcome = watch(tests, LIMIT).expect("it can be watched");
        assert_eq!(outcome, Outcome::Failed("b::c".to_owned()));
        let sleeper = BufReader::new(errors).lines().next().expect("a line").expect("text");
        let mut alive = Command::new("kill");
        let alive = alive.args(["-s", "0", &sleeper]).stderr(Stdio::null()).status();
        assert!(!alive.expect("kill runs").success(), "{sleeper} still runs");
    }

    #[test]
    fn tests_that_hang_and_tests_that_crash_have_failed() {
        let hanging = watch(shell("sleep 300"), Duration::from_millis(100)).expect("watched");
        assert_eq!(hanging, Outcome::Failed("no end within 0 minutes".to_owned()));
        let crashing = watch(shell("exit 101"), LIMIT).expect("watched");
        assert_eq!(crashing, Outcome::Failed("the tests ended with exit status: 101".to_owned()));
        assert_eq!(watch(shell("echo 'test a ... ok'"), LIMIT).expect("watched"), Outcome::Passed);
    }
}
