//! The lines around the place at which the reader of YAML stopped, and what is open in them.

use super::super::source::Span;

/// The text around the place at which the parser stopped.
pub(super) struct Lines<'a> {
    pub text: &'a str,
    pub at: usize,
}

/// A line of the text, and the byte at which it starts.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub start: usize,
    pub text: &'a str,
}

/// Brackets and a quote that are open where some lines end, by their bytes.
#[derive(Default)]
pub(super) struct Open {
    pub brackets: Vec<usize>,
    pub quote: Option<(usize, char)>,
}

impl<'a> Lines<'a> {
    /// The line of the place, and those before it, upward.
    pub fn upward(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        let end = self.text[self.at.min(self.text.len())..]
            .find('\n')
            .map_or(self.text.len(), |n| self.at + n);
        let mut rest = Some(&self.text[..end]);
        std::iter::from_fn(move || {
            let whole = rest?;
            let start = whole.rfind('\n').map_or(0, |newline| newline + 1);
            rest = start.checked_sub(1).map(|before| &whole[..before]);
            Some(Line { start, text: &whole[start..] })
        })
    }

    /// The line of the place, and the one before it that is not empty.
    pub fn last_two(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        self.upward().filter(|line| !line.text.trim().is_empty()).take(2)
    }

    /// Returns what is open at the place.
    pub fn open(&self) -> Open {
        let mut lines = self.structural();
        if let Some(last) = lines.last_mut() {
            last.text = last.text.get(..self.at - last.start).unwrap_or(last.text);
        }
        Open::behind(lines)
    }

    /// The lines up to that of the place, from the first one, but for the lines of texts behind `|` or `>`: what
    /// stands in them opens nothing.
    pub fn structural(&self) -> Vec<Line<'a>> {
        let mut lines: Vec<Line<'a>> = self.upward().collect();
        lines.reverse();
        let mut block = None;
        lines.retain(|line| {
            let is_inside = |indent: usize| line.text.trim().is_empty() || line.indent() > indent;
            if block.is_some_and(is_inside) {
                return false;
            }
            block = line.begins_block().then(|| line.indent());
            true
        });
        lines
    }
}

impl Line<'_> {
    pub fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// The span of the words of the line.
    pub fn words(&self) -> Span {
        let end = self.start + self.text.trim_end().len();
        self.start + self.indent()..end.max(self.start + self.indent() + 1)
    }

    /// The span of a part of the line.
    pub fn part(&self, part: &str) -> Span {
        let start = self.start + (part.as_ptr() as usize - self.text.as_ptr() as usize);
        start..start + part.len()
    }

    /// Tells whether the line starts with a key.
    pub fn has_key(&self) -> bool {
        let words = self.text.trim_start().trim_start_matches("- ");
        let end = words.find(|c: char| !(c.is_alphanumeric() || "-_.".contains(c)));
        end.is_some_and(|end| end > 0 && words[end..].starts_with(':'))
    }

    /// Tells whether the lines below are a text: `user_data: |`.
    fn begins_block(&self) -> bool {
        let last = self.text.split(" #").next().and_then(|words| words.split(' ').next_back());
        last.and_then(|word| word.trim_end().strip_prefix(['|', '>']))
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || "+-".contains(c)))
    }
}

impl Open {
    /// Returns what is open behind these lines.
    pub fn behind<'a>(lines: impl IntoIterator<Item = Line<'a>>) -> Self {
        let mut open = Self::default();
        lines.into_iter().for_each(|line| open.read(line));
        open
    }

    fn read(&mut self, line: Line<'_>) {
        // A quote or a bracket counts where a value may start: `it's` has neither.
        let (mut starts, mut was_start, mut previous) = (true, false, ' ');
        let mut is_escaped = false;
        for (offset, c) in line.text.char_indices() {
            let at = line.start + offset;
            if let Some((_, quote)) = self.quote {
                match c {
                    _ if is_escaped => is_escaped = false,
                    '\\' if quote == '"' => is_escaped = true,
                    _ if c == quote => self.quote = None,
                    _ => {}
                }
                (starts, was_start, previous) = (false, false, c);
                continue;
            }
            let is_flow = !self.brackets.is_empty();
            match c {
                '#' if previous.is_whitespace() => return,
                '"' | '\'' if starts => self.quote = Some((at, c)),
                '[' | '{' if starts || is_flow => self.brackets.push(at),
                ']' | '}' => drop(self.brackets.pop()),
                _ => {}
            }
            let opens = matches!(c, '[' | '{') || c == ',' && is_flow;
            let goes_on = starts || matches!(previous, ':' | ',') || previous == '-' && was_start;
            let next = opens || c.is_whitespace() && goes_on;
            (was_start, starts, previous) = (starts, next, c);
        }
    }
}
