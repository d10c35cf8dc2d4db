//! Runs a program and measures it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Result;

const LAUNCHER: &str = include_str!("launch.py");

/// How often the size of a watched file is read.
const WATCH: Duration = Duration::from_millis(10);

/// What a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of CPU, those of the program and those of the system for it.
    pub cpu: f64,
    /// The most memory at a moment, in megabytes.
    pub memory: f64,
    /// The largest size of the watched file, in bytes.
    pub watched: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ran {
    pub usage: Usage,
    pub code: i32,
    /// Whether it was stopped because it took too long.
    pub is_stopped: bool,
    /// Everything that it printed, on both streams.
    pub output: String,
}

/// A program with its arguments.
#[derive(Clone, Debug)]
pub struct Program {
    pub command: Vec<String>,
    pub folder: PathBuf,
    /// The whole environment.
    pub variables: Vec<(String, String)>,
    /// After so many seconds it is stopped.
    pub limit: f64,
    /// A file that grows while the program runs.
    pub watched: Option<PathBuf>,
}

impl Program {
    /// Runs the program to its end, and measures it alone.
    ///
    /// # Errors
    /// The program cannot be started. A program that fails is no error.
    pub fn run(&self) -> Result<Ran> {
        let printed = tempfile::NamedTempFile::new()?;
        let mut launcher = Command::new("python3")
            .args(["-I", "-S", "-c", LAUNCHER])
            .arg(self.limit.to_string())
            .arg(printed.path())
            .args(&self.command)
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3: {error}"))?;
        let mut watched = 0;
        while let Some(file) = self.watched.as_deref().filter(|_| is_running(&mut launcher)) {
            watched = size(file).max(watched);
            thread::sleep(WATCH);
        }
        let ended = launcher.wait_with_output()?;
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        let output = String::from_utf8_lossy(&fs::read(printed.path())?).into_owned();
        let (code, is_stopped, usage) = read(&said).ok_or_else(|| {
            let why = String::from_utf8_lossy(&ended.stderr);
            format!("{}: {}", self.command[0], why.lines().last().unwrap_or("cannot be measured"))
        })?;
        Ok(Ran { usage: Usage { watched, ..usage }, code, is_stopped, output })
    }
}

impl Ran {
    /// Why the run failed; `None` if it succeeded.
    pub fn failure(&self) -> Option<String> {
        if self.is_stopped {
            return Some(format!("stopped after {:.0} s", self.usage.wall));
        }
        if self.code == 0 {
            return None;
        }
        let mut lines = self.output.lines().filter(|line| !line.trim().is_empty());
        let is_error = |line: &&str| line.to_lowercase().trim_start().starts_with("error");
        let has_error = |line: &&str| line.to_lowercase().contains("error");
        let said = lines.clone().find(is_error).or_else(|| lines.clone().find(has_error));
        let said = said.or_else(|| lines.next_back());
        Some(said.map_or_else(|| format!("exit code {}", self.code), |line| line.trim().to_owned()))
    }

    /// # Errors
    /// The run failed.
    pub fn ok(self) -> Result<Usage> {
        match self.failure() {
            None => Ok(self.usage),
            Some(_) => Err(self.output.into()),
        }
    }
}

fn is_running(child: &mut std::process::Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

/// The size of a file, 0 if there is none.
pub fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

/// Reads what the launcher prints.
fn read(said: &str) -> Option<(i32, bool, Usage)> {
    let mut numbers = said.split_whitespace();
    let code = numbers.next()?.parse().ok()?;
    let is_stopped = numbers.next()? == "1";
    let [wall, user, system, kilobytes] =
        std::array::from_fn(|_| numbers.next()?.parse::<f64>().ok());
    let usage =
        Usage { wall: wall?, cpu: user? + system?, memory: kilobytes? / 1024.0, watched: 0 };
    Some((code, is_stopped, usage))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str, limit: f64) -> Ran {
        run(["sh", "-c", script], limit)
    }

    fn run(command: [&str; 3], limit: f64) -> Ran {
        let path = std::env::var("PATH").unwrap_or_default();
        let program = Program {
            command: command.map(str::to_owned).into(),
            folder: std::env::temp_dir(),
            variables: vec![("PATH".to_owned(), path)],
            limit,
            watched: None,
        };
        program.run().expect("a program")
    }

    #[test]
    fn a_run_is_measured_and_its_output_kept() {
        let ran =
            shell("echo out; echo err >&2; i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done", 60.0);
        assert_eq!((ran.code, ran.is_stopped, ran.failure()), (0, false, None));
        assert_eq!(ran.output, "out\nerr\n");
        let Usage { wall, cpu, memory, .. } = ran.usage;
        assert!(cpu > 0.0 && wall > 0.0 && memory > 0.5, "{:?}", ran.usage);
    }

    #[test]
    fn a_run_that_fails_says_why() {
        assert_eq!(
            shell("echo first; echo error: wrong; exit 3", 60.0).failure().as_deref(),
            Some("error: wrong")
        );
        assert_eq!(
            shell("echo ERROR! wrong; echo last; exit 3", 60.0).failure().as_deref(),
            Some("ERROR! wrong")
        );
        let with_a_name = "echo Compiling thiserror; echo error: wrong; exit 3";
        assert_eq!(shell(with_a_name, 60.0).failure().as_deref(), Some("error: wrong"));
        assert_eq!(shell("exit 3", 60.0).failure().as_deref(), Some("exit code 3"));
    }

    #[test]
    fn a_run_that_takes_too_long_is_stopped() {
        let ran = shell("sleep 60 & echo $!; wait", 0.2);
        assert!(ran.is_stopped && ran.usage.wall < 30.0, "{ran:?}");
        assert_eq!(ran.failure().as_deref(), Some("stopped after 0 s"));
        // With the programs that it has started.
        let other = Path::new("/proc").join(ran.output.trim()).join("cmdline");
        let until = Instant::now() + Duration::from_secs(30);
        while fs::read(&other).is_ok_and(|command| !command.is_empty()) {
            assert!(Instant::now() < until, "{} is there", other.display());
            thread::yield_now();
        }
    }

    #[test]
    fn a_program_gets_signals_that_its_launcher_blocks() {
        // Not by a shell, which unblocks them itself.
        let blocked = run(["grep", "SigBlk", "/proc/self/status"], 60.0).output;
        assert_eq!(blocked.split_whitespace().last(), Some("0000000000000000"));
    }

    #[test]
    fn a_signal_before_the_start_stops_the_run() {
        // A blocked signal stays pending in the program that replaces this one.
        const EARLY: &str = "import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.kill(os.getpid(), signal.SIGTERM)
os.execvp('python3', ['python3', *sys.argv[1:]])";
        let printed = tempfile::NamedTempFile::new().expect("a file");
        let mut launcher = Command::new("python3");
        launcher.args(["-c", EARLY, "-I", "-S", "-c", LAUNCHER, "60"]).arg(printed.path());
        let ended = launcher.args(["sleep", "60"]).output().expect("python3");
        let (code, is_stopped, _) = read(&String::from_utf8_lossy(&ended.stdout))
            .unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&ended.stderr)));
        assert_eq!((code, is_stopped), (-9, true));
    }
}
