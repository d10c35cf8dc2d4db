//! A script of `aws` commands, as somebody would type them: it creates everything, and can do no more.

use std::fs;

use stackwright_testkit::Emulator;

use super::{Contestant, Step, folder_with_code};
use crate::Result;

/// # Errors
/// The folder cannot be written.
pub fn contestant(emulator: &Emulator) -> Result<Contestant> {
    let folder = folder_with_code()?;
    fs::write(folder.path().join("create.sh"), include_str!("create.sh"))?;
    // The AWS CLI comes with the emulators.
    let python = emulator.python();
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    let known = python.get_envs().filter_map(|(name, value)| Some((text(name), text(value?))));
    let mut variables: Vec<(String, String)> = known.collect();
    variables.push(("PYTHON".to_owned(), text(python.get_program())));
    let steps = vec![Step::new("create", &["sh", "create.sh"])];
    Ok(Contestant { name: "aws commands", variables, folder, steps })
}
