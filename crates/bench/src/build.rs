//! What it takes to build the program: from nothing, after a change, and when nothing has changed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Program, Ran, size};
use crate::report::{Figure, Report, Row};
use crate::{Result, binary};

/// How long a build may take, in seconds.
pub const LIMIT: f64 = 3_600.0;

/// The source of stackwright that is changed, in a crate that most others need.
const CHANGED: &str = "crates/engine/src/lib.rs";

/// Appended to the changed source: another function, so that there is something to compile.
const CHANGE: &str = "\n/// Not there before.\npub fn change() -> u64 {\n    1\n}\n";

/// A program in a workspace.
#[derive(Clone, Copy, Debug)]
struct Package<'a> {
    /// The folder of the workspace. It stays as it is: a copy is built.
    workspace: &'a Path,
    /// The name of the package and of its program.
    name: &'a str,
    /// The source that is changed.
    changed: &'a str,
}

/// A folder with a copy of the sources and a target folder. Removed when dropped.
struct Scratch {
    folder: TempDir,
    limit: f64,
}

/// Measures the program of this repository in these profiles, in a folder below `target`.
///
/// # Errors
/// The crates cannot be downloaded, a program cannot be started, or a folder cannot be written.
pub fn measure(profiles: &[String], target: &Path, limit: f64) -> Result<Report> {
    let root = crate::machine::root();
    let package = Package { workspace: &root, name: "stackwright", changed: CHANGED };
    built(package, profiles, target, limit)
}

/// # Errors
/// As for [`measure`]. A build that fails is no error.
fn built(package: Package<'_>, profiles: &[String], target: &Path, limit: f64) -> Result<Report> {
    fetch(package.workspace)?;
    let mut report = Report { subset: "build", ..Report::default() };
    for profile in profiles {
        let scratch = Scratch::new(package.workspace, target, limit)?;
        for build in ["cold", "warm", "nothing changed"] {
            if build == "warm" {
                scratch.change(package.changed)?;
            }
            let ran = scratch.build(package.name, profile)?;
            if let Some(why) = ran.failure() {
                report.skipped.push(format!("{profile}, {build}: {why}"));
                break;
            }
            eprintln!("{profile:<8} {build:<16} {:.1} s", ran.usage.wall);
            report.rows.push(row(profile, build, &ran, &scratch.binary(package.name, profile)));
        }
    }
    Ok(report)
}

/// Downloads the crates that a build on this machine needs, so that no build has to wait for the network.
fn fetch(workspace: &Path) -> Result<()> {
    let mut command = Command::new(binary::cargo());
    command.args(["fetch", "--locked", "--target", "host-tuple"]).current_dir(workspace);
    if !command.status()?.success() {
        return Err("the crates cannot be downloaded: `cargo fetch --locked` fails".into());
    }
    Ok(())
}

fn row(profile: &str, build: &str, ran: &Ran, binary: &Path) -> Row {
    let compiled = ran.output.lines().filter(|line| line.trim_start().starts_with("Compiling "));
    Row::default()
        .with("profile", Figure::Text(profile.to_owned()))
        .with("build", Figure::Text(build.to_owned()))
        .with("crates compiled", Figure::Count(compiled.count() as u64))
        .with("wall", Figure::Seconds(ran.usage.wall))
        .with("CPU", Figure::Seconds(ran.usage.cpu))
        .with("largest process", Figure::Memory(ran.usage.memory))
        .with("binary", Figure::Size(size(binary)))
}

impl Scratch {
    fn new(workspace: &Path, target: &Path, limit: f64) -> Result<Self> {
        let parent = target.join("bench");
        let left = parent.join("build");
        // An interrupted run left it; it may have gigabytes.
        if left.exists() {
            fs::remove_dir_all(&left)?;
        }
        fs::create_dir_all(&parent)?;
        let folder = tempfile::Builder::new().prefix("build").rand_bytes(0).tempdir_in(&parent)?;
        let scratch = Self { folder, limit };
        copy(workspace, &scratch.source())?;
        Ok(scratch)
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("target")
    }

    fn binary(&self, name: &str, profile: &str) -> PathBuf {
        let folder = if profile == "dev" { "debug" } else { profile };
        self.target().join(folder).join(name)
    }

    /// Changes a source. A newer time alone is not enough: an incremental build finds that all is compiled.
    fn change(&self, source: &str) -> Result<()> {
        let source = self.source().join(source);
        Ok(fs::write(&source, fs::read_to_string(&source)? + CHANGE)?)
    }

    /// Runs cargo, which may download nothing.
    fn build(&self, package: &str, profile: &str) -> Result<Ran> {
        let cargo = binary::cargo();
        let build = ["build", "--locked", "--offline", "--package", package, "--profile", profile];
        let program = Program {
            command: [cargo.as_str()].into_iter().chain(build).map(str::to_owned).collect(),
            folder: self.source(),
            variables: self.variables(),
            limit: self.limit,
            watched: None,
        };
        program.run()
    }

