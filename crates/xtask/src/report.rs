//! Turns the figures that the suites recorded into docs/reliability.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// The suites in the order of the page, each with a description.
const SUITES: &[(&str, &str)] = &[
    (
        "kills",
        "The real binary is killed (SIGKILL) at every call of a run, at three points of each call: before \
         the service receives it, after the service executed it, and after the reply. Objects of other \
         owners exist as well. After the kill: every object is in the state, no object exists twice, and \
         the state is readable. After one more run: there is one object per address, the plan is empty, \
         nothing was deleted or replaced that was not in the plan, the power state is as before, and no \
         file contains a secret.",
    ),
    ("pairs of kills", "The same, and the run that should finish the job is killed, too."),
    (
        "kills in memory",
        "The engine runs against a cloud in memory, and each call is killed or fails in every way.",
    ),
    ("pairs of kills in memory", "All pairs of points at which a create can be killed."),
    (
        "disk",
        "Every single operation on the state's files (write, sync, rename, sync of the folder) fails: the \
         disk is full after some bytes, an input/output error occurs, or the power fails and data that was \
         not synced is lost in one of six ways. Then one more run finishes the job, the power fails again, \
         and everything is still there.",
    ),
    (
        "simulation",
        "Random histories of small stacks in virtual time: edits, drift, faults, kills, power failures, \
         parallel runs, lost and damaged states.",
    ),
    ("faults", "One call of a run fails, and the same run recovers from it."),
    (
        "strict",
        "Random faults by seed, behind a proxy that enforces what AWS does and emulators do not: \
         idempotency tokens, quotas, one writer per API, updates in progress, new objects that are not \
         visible or not usable yet.",
    ),
    (
        "strict life",
        "The life of a stack behind the same proxy, without faults: one run per edit. In that proxy \
         deployments are snapshots, functions accept only permitted callers, and incomplete methods are \
         refused.",
    ),
    (
        "strict restart",
        "The type of an instance changes, behind a proxy where that depends on the power state and takes \
         time.",
    ),
    (
        "prober",
        "An API is called twenty times a second during thirty edits: no call fails on a route that exists \
         before and after the edit.",
    ),
    ("prober after each write", "Every route is called after each single write of an edit."),
    (
        "power",
        "Instances are started, stopped and described in turn, with a plan after each: no plan has a change.",
    ),
    ("visibility", "A new object is invisible for a while: it is not created a second time."),
    ("signals", "SIGINT and SIGTERM arrive, once and twice, at calls that change something."),
    (
        "expired credentials",
        "The credentials expire after some calls: the run exits with 3, and the next run finishes the job.",
    ),
    (
        "runs at once",
        "Twenty runs start at once: one works, the others report which run has the lock.",
    ),
    (
        "states lost",
        "The state is lost: without `--adopt` nothing is changed, with `--adopt` every object is found.",
    ),
    (
        "states damaged",
        "The files of a killed run are damaged: `state rebuild` keeps every readable part.",
    ),
    (
        "models",
        "Every field of every resource type takes two values and is removed again, and every request is held \
         against AWS's service models. *Breaches* are requests that AWS would refuse.",
    ),
    (
        "replies",
        "Every reply of an emulator to these requests is held against the same models. What AWS would not send \
         is reported and fails no test: stackwright is written for AWS.",
    ),
    (
        "deviations",
        "What was reported of these replies: the operation and the place in its reply, what AWS's model \
         says of it, and the first value that does not fit.",
    ),
    ("mutants", "Each protection is removed from the code, one at a time: some test fails."),
    ("part", "How long each part took."),
];

/// Records the result and duration of a part.
pub fn close(figures: &Path, part: &str, seconds: u64, passed: bool) -> std::io::Result<()> {
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let result = if passed { "passed" } else { "FAILED" };
    let line = json!({
        "suite": "part", "of": part, "result": result, "seconds": seconds, "on": day, "cores": cores,
    });
    let mut file = OpenOptions::new().create(true).append(true).open(figures)?;
    writeln!(file, "{line}")
}

/// Brings the result of a part up to date, after some of its rows were replaced.
pub fn renew(figures: &Path, part: &str) -> std::io::Result<()> {
    let mut lines = read(&[figures.to_owned()])?;
    let is_killed = |line: &Map<String, Value>| line["suite"] != part || line["result"] == "killed";
    let passed = lines.iter().all(is_killed);
    for line in lines.iter_mut().filter(|line| line["suite"] == "part" && line["of"] == part) {
        line.insert("result".to_owned(), if passed { "passed" } else { "FAILED" }.into());
    }
    let text: Vec<String> = lines.into_iter().map(|line| Value::from(line).to_string()).collect();
    fs::write(figures, format!("{}\n", text.join("\n")))
}

