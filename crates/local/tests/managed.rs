//! The managed local cloud as users get it: installed with pip and started as a process.
//!
//! Tests that read /proc need Linux; the others run everywhere.

#![allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use stackwright_local::{Config, Endpoint, Error, Event, PortUse, down, probe, reset, status, up};
use stackwright_testkit::cache;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpSocket};

/// A local cloud for one test, on the shared installation. It stops when the test ends.
struct Cloud {
    config: Config,
    _data: TempDir,
}

impl Cloud {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = Config {
            port: free_port().await,
            cache: cache().join("local"),
            data: data.path().to_owned(),
            python: None,
            path: std::env::var_os("PATH").unwrap_or_default(),
        };
        Self { config, _data: data }
    }

    async fn up(&self) -> Endpoint {
        match up(&self.config, &mut |_| ()).await {
            Ok(endpoint) => endpoint,
            Err(error) => panic!("{error}"),
        }
    }

    async fn pid(&self) -> u32 {
        status(&self.config).await.managed.expect("a running emulator").pid
    }

    async fn iam(&self, body: &str) -> String {
        let request = Request::post(self.config.url())
            .header("content-type", "application/x-www-form-urlencoded")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, \
                 SignedHeaders=host, Signature=0",
            )
            .body(Full::<Bytes>::from(format!("{body}&Version=2010-05-08")))
            .unwrap();
        let client = Client::builder(TokioExecutor::new()).build_http();
        let body = client.request(request).await.unwrap().into_body();
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    async fn has_role(&self, name: &str) -> bool {
        self.iam(&format!("Action=GetRole&RoleName={name}")).await.contains("<Arn>")
    }

    async fn create_role(&self, name: &str) {
        let reply = self
            .iam(&format!("Action=CreateRole&RoleName={name}&AssumeRolePolicyDocument=%7B%7D"))
            .await;
        assert!(reply.contains("<Arn>"), "{reply}");
    }
}

impl Drop for Cloud {
    /// Stops the emulator, also after a failed assertion: it would outlive the test otherwise.
    fn drop(&mut self) {
        let config = self.config.clone();
        let stopped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async { down(&config, &mut |_| ()).await.map(drop) })
        });
        match stopped.join() {
            Ok(Ok(()) | Err(Error::NotManaged { .. })) => {}
            other => eprintln!("the local cloud did not stop: {other:?}"),
        }
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn objects_survive_a_stop_but_not_a_reset() {
    let cloud = Cloud::new().await;
    let mut events = Vec::new();
    let first = up(&cloud.config, &mut |event| events.push(event)).await.unwrap();
    let expected = Endpoint {
        url: cloud.config.url(),
        account: "000000000000".to_owned(),
        managed: true,
        version: Some(stackwright_local::VERSION.to_owned()),
    };
    assert_eq!(first, expected);
    assert!(matches!(events.last(), Some(Event::Started { .. })), "{events:?}");

    let mut events = Vec::new();
    assert_eq!(up(&cloud.config, &mut |event| events.push(event)).await.unwrap(), expected);
    assert_eq!(events, []);

    cloud.create_role("kept").await;
    let pid = cloud.pid().await;
    assert!(down(&cloud.config, &mut |_| ()).await.unwrap());
    assert!(has_exited(pid).await, "process {pid} is still there");
    assert_eq!(probe(cloud.config.port).await, PortUse::Free);
    assert!(!down(&cloud.config, &mut |_| ()).await.unwrap(), "no emulator is left to stop");

    cloud.up().await;
    assert!(cloud.has_role("kept").await);
    let found = status(&cloud.config).await;
    assert!(found.memory.is_some_and(|bytes| bytes > 1 << 20), "{found:?}");
    assert!(found.saved > 0, "{found:?}");

    assert!(reset(&cloud.config, &mut |_| ()).await.unwrap().is_some());
    assert!(!cloud.has_role("kept").await);
}

