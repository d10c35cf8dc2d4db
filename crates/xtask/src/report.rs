//! From the lines that suites wrote about themselves to a page that people read.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

/// Suites in the order of the page, and what each does.
const SUITES: &[(&str, &str)] = &[
    (
        "kills",
        "The real binary is killed (SIGKILL) at every call of a run, at three points of each: before \
         the service has heard of it, after the service did it, after the reply. Objects of others \
         stand beside. After the kill: everything that exists is known, nothing is there twice, the \
         state is readable. After one more run: one of each, an empty plan, nothing deleted or \
         replaced that the plan did not have, power as it was, no secret in any file.",
    ),
    ("pairs of kills", "The same, with the run that should finish it killed, too."),
    ("kills in memory", "The engine against a cloud in memory, ended at every call of every kind."),
    ("pairs of kills in memory", "All pairs of points at which a create may be killed."),
    (
        "disk",
        "Every single operation on the state's files (write, sync, rename, sync of the folder) fails: \
         no space after some bytes, an input/output error, or the power goes and what was not synced \
         is lost in six ways. Then one more run finishes, the power goes again, and everything is still there.",
    ),
    (
        "simulation",
        "Random histories of small stacks in virtual time: edits, drift, faults, kills, power cuts, \
         runs beside each other, lost and damaged states.",
    ),
    ("faults", "One call of a run goes wrong; the run gets over it by itself."),
    (
        "strict",
        "Random faults by seed, behind a proxy that enforces what AWS does and emulators do not: \
         tokens, quotas, one writer for each API, updates in progress, new objects that are not \
         visible or not usable yet.",
    ),
    (
        "strict life",
        "A stack's life behind the same proxy, without faults: one run for each edit. Deployments are \
         snapshots there, functions are called by those they let in, half built methods are refused.",
    ),
    (
        "strict restart",
        "A change of type where an instance changes as its power allows, and takes its time.",
    ),
    (
        "prober",
        "An API is called twenty times a second through thirty edits: no call fails on a route that is \
         there before and after.",
    ),
    ("prober after each write", "Every route is called after each single write of an edit."),
    ("power", "Starts, stops and looks by turns, and a plan after each: nothing is ever planned."),
    ("visibility", "A new object cannot be seen for a while: it is not made again."),
    ("signals", "SIGINT and SIGTERM, once and twice, at calls that change something."),
    (
        "expired credentials",
        "Credentials expire after some calls: exit 3, and the next run goes on.",
    ),
    ("runs at once", "Twenty runs at once: one works, the others are told who does."),
    (
        "states lost",
        "The state is lost: without `--adopt` nothing is touched, with it all is found.",
    ),
    ("states damaged", "A killed run's files are damaged: `state rebuild` saves what is whole."),
    ("mutants", "Each protection is taken out of the code, one at a time: some test fails."),
    ("part", "How long each part took."),
];

/// Appends that a part has ended.
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

/// All lines of all files that are there.
pub fn read(files: &[PathBuf]) -> std::io::Result<Vec<Map<String, Value>>> {
    let mut lines = Vec::new();
    for file in files.iter().filter(|file| file.exists()) {
        let text = fs::read_to_string(file)?;
        lines.extend(text.lines().filter_map(|line| serde_json::from_str(line).ok()));
    }
    Ok(lines)
}

pub fn text(lines: &[Map<String, Value>]) -> String {
    let mut text = "\
# Reliability

What `cargo xtask torture` did and found, written by the run itself. `cargo test --workspace` runs the
same suites at some of their points, and CI with it. Lost: an object that the state does not know.
Twice: a second object for one address. A suite that finds either fails at once, and has no row here.
"
    .to_owned();
    for (suite, about) in SUITES {
        let of_suite: Vec<_> = lines.iter().filter(|line| line["suite"] == *suite).collect();
        if !of_suite.is_empty() {
            let _ = write!(text, "\n## {suite}\n\n{about}\n\n{}", table(&of_suite));
        }
    }
    text
}

/// One row a line, one column a figure, in the order of their first appearance.
fn table(lines: &[&Map<String, Value>]) -> String {
    let mut columns: Vec<&String> = Vec::new();
    for key in lines.iter().flat_map(|line| line.keys()).filter(|key| *key != "suite") {
        if !columns.contains(&key) {
            columns.push(key);
        }
    }
    // What a row is of comes first.
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
    fn a_row_for_each_line_and_a_column_for_each_figure() {
        let line = |value: Value| value.as_object().cloned().expect("an object");
        let lines = [
            line(json!({ "suite": "kills", "kills": 3, "of": "create" })),
            line(json!({ "suite": "kills", "of": "destroy", "kills": 2, "sorts": { "cut": 1 } })),
            line(json!({ "suite": "unheard of" })),
        ];
        let text = text(&lines);
        assert!(text.contains("| of | kills | sorts |\n| --- | --- | --- |\n"), "{text}");
        assert!(text.contains("| create | 3 |  |\n| destroy | 2 | cut 1 |\n"), "{text}");
        assert!(!text.contains("unheard"), "{text}");
    }
}