/// Reads all lines of those files that exist.
pub fn read(files: &[PathBuf]) -> std::io::Result<Vec<Map<String, Value>>> {
    let mut lines = Vec::new();
    for file in files.iter().filter(|file| file.exists()) {
        let text = fs::read_to_string(file)?;
        lines.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    Ok(lines)
}

/// Returns the whole page. A suite without figures keeps its section of the `former` page: its last run was on
/// another machine, or its figures are gone.
pub fn text(lines: &[Map<String, Value>], former: &str) -> String {
    let mut text = "\
# Reliability

This page is the report of the last `cargo xtask torture`, which runs every crash suite in full.
`cargo test --workspace` and CI run the same suites at some of their points. *Lost* counts objects that
are not in the state, *twice* counts second objects for one address. A suite that finds either fails at
once and has no row here.
"
    .to_owned();
    for (suite, about) in SUITES {
        let of_suite: Vec<_> = lines.iter().filter(|line| line["suite"] == *suite).collect();
        if !of_suite.is_empty() {
            let rows = match SUMMED.contains(suite) {
                true => summed(&of_suite),
                false => of_suite.into_iter().cloned().collect(),
            };
            let _ = write!(text, "\n## {suite}\n\n{about}\n\n{}", table(&rows));
        } else if let Some(section) = section(former, suite) {
            let _ = write!(text, "\n{section}\n");
        }
    }
    text
}

/// Returns a section of a page, with its heading and without the empty lines behind it.
fn section<'a>(page: &'a str, suite: &str) -> Option<&'a str> {
    let heading = format!("## {suite}\n");
    let start = page.find(&format!("\n{heading}"))? + 1;
    let behind = start + heading.len();
    let end = page[behind..].find("\n## ").map_or(page.len(), |end| behind + end);
    Some(page[start..end].trim_end())
}

/// Suites of which several tests note figures about the same subject.
const SUMMED: &[&str] = &["replies", "deviations"];

/// Adds up the lines with the same subject on the same emulator: their numbers; of texts, the first one counts.
fn summed(lines: &[&Map<String, Value>]) -> Vec<Map<String, Value>> {
    let mut sums: BTreeMap<(String, String), Map<String, Value>> = BTreeMap::new();
    for line in lines {
        let subject =
            |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sum = sums.entry((subject("of"), subject("on"))).or_default();
        for (key, value) in *line {
            let known = sum.entry(key.clone()).or_insert(Value::Null);
            match (known.as_u64(), value.as_u64()) {
                (Some(known_number), Some(number)) => *known = (known_number + number).into(),
                _ if known.is_null() => *known = value.clone(),
                _ => {}
            }
        }
    }
    sums.into_values().collect()
}

/// Formats a table with one row per line and one column per figure, in the order of appearance.
fn table(lines: &[Map<String, Value>]) -> String {
    let mut columns: Vec<&String> = Vec::new();
    for key in lines.iter().flat_map(|line| line.keys()).filter(|key| *key != "suite") {
        if !columns.contains(&key) {
            columns.push(key);
        }
    }
    // The subject of a row comes first.
    columns.sort_by_key(|key| key.as_str() != "of");
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = row(columns.iter().map(|key| key.replace('_', " ")).collect());
    text.push_str(&row(columns.iter().map(|_| "---".to_owned()).collect()));
    for line in lines {
        text.push_str(&row(columns.iter().map(|key| cell(line.get(*key))).collect()));
    }
    text
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.replace('|', "\\|").replace('\n', " "),
        Some(Value::Object(map)) => {
            let pairs: Vec<String> =
                map.iter().map(|(key, value)| format!("{key} {value}")).collect();
            pairs.join(", ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_row_per_line_and_a_column_per_figure() {
        let line = |value: Value| value.as_object().cloned().expect("an object");
        let lines = [
            line(json!({ "suite": "kills", "kills": 3, "of": "create" })),
            line(json!({ "suite": "kills", "of": "destroy", "kills": 2, "sorts": { "cut": 1 } })),
            line(json!({ "suite": "unknown" })),
        ];
        let text = text(&lines, "");
        assert!(text.contains("| of | kills | sorts |\n| --- | --- | --- |\n"), "{text}");
        assert!(text.contains("| create | 3 |  |\n| destroy | 2 | cut 1 |\n"), "{text}");
        assert!(!text.contains("unknown"), "{text}");
    }

    #[test]
    fn a_suite_without_figures_keeps_its_section() {
        let line = |value: Value| value.as_object().cloned().expect("an object");
        let lines =
            |kills: u32| [line(json!({ "suite": "kills", "of": "create", "kills": kills }))];
        let mutants = line(json!({ "suite": "mutants", "of": "a mutant", "result": "killed" }));
        let former = text(&[&lines(1)[..], &[mutants]].concat(), "");
        assert_eq!(text(&lines(2), &former), former.replace("| create | 1 |", "| create | 2 |"));
        assert_eq!(text(&[], &former), former);
    }

    #[test]
    fn deviations_of_several_tests_are_added_up() {
        let line = |value: Value| value.as_object().cloned().expect("an object");
        let of = "iam GetRole.Role.Path: is required";
        let lines = [
            line(
                json!({ "suite": "deviations", "of": of, "on": "Moto", "times": 2, "value": null }),
            ),
            line(
                json!({ "suite": "deviations", "of": of, "on": "Moto", "times": 3, "value": "x" }),
            ),
            line(json!({ "suite": "deviations", "of": of, "on": "Ministack", "times": 1 })),
        ];
        let text = text(&lines, "");
        assert!(text.contains(&format!("| {of} | Moto | 5 | x |")), "{text}");
        assert!(text.contains(&format!("| {of} | Ministack | 1 |  |")), "{text}");
    }
}
