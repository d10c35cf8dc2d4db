//! The parts of the torture, their figures, and the report of all.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::{mutants, report};

/// What of the torture is run.
pub struct Parts {
    /// `None`: every part.
    pub only: Option<String>,
    /// How long random histories are played.
    pub seconds: u32,
}

const PARTS: [Part; 3] = [Part::Engine, Part::Program, Part::Mutants];

#[derive(Clone, Copy)]
enum Part {
    Engine,
    Program,
    Mutants,
}

/// Of the whole program, those that kill, fail and cut, and the one that sends every field.
const PROGRAM: [&str; 10] = [
    "torture",
    // The kills of a kind, beside its other tests.
    "killed_anywhere",
    "faults",
    "strict",
    "windows",
    "interrupted",
    "ownership",
    "power",
    "prober",
    "matrix",
];

pub fn is_part(name: &str) -> bool {
    PARTS.iter().any(|part| part.name() == name)
}

/// `false`: some part failed. The report is written all the same, and says so.
pub fn run(root: &Path, asked: &Parts) -> std::io::Result<bool> {
    let mut passed = true;
    for part in PARTS {
        let name = part.name();
        if asked.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let figures = figures(root, name)?;
        let _ = fs::remove_file(&figures);
        let since = Instant::now();
        let part_passed = part.run(root, asked.seconds, &figures)?;
        passed &= part_passed;
        report::close(&figures, name, since.elapsed().as_secs(), part_passed)?;
    }
    report(root)?;
    Ok(passed)
}

/// Runs some mutants, whose results take the place of former ones. No names: all of them.
pub fn mutants(root: &Path, names: &[String]) -> std::io::Result<bool> {
    let figures = figures(root, "mutants")?;
    let passed = mutants::run(root, names, Some(&figures))?;
    report::renew(&figures, "mutants")?;
    Ok(passed)
}

/// Writes the report from the figures of the last run of each part.
pub fn report(root: &Path) -> std::io::Result<()> {
    let all: Vec<PathBuf> =
        PARTS.iter().map(|part| figures(root, part.name())).collect::<Result<_, _>>()?;
    let page = root.join("docs/reliability.md");
    let former = fs::read_to_string(&page).unwrap_or_default();
    let text = report::text(&report::read(&all)?, &former);
    fs::create_dir_all(root.join("docs"))?;
    fs::write(page, text)?;
    println!("written: docs/reliability.md");
    Ok(())
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Program => "program",
            Self::Mutants => "mutants",
        }
    }

    fn run(self, root: &Path, seconds: u32, figures: &Path) -> std::io::Result<bool> {
        let mut command = crate::cargo();
        command.args(["test", "--locked"]);
        match self {
            Self::Engine => command
                .args(["--no-fail-fast", "-p", "stackwright-engine"])
                .env("STACKWRIGHT_SECONDS", seconds.to_string())
                .env("STACKWRIGHT_WORLDS", u32::MAX.to_string()),
            // These wait more than they work.
            Self::Program => command.args(["--test", "it", "--", "--test-threads=4"]).args(PROGRAM),
            Self::Mutants => return mutants::run(root, &[], Some(figures)),
        };
        command.env("STACKWRIGHT_TORTURE", "all").env("STACKWRIGHT_FIGURES", figures);
        Ok(command.current_dir(root).status()?.success())
    }
}

/// Kept between runs: a part may be run by itself.
fn figures(root: &Path, part: &str) -> std::io::Result<PathBuf> {
    let folder = root.join("target/figures");
    fs::create_dir_all(&folder)?;
    Ok(folder.canonicalize()?.join(format!("{part}.jsonl")))
}
