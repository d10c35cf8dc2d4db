//! The text of a stack file, and places in it.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::work;

/// Bytes of the text, half open.
pub type Span = Range<usize>;

/// A stack file as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path that messages show.
    pub path: PathBuf,
    pub text: String,
    index: OnceLock<Box<Index>>,
}

/// Where the lines of a text start. A file may have as many problems as lines, and each has its place: none of them
/// may read the text from its start.
#[derive(Clone, Debug)]
struct Index {
    /// The byte at which each line starts.
    lines: Vec<usize>,
    /// How many characters begin before each block of the text: a file may have one line only.
    characters: Vec<usize>,
}

/// The bytes of a block.
const BLOCK: usize = 1024;

impl Source {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), index: OnceLock::new() }
    }

    /// The folder that relative paths start from.
    pub fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }

    /// Returns line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.text.len());
        let line = self.line_of(byte);
        let start = self.index().lines[line];
        (line + 1, self.characters_before(byte) - self.characters_before(start) + 1)
    }

    /// Returns the lines that have a part of a span, as they are in the text, and the number of the first one.
    pub(super) fn excerpt(&self, span: &Span) -> (&str, Span, usize) {
        let lines = &self.index().lines;
        let (first, last) = (self.line_of(span.start), self.line_of(span.end));
        let start = lines[first];
        let end = lines.get(last + 1).copied().unwrap_or(self.text.len());
        (&self.text[start..end], span.start - start..span.end - start, first + 1)
    }

    /// The line of a byte, from 0.
    fn line_of(&self, byte: usize) -> usize {
        self.index().lines.partition_point(|start| *start <= byte) - 1
    }

    fn characters_before(&self, byte: usize) -> usize {
        let block = byte / BLOCK;
        let rest = &self.text.as_bytes()[block * BLOCK..byte];
        self.index().characters[block] + characters(rest)
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| Box::new(Index::of(self.text.as_bytes())))
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

impl Index {
    fn of(text: &[u8]) -> Self {
        let newlines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let blocks = text.chunks(BLOCK).scan(0, |before, block| {
            *before += characters(block);
            Some(*before)
        });
        Self { lines, characters: std::iter::once(0).chain(blocks).collect() }
    }
}

/// Counts the characters that begin in a part of a text.
fn characters(part: &[u8]) -> usize {
    part.iter().inspect(|_| work::count()).filter(|byte| !(0x80..0xc0).contains(*byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_the_line_and_column_that_counting_from_the_start_gives() {
        let long = "é漢, ".repeat(700);
        for text in ["", "\n", "a\nb", "é\n漢字x\n", &long, &format!("{long}\n{long}\n\n")] {
            let source = Source::new("stack.yaml", text);
            let (mut line, mut column) = (1, 1);
            for (at, c) in text.char_indices() {
                assert_eq!(source.position(at), (line, column), "{at}");
                (line, column) = if c == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            assert_eq!(source.position(text.len()), (line, column));
            assert_eq!(source.position(text.len() + 9), (line, column));
        }
    }

    #[test]
    fn an_excerpt_has_the_lines_of_its_span_alone() {
        let source = Source::new("stack.yaml", "one\ntwo\nthree\nfour");
        assert_eq!(source.excerpt(&(5..6)), ("two\n", 1..2, 2));
        assert_eq!(source.excerpt(&(5..9)), ("two\nthree\n", 1..5, 2));
        assert_eq!(source.excerpt(&(18..18)), ("four", 4..4, 4));
    }
}
