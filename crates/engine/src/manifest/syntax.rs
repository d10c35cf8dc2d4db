//! What is said of a text that is not YAML: the parser's words, and a cure where the cause can be told.
//!
//! The parser often stops behind the mistake, so that the cause is searched in the lines before.

use super::diagnostic::Diagnostic;
use super::source::{Source, Span};

/// Turns the parser's error into a diagnostic.
pub(super) fn diagnostic(source: &Source, error: &serde_yaml::Error) -> Diagnostic {
    let at = error.location().map_or(0, |location| {
        let (line, column) = (location.line() as usize, location.column() as usize);
        source.byte_at(line, column)
    });
    let said = error.without_snippet().to_string();
    let said = said.lines().next().unwrap_or_default();
    let said = said.split(" at line ").next().unwrap_or(said);
    let lines = Lines { text: &source.text, at };
    let Cure { span, said, help } = cure(said, &lines).unwrap_or_else(|| Cure {
        span: at..at + 1,
        said: said.to_owned(),
        help: None,
    });
    let diagnostic = Diagnostic::error(span, format!("not valid YAML: {said}"));
    Diagnostic { help, ..diagnostic }
}

/// What is wrong where, and what to do.
struct Cure {
    span: Span,
    said: String,
    help: Option<String>,
}

impl Cure {
    fn new(span: Span, said: &str, help: impl Into<String>) -> Option<Self> {
        Some(Self { span, said: said.to_owned(), help: Some(help.into()) })
    }
}

/// The text around the place at which the parser stopped.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

/// A line of the text, and the byte at which it starts.
#[derive(Clone, Copy)]
struct Line<'a> {
    start: usize,
    text: &'a str,
}

impl<'a> Lines<'a> {
    /// The line of the place, and those before it, upward.
    fn upward(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
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
    fn last_two(&self) -> impl Iterator<Item = Line<'a>> + use<'a> {
        self.upward().filter(|line| !line.text.trim().is_empty()).take(2)
    }
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start_matches(' ').len()
    }

    /// The span of the words of the line.
    fn words(&self) -> Span {
        let end = self.start + self.text.trim_end().len();
        self.start + self.indent()..end.max(self.start + self.indent() + 1)
    }
}

fn cure(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let here = lines.at..lines.at + 1;
    if said.starts_with("multiple YAML documents") {
        let marker = lines.upward().find(|line| line.text.trim_end() == "---");
        let span = marker.map_or(here, |line| line.words());
        return Cure::new(span, "a stack file is one document", "remove the line `---`");
    }
    if said.starts_with("budget breached") {
        let said = "the file is nested too deeply or too large";
        return Some(Cure { span: here, said: said.to_owned(), help: None });
    }
    if said.contains("tab")
        && let Some(tab) = indenting_tab(lines.text)
    {
        return Cure::new(tab..tab + 1, said, "indent with spaces");
    }
    if said.contains("anchor") || said.contains("alias") {
        let said = if said.contains("scanning") { "an anchor needs a name" } else { said };
        return Cure::new(here, said, "quote a string that starts with `*` or `&`: \"*\"");
    }
    open_quote(said, lines)
        .or_else(|| no_space(said, lines))
        .or_else(|| in_flow(said, lines))
        .or_else(|| indentation(said, lines))
}

/// A quote that is not closed ends at the next one, lines later.
fn open_quote(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    if !said.contains("quote") && !said.contains("trailing content") {
        return None;
    }
    let quote = if said.contains("single") { '\'' } else { '"' };
    let is_odd = |line: &Line<'_>| line.text.matches(quote).count() % 2 == 1;
    // The line at which the parser stopped closes the quote and opens another one.
    let open = lines.upward().skip(usize::from(!said.contains("unclosed"))).find(is_odd);
    let (span, quote) = match open.and_then(|line| Some(line.start + line.text.find(quote)?)) {
        Some(at) => (at..at + 1, quote),
        None if said.contains("unclosed") => {
            let opened = lines.text[lines.at..].chars().next().filter(|c| "'\"".contains(*c));
            (lines.at..lines.at + 1, opened.unwrap_or(quote))
        }
        None => return None,
    };
    Cure::new(span, "unclosed quote", format!("close it with {quote}"))
}

