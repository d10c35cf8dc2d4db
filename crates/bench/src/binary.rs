//! The program that is measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// The profile that this program was built with, and the measured one with it.
pub const PROFILE: &str = if cfg!(debug_assertions) { "dev" } else { "release" };

/// Builds the program as this one was built. Returns its file, beside this one.
///
/// # Errors
/// It cannot be built.
pub fn build() -> Result<PathBuf> {
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
