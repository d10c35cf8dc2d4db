//! The emulators start, answer, and end with their test.

#![allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use stackwright_testkit::{Emulator, python, python_path};

#[test]
fn ministack_answers() {
    let cloud = Emulator::ministack().start();
    let identity = cloud.aws(&["sts", "get-caller-identity"]);
    assert_eq!(identity["Account"], cloud.account());
    let error = cloud.try_aws(&["iam", "get-role", "--role-name", "nobody"]).unwrap_err();
    assert!(error.contains("NoSuchEntity"), "{error}");
}

#[test]
fn ministack_with_auth_says_so() {
    let cloud = Emulator::ministack().auth().start();
    let health = "import urllib.request as u, sys; print(u.urlopen(sys.argv[1]).read().decode())";
    let output = cloud
        .python()
        .args(["-c", health, &format!("{}/_localstack/health", cloud.url())])
        .output()
        .unwrap();
    let health: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(health["auth"], "enabled");
}

#[test]
fn moto_answers_and_knows_managed_policies() {
    let cloud = Emulator::moto().start();
    let identity = cloud.aws(&["sts", "get-caller-identity"]);
    assert_eq!(identity["Account"], cloud.account());
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let policy = cloud.aws(&["iam", "get-policy", "--policy-arn", arn]);
    assert_eq!(policy["Policy"]["PolicyName"], "ReadOnlyAccess");
}

#[test]
fn a_dropped_emulator_is_gone() {
    let cloud = Emulator::ministack().start();
    let port = cloud.port();
    drop(cloud);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

/// A killed test cannot drop anything; the kernel closes its pipes.
#[test]
fn an_emulator_does_not_outlive_a_killed_test() {
    if let Some(file) = std::env::var_os("TESTKIT_PORT_FILE") {
        let cloud = Emulator::ministack().start();
        std::fs::write(file, cloud.port().to_string()).unwrap();
        std::process::abort();
    }
    let (tree, python) = (python_path(), python());
    assert!(tree.is_dir() && python.is_file());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("port");
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_emulator_does_not_outlive_a_killed_test"])
        .env("TESTKIT_PORT_FILE", &file)
        .output()
        .unwrap()
        .status;
    assert!(!status.success());
    let port: u16 = std::fs::read_to_string(file).unwrap().parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        assert!(Instant::now() < deadline, "it still listens on {port}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
