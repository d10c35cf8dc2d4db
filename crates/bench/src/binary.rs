//! The program that is measured.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// The profile that this program was built with, and the measured one with it.
pub const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// The program that is measured. If none is given, it is built when it is first needed.
#[derive(Debug)]
pub struct Binary {
    given: Option<PathBuf>,
    file: OnceCell<PathBuf>,
}

impl Binary {
    pub fn new(given: Option<PathBuf>) -> Self {
        Self { given, file: OnceCell::new() }
    }

    /// The absolute path of the program.
    ///
    /// # Errors
    /// The given program does not exist, or none is given and it cannot be built.
    pub fn file(&self) -> Result<&Path> {
        if let Some(file) = self.file.get() {
            return Ok(file);
        }
        let file = match &self.given {
            Some(given) => {
                given.canonicalize().map_err(|error| format!("{}: {error}", given.display()))?
            }
            None => build()?,
        };
        Ok(self.file.get_or_init(|| file))
    }

    /// The profile that the program was built with, as far as that is known.
    pub fn profile(&self) -> &'static str {
        if self.given.is_some() { "unknown" } else { PROFILE }
    }

    /// Whether `docs/performance.md` gets the figures: those of a release that was built here.
    pub fn is_for_the_page(&self) -> bool {
        self.profile() == "release"
    }
}

/// Builds the program as this one was built. Returns its file, beside this one.
fn build() -> Result<PathBuf> {
    let mut command = Command::new(cargo());
    command.args(["build", "--locked", "--package", "stackwright", "--profile", PROFILE]);
    let status = command.current_dir(crate::machine::root()).status()?;
    if !status.success() {
        return Err("stackwright cannot be built".into());
    }
    Ok(folder()?.join("stackwright"))
}

/// The cargo that runs this program, or else the one on the path.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

/// The folder of this program.
///
/// # Errors
/// The system does not say which it is.
fn folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().map(Path::to_owned).unwrap_or_default())
}

/// The target folder of cargo.
///
/// # Errors
/// The system does not say where this program is.
pub fn target() -> Result<PathBuf> {
    Ok(folder()?.parent().map(Path::to_owned).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_program_is_used_as_it_is() {
        let shell = Path::new("/bin/sh").canonicalize().expect("a shell");
        let binary = Binary::new(Some("/bin/../bin/sh".into()));
        assert_eq!(binary.file().expect("a program"), shell);
        assert_eq!((binary.profile(), binary.is_for_the_page()), ("unknown", false));
        let why = Binary::new(Some("/no/such/program".into())).file().expect_err("nothing");
        assert_eq!(why.to_string(), "/no/such/program: No such file or directory (os error 2)");
    }
}
