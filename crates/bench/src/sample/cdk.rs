//! AWS CDK, an app in JavaScript.

use std::fs;
use std::path::{Path, PathBuf};

use stackwright_testkit::Emulator;

use super::{Contestant, Step, cloud_variables, folder_with_code, installed, variables};
use crate::Result;

const FILE: &str = "app.js";
const PLACE: &str = "// Further routes.\n";
const ROUTE: &str = "path.addMethod(\"GET\", new apigateway.LambdaIntegration(handler));\n";
/// `cdk` where it is not on the path, as in a folder of its own.
const PROGRAM: &str = "STACKWRIGHT_BENCH_CDK";

/// # Errors
/// CDK or its library is not installed.
pub fn contestant(emulator: &Emulator) -> Result<Contestant> {
    let program = installed("cdk", PROGRAM)?;
    let packages = packages(&program, &std::env::var("PATH").unwrap_or_default())?;
    let folder = folder_with_code()?;
    fs::write(folder.path().join(FILE), include_str!("app.js"))?;
    fs::write(folder.path().join("cdk.json"), include_str!("cdk.json"))?;
    let mut settings = cloud_variables(emulator);
    settings.extend([
        ("NODE_PATH", packages.display().to_string()),
        ("CDK_DISABLE_CLI_TELEMETRY", "true".to_owned()),
    ]);
    let variables = variables(&folder, &settings);
    let (version, steps) = (vec![program.clone(), "--version".to_owned()], steps(&program));
    Ok(Contestant { name: "cdk", variables, folder, version, steps })
}

/// The stack is changed without change sets, which the emulators do not support in full.
pub(super) fn steps(program: &str) -> Vec<Step> {
    let deploy = [program, "deploy", "--method=direct"];
    vec![
        Step::new("create", &deploy),
        Step::new("nothing to do", &deploy),
        Step::new("plan", &[program, "diff", "--method=template"]),
        Step::new("change a timeout", &deploy).after(FILE, "seconds(30)", "seconds(60)"),
        Step::new("one more route", &deploy).after(FILE, PLACE, ROUTE),
        Step::new("destroy", &[program, "destroy", "--force"]),
    ]
}

/// The folder of packages that `cdk` is installed in, which must have CDK's library, too.
fn packages(program: &str, path: &str) -> Result<PathBuf> {
    // An absolute path replaces the folder that it is joined to. What npm puts on the path is a link.
    let mut files = std::env::split_paths(path).map(|folder| folder.join(program));
    let file = files.find_map(|file| file.canonicalize().ok()).unwrap_or_default();
    let packages = file.ancestors().find(|folder| folder.ends_with("node_modules"));
    let packages = packages.filter(|folder| folder.join("aws-cdk-lib").is_dir());
    packages.map(Path::to_owned).ok_or_else(|| {
        format!(
            "cdk: aws-cdk-lib is not installed beside {program}; {PROGRAM} may name one that has it"
        )
        .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_beside_the_program() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().canonicalize().expect("its name");
        let (packages_folder, links) = (root.join("lib/node_modules"), root.join("bin"));
        let file = packages_folder.join("aws-cdk/bin/cdk");
        for folder in [file.parent().expect("its folder"), &links] {
            fs::create_dir_all(folder).expect("a folder");
        }
        fs::write(&file, "").expect("a file");
        std::os::unix::fs::symlink(&file, links.join("cdk")).expect("a link");
        let path = format!("/nowhere:{}", links.display());
        let why = packages("cdk", &path).expect_err("no library").to_string();
        assert_eq!(
            why,
            "cdk: aws-cdk-lib is not installed beside cdk; STACKWRIGHT_BENCH_CDK may name one that has it"
        );
        fs::create_dir(packages_folder.join("aws-cdk-lib")).expect("a folder");
        for program in ["cdk", &file.display().to_string()] {
            assert_eq!(packages(program, &path).expect("a library"), packages_folder);
        }
    }
}
