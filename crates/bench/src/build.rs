//! What it takes to build the program: from nothing, after a change, and when nothing has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Program, Ran, size};
use crate::report::{Figure, Report, Row};
use crate::{Result, binary};

/// How long a build may take, in seconds.
pub const LIMIT: f64 = 3_600.0;

/// Cargo marks its target folders with it, as other programs do with their caches.
const CACHE: &str = "CACHEDIR.TAG";

/// What the changed source has more: another function, so that there is something to compile.
const CHANGE: &str = "\n/// Not there before.\npub fn change() -> u64 {\n    1\n}\n";

/// A program in a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Package<'a> {
    /// The folder of the workspace. It stays as it is: a copy is built.
    pub workspace: &'a Path,
    /// Of the package, and of its program.
    pub name: &'a str,
    /// The source that is changed.
    pub changed: &'a str,
}

/// What a profile is measured in. It goes when it is dropped.
struct Workshop {
    folder: TempDir,
    limit: f64,
}

/// Measures the program of this repository in these profiles, in a folder below `target`.
///
/// # Errors
/// A program cannot be started, or a folder cannot be written.
pub fn measure(profiles: &[String], target: &Path, limit: f64) -> Result<Report> {
    let root = crate::machine::root();
    let changed = "crates/engine/src/lib.rs";
    built(Package { workspace: &root, name: "stackwright", changed }, profiles, target, limit)
}

/// # Errors
/// A program cannot be started, or a folder cannot be written. A build that fails is no error.
fn built(package: Package<'_>, profiles: &[String], target: &Path, limit: f64) -> Result<Report> {
    let mut report = Report { subset: "build", rows: Vec::new(), skipped: Vec::new() };
    for profile in profiles {
        let workshop = Workshop::new(package.workspace, target, limit)?;
        for build in ["cold", "warm", "nothing changed"] {
            if build == "warm" {
                workshop.change(package.changed)?;
            }
            let ran = workshop.build(package.name, profile)?;
            if let Some(why) = ran.failure() {
                report.skipped.push(format!("{profile}, {build}: {why}"));
                break;
            }
            eprintln!("{profile:<8} {build:<16} {:.1} s", ran.usage.wall);
            report.rows.push(row(profile, build, &ran, &workshop.binary(package.name, profile)));
        }
    }
    Ok(report)
}

fn row(profile: &str, build: &str, ran: &Ran, binary: &Path) -> Row {
    let compiled = ran.output.lines().filter(|line| line.trim_start().starts_with("Compiling "));
    let known = |size: u64| if size == 0 { Figure::Missing } else { Figure::Size(size) };
    Row::default()
        .with("profile", Figure::Text(profile.to_owned()))
        .with("build", Figure::Text(build.to_owned()))
        .with("crates compiled", Figure::Count(compiled.count() as u64))
        .with("wall", Figure::Seconds(ran.usage.wall))
        .with("CPU", Figure::Seconds(ran.usage.cpu))
        .with("largest process", Figure::Memory(ran.usage.memory))
        .with("binary", known(size(binary)))
        .with("stripped", known(stripped(binary)))
}

/// The size without symbols, 0 if there is no `strip`.
fn stripped(binary: &Path) -> u64 {
    let file = binary.with_extension("stripped");
    let status = Command::new("strip").arg("-o").args([&file, binary]).status();
    if status.is_ok_and(|status| status.success()) { size(&file) } else { 0 }
}

impl Workshop {
    fn new(workspace: &Path, target: &Path, limit: f64) -> Result<Self> {
        let parent = target.join("bench");
        let left = parent.join("build");
        // Of a run that was interrupted: some gigabytes.
        if left.exists() {
            fs::remove_dir_all(&left)?;
        }
        fs::create_dir_all(&parent)?;
        let folder = tempfile::Builder::new().prefix("build").rand_bytes(0).tempdir_in(&parent)?;
        let workshop = Self { folder, limit };
        copy(workspace, &workshop.source())?;
        Ok(workshop)
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

    /// Changes a source. A newer time alone would not do: an incremental build finds that all is compiled.
    fn change(&self, source: &str) -> Result<()> {
        let source = self.source().join(source);
        Ok(fs::write(&source, fs::read_to_string(&source)? + CHANGE)?)
    }

    /// Runs cargo. What it would have to download is an error.
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

    /// The environment of this process, where nothing brings in what another build has compiled.
    fn variables(&self) -> Vec<(String, String)> {
        let target = self.target().display().to_string();
        let own = [
            ("CARGO_TARGET_DIR", target.as_str()),
            ("CARGO_BUILD_BUILD_DIR", &target),
            ("RUSTC_WRAPPER", ""),
            ("RUSTC_WORKSPACE_WRAPPER", ""),
            // What it prints is read.
            ("CARGO_TERM_COLOR", "never"),
            ("CARGO_TERM_QUIET", "false"),
        ];
        let known = std::env::vars_os();
        let known = known.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let others = known.filter(|(name, _)| own.iter().all(|(own, _)| name != own));
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        others.chain(own).collect()
    }
}

/// Copies a workspace, without its history and without what was built in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_file() {
            fs::copy(&from, &to)?;
        } else if kind.is_dir() && entry.file_name() != ".git" && !from.join(CACHE).exists() {
            copy(&from, &to)?;
        }
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
            // Neither belongs to the sources.
            (".git/config", ""),
            ("old/CACHEDIR.TAG", ""),
        ] {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("its folder")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
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
        // Of a run that was interrupted.
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
            let Some(Figure::Size(size)) = row.get("binary") else { panic!("no program: {row:?}") };
            let smaller = row.get("stripped");
            let is_smaller =
                |stripped: &Figure| matches!(stripped, Figure::Size(stripped) if stripped < size);
            assert!(smaller.is_some_and(is_smaller), "{row:?}");
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
    fn a_copy_is_changed_that_has_neither_history_nor_builds() {
        let (workspace, target) = (workspace(LIBRARY), tempfile::tempdir().expect("a folder"));
        let workshop = Workshop::new(workspace.path(), target.path(), 600.0).expect("a copy");
        let files = fs::read_dir(workshop.source()).expect("a folder").flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name()).collect();
        names.sort();
        assert_eq!(names, ["Cargo.lock", "Cargo.toml", "library", "src"]);

        workshop.change("library/src/lib.rs").expect("a source");
        let library =
            |root: &Path| fs::read_to_string(root.join("library/src/lib.rs")).expect("a source");
        assert_eq!(library(&workshop.source()), format!("{LIBRARY}{CHANGE}"));
        assert_eq!(library(workspace.path()), LIBRARY);
    }
}
