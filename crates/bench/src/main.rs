//! `cargo run --release -p bench -- [SUBSET…]`

use std::path::PathBuf;
use std::process::ExitCode;

use bench::machine::{Machine, root};
use bench::report::Report;
use bench::{Result, binary, hot, limit, page, quotas, sample, scale, serve, smoke, startup};

const USAGE: &str = "\
cargo run --release -p bench -- [SUBSET…] [OPTION…]

  Measures stackwright, which it builds first, and writes docs/performance.md and JSON in the target folder.

  scale      stacks of 10, 100, 1,000 and 10,000 resources, against a cloud in memory
  limit      the sample, where every call takes 0, 20, 50 or 100 ms
  quotas     200 instances, 100 functions and an API of 100 routes, where AWS's quotas are enforced
  startup    commands that need no cloud
  sample     the sample on emulators, beside Terraform, CloudFormation and a script of aws commands
  hot        from saved code to its new answer, on an emulator
  smoke      a stack of ten resources through its life; measures nothing
  serve      keeps a stack of the first size and its cloud for a profiler, until its input ends

  Without a subset, all but the last two.

  --sizes N,N…     other sizes of `scale` and `serve`
  --limit SECONDS  how long a run may take (default 300)
  --times N        how often a command of `startup`, or an edit of `hot`, runs (default 30)
  --binary FILE    measures this program instead of building one; docs/performance.md stays as it is

  The figures of a development build are printed, and not written to docs/performance.md.";

/// What to measure.
struct Task {
    subsets: Vec<String>,
    sizes: Vec<usize>,
    limit: f64,
    times: usize,
    binary: Option<PathBuf>,
}

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let task = match task(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match run(&task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn task(arguments: impl Iterator<Item = String>) -> std::result::Result<Task, String> {
    const SUBSETS: [&str; 8] =
        ["scale", "limit", "quotas", "startup", "sample", "hot", "smoke", "serve"];
    let mut task = Task {
        subsets: Vec::new(),
        sizes: scale::SIZES.to_vec(),
        limit: 300.0,
        times: 30,
        binary: None,
    };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if SUBSETS.contains(&argument.as_str()) {
            task.subsets.push(argument);
            continue;
        }
        let value = arguments.next().unwrap_or_default();
        let wrong = || format!("{argument}: `{value}`");
        match argument.as_str() {
            "--sizes" => {
                let sizes: Option<_> = value.split(',').map(|size| size.parse().ok()).collect();
                task.sizes = sizes.ok_or_else(wrong)?;
            }
            "--limit" => task.limit = value.parse().map_err(|_| wrong())?,
            "--times" => task.times = value.parse().map_err(|_| wrong())?,
            "--binary" => task.binary = Some(value.into()),
            _ => return Err(format!("`{argument}` is neither a subset nor an option")),
        }
    }
    if task.subsets.is_empty() {
        task.subsets = SUBSETS[..6].iter().map(|&subset| subset.to_owned()).collect();
    }
    Ok(task)
}

fn run(task: &Task) -> Result<()> {
    let program = match &task.binary {
        Some(binary) => binary.canonicalize()?,
        None => binary::build()?,
    };
    let is_written = task.binary.is_none() && binary::PROFILE == "release";
    for subset in &task.subsets {
        let profile = if task.binary.is_some() { "unknown" } else { binary::PROFILE };
        // Before the run, which is a load itself.
        let machine = Machine::asked(&program, profile);
        let reports = match subset.as_str() {
            "scale" => vec![scale::measure(&program, &task.sizes, task.limit)?],
            "limit" => limit::measure(&program, &limit::DELAYS, task.limit)?.into(),
            "quotas" => vec![quotas::measure(&program, task.limit)?],
            "startup" => vec![startup::measure(&program, task.times, task.limit)?],
            "sample" => vec![sample::measure(&program, task.limit)?],
            "hot" => vec![hot::measure(&program, task.times, task.limit)?],
            "serve" => {
                serve::serve(&program, task.sizes.first().copied().unwrap_or(1_000))?;
                continue;
            }
            _ => {
                println!("{:#?}", smoke::run(&program)?);
                continue;
            }
        };
        for report in &reports {
            tell(report, &machine, is_written)?;
        }
    }
    Ok(())
}

/// Prints a report and writes it where it belongs.
fn tell(report: &Report, machine: &Machine, is_written: bool) -> Result<()> {
    println!("{}\n\n{}", machine.sentence(), report.markdown());
    let file = page::save(report, machine, &binary::target()?)?;
    eprintln!("{}", file.display());
    if is_written {
        page::write(report, machine, &root().join(page::PAGE))?;
    }
    Ok(())
}
