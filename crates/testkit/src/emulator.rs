//! One emulator for one test.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::tree::{cache, python, python_path};

/// From start to listening, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(60);
/// Another process may take a port between its choice and its use.
const TRIES: usize = 5;
/// How many lines of the emulator's log a panic shows.
const LINES: usize = 20;

/// What to start.
#[derive(Clone, Debug)]
pub struct Builder {
    program: Program,
    variables: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Ministack,
    Moto,
}

/// A running emulator on 127.0.0.1; dropping it stops it.
#[derive(Debug)]
pub struct Emulator {
    program: Program,
    port: u16,
    supervisor: Child,
    /// Open while the emulator runs.
    stdin: Option<ChildStdin>,
    folder: TempDir,
    _port: File,
}

impl Builder {
    /// Checks credentials and policies, and runs each function as its role.
    pub fn auth(self) -> Self {
        self.env("AUTH", "true")
    }

    /// One more variable in the emulator's environment, which is otherwise empty.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the emulator and returns when it listens.
    pub fn start(self) -> Emulator {
        let mut log = String::new();
        for _ in 0..TRIES {
            match self.try_start() {
                Ok(emulator) => return emulator,
                Err(failed) => log = failed,
            }
        }
        panic!("{:?} does not start; the end of its log:\n{log}", self.program)
    }

    fn try_start(&self) -> Result<Emulator, String> {
        let (port, reserved) = free_port();
        let folder = tempfile::tempdir().expect("a folder for the emulator");
        let log = File::create(folder.path().join("log")).expect("a log for the emulator");
        let mut command = Command::new(python());
        command
            .args(["-c", include_str!("supervise.py")])
            .args(self.program.arguments(port))
            .current_dir(folder.path())
            .env_clear()
            .envs(self.program.variables(port))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .env("TMPDIR", folder.path())
            .env("PYTHONPATH", python_path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a second handle on the log"))
            .stderr(log);
        let mut supervisor = command.spawn().expect("python3 runs");
        let stdin = supervisor.stdin.take();
        let program = self.program;
        let emulator = Emulator { program, port, supervisor, stdin, folder, _port: reserved };
        emulator.listening()
    }
}

impl Program {
    fn arguments(self, port: u16) -> Vec<String> {
        let port = port.to_string();
        let arguments: &[&str] = match self {
            Self::Ministack => &["-m", "ministack"],
            Self::Moto => &["-m", "moto.server", "-H", "127.0.0.1", "-p", &port],
        };
        arguments.iter().map(ToString::to_string).collect()
    }

    fn variables(self, port: u16) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("LANG", "C.UTF-8".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        match self {
            Self::Ministack => variables.extend([
                ("BIND_HOST", "127.0.0.1".to_owned()),
                ("IOT_MTLS_ENABLED", "0".to_owned()),
                ("GATEWAY_PORT", port.to_string()),
            ]),
            // As on AWS, the managed policies are there.
            Self::Moto => {
                variables.push(("MOTO_IAM_LOAD_MANAGED_POLICIES", "true".to_owned()));
            }
        }
        variables
    }
}

impl Emulator {
    /// MiniStack: runs functions and serves deployed APIs.
    pub fn ministack() -> Builder {
        Builder { program: Program::Ministack, variables: Vec::new() }
    }

    /// moto: knows more of AWS's rules, runs nothing.
    pub fn moto() -> Builder {
        Builder { program: Program::Moto, variables: Vec::new() }
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The account id of GetCallerIdentity.
    pub fn account(&self) -> &'static str {
        match self.program {
            Program::Ministack => "000000000000",
            Program::Moto => "123456789012",
        }
    }

    /// The emulator's log so far.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// A Python command with boto3 and awscli at hand, credentials test/test, and this emulator as
    /// the only endpoint.
    pub fn python(&self) -> Command {
        let mut command = Command::new(python());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("LANG", "C.UTF-8")
            .env("PYTHONPATH", python_path())
            .env("AWS_ENDPOINT_URL", self.url())
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// `aws ARGUMENTS --output json`: its reply, null when there is none. Panics when it fails.
    #[track_caller]
    pub fn aws(&self, arguments: &[&str]) -> Value {
        match self.try_aws(arguments) {
            Ok(reply) => reply,
            Err(error) => panic!("aws {}: {error}", arguments.join(" ")),
        }
    }

    /// As [`aws`](Self::aws), with the client's error message.
    pub fn try_aws(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = self
            .python()
            .args(["-m", "awscli", "--output", "json"])
            .args(arguments)
            .output()
            .expect("awscli runs");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
        }
        if output.stdout.trim_ascii().is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(&output.stdout).expect("awscli answers in JSON"))
    }

    /// Waits until the emulator accepts connections; fails with its log when it ends.
    fn listening(mut self) -> Result<Self, String> {
        let deadline = Instant::now() + START;
        while Instant::now() < deadline {
            if self.supervisor.try_wait().expect("the supervisor is ours").is_some() {
                return Err(self.tail());
            }
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return Ok(self);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(format!("{}\nno answer within {} s", self.tail(), START.as_secs()))
    }

    fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It ends by itself, at the latest five seconds after its input closed.
        let _ = self.supervisor.wait();
    }
}

/// A port that is free now, with a lock on its number against the other tests.
fn free_port() -> (u16, File) {
    let ports = cache().join("ports");
    fs::create_dir_all(&ports).expect("a folder for the ports");
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("its number").port();
        let lock = File::create(ports.join(port.to_string())).expect("a file for the port");
        if lock.try_lock().is_ok() {
            return (port, lock);
        }
    }
}
