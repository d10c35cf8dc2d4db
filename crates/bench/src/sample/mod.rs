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
use crate::process::{Program, Usage};
use crate::report::{Figure, Report, Row};

/// The steps in the life of the sample, in their order.
const STEPS: [&str; 6] =
    ["create", "nothing to do", "plan", "change a timeout", "one more route", "destroy"];

/// One program in a folder of its own.
struct Contestant {
    name: &'static str,
    folder: TempDir,
    variables: Vec<(String, String)>,
    /// Of [`STEPS`]; what is missing here the program cannot do in one run.
    steps: Vec<Step>,
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
    let mut report = Report { subset: "sample", rows: Vec::new(), skipped: Vec::new() };
    for (name, emulator) in [("MiniStack", Emulator::ministack()), ("moto", Emulator::moto())] {
        let emulator = emulator.start();
        // An emulator loads a service at its first call, which would count for the first program.
        emulator.census();
        let own = stackwright::contestant(binary, &emulator)?;
        let first = own.run(limit, |_| {})?;
        let mut all = vec![("stackwright", first)];
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
                    let mut failed = None;
                    let figures = other.run(limit, |why| failed = Some(why))?;
                    let what = |why| format!("{name}, {}: {why}", other.name);
                    report.skipped.extend(failed.map(what));
                    all.push((other.name, figures));
                }
                Err(why) => report.skipped.push(format!("{name}, {why}")),
            }
        }
        report.rows.extend(rows(name, &all));
    }
    Ok(report)
}

/// By step, with each program beside the first one.
fn rows(endpoint: &str, all: &[(&'static str, Vec<(&'static str, Usage)>)]) -> Vec<Row> {
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
    /// Runs all steps up to the first that fails, which `failed` gets.
    fn run(
        &self,
        limit: f64,
        mut failed: impl FnMut(String),
    ) -> Result<Vec<(&'static str, Usage)>> {
        let mut figures = Vec::new();
        for step in &self.steps {
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
            let ran = program.run()?;
            if let Some(why) = ran.failure() {
                if self.name == "stackwright" {
                    return Err(ran.output.into());
                }
                failed(format!("{}: {why}", step.name));
                break;
            }
            eprintln!("{:<12} {:<18} {:.2} s", self.name, step.name, ran.usage.wall);
            figures.push((step.name, ran.usage));
        }
        Ok(figures)
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

/// The environment of a program that finds nothing of the machine's but other programs.
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

/// The settings of programs that find their cloud as AWS's own clients do.
fn cloud_variables(emulator: &Emulator) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", emulator.url()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ]
}

/// A program that must be installed: what a variable of the environment names, or else what the path has.
fn installed(name: &str, variable: &str) -> Result<String> {
    program(name, variable, std::env::var_os(variable))
}

fn program(name: &str, variable: &str, named: Option<OsString>) -> Result<String> {
    let why = match &named {
        Some(_) => format!("{name}: the file that {variable} names does not run"),
        None => format!("{name}: it is not installed; {variable} may name its file"),
    };
    let program = match named {
        // It runs in another folder.
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
