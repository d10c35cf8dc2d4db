//! The measured program itself.

use std::fs;
use std::path::Path;

use stackwright_testkit::Emulator;

use super::{Contestant, Step, folder_with_code, variables};
use crate::Result;

const FILE: &str = "stack.yaml";
const ROUTE: &str = "      POST /ec2: function.ec2-control\n";
const ROUTES: &str =
    "      POST /ec2: function.ec2-control\n      GET /ec2: function.ec2-control\n";

pub fn contestant(binary: &Path, emulator: &Emulator) -> Result<Contestant> {
    let folder = folder_with_code()?;
    fs::copy(crate::machine::root().join(FILE), folder.path().join(FILE))?;
    let steps = steps(&binary.display().to_string(), &emulator.url());
    let port = ("STACKWRIGHT_LOCAL_PORT", emulator.port().to_string());
    let variables = variables(&folder, &[port]);
    let version = vec![binary.display().to_string(), "--version".to_owned()];
    Ok(Contestant { name: "stackwright", variables, folder, version, steps })
}

pub(super) fn steps(binary: &str, url: &str) -> Vec<Step> {
    let of = |arguments: &[&'static str], name| {
        let command = [&[binary], arguments, &["--cloud", url]].concat();
        Step::new(name, &command)
    };
    let reconcile = ["reconcile", "--yes", "--no-check"];
    vec![
        of(&reconcile, "create"),
        of(&reconcile, "nothing to do"),
        of(&["plan"], "plan"),
        of(&reconcile, "change a timeout").after(FILE, "timeout: 30", "timeout: 60"),
        of(&reconcile, "one more route").after(FILE, ROUTE, ROUTES),
        of(&["destroy", "--yes"], "destroy"),
    ]
}
