//! `cargo run --release -p bench -- [SUBSET…]`

use std::process::ExitCode;

use bench::machine::{Machine, root};
use bench::report::Report;
use bench::task::{Subset, Task};
use bench::{
    Result, binary, build, hot, limit, page, quotas, sample, scale, serve, smoke, startup,
};

/// How long a run may take, in seconds.
const LIMIT: f64 = 300.0;

fn main() -> ExitCode {
    let task = Task::read(std::env::args_os()).unwrap_or_else(|wrong| wrong.exit());
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
    for &subset in &task.subsets {
        let profile = if task.binary.is_some() { "unknown" } else { binary::PROFILE };
        // Before the run, which is a load itself.
        let machine = Machine::asked(&program, profile);
        let reports = match subset {
            Subset::Scale => vec![scale::measure(&program, &task.sizes, limit)?],
            Subset::Limit => limit::measure(&program, &limit::DELAYS, limit)?.into(),
            Subset::Quotas => vec![quotas::measure(&program, limit)?],
            Subset::Startup => vec![startup::measure(&program, task.times, limit)?],
            Subset::Sample => vec![sample::measure(&program, limit)?],
            Subset::Hot => vec![hot::measure(&program, task.times, limit)?],
            Subset::Build => {
                let limit = task.limit.unwrap_or(build::LIMIT);
                vec![build::measure(&task.profiles, &binary::target()?, limit)?]
            }
            Subset::Serve => {
                serve::serve(&program, task.sizes.first().copied().unwrap_or(1_000))?;
                continue;
            }
            Subset::Smoke => {
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
