//! Figures of the test suites, for the report.

use std::fs::OpenOptions;
use std::io::Write as _;

use serde_json::{Value, json};

/// Appends `{"suite": …, …figures}` as one line to the file that `STACKWRIGHT_FIGURES` names; does
/// nothing when it names none. `figures` is an object.
pub fn note(suite: &str, figures: Value) {
    let Some(path) = std::env::var_os("STACKWRIGHT_FIGURES") else { return };
    let line = line(suite, figures);
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    // In one write: suites of several processes share the file.
    file.write_all(line.as_bytes()).expect("written");
}

fn line(suite: &str, figures: Value) -> String {
    let mut line = json!({ "suite": suite });
    let Value::Object(figures) = figures else { panic!("figures are an object: {figures}") };
    line.as_object_mut().expect("an object").extend(figures);
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object() {
        let line = line("strict", json!({ "seeds": 8, "faults": { "cut": 2 } }));
        let read: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read, json!({ "suite": "strict", "seeds": 8, "faults": { "cut": 2 } }));
        assert_eq!(line.matches('\n').count(), 1);
    }
}
