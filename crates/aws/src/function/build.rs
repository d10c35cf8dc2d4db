//! `code.build`: commands that build a function's code.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::time::Duration;

use stackwright_engine::kind::{Error, Result};
use tokio::sync::Mutex;

use super::child;
use crate::call_tracker::CallTracker;

/// The limit of a build: nobody waits longer at every plan.
const TIME_LIMIT: Duration = Duration::from_secs(1800);
/// How many lines of a failed command's output are shown.
const SHOWN_LINES: usize = 20;

/// The builds of this run and their outcomes. Each command runs once, although a function is prepared
/// several times and functions may share a command. One runs at a time, since two may write to the
/// same folder.
#[derive(Debug, Default)]
pub struct Builds(Mutex<BTreeMap<(PathBuf, String), Result<(), String>>>);

impl Builds {
    /// Runs `command` in `folder`, unless it ran before. The command has the user's environment.
    pub async fn run(&self, folder: &Path, command: &str, calls: &CallTracker) -> Result<()> {
        let mut known = self.0.lock().await;
        let key = (folder.to_owned(), command.to_owned());
        let done = match known.get(&key) {
            Some(done) => done.clone(),
            None => {
                let what = format!("the build `{}`", first_line(command));
                let _awaiting = calls.awaits(what, TIME_LIMIT);
                let done = run(folder, command).await;
                known.insert(key, done.clone());
                done
            }
        };
        let hint = "it runs by `sh -e` in the folder of the stack file, before `path` is read";
        done.map_err(|why| Error::terminal(format!("`build` {why}")).with_hint(hint))
    }
}

/// Both outputs are one stream, so that their lines keep their order. The error completes "`build` …".
async fn run(folder: &Path, command: &str) -> Result<(), String> {
    let script = "exec sh -e -c \"$1\" 2>&1";
    let command = ["sh", "-c", script, "sh", command].map(OsStr::new);
    match child::output(&command, folder, TIME_LIMIT).await {
        Err(error) => Err(format!("cannot run: sh: {error}")),
        Ok(None) => Err(format!("did not end within {} minutes", TIME_LIMIT.as_secs() / 60)),
        Ok(Some(Output { status, .. })) if status.success() => Ok(()),
        Ok(Some(Output { status, stdout, .. })) => Err(failure(status, &stdout)),
    }
}

fn failure(status: ExitStatus, output: &[u8]) -> String {
    let output = String::from_utf8_lossy(output);
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return format!("ended with {status} and printed nothing");
    }
    let last = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    format!("ended with {status}; the end of its output:\n      {}", last.join("\n      "))
}

fn first_line(command: &str) -> &str {
    command.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the commands in turn; returns their errors and the folder that they ran in.
    async fn ran(commands: &[&str]) -> (Vec<Option<String>>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let (builds, calls) = (Builds::default(), CallTracker::default());
        let mut errors = Vec::new();
        for command in commands {
            let error = builds.run(folder.path(), command, &calls).await.err();
            errors.push(error.map(|error| error.message));
        }
        (errors, folder)
    }

    #[tokio::test]
    async fn each_command_runs_once_also_if_it_fails() {
        let (made, failing) = ("echo a >> log", "echo b >> log; exit 3");
        let (errors, folder) = ran(&[made, failing, made, failing]).await;
        let said = "`build` ended with exit status: 3 and printed nothing".to_owned();
        assert_eq!(errors, [None, Some(said.clone()), None, Some(said)]);
        let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
        assert_eq!(log, "a\nb\n");
    }

    #[tokio::test]
    async fn the_first_line_that_fails_ends_a_build_and_the_end_of_its_output_is_shown() {
        let command = "for line in $(seq 30); do echo line $line; done\necho why >&2\nfalse\ntrue";
        let (errors, _folder) = ran(&[command]).await;
        let message = errors[0].as_deref().expect("it failed");
        let lines: Vec<&str> = message.lines().map(str::trim).collect();
        assert_eq!(lines[0], "`build` ended with exit status: 1; the end of its output:");
        assert_eq!(
            (lines[1], lines[19], lines[20], lines.len()),
            ("line 12", "line 30", "why", 21)
        );
    }

    #[tokio::test]
    async fn builds_run_one_after_the_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (builds, calls) = (Builds::default(), CallTracker::default());
        // Each fails if it meets the other's mark.
        let command = |name: &str| format!("mkdir mark; sleep 0.1; rmdir mark # {name}");
        let (a, b) = (command("a"), command("b"));
        let (a, b) = tokio::join!(
            builds.run(folder.path(), &a, &calls),
            builds.run(folder.path(), &b, &calls)
        );
        assert!(a.is_ok() && b.is_ok(), "{a:?} {b:?}");
    }
}
