//! The journal: what has happened to a state since its snapshot.
//!
//! A line is what was written and synced together: when the power fails, any part of it may be
//! missing, and its checksum shows that. So a line counts whole or not at all.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::transition::Transition;
use super::{Error, same_format};
use crate::address::Address;
use crate::digest::hex;

/// The number of the journal's format. A journal of any other format is refused.
const FORMAT: u32 = 3;

/// The first line: which state the entries continue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The number of the format.
    journal: u32,
    pub lineage: String,
    /// The serial of the snapshot that the entries are to be folded into.
    pub base_serial: u64,
}

impl Header {
    pub fn of(lineage: &str, base_serial: u64) -> Self {
        Self { journal: FORMAT, lineage: lineage.to_owned(), base_serial }
    }
}

/// What happened to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Ties the entries of one operation together.
    pub op: u64,
    pub address: Address,
    pub generation: u64,
    /// RFC 3339.
    pub at: String,
    pub transition: Transition,
}

/// Any other line: the entries that were written together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch<'a> {
    /// The number of the first entry; the journal's entries count from 1, without a gap.
    pub seq: u64,
    pub entries: Cow<'a, [Entry]>,
}

/// A line: the JSON of a header or of a batch, a blank, its checksum.
pub fn line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    Ok(format!("{json} {}\n", checksum(json.as_bytes())))
}

/// The value of a line, if the line is whole.
fn unline<T: for<'a> Deserialize<'a>>(line: &str) -> Option<T> {
    let (json, sum) = line.strip_suffix('\n')?.rsplit_once(' ')?;
    if checksum(json.as_bytes()) != sum {
        return None;
    }
    serde_json::from_str(json).ok()
}

/// The first 16 hexadecimal digits of SHA-256.
pub fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))[..16].to_owned()
}

/// What a journal's text holds.
#[derive(Debug, PartialEq)]
pub struct Journal {
    /// `None`: not even the first line is whole.
    pub header: Option<Header>,
    pub batches: Vec<Batch<'static>>,
    /// Lines that are not whole, from 1.
    pub damaged: Vec<usize>,
    /// How many lines there are.
    lines: usize,
}

impl Journal {
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split_inclusive('\n');
        let header = lines.next().and_then(unline);
        let damaged = if header.is_none() && !text.is_empty() { vec![1] } else { Vec::new() };
        let mut journal = Self { header, batches: Vec::new(), damaged, lines: 1 };
        for line in lines {
            journal.lines += 1;
            match unline(line) {
                Some(batch) => journal.batches.push(batch),
                None => journal.damaged.push(journal.lines),
            }
        }
        journal
    }

    /// An error if another build wrote the journal in another format. `file` is for that error.
    pub fn same_format(&self, file: &Path) -> Result<(), Error> {
        let found = self.header.as_ref().map_or(FORMAT, |header| header.journal);
        same_format(file, found.into(), FORMAT)
    }

    /// The first damaged line before the last: a crash explains the last one alone.
    pub fn damage(&self) -> Option<usize> {
        self.damaged.iter().copied().find(|line| *line < self.lines)
    }
}
