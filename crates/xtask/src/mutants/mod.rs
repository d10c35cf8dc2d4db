//! Mutants: each takes one protection out of the code, and some test must fail then. One that lives
//! is a protection that no test guards.
//!
//! A mutant is anchored to an item by its name and to the code within it by its tokens, so that it
//! survives when lines move. The tests of this crate resolve every mutant against the checkout.

mod catalog;
mod edit;
mod run;
mod sources;
mod suite;
mod syntax;

use std::io;
use std::path::{Path, PathBuf};

use self::catalog::all;
use self::edit::{Edit, Patch};
pub use self::run::{check, run};
use self::sources::Sources;

#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What is broken.
    pub name: &'static str,
    pub part: Part,
    /// Unique within the part, whatever file it lies in.
    pub item: &'static str,
    pub edit: Edit,
    /// The program's tests that are likely to fail, as filters: they run first.
    pub suspects: &'static [&'static str],
}

/// The crate that a mutant changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Engine,
    Aws,
    Program,
}

/// Where a mutant applies, and how.
pub struct Place {
    pub file: PathBuf,
    pub line: usize,
    pub patch: Patch,
}

impl Mutant {
    const fn engine(name: &'static str, item: &'static str, edit: Edit) -> Self {
        Self { name, part: Part::Engine, item, edit, suspects: &[] }
    }

    const fn aws(name: &'static str, item: &'static str, edit: Edit) -> Self {
        Self { part: Part::Aws, ..Self::engine(name, item, edit) }
    }

    const fn program(name: &'static str, item: &'static str, edit: Edit) -> Self {
        Self { part: Part::Program, ..Self::engine(name, item, edit) }
    }

    const fn suspects(self, suspects: &'static [&'static str]) -> Self {
        Self { suspects, ..self }
    }
}

impl Part {
    const fn root(self) -> &'static str {
        match self {
            Self::Engine => "crates/engine/src/lib.rs",
            Self::Aws => "crates/aws/src/lib.rs",
            Self::Program => "src/main.rs",
        }
    }
}

/// All parts' sources.
pub struct Workspace {
    engine: Sources,
    aws: Sources,
    program: Sources,
}

impl Workspace {
    pub fn read(root: &Path) -> Result<Self, String> {
        let read = |part: Part| Sources::read(root, part.root());
        Ok(Self {
            engine: read(Part::Engine)?,
            aws: read(Part::Aws)?,
            program: read(Part::Program)?,
        })
    }

    pub fn place(&self, mutant: &Mutant) -> Result<Place, String> {
        let sources = match mutant.part {
            Part::Engine => &self.engine,
            Part::Aws => &self.aws,
            Part::Program => &self.program,
        };
        let (file, item) = sources.item(mutant.item)?;
        let patch = mutant.edit.patch(&file.syntax, item)?;
        let line = file.syntax.line(patch.range.start);
        Ok(Place { file: file.path.clone(), line, patch })
    }
}

/// The mutants of these names; all, where none is given.
fn chosen(names: &[String]) -> io::Result<Vec<&'static Mutant>> {
    if let Some(strange) = names.iter().find(|name| all().all(|mutant| mutant.name != *name)) {
        return Err(io::Error::other(format!("there is no mutant `{strange}`")));
    }
    let is_chosen = |mutant: &&Mutant| names.is_empty() || names.iter().any(|n| n == mutant.name);
    Ok(all().filter(is_chosen).collect())
}

/// Shows where each mutant applies now. `false`: some do not.
pub fn list(root: &Path, names: &[String]) -> io::Result<bool> {
    let workspace = Workspace::read(root).map_err(io::Error::other)?;
    let mut apply = true;
    for mutant in chosen(names)? {
        println!("{}", mutant.name);
        match workspace.place(mutant) {
            Ok(place) => println!("    {}:{}  {}", place.file.display(), place.line, mutant.item),
            Err(why) => {
                println!("    STALE  {}: {why}", mutant.item);
                apply = false;
            }
        }
        println!("    {}", mutant.edit);
    }
    Ok(apply)
}

#[cfg(test)]
mod tests;
