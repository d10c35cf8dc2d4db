//! The sample function's own tests, run with moto's Python.

use std::path::Path;
use std::process::Command;

use stackwright_testkit::{python, python_path};

#[test]
fn the_handler_passes_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().expect("a home for the tests");
    let output = Command::new(python())
        .args(["-m", "unittest", "discover", "--start-directory", "tests/handler"])
        .current_dir(root)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path())
        .env("LANG", "C.UTF-8")
        .env("PYTHONPATH", python_path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    // unittest finds no tests in a wrong folder, and older versions call that a success.
    assert!(ran(&said).is_some_and(|count| count > 0), "{said}");
}

/// `Ran 20 tests in 3.1s`
fn ran(said: &str) -> Option<u32> {
    let line = said.lines().find_map(|line| line.strip_prefix("Ran "))?;
    line.split_whitespace().next()?.parse().ok()
}
