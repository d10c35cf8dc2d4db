//! How long it takes to start, and to answer without a cloud.

use std::path::Path;
use std::time::Duration;

use stackwright_testkit::Double;

use crate::Result;
use crate::process::Usage;
use crate::report::{Figure, Report, Row, spread};
use crate::sandbox::Sandbox;

/// Commands that make no call.
const COMMANDS: [(&str, &[&str]); 5] = [
    ("version", &["--version"]),
    ("validate", &["validate"]),
    ("show", &["show"]),
    ("output", &["output"]),
    ("plan --offline", &["plan", "--offline"]),
];

/// Runs each command `times` times on the sample.
///
/// # Errors
/// A run fails, or a folder cannot be written.
pub fn measure(binary: &Path, times: usize, limit: f64) -> Result<Report> {
    let double = Double::start(Duration::ZERO);
    let made = Sandbox::sample(binary, double.port(), limit)?;
    made.run(&["reconcile", "--yes", "--no-check"])?.ok()?;
    // An offline plan needs a stack that was never applied.
    let new = Sandbox::sample(binary, double.port(), limit)?;
    let mut rows = Vec::new();
    for (name, arguments) in COMMANDS {
        let sandbox = if arguments.contains(&"--offline") { &new } else { &made };
        double.take_calls();
        let runs: Vec<Usage> =
            (0..times).map(|_| sandbox.run(arguments)?.ok()).collect::<Result<_>>()?;
        let calls = double.take_calls().total();
        if calls > 0 {
            return Err(format!("`{name}` makes {calls} calls").into());
        }
        let of = |figure: fn(&Usage) -> f64| spread(&runs.iter().map(figure).collect::<Vec<_>>());
        let (wall, low, high) = of(|run| run.wall * 1e3);
        let (cpu, ..) = of(|run| run.cpu * 1e3);
        let (memory, ..) = of(|run| run.memory);
        eprintln!("{name:<16} {wall:.1} ms");
        rows.push(
            Row::default()
                .with("command", Figure::Text(name.to_owned()))
                .with("runs", Figure::Count(times as u64))
                .with("wall", Figure::Milliseconds(wall))
                .with("a quarter is below", Figure::Milliseconds(low))
                .with("a quarter is above", Figure::Milliseconds(high))
                .with("CPU", Figure::Milliseconds(cpu))
                .with("memory", Figure::Memory(memory)),
        );
    }
    Ok(Report { subset: "startup", rows, ..Report::default() })
}
