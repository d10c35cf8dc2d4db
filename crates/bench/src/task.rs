//! What the command line asks for.

use std::path::PathBuf;

use crate::{build, scale};

pub const USAGE: &str = "\
cargo run --release -p bench -- [SUBSET…] [OPTION…]

  Measures stackwright, which it builds first, and writes docs/performance.md and JSON in the target folder.

  scale      stacks of 10, 100, 1,000 and 10,000 resources, against a cloud in memory
  limit      the sample, where every call takes 0, 20, 50 or 100 ms
  quotas     200 instances, 100 functions and an API of 100 routes, where AWS's quotas are enforced
  startup    commands that need no cloud
  sample     the sample on emulators, beside Terraform, Ansible, CDK, CloudFormation and a script of aws commands
  hot        from saved code to its new answer, on an emulator
  build      building the program: cold, warm, and with nothing changed
  smoke      a stack of ten resources through its life; measures nothing
  serve      keeps a stack of the first size and its cloud for a profiler, until its input ends

  Without a subset, all but the last two.

  --sizes N,N…     other sizes of `scale` and `serve`
  --limit SECONDS  how long a run may take (default 300, and 3600 for each of `build`)
  --times N        how often a command of `startup`, or an edit of `hot`, runs (default 30)
  --profiles P,P…  other profiles of `build` (default dev,release)
  --binary FILE    measures this program instead of building one; docs/performance.md stays as it is

  The figures of a development build are printed, and not written to docs/performance.md.";

/// What is measured, and has its section in `docs/performance.md`.
pub const MEASURED: [&str; 7] = ["scale", "limit", "quotas", "startup", "sample", "hot", BUILD];
/// What is asked for by its name only.
const FURTHER: [&str; 2] = ["smoke", "serve"];
/// It builds a program, and can measure no other.
const BUILD: &str = "build";

/// What to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub subsets: Vec<String>,
    pub sizes: Vec<usize>,
    /// After so many seconds a run is stopped; `None`: after as many as the subset needs.
    pub limit: Option<f64>,
    pub times: usize,
    pub profiles: Vec<String>,
    pub binary: Option<PathBuf>,
}

impl Task {
    /// Reads the arguments.
    ///
    /// # Errors
    /// They are wrong, in words for the user.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut task = Self {
            subsets: Vec::new(),
            sizes: scale::SIZES.to_vec(),
            limit: None,
            times: 30,
            profiles: build::PROFILES.map(str::to_owned).into(),
            binary: None,
        };
        while let Some(argument) = arguments.next() {
            if MEASURED.iter().chain(&FURTHER).any(|subset| *subset == argument) {
                task.subsets.push(argument);
                continue;
            }
            let value = arguments.next().unwrap_or_default();
            task.set(&argument, &value)?;
        }
        if task.subsets.is_empty() {
            task.subsets = MEASURED.map(str::to_owned).into();
            task.subsets.retain(|subset| task.binary.is_none() || subset != BUILD);
        }
        if task.binary.is_some() && task.subsets.iter().any(|subset| subset == BUILD) {
            return Err("`build` measures how a program is built, not one of --binary".to_owned());
        }
        Ok(task)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), String> {
        let wrong = || format!("{option}: `{value}`");
        match option {
            "--sizes" => {
                let sizes: Option<_> = value.split(',').map(|size| size.parse().ok()).collect();
                self.sizes = sizes.ok_or_else(wrong)?;
            }
            "--limit" => self.limit = Some(value.parse().map_err(|_| wrong())?),
            "--times" => self.times = value.parse().map_err(|_| wrong())?,
            "--profiles" => {
                self.profiles = value.split(',').map(str::to_owned).collect();
                if self.profiles.iter().any(String::is_empty) {
                    return Err(wrong());
                }
            }
            "--binary" => self.binary = Some(value.into()),
            _ => return Err(format!("`{option}` is neither a subset nor an option")),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task, String> {
        Task::read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn everything_is_measured_that_has_figures() {
        let task = read("").expect("no argument");
        assert_eq!(task.subsets, MEASURED);
        assert_eq!((task.limit, task.times, task.binary), (None, 30, None));
        assert_eq!(task.sizes, scale::SIZES);
        assert_eq!(task.profiles, ["dev", "release"]);
    }

    #[test]
    fn subsets_and_options_stand_in_any_order() {
        let task = read("scale --sizes 10,20 --limit 1.5 build --profiles dev serve --times 3");
        let expected = Task {
            subsets: ["scale", "build", "serve"].map(str::to_owned).into(),
            sizes: vec![10, 20],
            limit: Some(1.5),
            times: 3,
            profiles: vec!["dev".to_owned()],
            binary: None,
        };
        assert_eq!(task, Ok(expected));
    }

    #[test]
    fn a_given_program_is_not_built() {
        let task = read("--binary a/b").expect("a file");
        assert_eq!(task.binary, Some("a/b".into()));
        assert_eq!(task.subsets, MEASURED[..6]);
        let why = "`build` measures how a program is built, not one of --binary";
        assert_eq!(read("--binary a/b build"), Err(why.to_owned()));
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (line, why) in [
            ("scales", "`scales` is neither a subset nor an option"),
            ("--size 3", "`--size` is neither a subset nor an option"),
            ("--sizes 3,x", "--sizes: `3,x`"),
            ("--sizes", "--sizes: ``"),
            ("--limit soon", "--limit: `soon`"),
            ("--times -1", "--times: `-1`"),
            ("--profiles", "--profiles: ``"),
            ("--profiles dev,", "--profiles: `dev,`"),
        ] {
            assert_eq!(read(line), Err(why.to_owned()), "{line}");
        }
    }

    #[test]
    fn the_usage_has_every_subset() {
        for subset in MEASURED.iter().chain(&FURTHER) {
            assert!(USAGE.contains(&format!("\n  {subset} ")), "{subset}");
        }
    }
}
