//! `cargo run --release -p bench -- [SUBSET…]`

use std::process::ExitCode;

use bench::binary::{Binary, target};
use bench::machine::{Machine, root};
use bench::report::Report;
use bench::task::{Subset, Task};
use bench::{Result, build, hot, limit, page, quotas, sample, scale, serve, smoke, startup};

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
    let binary = Binary::new(task.binary.clone());
    let limit = task.limit.unwrap_or(LIMIT);
    for &subset in &task.subsets {
        // Before the run, which is a load itself.
        let machine = match subset {
            Subset::Build => Machine::read(),
            _ => Machine::with(&binary)?,
        };
        let reports = match subset {
            Subset::Scale => vec![scale::measure(binary.file()?, &task.sizes, limit)?],
            Subset::Limit => limit::measure(binary.file()?, &limit::DELAYS, limit)?.into(),
            Subset::Quotas => vec![quotas::measure(binary.file()?, limit)?],
            Subset::Startup => vec![startup::measure(binary.file()?, task.times, limit)?],
            Subset::Sample => vec![sample::measure(binary.file()?, limit)?],
            Subset::Hot => vec![hot::measure(binary.file()?, task.times, limit)?],
            Subset::Build => {
                let limit = task.limit.unwrap_or(build::LIMIT);
                vec![build::measure(&task.profiles, &target()?, limit)?]
            }
            Subset::Smoke => {
                println!("{:#?}", smoke::run(binary.file()?)?);
                continue;
            }
            Subset::Serve => {
                serve::serve(binary.file()?, task.sizes[0])?;
                continue;
            }
        };
        for report in &reports {
            publish(report, &machine, binary.is_for_the_page())?;
        }
    }
    Ok(())
}

/// Prints a report, and writes it as JSON and, if it is for the page, into the page.
fn publish(report: &Report, machine: &Machine, is_for_the_page: bool) -> Result<()> {
    println!("{}\n\n{}", machine.sentence(), report.markdown());
    let file = page::save(report, machine, &target()?)?;
    eprintln!("{}", file.display());
    if is_for_the_page {
        page::write(report, machine, &root().join(page::PAGE))?;
    }
    Ok(())
}
