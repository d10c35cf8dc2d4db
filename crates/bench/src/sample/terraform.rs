//! Terraform with its AWS provider.

use std::fs;
use std::process::Command;

use stackwright_testkit::Emulator;

use super::{Contestant, Step, folder_with_code, installed, variables};
use crate::Result;

const FILE: &str = "main.tf";
const PLACE: &str = "# Further routes.\n";
/// `terraform` where it is not on the path.
const PROGRAM: &str = "STACKWRIGHT_BENCH_TERRAFORM";
/// A folder with the provider, for a machine that does not reach Terraform's registry.
const PLUGINS: &str = "STACKWRIGHT_BENCH_TERRAFORM_PLUGINS";

/// # Errors
/// Terraform or its provider is not installed.
pub fn contestant(emulator: &Emulator) -> Result<Contestant> {
    let program = installed("terraform", PROGRAM)?;
    let folder = folder_with_code()?;
    fs::write(folder.path().join(FILE), include_str!("sample.tf"))?;
    let settings = [
        ("TF_VAR_endpoint", emulator.url()),
        ("TF_IN_AUTOMATION", "1".to_owned()),
        ("CHECKPOINT_DISABLE", "1".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    let variables = variables(&folder, &settings);
    let mut init = Command::new(&program);
    init.args(["init", "-input=false", "-no-color"]).current_dir(folder.path()).env_clear();
    if let Some(plugins) = std::env::var_os(PLUGINS) {
        init.arg(format!("-plugin-dir={}", plugins.display()));
    }
    let output = init.envs(variables.iter().map(|(name, value)| (name, value))).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let why = said.lines().find(|line| line.contains("Error")).unwrap_or("no reason given");
        return Err(format!(
            "terraform: its provider cannot be installed ({}); {PLUGINS} may name a folder that has it",
            why.trim()
        )
        .into());
    }
    // With its provider's version, in one line.
    let version = ["sh", "-c", "echo $(\"$0\" version)", &program].map(str::to_owned).to_vec();
    let steps = steps(&program);
    Ok(Contestant { name: "terraform", variables, folder, version, steps })
}

pub(super) fn steps(program: &str) -> Vec<Step> {
    let apply = [program, "apply", "-auto-approve", "-input=false", "-no-color"];
    let destroy = [program, "destroy", "-auto-approve", "-input=false", "-no-color"];
    vec![
        Step::new("create", &apply),
        Step::new("nothing to do", &apply),
        Step::new("plan", &[program, "plan", "-input=false", "-no-color"]),
        Step::new("change a timeout", &apply).after(
            FILE,
            "timeout          = 30",
            "timeout          = 60",
        ),
        Step::new("one more route", &apply).after(FILE, PLACE, include_str!("route.tf")),
        Step::new("destroy", &destroy),
    ]
}
