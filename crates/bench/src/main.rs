//! `cargo run --release -p bench -- [SUBSET…]`

use std::process::ExitCode;

use bench::machine::{Machine, root};
use bench::report::Report;
use bench::task::{Task, USAGE};
use bench::{
    Result, binary, build, hot, limit, page, quotas, sample, scale, serve, smoke, startup,
};

/// How long a run may take, in seconds.
const LIMIT: f64 = 300.0;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--help") {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    let task = match Task::read(std::env::args().skip(1)) {
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

fn run(task: &Task) -> Result<()> {
    let program = match &task.binary {
        Some(binary) => binary.canonicalize()?,
        None => binary::build()?,
    };
    let is_written = task.binary.is_none() && binary::PROFILE == "release";
    let limit = task.limit.unwrap_or(LIMIT);
    for subset in &task.subsets {
        let profile = if task.binary.is_some() { "unknown" } else { binary::PROFILE };
        // Before the run, which is a load itself.
        let machine = Machine::asked(&program, profile);
        let reports = match subset.as_str() {
            "scale" => vec![scale::measure(&program, &task.sizes, limit)?],
            "limit" => limit::measure(&program, &limit::DELAYS, limit)?.into(),
            "quotas" => vec![quotas::measure(&program, limit)?],
            "startup" => vec![startup::measure(&program, task.times, limit)?],
            "sample" => vec![sample::measure(&program, limit)?],
            "hot" => vec![hot::measure(&program, task.times, limit)?],
            "build" => {
                let limit = task.limit.unwrap_or(build::LIMIT);
                vec![build::measure(&task.profiles, &binary::target()?, limit)?]
            }
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
