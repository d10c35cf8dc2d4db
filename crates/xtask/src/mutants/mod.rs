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

use std::path::{Path, PathBuf};

pub use self::catalog::all;
use self::edit::{Edit, Patch};
pub use self::run::run;
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
pub struct Checkout {
    engine: Sources,
    aws: Sources,
    program: Sources,
}

impl Checkout {
    pub fn read(workspace: &Path) -> Result<Self, String> {
        let read = |part: Part| Sources::read(workspace, part.root());
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

/// Where each mutant applies now. An error: some do not.
pub fn list(workspace: &Path) -> Result<(), String> {
    let checkout = Checkout::read(workspace)?;
    let mut stale = 0;
    for mutant in all() {
        println!("{}", mutant.name);
        match checkout.place(mutant) {
            Ok(place) => println!("    {}:{}  {}", place.file.display(), place.line, mutant.item),
            Err(why) => {
                println!("    STALE  {}: {why}", mutant.item);
                stale += 1;
            }
        }
        println!("    {}", mutant.edit);
    }
    if stale == 0 { Ok(()) } else { Err(format!("{stale} mutants do not apply")) }
}

#[cfg(test)]
mod tests;
