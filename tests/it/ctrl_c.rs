//! Ctrl-C in a terminal, which every process of the group gets: what the program runs is out of its reach.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use stackwright_testkit::{Emulator, counts};

use crate::support::{Running, Sandbox};

/// Waits until a file is there.
#[track_caller]
fn await_file(path: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while !path.exists() {
        assert!(Instant::now() < until, "{} is never there", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A stack whose function has a package, with a `python3` in the place of the real one: its pip writes half of the
/// package, waits for the file `go`, and completes it. Interrupted, it prints what Python prints.
fn with_slow_pip(emulator: &Emulator) -> Sandbox {
    let stack = Sandbox::empty(emulator.port());
    let file = json!({
        "stack": "slow",
        "role": { "r": { "trust": "lambda.amazonaws.com" } },
        "function": { "f": {
            "code": "code/", "runtime": "python3.13", "handler": "m.h", "role": "role.r",
        } },
    });
    stack.write("stack.yaml", &file.to_string());
    for folder in ["code", "bin"] {
        fs::create_dir(stack.path(folder)).expect("a folder");
    }
    stack.write("code/m.py", "def h(event, context): return 1\n");
    stack.write("code/requirements.txt", "lib==1\n");
    let (runs, go) = (stack.path("pip-runs"), stack.path("go"));
    let pip = format!(
        "#!/bin/sh
trap 'echo \"Traceback (most recent call last):\" >&2; echo KeyboardInterrupt >&2; exit 1' INT
mkdir -p \"$5\"
echo half > \"$5/lib.py\"
touch '{}'
until test -e '{}'; do sleep 0.05; done
echo whole > \"$5/lib.py\"
",
        runs.display(),
        go.display()
    );
    stack.write("bin/python3", &pip);
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(stack.path("bin/python3"), mode).expect("executable");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", stack.path("bin").display());
    stack.env("PATH", &path)
}

/// The packages that later runs take from the cache.
fn installed(stack: &Sandbox) -> Vec<String> {
    let vendored = stack.path(".cache/stackwright/vendor");
    let entries = fs::read_dir(&vendored).into_iter().flatten().flatten();
    let ready = entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    let packages = ready.map(|entry| entry.path().join("lib.py"));
    packages.map(|file| fs::read_to_string(file).expect("a package")).collect()
}

fn interrupted_in_pip(stack: &Sandbox) -> Running {
    let running = stack.start_in_terminal(&["reconcile"]);
    await_file(&stack.path("pip-runs"));
    running.press_ctrl_c();
    running
}

#[test]
fn one_ctrl_c_lets_pip_finish_and_starts_nothing_else() {
    let emulator = Emulator::ministack().start();
    let stack = with_slow_pip(&emulator);
    let mut running = interrupted_in_pip(&stack);
    running.hear("press Ctrl-C again");
    assert_eq!(installed(&stack), [""; 0], "half of a package is none");
    stack.write("go", "");
    let ran = running.wait().code(130).says("To continue, run: stackwright reconcile");
    assert!(!ran.stderr.contains("Traceback"), "{ran}");
    assert_eq!(installed(&stack), ["whole\n"]);
    stack.reconcile(&[]);
    assert_eq!(emulator.census().counts(), counts([("role", 1), ("function", 1)]));
    stack.settled(&[]);
}

#[test]
fn a_second_ctrl_c_ends_pip_and_the_next_run_installs_again() {
    let emulator = Emulator::ministack().start();
    let stack = with_slow_pip(&emulator);
    let mut running = interrupted_in_pip(&stack);
    running.hear("press Ctrl-C again");
    running.press_ctrl_c();
    let ran = running.wait().code(130);
    assert!(!ran.stderr.contains("Traceback"), "{ran}");
    assert_eq!(installed(&stack), [""; 0], "half of a package is none");
    stack.write("go", "");
    stack.reconcile(&[]);
    assert_eq!(installed(&stack), ["whole\n"]);
    stack.settled(&[]);
}
