//! Ansible with its collections for AWS.

use std::fs;

use stackwright_testkit::Emulator;

use super::{Contestant, Step, cloud_variables, folder_with_code, installed, variables};
use crate::Result;

const FILE: &str = "playbook.yaml";
/// `ansible-playbook` where it is not on the path, as in a virtual environment of its own.
const PROGRAM: &str = "STACKWRIGHT_BENCH_ANSIBLE";

/// # Errors
/// Ansible is not installed.
pub fn contestant(emulator: &Emulator) -> Result<Contestant> {
    let program = installed("ansible-playbook", PROGRAM)?;
    let folder = folder_with_code()?;
    fs::write(folder.path().join(FILE), include_str!("playbook.yaml"))?;
    fs::write(folder.path().join("destroy.yaml"), include_str!("destroy.yaml"))?;
    let mut settings = cloud_variables(emulator);
    settings.extend([
        // Ansible refuses every other encoding.
        ("LANG", "C.UTF-8".to_owned()),
        ("ANSIBLE_DEPRECATION_WARNINGS", "false".to_owned()),
        ("ANSIBLE_LOCALHOST_WARNING", "false".to_owned()),
    ]);
    let variables = variables(&folder, &settings);
    let (version, steps) = (vec![program.clone(), "--version".to_owned()], steps(&program));
    Ok(Contestant { name: "ansible", variables, folder, version, steps })
}

/// Without one more route: the module imports the routes of an API only when it creates the API.
pub(super) fn steps(program: &str) -> Vec<Step> {
    let apply = [program, "-i", "localhost,", FILE];
    vec![
        Step::new("create", &apply),
        Step::new("nothing to do", &apply),
        Step::new("plan", &[program, "-i", "localhost,", "--check", FILE]),
        Step::new("change a timeout", &apply).after(FILE, "timeout: 30", "timeout: 60"),
        Step::new("destroy", &[program, "-i", "localhost,", "destroy.yaml"]),
    ]
}
