//! Breaks each protection in a clone of the last commit, and runs the tests.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::suite::{self, Bench, Outcome};
use super::{Mutant, Part, Workspace, chosen};

/// What came of a mutant.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// By this test.
    Killed(String),
    Lives,
    /// Its code, or what it refers to, has changed.
    Stale(String),
}

/// `names`: which mutants, all of them if none is named. `figures`: where a report is made, its
/// lines. `false`: some mutant was not killed.
pub fn run(root: &Path, names: &[String], figures: Option<&Path>) -> io::Result<bool> {
    let mutants = chosen(names)?;
    let bench = Bench::new(root)?;
    let workspace = Workspace::read(&bench.checkout()).map_err(io::Error::other)?;
    // Nothing is killed by a test that fails anyway.
    for part in [Part::Engine, Part::Program] {
        let suite = suite::name(part);
        if mutants.iter().all(|mutant| suite::name(mutant.part) != suite) {
            continue;
        }
        let outcome = bench.test(part, None)?;
        println!("without any mutant, the tests of the {suite}: {outcome}");
        if outcome != Outcome::Passed {
            return Ok(false);
        }
    }
    let mut left = 0;
    for mutant in &mutants {
        let outcome = broken(&bench, &workspace, mutant, || bench.test(mutant.part, Some(mutant)))?;
        let verdict = Verdict::of(outcome);
        println!("{}: {}{}", verdict.word(), mutant.name, verdict.more());
        if let Some(figures) = figures {
            note(figures, mutant, &verdict)?;
        }
        left += usize::from(!matches!(verdict, Verdict::Killed(_)));
    }
    match left {
        0 => println!("all mutants are killed"),
        left => println!("{left} of {} mutants need a test", mutants.len()),
    }
    Ok(left == 0)
}

/// Compiles each mutant, and runs no test. `false`: some do not compile.
pub fn check(root: &Path, names: &[String]) -> io::Result<bool> {
    let bench = Bench::new(root)?;
    let workspace = Workspace::read(&bench.checkout()).map_err(io::Error::other)?;
    let mut compile = true;
    for mutant in chosen(names)? {
        let outcome = broken(&bench, &workspace, mutant, || bench.check(mutant.part))?;
        match Verdict::of(outcome) {
            Verdict::Stale(why) => {
                println!("STALE: {} ({why})", mutant.name);
                compile = false;
            }
            _ => println!("compiles: {}", mutant.name),
        }
    }
    Ok(compile)
}

/// What `act` comes to with a mutant in the clone, which is afterwards as it was before. An error
/// within: the mutant does not apply.
fn broken(
    bench: &Bench,
    workspace: &Workspace,
    mutant: &Mutant,
    act: impl FnOnce() -> io::Result<Outcome>,
) -> io::Result<Result<Outcome, String>> {
    let place = match workspace.place(mutant) {
        Ok(place) => place,
        Err(why) => return Ok(Err(format!("{}: {why}", mutant.item))),
    };
    let file = bench.checkout().join(&place.file);
    let text = fs::read_to_string(&file)?;
    fs::write(&file, place.patch.apply(&text))?;
    let outcome = act();
    fs::write(&file, text)?;
    outcome.map(Ok)
}

impl Verdict {
    fn of(outcome: Result<Outcome, String>) -> Self {
        match outcome {
            Ok(Outcome::Passed) => Self::Lives,
            Ok(Outcome::Failed(by)) => Self::Killed(by),
            Ok(Outcome::DoesNotCompile(said)) => {
                Self::Stale(format!("it does not compile:\n{said}"))
            }
            Err(why) => Self::Stale(why),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Killed(_) => "killed",
            Self::Lives => "LIVES",
            Self::Stale(_) => "STALE",
        }
    }

    fn more(&self) -> String {
        match self {
            Self::Killed(by) => format!(" (by {by})"),
            Self::Lives => String::new(),
            Self::Stale(why) => format!(" ({why})"),
        }
    }
}

/// Writes a line for the report, in the place of an earlier one of the same mutant.
fn note(figures: &Path, mutant: &Mutant, verdict: &Verdict) -> io::Result<()> {
    let mut line = json!({
        "suite": "mutants",
        "of": mutant.name,
        "tests": suite::name(mutant.part),
        "result": verdict.word(),
    });
    if let Verdict::Killed(by) = verdict {
        line["by"] = by.as_str().into();
    }
    let text = fs::read_to_string(figures).unwrap_or_default();
    let is_other = |known: &&str| {
        let known: Value = serde_json::from_str(known).unwrap_or_default();
        known["suite"] != line["suite"] || known["of"] != line["of"]
    };
    let mut lines: Vec<String> = text.lines().filter(is_other).map(str::to_owned).collect();
    lines.push(line.to_string());
    fs::write(figures, format!("{}\n", lines.join("\n")))
}
