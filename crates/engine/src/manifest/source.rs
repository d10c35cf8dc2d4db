//! The text of a stack file, and places in it.

use std::ops::Range;
use std::path::PathBuf;

/// Bytes of the text, half open.
pub type Span = Range<usize>;

/// A stack file as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path that messages show.
    pub path: PathBuf,
    pub text: String,
}

impl Source {
    /// The folder that relative paths start from.
    pub fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// Returns line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..byte.min(self.text.len())];
        let before = String::from_utf8_lossy(before);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (line, column)
    }

    /// `stack.yaml:12:5`.
    pub fn place(&self, byte: usize) -> String {
        let (line, column) = self.position(byte);
        format!("{}:{line}:{column}", self.path.display())
    }

    /// Returns the byte at which a line (from 1) and column (from 1, in characters) begin.
    pub(super) fn byte_at(&self, line: usize, column: usize) -> usize {
        let start: usize =
            self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        let rest = &self.text[start..];
        let within = rest
            .char_indices()
            .nth(column.saturating_sub(1))
            .map_or(rest.trim_end().len(), |(at, _)| at);
        start + within
    }
}