/// `timeout:30` is one word, and no key.
fn no_space(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    if !said.contains("mapping values") && !said.contains("key") {
        return None;
    }
    lines.last_two().find_map(|line| {
        let words = line.text.trim().trim_start_matches("- ");
        let (key, value) = words.split_once(':')?;
        let is_key =
            !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
        let is_value = value.starts_with(|c: char| c.is_alphanumeric() || "\"'[{".contains(c));
        let whole = is_key && is_value && !words.contains(": ");
        whole.then(|| {
            Cure::new(line.words(), "no space behind the colon", format!("write `{key}: {value}`"))
        })?
    })
}

/// An unquoted reference inside a list or map of one line.
fn in_flow(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let line = lines.upward().next()?.text;
    let is_flow = line.contains("${") && (line.contains('[') || line.contains(": {"));
    let help = if is_flow {
        "quote a reference inside [ ] or { }: [\"${instance.web.arn}\"]"
    } else if said.contains("flow") {
        "put `,` between entries, and close `{` with `}` and `[` with `]`"
    } else {
        return None;
    };
    Cure::new(lines.at..lines.at + 1, said, help)
}

/// A line that stands in a column of its own.
fn indentation(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let mut two = lines.last_two();
    let (line, above) = (two.next()?, two.next()?);
    let is_deeper = said.contains("mapping values") && line.indent() > above.indent();
    if !is_deeper && !said.contains("block mapping") && !said.contains("block collection") {
        return None;
    }
    let help = if is_deeper {
        "the line above has a value already; the keys of one map start in the same column"
    } else {
        "the keys of one map start in the same column"
    };
    Cure::new(line.words(), "wrong indentation", help)
}

/// The first tab before the first word of a line.
fn indenting_tab(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indent].find('\t') {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::tree;
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let source = Source { path: PathBuf::from("stack.yaml"), text: text.to_owned() };
        let found = tree::parse(&source).expect_err("not YAML");
        let (line, column) = source.position(found.span.start);
        let said = found.message.strip_prefix("not valid YAML: ").unwrap_or(&found.message);
        let said = format!("{line}:{column} {said} | {}", found.help.unwrap_or_default());
        assert_eq!(said, expected, "{text}");
    }

    #[test]
    fn a_mistake_is_named_where_it_is_with_its_cure() {
        let space = "no space behind the colon | write `timeout: 30`";
        check("f:\n  timeout:30\n  memory: 128\n", &format!("2:3 {space}"));
        check("f:\n  memory: 128\n  timeout:30\n", &format!("3:3 {space}"));
        check("f:\n  memory: 128\n\n  # why\n  timeout:30\n", &format!("5:3 {space}"));
        let column = "the keys of one map start in the same column";
        check("f:\n    a: 1\n   b: 2\n", &format!("3:4 wrong indentation | {column}"));
        let above = format!("the line above has a value already; {column}");
        check("f:\n  a: 1\n    b: 2\n", &format!("3:5 wrong indentation | {above}"));
        check("a: \"b\nc: d\n", "1:4 unclosed quote | close it with \"");
        check("a: 'b\nc: d\ne: 'f'\n", "1:4 unclosed quote | close it with '");
        check("a: \"b\nc: d\ne: \"f\"\n", "1:4 unclosed quote | close it with \"");
        let quote = "an anchor needs a name | quote a string that starts with `*` or `&`: \"*\"";
        check("a: {b: [*]}\n", &format!("1:9 {quote}"));
        check(
            "a: {b: c\nd: e}\n",
            "2:2 while parsing a flow mapping, did not find expected ',' or '}' | put `,` between \
             entries, and close `{` with `}` and `[` with `]`",
        );
        check("a: 1\n---\nb: 2\n", "2:1 a stack file is one document | remove the line `---`");
    }

    #[test]
    fn any_broken_text_is_a_diagnostic_inside_the_text() {
        let whole = "stack: s\nf:\n  a: {b: [c, \"d\"], e: 'é'}\n  g: ${h.i.j}\n";
        for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
            for insert in ["'", "\"", "*", "\t", ":", "{", "]", "é"] {
                let text = format!("{}{insert}{}", &whole[..end], &whole[end..]);
                let source = Source { path: PathBuf::from("stack.yaml"), text };
                if let Err(found) = tree::parse(&source) {
                    assert!(found.span.start <= source.text.len(), "{found:?}");
                    let _ = found.render(&source, false, None);
                }
            }
        }
    }
}
