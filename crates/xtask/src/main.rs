//! `cargo xtask torture`: every suite that kills, fails and cuts, in full, and the report of it in
//! `docs/reliability.md`. `cargo test` runs the same suites at some of their points.

mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const USAGE: &str = "\
cargo xtask torture [--only PART] [--seconds N]

  Runs the suites in full, about an hour and a half on two cores, and writes docs/reliability.md.
  --only     engine, program or mutants; the other parts' figures stay as they are
  --seconds  how long random histories are played (default 600)

cargo xtask report

  Writes docs/reliability.md again, from the figures of the last runs.";

struct Asked {
    /// `report` runs nothing.
    runs: bool,
    only: Option<String>,
    seconds: u32,
}

/// A part of the torture: a command, and what it is called with.
struct Part {
    name: &'static str,
    command: Vec<&'static str>,
    variables: Vec<(&'static str, String)>,
}

fn parts(seconds: u32) -> [Part; 3] {
    let all = || ("STACKWRIGHT_TORTURE", "all".to_owned());
    let suites =
        ["torture", "faults", "strict", "windows", "interrupted", "ownership", "power", "prober"];
    // They wait more than they work.
    let program = ["cargo", "test", "--locked", "--test", "it", "--", "--test-threads=4"];
    [
        Part {
            name: "engine",
            command: vec![
                "cargo",
                "test",
                "--locked",
                "--no-fail-fast",
                "-p",
                "stackwright-engine",
            ],
            variables: vec![
                all(),
                ("STACKWRIGHT_SECONDS", seconds.to_string()),
                ("STACKWRIGHT_WORLDS", u32::MAX.to_string()),
            ],
        },
        Part {
            name: "program",
            command: [&program[..], &suites[..]].concat(),
            variables: vec![all()],
        },
        Part {
            name: "mutants",
            command: vec!["python3", "tests/mutants/run.py"],
            variables: vec![],
        },
    ]
}

fn main() -> ExitCode {
    let asked = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match torture(&asked) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { runs: true, only: None, seconds: 600 };
    match words.next().as_deref() {
        Some("torture") => {}
        Some("report") => asked.runs = false,
        _ => return Err("two tasks are known: torture and report".to_owned()),
    }
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--only" if parts(0).iter().any(|part| part.name == value) => asked.only = Some(value),
            "--only" => return Err(format!("there is no part `{value}`")),
            "--seconds" => {
                asked.seconds = value.parse().map_err(|_| format!("`{value}` is no number"))?;
            }
            _ => return Err(format!("`{word}` is not known")),
        }
    }
    Ok(asked)
}

/// `false`: some suite failed. The report is written all the same, and says so.
fn torture(asked: &Asked) -> std::io::Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut passed = true;
    for part in parts(asked.seconds) {
        if !asked.runs || asked.only.as_ref().is_some_and(|only| *only != part.name) {
            continue;
        }
        let figures = figures(&root, part.name)?;
        let _ = fs::remove_file(&figures);
        let since = Instant::now();
        let mut command = Command::new(part.command[0]);
        // What cargo tells this program is not for the next cargo: build scripts that look at it would
        // run again, and the SDK be compiled again.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(is_of_this_build) {
                command.env_remove(name);
            }
        }
        let status = command
            .args(&part.command[1..])
            .envs(part.variables)
            .env("STACKWRIGHT_FIGURES", &figures)
            .current_dir(&root)
            .status()?;
        passed &= status.success();
        let took = since.elapsed().as_secs();
        report::close(&figures, part.name, took, status.success())?;
    }
    let all: Vec<PathBuf> =
        parts(0).iter().map(|part| figures(&root, part.name)).collect::<Result<_, _>>()?;
    let text = report::text(&report::read(&all)?);
    fs::create_dir_all(root.join("docs"))?;
    fs::write(root.join("docs/reliability.md"), text)?;
    println!("written: docs/reliability.md");
    Ok(passed)
}

fn is_of_this_build(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}

/// Kept between runs: a part may be run by itself.
fn figures(root: &Path, part: &str) -> std::io::Result<PathBuf> {
    let folder = root.join("target/figures");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?.join(format!("{part}.jsonl")))
}
