//! How close a run comes to the time that AWS's quotas allow at best, and whether AWS would refuse one of its calls.

use std::path::Path;
use std::time::Duration;

use stackwright_testkit::{Calls, Double};

use crate::Result;
use crate::process::Ran;
use crate::report::{Figure, Report, Row};
use crate::sandbox::in_place_of_aws;
use crate::stack::{Edition, Shape};

/// What is created: an API with as many routes as there are functions.
const SHAPE: Shape = Shape { instances: 200, groups: 10, roles: 0, functions: 100 };

/// How long calls take, in milliseconds: far away from the machine, as AWS is.
const DELAY: u64 = 20;

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];
const STEPS: [(&str, &[&str]); 3] =
    [("create", RECONCILE), ("nothing to do", RECONCILE), ("destroy", &["destroy", "--yes"])];

/// One run of the program, and what it called.
#[derive(Clone, Debug)]
pub struct Step {
    pub name: &'static str,
    pub ran: Ran,
    pub calls: Calls,
}

/// Creates a stack, reconciles it without a change and destroys it. The program takes its way to AWS, whose hosts the
/// double replaces. A step that fails is the last one.
///
/// # Errors
/// A program cannot be started, or a folder cannot be written.
pub fn live(binary: &Path, limit: f64, double: &Double, shape: Shape) -> Result<Vec<Step>> {
    let stack = shape.yaml(Edition::First);
    let stack = stack.replace("cloud: local", "cloud: aws\naccount: '000000000000'");
    let sandbox = in_place_of_aws(double, binary, limit, &stack)?;
    let mut steps = Vec::new();
    for (name, arguments) in STEPS {
        double.take_calls();
        let ran = sandbox.run(arguments)?;
        let has_failed = ran.failure().is_some();
        steps.push(Step { name, ran, calls: double.take_calls() });
        if has_failed {
            break;
        }
    }
    Ok(steps)
}

/// Measures a stack where the double enforces the quotas.
///
/// # Errors
/// A program cannot be started, or a folder cannot be written.
pub fn measure(binary: &Path, limit: f64) -> Result<Report> {
    let mut report = Report { subset: "quotas", ..Report::default() };
    let double = Double::with_quotas(Duration::from_millis(DELAY));
    for Step { name, ran, calls } in live(binary, limit, &double, SHAPE)? {
        if let Some(why) = ran.failure() {
            report.skipped.push(format!("{name}: {why}; throttled were: {:?}", calls.throttled));
            continue;
        }
        let least = calls.least_under_quotas().as_secs_f64();
        let over = match least {
            least if least > 0.0 => Figure::Ratio(ran.usage.wall / least),
            _ => Figure::Missing,
        };
        report.rows.push(
            Row::default()
                .with("step", Figure::Text(name.to_owned()))
                .with("calls", Figure::Count(calls.total()))
                .with("throttled", Figure::Count(calls.throttled()))
                .with("wall", Figure::Seconds(ran.usage.wall))
                .with("quotas allow", Figure::Seconds(least))
                .with("wall ÷ quotas", over)
                .with("CPU", Figure::Seconds(ran.usage.cpu)),
        );
    }
    Ok(report)
}
