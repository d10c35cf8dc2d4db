//! Every stack in `examples/`: made on the local cloud, checked through HTTP, and destroyed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use stackwright_testkit::http::http;
use stackwright_testkit::{Emulator, counts};

use crate::support::{Sandbox, post, text};
use crate::torture::DESTROY;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn copied(name: &str, emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    copy(&examples().join(name), &stack.path(""));
    stack
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        // What a run of the example left in the repository.
        if entry.file_name() == ".stackwright" {
            continue;
        }
        if entry.path().is_dir() {
            fs::create_dir(&target).expect("a folder");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a file");
        }
    }
}

fn names() -> Vec<String> {
    let entries = fs::read_dir(examples()).expect("examples").map(|entry| entry.expect("an entry"));
    let folders = entries.filter(|entry| entry.path().is_dir());
    folders.map(|entry| entry.file_name().into_string().expect("a name")).collect()
}

#[test]
fn every_example_is_made_answers_and_is_destroyed() {
    let readme = fs::read_to_string(examples().join("README.md")).expect("a page");
    let names = names();
    assert!(!names.is_empty());
    for name in names {
        assert!(readme.contains(&format!("[`{name}`]({name}/stack.yaml)")), "README names {name}");
        let emulator = Emulator::ministack().start();
        let stack = copied(&name, &emulator);
        stack.ok(&["validate"]);
        let made = stack.reconcile(&[]);
        assert!(made.checks > 0, "{name} proves itself by a check");
        assert_eq!(stack.reconcile(&[]).writes, 0, "{name}");
        stack.settled(&[]);
        stack.ok(DESTROY);
        assert_eq!(emulator.census().counts(), counts([]), "{name}");
    }
}

/// Players stop and start the server; its address stays, and no run fights over it.
#[test]
fn the_game_server_is_started_and_stopped_by_its_players() {
    let emulator = Emulator::ministack().start();
    let stack = copied("game-server", &emulator);
    stack.reconcile(&[]);
    let url = stack.ok(&["output", "players"]).stdout.trim().to_owned();
    let address = stack.ok(&["output", "address"]).stdout.trim().to_owned();
    let is = |answer: (u16, Value), state: &str| {
        assert_eq!((answer.0, text(&answer.1["state"])), (200, state), "{}", answer.1);
        assert_eq!(answer.1["address"], format!("{address}:34197"));
    };
    let get = || {
        let (status, body) = http("GET", &url, "");
        (status, serde_json::from_str(&body).expect("JSON"))
    };
    is(get(), "running");
    let stopped = post(&format!("{url}/stop"), "");
    assert!(text(&stopped.1["state"]).starts_with("stop"), "{}", stopped.1);
    assert_eq!(stack.reconcile(&[]).writes, 0, "a stopped server is left alone");
    let started = post(&format!("{url}/start"), "");
    assert_eq!(started.0, 200, "{}", started.1);
    is(get(), "running");
}
