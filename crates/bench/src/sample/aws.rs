//! A script of `aws` commands, as somebody would type them. It creates everything, and can do nothing else.

use std::fs;

use stackwright_testkit::Emulator;

use super::{Contestant, Step, cli_variables, cli_version, folder_with_code};
use crate::Result;

/// # Errors
/// The folder cannot be written.
pub fn contestant(emulator: &Emulator) -> Result<Contestant> {
    let folder = folder_with_code()?;
    fs::write(folder.path().join("create.sh"), include_str!("create.sh"))?;
    let steps = vec![Step::new("create", &["sh", "create.sh"])];
    let (variables, version) = (cli_variables(emulator), cli_version());
    Ok(Contestant { name: "aws commands", variables, folder, version, steps })
}
