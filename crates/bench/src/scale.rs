//! How time, memory and files grow with the number of resources.

use std::path::Path;
use std::time::Duration;

use stackwright_testkit::Double;

use crate::Result;
use crate::process::Ran;
use crate::report::{Figure, Report, Row};
use crate::sandbox::{Sandbox, beside};
use crate::stack::{Edition, Shape};

/// A run in the life of a stack.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    /// The edition of the stack file.
    edition: Edition,
    /// Whether the steps after it need what it makes.
    is_needed: bool,
}

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];

/// The life of a stack.
const STEPS: [Step; 7] = [
    Step::reading("validate", &["validate"], Edition::First),
    Step::reading("plan offline", &["plan", "--offline"], Edition::First),
    Step::writing("create", RECONCILE, Edition::First),
    Step::reading("nothing to do", RECONCILE, Edition::First),
    Step::reading("refresh and plan", &["plan"], Edition::Second),
    Step::writing("update all", RECONCILE, Edition::Second),
    Step::writing("destroy", &["destroy", "--yes"], Edition::Second),
];

impl Step {
    const fn reading(
        name: &'static str,
        arguments: &'static [&'static str],
        edition: Edition,
    ) -> Self {
        Self { name, arguments, edition, is_needed: false }
    }

    const fn writing(
        name: &'static str,
        arguments: &'static [&'static str],
        edition: Edition,
    ) -> Self {
        Self { name, arguments, edition, is_needed: true }
    }
}

/// Measures stacks of these sizes. A step that fails, or takes longer than `limit` seconds, is skipped, and so are
/// those after it that need what it would have made.
///
/// # Errors
/// A program cannot be started, or a folder cannot be written.
pub fn measure(binary: &Path, sizes: &[usize], limit: f64) -> Result<Report> {
    let mut report = Report { subset: "scale", ..Report::default() };
    for &size in sizes {
        live(binary, Shape::of(size), limit, &mut report)?;
    }
    Ok(report)
}

fn live(binary: &Path, shape: Shape, limit: f64, report: &mut Report) -> Result<()> {
    let double = Double::start(Duration::ZERO);
    let sandbox = beside(&double, binary, limit, "")?;
    for Step { name, arguments, edition, is_needed } in STEPS {
        sandbox.write(&shape.yaml(edition))?;
        double.take_calls();
        let ran = sandbox.run(arguments)?;
        let calls = double.take_calls();
        if let Some(unknown) = calls.unknown.first() {
            return Err(format!("the double does not know {unknown}").into());
        }
        let resources = shape.resources();
        if let Some(why) = ran.failure() {
            report.skipped.push(format!("{resources} resources, {name}: not possible: {why}"));
            if is_needed {
                return Ok(());
            }
            continue;
        }
        eprintln!("{resources:>6} {name:<16} {:.2} s of CPU", ran.usage.cpu);
        report.rows.push(row(resources, name, &ran, calls.total(), &sandbox));
    }
    Ok(())
}

fn row(resources: usize, name: &str, ran: &Ran, calls: u64, sandbox: &Sandbox) -> Row {
    let of_each = ran.usage.cpu / resources as f64;
    let size = |bytes: u64| if bytes == 0 { Figure::Missing } else { Figure::Size(bytes) };
    Row::default()
        .with("resources", Figure::Count(resources as u64))
        .with("step", Figure::Text(name.to_owned()))
        .with("wall", Figure::Seconds(ran.usage.wall))
        .with("CPU", Figure::Seconds(ran.usage.cpu))
        .with("CPU of each", Figure::Milliseconds(of_each * 1e3))
        .with("memory", Figure::Memory(ran.usage.memory))
        .with("calls", Figure::Count(calls))
        .with("journal", size(ran.usage.watched))
        .with("state", size(sandbox.state_size()))
}
