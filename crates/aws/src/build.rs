//! `code.build`: commands that make a function's code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use stackwright_engine::kind::{Error, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::calls::Calls;

/// Longer than a build that somebody would wait for at every plan.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Lines of a failed command's output that are told.
const TOLD: usize = 20;

/// What was run in this process, and what came of it. A function is prepared several times in a
/// run, and functions may share a command: it runs once. One runs at a time, for two may write to
/// the same folder.
#[derive(Debug, Default)]
pub struct Builds(Mutex<BTreeMap<(PathBuf, String), Result<(), String>>>);

impl Builds {
    /// Runs `command` in `folder`, unless that has been done. It has the user's environment.
    pub async fn run(&self, folder: &Path, command: &str, calls: &Calls) -> Result<()> {
        let mut known = self.0.lock().await;
        let key = (folder.to_owned(), command.to_owned());
        let done = match known.get(&key) {
            Some(done) => done.clone(),
            None => {
                let what = format!("the build `{}`", first_line(command));
                let _awaiting = calls.awaits(what, PATIENCE);
                let done = run(folder, command).await;
                known.insert(key, done.clone());
                done
            }
        };
        let hint = "it runs by `sh -e` in the folder of the stack file, before `path` is read";
        done.map_err(|why| Error::terminal(format!("`build` {why}")).with_hint(hint))
    }
}

/// What runs the command, `$1`. A process beside it, which only waits, outlives whatever may end this
/// program: when the pipe that it reads closes without a line, it ends the whole group that all of
/// this runs in. First by a word, so that what has more to stop than itself can do so.
///
/// The command is one stream, so that lines stand in the order in which they were said.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
(
    trap '' TERM
    read -r line <&3 || { kill -TERM 0; sleep "$2"; kill -KILL 0; }
) >/dev/null &
exec sh -e -c "$1" 2>&1 3<&-
"#;
/// Seconds between the two.
const LAST_WORD: &str = "2";

/// The error completes "`build` …".
async fn run(folder: &Path, command: &str) -> Result<(), String> {
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "sh", command, LAST_WORD]).current_dir(folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Not the terminal's: a Ctrl-C there ends this program, and by that the build.
    shell.process_group(0);
    let failed = |error| format!("cannot run: sh: {error}");
    let mut building = shell.spawn().map_err(failed)?;
    let Some(mut line) = building.stdin.take() else { return Err("cannot run: no pipe".into()) };
    let Ok(ended) = tokio::time::timeout(PATIENCE, building.wait_with_output()).await else {
        return Err(format!("did not end within {} minutes", PATIENCE.as_secs() / 60));
    };
    let Output { status, stdout, .. } = ended.map_err(failed)?;
    // What it left running on purpose stays; nobody may be there to read this.
    let _ = line.write_all(b"\n").await;
    if status.success() { Ok(()) } else { Err(told(status, &stdout)) }
}

fn told(status: ExitStatus, output: &[u8]) -> String {
    let output = String::from_utf8_lossy(output);
    let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return format!("ended with {status} and said nothing");
    }
    let last = &lines[lines.len().saturating_sub(TOLD)..];
    format!("ended with {status}; the end of what it said:\n      {}", last.join("\n      "))
}

fn first_line(command: &str) -> &str {
    command.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What came of each command in turn, and the folder they ran in.
    async fn ran(commands: &[&str]) -> (Vec<Option<String>>, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let (builds, calls) = (Builds::default(), Calls::default());
        let mut came = Vec::new();
        for command in commands {
            let error = builds.run(folder.path(), command, &calls).await.err();
            came.push(error.map(|error| error.message));
        }
        (came, folder)
    }

    #[tokio::test]
    async fn each_runs_once_in_the_folder_whatever_comes_of_it() {
        let (made, failing) = ("echo a >> log", "echo b >> log; exit 3");
        let (came, folder) = ran(&[made, failing, made, failing]).await;
        let said = "`build` ended with exit status: 3 and said nothing".to_owned();
        assert_eq!(came, [None, Some(said.clone()), None, Some(said)]);
        let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
        assert_eq!(log, "a\nb\n");
    }

    #[tokio::test]
    async fn the_first_line_that_fails_ends_it_and_the_end_of_both_streams_is_told() {
        let command = "for line in $(seq 30); do echo line $line; done\necho why >&2\nfalse\ntrue";
        let (came, _folder) = ran(&[command]).await;
        let message = came[0].as_deref().expect("it failed");
        let lines: Vec<&str> = message.lines().map(str::trim).collect();
        assert_eq!(lines[0], "`build` ended with exit status: 1; the end of what it said:");
        assert_eq!(
            (lines[1], lines[19], lines[20], lines.len()),
            ("line 12", "line 30", "why", 21)
        );
    }

    #[tokio::test]
    async fn two_at_once_run_one_after_the_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let (builds, calls) = (Builds::default(), Calls::default());
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