#[tokio::test]
async fn the_emulator_listens_only_on_its_port_of_the_loopback_address() {
    let cloud = Cloud::new().await;
    cloud.up().await;
    cloud.iam("Action=ListRoles").await;
    let own = format!("127.0.0.1:{}", cloud.config.port);
    assert_eq!(listening(cloud.pid().await), HashSet::from([own]));
}

#[tokio::test]
async fn the_emulator_inherits_no_variable_and_no_terminal() {
    let cloud = Cloud::new().await;
    // A process's environment is fixed at its start, so a second process carries the canary variables.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "helper_starts_a_cloud_with_canary_variables", "--ignored"])
        .env("CANARY", "secret-of-the-shell")
        .env("AWS_PROFILE", "secret-of-the-shell")
        .env("TEST_PORT", cloud.config.port.to_string())
        .env("TEST_DATA", &cloud.config.data)
        .output()
        .unwrap();
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    let pid = cloud.pid().await;
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(!environment.contains("secret-of-the-shell"), "{environment}");
    let names: HashSet<&str> =
        environment.split('\0').filter_map(|pair| Some(pair.split_once('=')?.0)).collect();
    let expected = HashSet::from([
        "PATH",
        "HOME",
        "LANG",
        "TMPDIR",
        "PYTHONPATH",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_EC2_METADATA_DISABLED",
        "BIND_HOST",
        "IOT_MTLS_ENABLED",
        "GATEWAY_PORT",
        "PERSIST_STATE",
        "STATE_DIR",
    ]);
    assert_eq!(names, expected);
    // The emulator leads its own session: Ctrl-C and a hang-up do not reach it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(session, pid.to_string());
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/0")).unwrap(), Path::new("/dev/null"));
}

/// The second process of the test above.
#[tokio::test]
#[ignore = "run by the_emulator_inherits_no_variable_and_no_terminal"]
async fn helper_starts_a_cloud_with_canary_variables() {
    let config = Config {
        port: std::env::var("TEST_PORT").unwrap().parse().unwrap(),
        cache: cache().join("local"),
        data: PathBuf::from(std::env::var_os("TEST_DATA").unwrap()),
        python: None,
        path: std::env::var_os("PATH").unwrap(),
    };
    up(&config, &mut |_| ()).await.unwrap();
}

#[tokio::test]
async fn parallel_runs_start_one_emulator() {
    let cloud = Cloud::new().await;
    let runs: Vec<_> = (0..4)
        .map(|_| {
            let config = cloud.config.clone();
            tokio::spawn(async move {
                let mut started = 0;
                let mut count =
                    |event| started += u32::from(matches!(event, Event::Started { .. }));
                assert!(up(&config, &mut count).await.unwrap().managed);
                started
            })
        })
        .collect();
    let mut started = 0;
    for run in runs {
        started += run.await.unwrap();
    }
    assert_eq!(started, 1);
}

#[tokio::test]
async fn a_killed_emulator_is_started_again() {
    let cloud = Cloud::new().await;
    cloud.up().await;
    let pid = cloud.pid().await;
    assert!(Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap().success());
    // The lock is freed when the last thread of the process ends; `up` waits for that.
    cloud.up().await;
    assert!(has_exited(pid).await);
    assert_ne!(cloud.pid().await, pid);
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_a_hint() {
    let cloud = Cloud::new().await;
    let listener = TcpListener::bind(("127.0.0.1", cloud.config.port)).await.unwrap();
    tokio::spawn(async move {
        // Every connection is closed immediately.
        while listener.accept().await.is_ok() {}
    });
    let error = up(&cloud.config, &mut |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::PortTaken { .. }), "{error}");
    assert!(error.hint().unwrap().contains("STACKWRIGHT_LOCAL_PORT=4566"));
}

