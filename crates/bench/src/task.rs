//! What the command line asks for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, ValueEnum};

use crate::stack;

/// What can be measured. The order is the one of a run without a subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Subset {
    /// stacks of 10, 100, 1,000 and 10,000 resources, against a cloud in memory
    Scale,
    /// the sample, where every call takes 0, 20, 50 or 100 ms
    Limit,
    /// 200 instances, 100 functions and an API of 100 routes, where AWS's quotas are enforced
    Quotas,
    /// commands that need no cloud
    Startup,
    /// the sample on emulators, beside Terraform, Ansible, CDK, CloudFormation and a script of aws commands
    Sample,
    /// from saved code to its new answer, on an emulator
    Hot,
    /// building the program: cold, warm, and with nothing changed
    Build,
    /// a stack of ten resources through its life; measures nothing
    Smoke,
    /// keeps a stack of the first size and its cloud for a profiler, until its input ends
    Serve,
}

/// Measures stackwright, which is built first, and writes docs/performance.md and JSON in the target folder.
///
/// Built without --release, it prints the figures, and does not write them to docs/performance.md.
#[derive(Clone, Debug, PartialEq, Parser)]
#[command(name = "bench", bin_name = "cargo run --release -p bench --")]
pub struct Task {
    /// What to measure; without a subset, all but `smoke` and `serve`
    #[arg(value_name = "SUBSET")]
    pub subsets: Vec<Subset>,

    /// How many resources the stacks of `scale` and `serve` have
    #[arg(long, value_name = "N,N…", value_delimiter = ',', default_value = "10,100,1000,10000", value_parser = size)]
    pub sizes: Vec<usize>,

    /// How long a run may take [default: 300, and 3600 for each run of `build`]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub limit: Option<f64>,

    /// How often a command of `startup`, or an edit of `hot`, runs
    #[arg(long, value_name = "N", default_value = "30", value_parser = times)]
    pub times: usize,

    /// The profiles of `build`: `cargo run` builds dev, and release is shipped
    #[arg(
        long,
        value_name = "P,P…",
        value_delimiter = ',',
        default_value = "dev,release",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub profiles: Vec<String>,

    /// Measures this program instead of building one; docs/performance.md stays as it is
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

impl Subset {
    /// Those that have figures, and a section in `docs/performance.md`.
    pub fn measured() -> Vec<Self> {
        let has_figures = |subset: &Self| !matches!(subset, Self::Smoke | Self::Serve);
        Self::value_variants().iter().copied().filter(has_figures).collect()
    }
}

impl Task {
    /// Reads the arguments, of which the first one is the name of this program.
    ///
    /// # Errors
    /// The arguments are wrong, or ask for help.
    pub fn read(
        arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let mut task = Self::try_parse_from(arguments)?;
        if task.subsets.is_empty() {
            task.subsets = Subset::measured();
            task.subsets.retain(|subset| task.binary.is_none() || *subset != Subset::Build);
        }
        if task.binary.is_some() && task.subsets.contains(&Subset::Build) {
            let why =
                "`build` builds the program that it measures: it cannot be used with --binary";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, why));
        }
        Ok(task)
    }
}

fn size(text: &str) -> Result<usize, String> {
    let least = stack::SMALLEST;
    let size = text.parse().ok().filter(|size| *size >= least);
    size.ok_or_else(|| format!("needs whole numbers from {least} up, separated by commas"))
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0);
    seconds.ok_or("needs a number of seconds above 0")
}

fn times(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|times| *times > 0).ok_or("needs a whole number from 1 up")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task, String> {
        let arguments = std::iter::once("bench").chain(line.split_whitespace());
        Task::read(arguments).map_err(|wrong| wrong.to_string())
    }

    #[test]
    fn everything_that_has_figures_is_measured_by_default() {
        let task = read("").expect("no argument");
        use Subset::{Build, Hot, Limit, Quotas, Sample, Scale, Startup};
        assert_eq!(task.subsets, [Scale, Limit, Quotas, Startup, Sample, Hot, Build]);
        assert_eq!((task.limit, task.times, task.binary), (None, 30, None));
        assert_eq!(task.sizes, [10, 100, 1_000, 10_000]);
        assert_eq!(task.profiles, ["dev", "release"]);
    }

    #[test]
    fn subsets_and_options_stand_in_any_order() {
        let task = read("scale --sizes 10,20 --limit 1.5 build --profiles dev serve --times 3");
        let expected = Task {
            subsets: vec![Subset::Scale, Subset::Build, Subset::Serve],
            sizes: vec![10, 20],
            limit: Some(1.5),
            times: 3,
            profiles: vec!["dev".to_owned()],
            binary: None,
        };
        assert_eq!(task, Ok(expected));
    }

    #[test]
    fn how_a_given_program_is_built_is_not_measured() {
        let task = read("--binary a/b").expect("a file");
        assert_eq!(task.binary, Some("a/b".into()));
        assert_eq!(task.subsets, Subset::measured()[..6]);
        let why = read("--binary a/b build").expect_err("no program of its own");
        assert!(why.contains("`build` builds the program that it measures"), "{why}");
    }

    #[test]
    fn a_wrong_value_is_named_with_what_the_option_needs() {
        for (line, why) in [
            (
                "--sizes 30,x",
                "'x' for '--sizes <N,N…>': needs whole numbers from 10 up, separated by commas",
            ),
            ("--sizes 9", "'9' for '--sizes <N,N…>': needs whole numbers from 10 up"),
            ("--limit soon", "'soon' for '--limit <SECONDS>': needs a number of seconds above 0"),
            ("--limit nan", "'nan' for '--limit <SECONDS>': needs a number of seconds above 0"),
            ("--limit inf", "'inf' for '--limit <SECONDS>': needs a number of seconds above 0"),
            ("--limit 0", "'0' for '--limit <SECONDS>': needs a number of seconds above 0"),
            ("--times 0", "'0' for '--times <N>': needs a whole number from 1 up"),
            ("--profiles dev,", "a value is required for '--profiles <P,P…>'"),
            ("--binary", "a value is required for '--binary <FILE>'"),
        ] {
            let wrong = read(line).expect_err(line);
            assert!(wrong.contains(why), "{line}: {wrong}");
        }
    }
}
