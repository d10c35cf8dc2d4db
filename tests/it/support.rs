//! A folder with the sample stack, and the program run in it.

use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use stackwright_testkit::http::http;
use stackwright_testkit::{Counts, Emulator, Proxy, counts};
use tempfile::TempDir;

/// The trust policy of a role that a test makes by hand for a function.
pub const LAMBDA_TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"lambda.amazonaws.com"}}]}"#;

/// How many objects the sample stack has of each kind.
pub fn sample_counts() -> Counts {
    counts([("instance", 1), ("role", 1), ("function", 1), ("api", 1), ("log_group", 1)])
}

/// The sample stack in a folder of its own, with an emulator as its local cloud.
pub struct Sandbox {
    folder: TempDir,
    port: u16,
    variables: Vec<(&'static str, String)>,
}

/// The running program; killed when the test ends first.
pub struct Running {
    child: Option<Child>,
    /// What it has printed on stderr so far.
    output: Option<(BufReader<ChildStderr>, String)>,
}

impl Running {
    /// Sends a signal: `KILL`, `INT`, `TERM`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.as_ref().map(|child| child.id().to_string()).expect("it runs");
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(sent.success(), "kill -s {name} {pid}");
    }

    /// Presses Ctrl-C in the terminal of a program that [`start_in_terminal`](Sandbox::start_in_terminal) started:
    /// every process of its group gets the signal.
    pub fn press_ctrl_c(&self) {
        let pid = self.child.as_ref().map(Child::id).expect("it runs");
        let group = format!("-{pid}");
        let sent = Command::new("kill").args(["-s", "INT", "--", &group]).status().expect("kill");
        assert!(sent.success(), "kill -s INT -- {group}");
    }

    /// Waits until the program prints `part` on stderr; all that it has printed.
    #[track_caller]
    pub fn hear(&mut self, part: &str) -> String {
        let child = self.child.as_mut().expect("it runs");
        let (reader, said) = self.output.get_or_insert_with(|| {
            (BufReader::new(child.stderr.take().expect("a pipe")), String::new())
        });
        while !said.contains(part) {
            let read = reader.read_line(said).expect("text");
            assert!(read > 0, "it ended without `{part}`:\n{said}");
        }
        said.clone()
    }

    /// Waits until a call of the program is paused; `false` when it ended without one.
    pub fn is_paused(&mut self, proxy: &Proxy) -> bool {
        loop {
            match proxy.try_paused(Duration::from_millis(20)) {
                Some(_) => return true,
                None if self.has_ended() => return false,
                None => {}
            }
        }
    }

    fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut().expect("it runs");
        child.try_wait().expect("a process").is_some()
    }

    /// Waits for the end. After a signal the code is 128 and its number, as in a shell.
    pub fn wait(mut self) -> Ran {
        let mut stderr = String::new();
        if let Some((mut reader, said)) = self.output.take() {
            stderr = said;
            reader.read_to_string(&mut stderr).expect("text");
        }
        let output = self.child.take().expect("it runs").wait_with_output().expect("it ends");
        stderr.push_str(&String::from_utf8_lossy(&output.stderr));
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        Ran {
            code: output.status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The result of a run.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Sandbox {
    /// A copy of the repository's stack.yaml and handler.
    pub fn sample(emulator: &Emulator) -> Self {
        let sandbox = Self::empty(emulator.port());
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(root.join("stack.yaml"), sandbox.path("stack.yaml")).expect("stack.yaml");
        fs::create_dir(sandbox.path("handler")).expect("a folder");
        let code = "handler/lambda_function.py";
        fs::copy(root.join(code), sandbox.path(code)).expect("the handler");
        sandbox
    }

    /// An empty folder; `port` is that of the local cloud.
    pub fn empty(port: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { folder, port, variables: Vec::new() }
    }

    /// Uses the proxy as the local cloud.
    pub fn through(mut self, proxy: &Proxy) -> Self {
        self.port = proxy.port();
        self
    }

    /// Uses the emulator itself as the local cloud again.
    pub fn at(mut self, emulator: &Emulator) -> Self {
        self.port = emulator.port();
        self
    }

    pub fn go_through(&mut self, port: u16) {
        self.port = port;
    }

    /// The port of the local cloud.
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn env(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("read")
    }

    /// Replaces a text in stack.yaml that must be there.
    #[track_caller]
    pub fn edit(&self, from: &str, to: &str) {
        let text = self.read("stack.yaml");
        assert!(text.contains(from), "`{from}` is not in stack.yaml");
        self.write("stack.yaml", &text.replace(from, to));
    }

    /// Runs the program with a minimal environment.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.start(arguments).wait()
    }

    /// Starts the program without waiting for its end.
    pub fn start(&self, arguments: &[&str]) -> Running {
        let child = self.command(arguments).spawn().expect("the program runs");
        Running { child: Some(child), output: None }
    }

    /// As [`start`](Self::start), in a process group of its own, as a shell starts it.
    pub fn start_in_terminal(&self, arguments: &[&str]) -> Running {
        let child = self.command(arguments).process_group(0).spawn().expect("the program runs");
        Running { child: Some(child), output: None }
    }

    /// The program with its arguments and a minimal environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stackwright"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", self.path(".cache"))
            .env("STACKWRIGHT_LOCAL_PORT", self.port.to_string())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// As [`run`](Self::run); panics with the whole output unless it exits with 0.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> Ran {
        self.run(arguments).code(0)
    }

    /// Runs `reconcile --yes --json`: the finished steps, and how many calls wrote.
    #[track_caller]
    pub fn reconcile(&self, more: &[&str]) -> Reconciled {
        let arguments = [&["reconcile", "--yes", "--json"], more].concat();
        Reconciled::of(&self.ok(&arguments))
    }

    /// The plan as a document.
    #[track_caller]
    pub fn plan(&self, more: &[&str]) -> Value {
        self.ok(&[&["plan", "--json"], more].concat()).json()
    }

    /// Fails with the plan unless there is nothing to do.
    #[track_caller]
    pub fn settled(&self, more: &[&str]) {
        let ran = self.run(&[&["plan", "--detailed-exitcode"], more].concat());
        assert_eq!(ran.code, 0, "the plan is not empty:\n{ran}");
    }
}

/// What `reconcile --json` printed.
#[derive(Debug)]
pub struct Reconciled {
    /// `created instance.web`, in the order of their end.
    pub finished: Vec<String>,
    pub calls: u64,
    pub writes: u64,
    pub checks: usize,
}

impl Reconciled {
    #[track_caller]
    fn of(ran: &Ran) -> Self {
        let events: Vec<Value> =
            ran.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let of =
            |kind: &'static str| events.iter().filter(move |event| event["event"] == kind).cloned();
        let last = of("reconciled").next().unwrap_or_else(|| panic!("no summary:\n{ran}"));
        let finished = of("finished")
            .map(|event| format!("{} {}", text(&event["action"]), text(&event["address"])))
            .collect();
        Self {
            finished,
            calls: last["calls"]["total"].as_u64().expect("a number"),
            writes: last["calls"]["writes"].as_u64().expect("a number"),
            checks: of("checked").filter(|event| event["passed"] == true).count(),
        }
    }
}

/// Whether `STACKWRIGHT_TORTURE=all` asks for every call instead of some.
pub fn takes_all() -> bool {
    std::env::var("STACKWRIGHT_TORTURE").is_ok_and(|value| value == "all")
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

impl Ran {
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert_eq!(self.code, expected, "{self}");
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }

    /// Checks that the output has `part`, on either stream.
    #[track_caller]
    pub fn says(self, part: &str) -> Self {
        let said = self.stdout.contains(part) || self.stderr.contains(part);
        assert!(said, "`{part}` was not printed:\n{self}");
        self
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exit {}\n-- stdout\n{}\n-- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// `POST url body` as a plain HTTP client would: status and body.
pub fn post(url: &str, body: &str) -> (u16, Value) {
    let (status, body) = http("POST", url, body);
    (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
}
