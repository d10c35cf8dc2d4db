//! From a saved file to the answer of the new code, on an emulator that runs functions.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use stackwright_testkit::Emulator;
use stackwright_testkit::http::http;

use crate::Result;
use crate::report::{Figure, Report, Row, spread};
use crate::sandbox::Sandbox;

const CODE: &str = "handler/lambda_function.py";
const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];

/// How long the new answer may take after the run.
const ANSWER: Duration = Duration::from_secs(30);

/// Saves new code so many times, and asks for each.
///
/// # Errors
/// A run fails, or the new code never answers.
pub fn measure(binary: &Path, times: usize, limit: f64) -> Result<Report> {
    let emulator = Emulator::ministack().start();
    let sandbox = Sandbox::sample(binary, emulator.port(), limit)?;
    sandbox.run(RECONCILE)?.ok()?;
    let printed = sandbox.run(&["output", "url"])?;
    let url = printed.output.trim().to_owned();
    let (mut runs, mut answers) = (Vec::new(), Vec::new());
    for time in 0..times {
        let answer = format!("edition {time}");
        let code = format!(
            "def lambda_handler(event, context):\n    return {{'statusCode': 200, 'body': '{answer}'}}\n"
        );
        fs::write(sandbox.path(CODE), code)?;
        let saved = Instant::now();
        runs.push(sandbox.run(RECONCILE)?.ok()?.wall);
        while !http("POST", &url, "{}").1.contains(&answer) {
            if saved.elapsed() > ANSWER {
                return Err(format!("{url} never answers with the new code").into());
            }
        }
        answers.push(saved.elapsed().as_secs_f64());
        eprintln!("saved file to new answer {:.2} s", saved.elapsed().as_secs_f64());
    }
    let row = |what: &str, seconds: &[f64]| {
        let (middle, low, high) = spread(seconds);
        Row::default()
            .with("from the saved file to", Figure::Text(what.to_owned()))
            .with("times", Figure::Count(times as u64))
            .with("wall", Figure::Seconds(middle))
            .with("a quarter is below", Figure::Seconds(low))
            .with("a quarter is above", Figure::Seconds(high))
    };
    let rows = vec![row("the end of the run", &runs), row("the new answer", &answers)];
    Ok(Report { subset: "hot", rows, ..Report::default() })
}
