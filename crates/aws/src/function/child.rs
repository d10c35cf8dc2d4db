//! Programs that this one runs: builds and pip. They end with this program, however it ends, and Ctrl-C does
//! not reach them: the first one lets what is in progress finish.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// Runs the command that follows. A process beside it, which only waits, survives whatever may end this
/// program: when the pipe that it reads closes without a line, it ends the whole process group, first
/// by TERM, so that processes can stop what they started, and after `$0` seconds by KILL.
const SCRIPT: &str = r#"
exec 3<&0 </dev/null
(
    trap '' TERM
    read -r line <&3 || { kill -TERM 0; sleep "$0"; kill -KILL 0; }
) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;
/// Seconds between the two signals.
const TERM_GRACE: &str = "2";
/// How long the end of a whole group may take: longer than the grace.
const ENDING: Duration = Duration::from_secs(5);
/// The exit code of a shell that does not find a command.
pub const NOT_FOUND: i32 = 127;

/// Runs a command in a folder, in a process group of its own. `None`: it did not end within `limit`, and was
/// ended.
pub async fn output(
    command: &[&OsStr],
    folder: &Path,
    limit: Duration,
) -> io::Result<Option<Output>> {
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, TERM_GRACE]).args(command).current_dir(folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell.process_group(0);
    let mut running = shell.spawn()?;
    let line = running.stdin.take();
    let mut output = std::pin::pin!(running.wait_with_output());
    let Ok(ended) = tokio::time::timeout(limit, &mut output).await else {
        drop(line);
        // What it writes while it ends is read: a closed pipe would end a shell before its traps.
        let _ = tokio::time::timeout(ENDING, output).await;
        return Ok(None);
    };
    // Processes that the command left running on purpose stay. The pipe may be closed already.
    if let Some(mut line) = line {
        let _ = line.write_all(b"\n").await;
    }
    ended.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sh(script: &str, limit: Duration) -> Option<Output> {
        let command = ["sh", "-c", script].map(OsStr::new);
        output(&command, Path::new("/"), limit).await.expect("a shell")
    }

    #[tokio::test]
    async fn both_outputs_and_the_exit_code_are_returned() {
        let ran = sh("echo out; echo err >&2; exit 3", Duration::from_secs(60)).await;
        let ran = ran.expect("it ends");
        assert_eq!((ran.stdout.as_slice(), ran.stderr.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
        assert_eq!(ran.status.code(), Some(3));
        let command = [OsStr::new("/no/such")];
        let missing = output(&command, Path::new("/"), Duration::from_secs(60)).await;
        let missing = missing.expect("a shell").expect("it ends");
        assert_eq!(missing.status.code(), Some(NOT_FOUND));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let (alive, ended) = (folder.path().join("alive"), folder.path().join("ended"));
        let script = format!(
            "trap 'touch {}; exit' TERM; touch {}; while :; do sleep 0.05; done",
            ended.display(),
            alive.display()
        );
        assert!(sh(&script, Duration::from_millis(500)).await.is_none());
        assert!(alive.exists(), "it ran");
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        while !ended.exists() {
            assert!(tokio::time::Instant::now() < until, "it was never ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A terminal sends Ctrl-C to the process group of the program.
    #[tokio::test]
    async fn it_is_not_in_the_process_group_of_this_program() {
        let ran = sh(
            "ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat",
            Duration::from_secs(60),
        );
        let theirs = String::from_utf8(ran.await.expect("it ends").stdout).expect("a number");
        let own = std::fs::read_to_string("/proc/self/stat").expect("Linux");
        let own = own.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(2)).expect("a group");
        assert_ne!(theirs.trim(), own);
    }
}
