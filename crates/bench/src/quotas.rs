//! How near a run comes to what AWS's quotas allow, and whether AWS would refuse one of its calls.

use std::path::Path;
use std::time::Duration;

use stackwright_testkit::Double;

use crate::Result;
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

/// Measures a stack on its true way to AWS, where the double enforces the quotas.
///
/// # Errors
/// A program cannot be started, or a folder cannot be written.
pub fn measure(binary: &Path, limit: f64) -> Result<Report> {
    let mut report = Report { subset: "quotas", rows: Vec::new(), skipped: Vec::new() };
    let double = Double::with_quotas(Duration::from_millis(DELAY));
    let stack = SHAPE.yaml(Edition::First);
    let stack = stack.replace("cloud: local", "cloud: aws\naccount: '000000000000'");
    let sandbox = in_place_of_aws(&double, binary, limit, &stack)?;
    for (name, arguments) in STEPS {
        double.take_calls();
        let ran = sandbox.run(arguments)?;
        let calls = double.take_calls();
        if let Some(why) = ran.failure() {
            report.skipped.push(format!("{name}: {why}; throttled were: {:?}", calls.throttled));
            break;
        }
        eprintln!("{name:<16} {:.1} s, throttled: {:?}", ran.usage.wall, calls.throttled);
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
