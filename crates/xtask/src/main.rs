//! `cargo xtask torture`: every suite that kills, fails and cuts, in full, and the report of it in
//! `docs/reliability.md`. `cargo test` runs the same suites at some of their points.

mod circles;
mod mutants;
mod report;
mod torture;

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::torture::Parts;

const USAGE: &str = "\
cargo xtask torture [--only PART] [--seconds N]

  Runs the suites in full, about an hour and a half on two cores, and writes docs/reliability.md.
  --only     engine, program or mutants; the other parts' figures stay as they are
  --seconds  how long random histories are played (default 600)

cargo xtask mutants [--list | --check] [NAME…]

  Takes each protection out of the code of the last commit, one at a time, and shows that a test fails.
  A mutant that is named takes the place of its row in the figures of the report.

  --list     shows what each mutant changes, and where it applies now
  --check    only compiles the mutants: for a first look after a change of what they are anchored to

cargo xtask circles

  Shows modules that import each other, in every crate.

cargo xtask report

  Writes docs/reliability.md again, from the figures of the last runs.";

enum Task {
    Torture(Parts),
    Mutants {
        what: Mutants,
        /// All, where none is given.
        names: Vec<String>,
    },
    Circles,
    Report,
}

enum Mutants {
    List,
    Check,
    Test,
}

fn main() -> ExitCode {
    let task = match task(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match run(task) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `false`: some suite failed, or some mutant was not killed.
fn run(task: Task) -> std::io::Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    match task {
        Task::Torture(parts) => torture::run(&root, &parts),
        Task::Mutants { what: Mutants::List, names } => mutants::list(&root, &names),
        Task::Mutants { what: Mutants::Check, names } => mutants::check(&root, &names),
        Task::Mutants { what: Mutants::Test, names } => torture::mutants(&root, &names),
        Task::Circles => circles::print(&root),
        Task::Report => torture::report(&root).map(|()| true),
    }
}

fn task(mut words: impl Iterator<Item = String>) -> Result<Task, String> {
    match words.next().as_deref() {
        Some("torture") => Ok(Task::Torture(parts(words)?)),
        Some("mutants") => {
            let mut names: Vec<String> = words.collect();
            let what = match names.first().map(String::as_str) {
                Some("--list") => Mutants::List,
                Some("--check") => Mutants::Check,
                Some(option) if option.starts_with('-') => {
                    return Err(format!("`{option}` is not known here"));
                }
                _ => return Ok(Task::Mutants { what: Mutants::Test, names }),
            };
            names.remove(0);
            Ok(Task::Mutants { what, names })
        }
        Some("circles") => words
            .next()
            .map_or(Ok(Task::Circles), |word| Err(format!("`{word}` is not known here"))),
        Some("report") => {
            words.next().map_or(Ok(Task::Report), |word| Err(format!("`{word}` is not known here")))
        }
        _ => Err("four tasks are known: torture, mutants, circles and report".to_owned()),
    }
}

fn parts(mut words: impl Iterator<Item = String>) -> Result<Parts, String> {
    let mut parts = Parts { only: None, seconds: 600 };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        match word.as_str() {
            "--only" if torture::is_part(&value) => parts.only = Some(value),
            "--only" => return Err(format!("there is no part `{value}`")),
            "--seconds" => {
                parts.seconds = value.parse().map_err(|_| format!("`{value}` is not a number"))?;
            }
            _ => return Err(format!("`{word}` is not known")),
        }
    }
    Ok(parts)
}

/// Cargo, without what the cargo that runs this program says of it: build scripts that look at it would
/// run again, and the SDK be compiled again.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    let of_this_build = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| of_this_build.iter().any(|b| name.starts_with(b))) {
            command.env_remove(name);
        }
    }
    command
}
