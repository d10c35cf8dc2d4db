//! The log of all calls and what happened to each, kept as JSON lines.

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use super::{Act, Call, Operation};

/// A call and what happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub call: Call,
    pub act: Act,
    /// The rule that answered it or changed the answer: `tokens`, `hidden`, ….
    pub rule: Option<String>,
    /// The status of the answer; `None` while there is none.
    pub status: Option<u16>,
    /// How long its body is, in bytes.
    pub length: Option<usize>,
}

/// All calls so far, in the order of their arrival.
#[derive(Debug, Default)]
pub struct Log(Vec<Entry>);

impl Log {
    /// Adds a call, which passes unless its entry is changed.
    pub fn note(&mut self, operation: Operation, target: String) -> Call {
        let same = |entry: &&Entry| {
            let other = &entry.call.operation;
            other.service == operation.service && other.name == operation.name
        };
        let occurrence = self.0.iter().filter(same).count();
        let call = Call { number: self.0.len(), operation, occurrence, target };
        self.0.push(Entry {
            call: call.clone(),
            act: Act::Pass,
            rule: None,
            status: None,
            length: None,
        });
        call
    }

    pub fn of(&mut self, call: &Call) -> &mut Entry {
        &mut self.0[call.number]
    }

    pub fn all(&self) -> &[Entry] {
        &self.0
    }
}

/// One JSON line for each entry.
pub fn write_log(path: &Path, entries: &[Entry]) -> io::Result<()> {
    let mut text = String::new();
    for entry in entries {
        text += &serde_json::to_string(entry)?;
        text.push('\n');
    }
    fs::write(path, text)
}

/// Reads what [`write_log`] wrote.
pub fn read_log(path: &Path) -> io::Result<Vec<Entry>> {
    let text = fs::read_to_string(path)?;
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
}
