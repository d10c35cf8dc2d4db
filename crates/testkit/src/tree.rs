//! The emulators' code: one folder, installed once, shared by all tests.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Both emulators, and the clients that tests call them with. Not `moto[server]`: it adds 170 MB
/// for services that no test uses.
const REQUIREMENTS: [&str; 6] = [
    "ministack==1.5.33",
    "boto3==1.43.106",
    "moto[apigateway,awslambda,ec2,iam,logs,sts]==5.2.1",
    "flask>=3,<4",
    "flask-cors>=6,<7",
    "awscli==1.46.3",
];
/// Part of the folder's name: count it up with every change of the requirements.
const EDITION: u32 = 1;

/// Where tests cache what is slow to install: `STACKWRIGHT_TEST_CACHE`, or `emulators` in cargo's
/// target folder.
pub fn cache() -> PathBuf {
    let cache = match env::var_os("STACKWRIGHT_TEST_CACHE") {
        Some(cache) => PathBuf::from(cache),
        None => target().join("emulators"),
    };
    fs::create_dir_all(&cache).unwrap_or_else(|error| panic!("{}: {error}", cache.display()));
    cache
}

/// Cargo marks the target folder, above the test that is running, for backup programs.
fn target() -> PathBuf {
    let program = env::current_exe().expect("the test knows its own path");
    let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
    marked.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        Path::to_path_buf,
    )
}

/// The interpreter behind `python3`, with its version.
fn interpreter() -> &'static (PathBuf, String) {
    static FOUND: OnceLock<(PathBuf, String)> = OnceLock::new();
    FOUND.get_or_init(|| {
        let ask = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)";
        let output = Command::new("python3").args(["-c", ask]).output();
        let output = output.unwrap_or_else(|error| panic!("the tests need python3: {error}"));
        let printed = String::from_utf8_lossy(&output.stdout);
        let (version, executable) = printed.trim().split_once(' ').expect("python3 names itself");
        (executable.into(), version.to_owned())
    })
}

/// The interpreter that the emulators run on.
pub fn python() -> &'static Path {
    &interpreter().0
}

/// For `PYTHONPATH`: the folder with ministack, moto, boto3 and awscli. Installs it when it
/// is missing, once for all processes.
pub fn python_path() -> &'static Path {
    static TREE: OnceLock<PathBuf> = OnceLock::new();
    TREE.get_or_init(install)
}

/// Installs the emulators. The folder gets its name only when it is complete.
fn install() -> PathBuf {
    let cache = cache();
    let (python, version) = interpreter();
    let name = format!("python{version}-{EDITION}");
    let complete = cache.join(&name);
    if complete.is_dir() {
        return complete;
    }
    let lock = File::create(cache.join(format!("{name}.lock"))).expect("a file for the lock");
    lock.lock().expect("the lock of the installation");
    if complete.is_dir() {
        return complete;
    }
    let partial = cache.join(format!("{name}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).expect("the rest of an interrupted installation is removed");
    }
    pip(python, &partial);
    fs::rename(&partial, &complete).expect("a complete installation gets its name");
    complete
}

fn pip(python: &Path, target: &Path) {
    let output = Command::new(python)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--target"])
        .arg(target)
        .args(REQUIREMENTS)
        .env("PIP_USER", "0")
        .env("PIP_REQUIRE_VIRTUALENV", "0")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null())
        .output()
        .expect("pip runs");
    assert!(
        output.status.success(),
        "the tests need emulators from PyPI, and pip failed:\n{}\nby hand: {} -m pip install \
         --target '{}' '{}'",
        String::from_utf8_lossy(&output.stderr),
        python.display(),
        target.with_extension("by-hand").display(),
        REQUIREMENTS.join("' '"),
    );
}
