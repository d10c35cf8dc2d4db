//! How close a run comes to the time that its round trips to the cloud take at least.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use stackwright_testkit::{Calls, Double};

use crate::Result;
use crate::report::{Figure, Report, Row};
use crate::sandbox::Sandbox;

/// How long calls take, in milliseconds.
pub const DELAYS: [u64; 4] = [0, 20, 50, 100];

const ROUTE: &str = "      POST /ec2: function.ec2-control\n";
const ROUTES: &str =
    "      POST /ec2: function.ec2-control\n      GET /ec2: function.ec2-control\n";

/// A run in the life of the sample.
struct Step {
    name: &'static str,
    arguments: &'static [&'static str],
    /// A text of the file, and what replaces it before the run.
    edit: Option<[&'static str; 2]>,
}

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];

const STEPS: [Step; 4] = [
    Step { name: "create", arguments: RECONCILE, edit: None },
    Step { name: "nothing to do", arguments: RECONCILE, edit: None },
    Step { name: "one more route", arguments: RECONCILE, edit: Some([ROUTE, ROUTES]) },
    Step { name: "destroy", arguments: &["destroy", "--yes"], edit: None },
];

/// Measures the sample where calls take so many milliseconds.
///
/// # Errors
/// A run fails, or a folder cannot be written.
pub fn measure(binary: &Path, delays: &[u64], limit: f64) -> Result<[Report; 2]> {
    let (mut rows, mut chains) = (Vec::new(), Vec::new());
    for &delay in delays {
        let double = Double::start(Duration::from_millis(delay));
        let sandbox = Sandbox::sample(binary, double.port(), limit)?;
        for Step { name, arguments, edit } in STEPS {
            if let Some([from, to]) = edit {
                sandbox.edit(from, to)?;
            }
            double.take_calls();
            let usage = sandbox.run(arguments)?.ok()?;
            let calls = double.take_calls();
            if let Some(unknown) = calls.unknown.first() {
                return Err(format!("the double does not know {unknown}").into());
            }
            eprintln!("{delay:>4} ms {name:<16} {:.2} s, {} calls", usage.wall, calls.total());
            if delays.iter().max() == Some(&delay) {
                chains.extend(chain(name, &calls));
            }
            // Without a delay, the times of the calls do not show which of them waited for which.
            let is_apart = delay > 0;
            let seconds = delay as f64 / 1e3;
            let path = calls.depth as f64 * seconds;
            let apart = |figure: Figure| if is_apart { figure } else { Figure::Missing };
            rows.push(
                Row::default()
                    .with("delay", Figure::Count(delay))
                    .with("step", Figure::Text(name.to_owned()))
                    .with("calls", Figure::Count(calls.total()))
                    .with("writes", Figure::Count(calls.writes))
                    .with("round trips", apart(Figure::Count(calls.depth)))
                    .with("wall", Figure::Seconds(usage.wall))
                    .with("wall ÷ delay", apart(Figure::Ratio(usage.wall / seconds)))
                    .with("wall ÷ round trips", apart(Figure::Ratio(usage.wall / path)))
                    .with("CPU", Figure::Milliseconds(usage.cpu * 1e3))
                    .with("memory", Figure::Memory(usage.memory)),
            );
        }
    }
    let report = |subset, rows| Report { subset, rows, ..Report::default() };
    Ok([report("limit", rows), report("chain", chains)])
}

/// The calls of each round trip of a run.
fn chain(step: &'static str, calls: &Calls) -> Vec<Row> {
    let row = |(place, calls): (usize, &BTreeMap<String, u64>)| {
        let times = |(name, count): (&String, &u64)| match count {
            1 => name.clone(),
            count => format!("{name} ({count})"),
        };
        let calls: Vec<String> = calls.iter().map(times).collect();
        Row::default()
            .with("step", Figure::Text(step.to_owned()))
            .with("round trip", Figure::Count(place as u64 + 1))
            .with("calls", Figure::Text(calls.join(", ")))
    };
    calls.by_place.iter().enumerate().map(row).collect()
}
