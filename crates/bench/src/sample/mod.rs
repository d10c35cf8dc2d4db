//! The sample on emulators, beside other programs that make the same objects: same endpoint, same run.

mod ansible;
mod aws;
mod cdk;
mod cloudformation;
mod stackwright;
mod terraform;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use stackwright_testkit::Emulator;
use tempfile::TempDir;

use crate::Result;
use crate::process::{Program, Ran, Usage};
use crate::report::{Figure, Report, Row};

/// The steps in the life of the sample, in their order.
const STEPS: [&str; 6] =
    ["create", "nothing to do", "plan", "change a timeout", "one more route", DESTROY];

/// The step that deletes everything.
const DESTROY: &str = "destroy";

/// One program in a folder of its own.
struct Contestant {
    name: &'static str,
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// The command whose output begins with its version.
    version: Vec<String>,
    /// Those of [`STEPS`] that the program can do in one run, in their order.
    steps: Vec<Step>,
}

/// What each step took, by its name.
type Figures = Vec<(&'static str, Usage)>;

/// The step that a program failed at.
struct Failed {
    step: &'static str,
    why: String,
    /// Everything that the program printed.
    output: String,
}

/// One run of a program.
struct Step {
    name: &'static str,
    /// A change of a file before it.
    edit: Option<Edit>,
    command: Vec<String>,
}

struct Edit {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

impl Step {
    fn new(name: &'static str, command: &[&str]) -> Self {
        Self { name, edit: None, command: command.iter().map(|&part| part.to_owned()).collect() }
    }

    /// Replaces a text of a file before the run.
    fn after(self, file: &'static str, from: &'static str, to: &'static str) -> Self {
        Self { edit: Some(Edit { file, from, to }), ..self }
    }
}

impl Edit {
    /// # Errors
    /// The text does not have what is to be replaced.
    fn made(&self, text: &str) -> Result<String> {
        let Self { file, from, to } = self;
        if !text.contains(from) {
            return Err(format!("`{from}` is not in {file}").into());
        }
        Ok(text.replace(from, to))
    }
}

/// Measures the sample on each emulator.
///
/// # Errors
/// The measured program itself fails.
pub fn measure(binary: &Path, limit: f64) -> Result<Report> {
    let mut report = Report { subset: "sample", ..Report::default() };
    for (name, emulator) in [("MiniStack", Emulator::ministack()), ("moto", Emulator::moto())] {
        let emulator = emulator.start();
        // An emulator loads a service at its first call, which would count for the first program.
        emulator.census();
        let package = name.to_lowercase();
        report.versions.push(format!("{name} {}", package_version(&emulator, &package)?));
        let own = stackwright::contestant(binary, &emulator)?;
        let mut versions = vec![own.version()?];
        let (figures, failed) = own.run(limit)?;
        if let Some(failed) = failed {
            return Err(failed.output.into());
        }
        let mut all = vec![(own.name, figures)];
        let others = [
            terraform::contestant(&emulator),
            ansible::contestant(&emulator),
            cdk::contestant(&emulator),
            cloudformation::contestant(&emulator),
            aws::contestant(&emulator),
        ];
        for other in others {
            match other {
                Ok(other) => {
                    versions.push(other.version()?);
                    let (figures, failed) = other.run(limit)?;
                    let what =
                        |Failed { step, why, .. }| format!("{name}, {}: {step}: {why}", other.name);
                    report.skipped.extend(failed.map(what));
                    all.push((other.name, figures));
                }
                Err(why) => report.skipped.push(format!("{name}, {why}")),
            }
        }
        report.rows.extend(rows(name, &all));
        versions.retain(|version| !report.versions.contains(version));
        report.versions.extend(versions);
    }
    Ok(report)
}

/// By step, with each program beside the first one.
fn rows(endpoint: &str, all: &[(&'static str, Figures)]) -> Vec<Row> {
    let of = |figures: &[(&str, Usage)], step: &str| {
        figures.iter().find(|(name, _)| *name == step).map(|(_, usage)| *usage)
    };
    let mut rows = Vec::new();
    for step in STEPS {
        let own = all.first().and_then(|(_, figures)| of(figures, step));
        for (program, figures) in all {
            let Some(usage) = of(figures, step) else { continue };
            let beside = |figure: fn(&Usage) -> f64| match &own {
                Some(own) if figure(own) > 0.0 => Figure::Ratio(figure(&usage) / figure(own)),
                _ => Figure::Missing,
            };
            rows.push(
                Row::default()
                    .with("endpoint", Figure::Text(endpoint.to_owned()))
                    .with("step", Figure::Text(step.to_owned()))
                    .with("program", Figure::Text((*program).to_owned()))
                    .with("wall", Figure::Seconds(usage.wall))
                    .with("CPU", Figure::Milliseconds(usage.cpu * 1e3))
                    .with("memory", Figure::Memory(usage.memory))
                    .with("wall ÷ stackwright", beside(|usage| usage.wall))
                    .with("CPU ÷ stackwright", beside(|usage| usage.cpu)),
            );
        }
    }
    rows
}

impl Contestant {
    /// The program's name and version.
    ///
    /// # Errors
    /// It cannot be started, or does not say its version.
    fn version(&self) -> Result<String> {
        let (program, arguments) = self.version.split_first().ok_or("no command")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        let variables = self.variables.iter().map(|(name, value)| (name, value));
        Ok(format!("{}: {}", self.name, first_line(command.envs(variables))?))
    }

    /// Runs the steps, up to the first one that fails. What it left behind is deleted then, as well as the program
    /// can: the next one is measured on the same endpoint.
    ///
    /// # Errors
    /// A program cannot be started, or a file cannot be edited.
    fn run(&self, limit: f64) -> Result<(Figures, Option<Failed>)> {
        let mut figures = Vec::new();
        for step in &self.steps {
            let ran = self.launch(step, limit)?;
            if let Some(why) = ran.failure() {
                self.clean_up(step.name, limit);
                let failed = Failed { step: step.name, why, output: ran.output };
                return Ok((figures, Some(failed)));
            }
            eprintln!("{:<12} {:<18} {:.2} s", self.name, step.name, ran.usage.wall);
            figures.push((step.name, ran.usage));
        }
        Ok((figures, None))
    }

    /// Runs the step `destroy`, unless it is what has failed. Its outcome is of no interest.
    fn clean_up(&self, failed: &str, limit: f64) {
        let destroy = self.steps.iter().find(|step| step.name == DESTROY && failed != DESTROY);
        drop(destroy.map(|step| self.launch(step, limit)));
    }

    fn launch(&self, step: &Step, limit: f64) -> Result<Ran> {
        if let Some(edit) = &step.edit {
            let file = self.folder.path().join(edit.file);
            fs::write(&file, edit.made(&fs::read_to_string(&file)?)?)?;
        }
        let program = Program {
            command: step.command.clone(),
            folder: self.folder.path().to_owned(),
            variables: self.variables.clone(),
            limit,
            watched: None,
        };
        program.run()
    }
}

/// A folder with the code of the sample, also as a zip.
fn folder_with_code() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let code = "handler/lambda_function.py";
    fs::create_dir(folder.path().join("handler"))?;
    fs::copy(crate::machine::root().join(code), folder.path().join(code))?;
    let script = "import shutil; shutil.make_archive('handler', 'zip', 'handler')";
    let mut python = Command::new("python3");
    let status = python.args(["-c", script]).current_dir(folder.path()).status()?;
    if status.success() { Ok(folder) } else { Err("python3 cannot make a zip".into()) }
}

/// The version of a package beside the emulators.
fn package_version(emulator: &Emulator, package: &str) -> Result<String> {
    let script = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))";
    first_line(emulator.python().args(["-c", script, package]))
}

/// The first line that a program prints.
fn first_line(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.lines().next() {
        Some(line) if output.status.success() => Ok(line.trim().to_owned()),
        _ => Err(format!("{command:?} does not print a version").into()),
    }
}

/// The environment of a program, which has nothing of the machine's own but the path.
fn variables(folder: &TempDir, more: &[(&str, String)]) -> Vec<(String, String)> {
    let path = std::env::var("PATH").unwrap_or_default();
    let home = folder.path().display().to_string();
    let all = [("PATH", path), ("HOME", home)].into_iter().chain(more.iter().cloned());
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The environment in which `"$PYTHON" -m awscli` is the AWS CLI, which comes with the emulators.
fn cli_variables(emulator: &Emulator) -> Vec<(String, String)> {
    let python = emulator.python();
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    let known = python.get_envs().filter_map(|(name, value)| Some((text(name), text(value?))));
    known.chain([("PYTHON".to_owned(), text(python.get_program()))]).collect()
}

/// The command that prints the version of the AWS CLI in that environment.
fn cli_version() -> Vec<String> {
    ["sh", "-c", "\"$PYTHON\" -m awscli --version"].map(str::to_owned).to_vec()
}

/// The variables by which AWS's own clients find their cloud.
fn cloud_variables(emulator: &Emulator) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", emulator.url()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// An installed program: the file that an environment variable names, or else the one on the path.
fn installed(name: &str, variable: &str) -> Result<String> {
    program(name, variable, std::env::var_os(variable))
}

fn program(name: &str, variable: &str, named: Option<OsString>) -> Result<String> {
    let why = match &named {
        Some(_) => format!("{name}: the file that {variable} names does not run"),
        None => format!("{name}: it is not installed; {variable} may name its file"),
    };
    let program = match named {
        // Absolute, since the program runs in another folder.
        Some(file) => std::path::absolute(file)?.display().to_string(),
        None => name.to_owned(),
    };
    match Command::new(&program).arg("--version").output() {
        Ok(output) if output.status.success() => Ok(program),
        _ => Err(why.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_are_those_of_the_table_and_every_edit_finds_its_text() {
        let stack = fs::read_to_string(crate::machine::root().join("stack.yaml")).expect("a file");
        for (name, steps, text) in [
            ("stackwright", stackwright::steps("", ""), stack.as_str()),
            ("terraform", terraform::steps(""), include_str!("sample.tf")),
            ("ansible", ansible::steps(""), include_str!("playbook.yaml")),
            ("cdk", cdk::steps(""), include_str!("app.js")),
            ("cloudformation", cloudformation::steps(), include_str!("template.yaml")),
        ] {
            let mut known = STEPS.iter();
            let mut text = text.to_owned();
            for step in steps {
                assert!(known.any(|name| *name == step.name), "{name}: {}", step.name);
                let Some(edit) = step.edit else { continue };
                let edited = edit.made(&text).expect(name);
                assert_ne!(edited, text, "{name}: {}", step.name);
                text = edited;
            }
        }
    }

    /// Runs a program whose steps are shell scripts. Returns what it wrote into the file `log`, too.
    fn run(scripts: &[(&'static str, &str)]) -> (Figures, Option<Failed>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let step = |(name, script): &(&'static str, &str)| Step::new(name, &["sh", "-c", script]);
        let steps = scripts.iter().map(step).collect();
        let variables = variables(&folder, &[]);
        let version = ["sh", "-c", "echo ' 1.0 '; echo more"].map(str::to_owned).to_vec();
        let contestant = Contestant { name: "a shell", variables, folder, version, steps };
        assert_eq!(contestant.version().expect("a version"), "a shell: 1.0");
        let (figures, failed) = contestant.run(60.0).expect("a shell");
        let log = contestant.folder.path().join("log");
        (figures, failed, fs::read_to_string(log).expect("a log"))
    }

    #[test]
    fn every_step_is_measured_once() {
        let scripts = [("create", "echo create >> log"), ("destroy", "echo destroy >> log")];
        let (figures, failed, log) = run(&scripts);
        assert_eq!((figures.len(), failed.is_none(), log.as_str()), (2, true, "create\ndestroy\n"));
    }

    #[test]
    fn a_program_that_fails_is_measured_up_to_there_and_deletes_what_it_has_made() {
        let (figures, failed, log) = run(&[
            ("create", "echo create >> log"),
            ("plan", "echo first; echo error: wrong; exit 1"),
            ("one more route", "echo route >> log"),
            ("destroy", "echo destroy >> log; exit 1"),
        ]);
        assert_eq!(figures.iter().map(|(step, _)| *step).collect::<Vec<_>>(), ["create"]);
        let Failed { step, why, output } = failed.expect("a failure");
        assert_eq!((step, why.as_str()), ("plan", "error: wrong"));
        assert_eq!(output, "first\nerror: wrong\n");
        assert_eq!(log, "create\ndestroy\n");
    }

    #[test]
    fn a_destroy_that_fails_is_not_repeated() {
        let (_, failed, log) = run(&[("destroy", "echo destroy >> log; exit 1")]);
        assert_eq!((failed.map(|failed| failed.step), log.as_str()), (Some(DESTROY), "destroy\n"));
    }

    #[test]
    fn a_program_that_is_not_installed_is_named_with_its_variable() {
        let why = |file: Option<&str>| {
            program("no-such-program", "FILE", file.map(OsString::from))
                .expect_err("nothing")
                .to_string()
        };
        assert_eq!(why(None), "no-such-program: it is not installed; FILE may name its file");
        assert_eq!(why(Some("nowhere")), "no-such-program: the file that FILE names does not run");
        let found = program("no-such-program", "FILE", Some("/bin/../bin/cat".into()));
        assert_eq!(found.expect("a program"), "/bin/../bin/cat");
    }
}