    /// The environment of this process, changed so that a build finds nothing that another one has compiled.
    fn variables(&self) -> Vec<(String, String)> {
        let target = self.target().display().to_string();
        let own = [
            ("CARGO_TARGET_DIR", target.as_str()),
            ("CARGO_BUILD_BUILD_DIR", &target),
            ("RUSTC_WRAPPER", ""),
            ("RUSTC_WORKSPACE_WRAPPER", ""),
            // The output is read.
            ("CARGO_TERM_COLOR", "never"),
            ("CARGO_TERM_QUIET", "false"),
        ];
        let inherited = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        // Of two values of one name, the last one counts.
        inherited.chain(own.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
    }
}

/// Copies what git has of a workspace, or would add to it: no history, no builds, and nothing that is ignored.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(from);
    let listed = git.output().map_err(|error| format!("git: {error}"))?;
    if !listed.status.success() {
        let why = String::from_utf8_lossy(&listed.stderr).trim().to_owned();
        return Err(format!("{}: `git ls-files` fails: {why}", from.display()).into());
    }
    for name in listed.stdout.split(|&byte| byte == 0) {
        let name = OsStr::from_bytes(name);
        let (from, to) = (from.join(name), to.join(name));
        // A file that was deleted is listed until git knows of it.
        if !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that has a library, which is the source that is changed.
    fn workspace(library: &str) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in [
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"library\"]\n\n[package]\nname = \"program\"\nversion = \"1.0.0\"\n\
                 edition = \"2024\"\n\n[dependencies]\nlibrary = { path = \"library\" }\n",
            ),
            (
                "Cargo.lock",
                "version = 4\n\n[[package]]\nname = \"library\"\nversion = \"1.0.0\"\n\n[[package]]\n\
                 name = \"program\"\nversion = \"1.0.0\"\ndependencies = [\n \"library\",\n]\n",
            ),
            ("src/main.rs", "fn main() {\n    println!(\"{}\", library::answer());\n}\n"),
            (
                "library/Cargo.toml",
                "[package]\nname = \"library\"\nversion = \"1.0.0\"\nedition = \"2024\"\n",
            ),
            ("library/src/lib.rs", library),
            (".gitignore", "/ignored/\n"),
            ("ignored/notes", ""),
            ("deleted", ""),
        ] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("its folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
        for arguments in [&["init", "--quiet"][..], &["add", "Cargo.toml", "deleted"]] {
            let mut git = Command::new("git");
            let status = git.args(arguments).current_dir(folder.path()).status().expect("git");
            assert!(status.success(), "{arguments:?}");
        }
        fs::remove_file(folder.path().join("deleted")).expect("a file");
        folder
    }

    fn build(workspace: &TempDir, target: &TempDir, profiles: &[&str]) -> Report {
        let workspace = workspace.path();
        let package = Package { workspace, name: "program", changed: "library/src/lib.rs" };
        let profiles: Vec<String> = profiles.iter().map(|&profile| profile.to_owned()).collect();
        built(package, &profiles, target.path(), 600.0).expect("a report")
    }

    const LIBRARY: &str = "pub fn answer() -> u64 {\n    42\n}\n";

    #[test]
    fn a_build_is_cold_then_warm_then_has_nothing_to_do() {
        let (workspace, target) = (workspace(LIBRARY), tempfile::tempdir().expect("a folder"));
        // An interrupted run left it.
        let left = target.path().join("bench/build/target/debug");
        fs::create_dir_all(&left).expect("a folder");
        fs::write(left.join("program"), "old").expect("a file");

        let report = build(&workspace, &target, &["dev", "release"]);
        assert!(report.skipped.is_empty(), "{:?}", report.skipped);
        let text = |text: &str| Some(Figure::Text(text.to_owned()));
        let expected = [("cold", 2), ("warm", 2), ("nothing changed", 0)];
        let expected = ["dev", "release"]
            .into_iter()
            .flat_map(|profile| expected.map(|build| (profile, build)));
        for (row, (profile, (build, crates))) in report.rows.iter().zip(expected) {
            assert_eq!(row.get("profile").cloned(), text(profile));
            assert_eq!(row.get("build").cloned(), text(build));
            assert_eq!(
                row.get("crates compiled"),
                Some(&Figure::Count(crates)),
                "{profile}, {build}"
            );
            let binary = row.get("binary");
            assert!(matches!(binary, Some(Figure::Size(1..))), "no program: {row:?}");
        }
        assert_eq!(report.rows.len(), 6);

        let left = fs::read_dir(target.path().join("bench")).expect("a folder").count();
        assert_eq!(left, 0, "what was built is removed");
    }

    #[test]
    fn a_build_that_fails_says_why() {
        let (workspace, target) =
            (workspace("pub fn answer() {"), tempfile::tempdir().expect("a folder"));
        let report = build(&workspace, &target, &["dev", "none"]);
        assert!(report.rows.is_empty());
        assert_eq!(
            report.skipped,
            [
                "dev, cold: error: this file contains an unclosed delimiter",
                "none, cold: error: profile `none` is not defined"
            ]
        );
    }

    #[test]
    fn a_copy_has_the_files_that_git_does_not_ignore() {
        let (workspace, target) = (workspace(LIBRARY), tempfile::tempdir().expect("a folder"));
        let scratch = Scratch::new(workspace.path(), target.path(), 600.0).expect("a copy");
        let files = fs::read_dir(scratch.source()).expect("a folder").flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name()).collect();
        names.sort();
        assert_eq!(names, [".gitignore", "Cargo.lock", "Cargo.toml", "library", "src"]);

        scratch.change("library/src/lib.rs").expect("a source");
        let library =
            |root: &Path| fs::read_to_string(root.join("library/src/lib.rs")).expect("a source");
        assert_eq!(library(&scratch.source()), format!("{LIBRARY}{CHANGE}"));
        assert_eq!(library(workspace.path()), LIBRARY);
    }

    #[test]
    fn a_folder_without_a_repository_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".git"), "gitdir: nowhere\n").expect("a file");
        let why = copy(folder.path(), &folder.path().join("copy")).expect_err("no repository");
        let start = format!("{}: `git ls-files` fails: ", folder.path().display());
        assert!(why.to_string().starts_with(&start), "{why}");
    }

    #[test]
    fn the_source_that_is_changed_exists() {
        assert!(crate::machine::root().join(CHANGED).is_file());
    }
}
