//! Breaks each protection in a clone of the last commit, and runs the tests.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::suite::{self, Bench, Outcome};
use super::{Checkout, Mutant, Part, all};

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
    let folder = tempfile::tempdir()?;
    let clone = folder.path().join("clone");
    let cloned = Command::new("git").args(["clone", "-q"]).args([root, &clone]).status()?;
    if !cloned.success() {
        return Err(io::Error::other("the repository cannot be cloned"));
    }
    let checkout = Checkout::read(&clone).map_err(io::Error::other)?;
    let bench = Bench { clone: &clone, target: target(root)? };
    // Nothing is killed by a test that fails anyway.
    for part in [Part::Engine, Part::Program] {
        let is_needed = |mutant: &&Mutant| suite::name(mutant.part) == suite::name(part);
        if !mutants.iter().any(is_needed) {
            continue;
        }
        match bench.test(part, None)? {
            Outcome::Passed => {}
            outcome => {
                println!(
                    "without any mutant the tests of the {} fail: {outcome:?}",
                    suite::name(part)
                );
                return Ok(false);
            }
        }
    }
    let mut left = 0;
    for mutant in &mutants {
        let verdict = verdict(&bench, &checkout, mutant)?;
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

fn chosen(names: &[String]) -> io::Result<Vec<&'static Mutant>> {
    if let Some(strange) = names.iter().find(|name| all().all(|mutant| mutant.name != *name)) {
        return Err(io::Error::other(format!("there is no mutant `{strange}`")));
    }
    let is_chosen = |mutant: &&Mutant| names.is_empty() || names.iter().any(|n| n == mutant.name);
    Ok(all().filter(is_chosen).collect())
}

/// The builds of a checkout are not mixed with those of its mutants, unless it is asked for.
fn target(root: &Path) -> io::Result<PathBuf> {
    let asked = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    std::path::absolute(asked.unwrap_or(root.join("target/mutants")))
}

/// The clone is afterwards as it was before.
fn verdict(bench: &Bench<'_>, checkout: &Checkout, mutant: &Mutant) -> io::Result<Verdict> {
    let place = match checkout.place(mutant) {
        Ok(place) => place,
        Err(why) => return Ok(Verdict::Stale(format!("{}: {why}", mutant.item))),
    };
    let file = bench.clone.join(&place.file);
    let text = fs::read_to_string(&file)?;
    fs::write(&file, place.patch.apply(&text))?;
    let outcome = bench.test(mutant.part, Some(mutant));
    fs::write(&file, text)?;
    Ok(match outcome? {
        Outcome::Passed => Verdict::Lives,
        Outcome::Failed(by) => Verdict::Killed(by),
        Outcome::DoesNotCompile(said) => Verdict::Stale(format!("it does not compile:\n{said}")),
    })
}

impl Verdict {
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

/// A line for the report.
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
    let mut file = OpenOptions::new().create(true).append(true).open(figures)?;
    writeln!(file, "{line}")
}