/// Connections to such a port are refused as those to a free one.
#[tokio::test]
async fn a_port_that_is_bound_and_does_not_listen_is_taken() {
    let cloud = Cloud::new().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], cloud.config.port).into()).unwrap();
    assert_eq!(probe(cloud.config.port).await, PortUse::Free);
    let mut reports = 0;
    let error = up(&cloud.config, &mut |_| reports += 1).await.unwrap_err();
    assert!(matches!(error, Error::PortTaken { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("STACKWRIGHT_LOCAL_PORT=4566")));
    assert_eq!(reports, 0, "nothing was installed or started");
}

#[tokio::test]
async fn an_emulator_started_by_someone_else_is_used_and_never_stopped() {
    let mut cloud = Cloud::new().await;
    let other = tokio::task::spawn_blocking(|| stackwright_testkit::Emulator::moto().start());
    let other = other.await.unwrap();
    cloud.config.port = other.port();
    let endpoint = cloud.up().await;
    assert_eq!((endpoint.managed, endpoint.account.as_str()), (false, other.account()));
    for error in [
        down(&cloud.config, &mut |_| ()).await.unwrap_err(),
        reset(&cloud.config, &mut |_| ()).await.unwrap_err(),
    ] {
        assert!(matches!(error, Error::NotManaged { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_crash_at_startup_is_an_error_with_the_log() {
    let cloud = Cloud::new().await;
    // An installation whose folder was emptied.
    let broken = cloud.config.data.join("cache");
    let version = "import sys; print('%d.%d' % sys.version_info[:2])";
    let version = Command::new("python3").args(["-c", version]).output().unwrap().stdout;
    let tree = format!(
        "ministack-{}-python{}",
        stackwright_local::VERSION,
        String::from_utf8(version).unwrap().trim()
    );
    fs::create_dir_all(broken.join(tree)).unwrap();
    let config = Config { cache: broken, ..cloud.config.clone() };
    let error = up(&config, &mut |_| ()).await.unwrap_err();
    assert!(matches!(error, Error::Crashed { .. }), "{error}");
    assert!(error.to_string().contains("No module named ministack"), "{error}");
}

/// Returns whether the process ends within two seconds. A zombie counts as ended: this test's runtime
/// collects its exit code.
async fn has_exited(pid: u32) -> bool {
    for _ in 0..100 {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        if state.is_empty() || state.rsplit(')').next().unwrap().trim().starts_with('Z') {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// Returns the addresses on which a process and its children accept connections.
fn listening(pid: u32) -> HashSet<String> {
    let inodes: HashSet<String> = session(pid).into_iter().flat_map(sockets).collect();
    let mut found = HashSet::new();
    for table in ["tcp", "tcp6"] {
        let table = fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap();
        for line in table.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (local, state, inode) = (fields[1], fields[3], fields[9]);
            if state == "0A" && inodes.contains(inode) {
                found.insert(address(local));
            }
        }
    }
    found
}

/// Returns the processes of the session that a process leads.
fn session(leader: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            let session = stat.rsplit(')').next().and_then(|s| s.split_whitespace().nth(3));
            session.is_some_and(|session| session == leader.to_string())
        })
        .collect()
}

fn sockets(pid: u32) -> Vec<String> {
    let Ok(handles) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    handles
        .flatten()
        .filter_map(|handle| fs::read_link(handle.path()).ok())
        .filter_map(|to| Some(to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect()
}

/// Converts an IPv4 address of /proc, for example `0100007F:11D6`. IPv6 addresses stay as they are; no
/// test expects one.
fn address(hex: &str) -> String {
    let (host, port) = hex.split_once(':').unwrap();
    let port = u16::from_str_radix(port, 16).unwrap();
    match u32::from_str_radix(host, 16) {
        Ok(host) if hex.len() == 13 => {
            format!("{}:{port}", std::net::Ipv4Addr::from(host.swap_bytes()))
        }
        _ => format!("[{host}]:{port}"),
    }
}
