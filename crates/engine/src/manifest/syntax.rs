//! What is said of a text that is not YAML: the parser's words, and a cure where the cause can be told.
//!
//! The parser often stops behind the mistake, so that the cause is searched in the lines before.

mod lines;

use self::lines::{Line, Lines, Open};
use super::diagnostic::{Diagnostic, nearest};
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

fn cure(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let cures = [
        several_documents,
        too_large,
        tab,
        alias,
        first_character,
        reference_in_flow,
        bracket,
        open_quote,
        second_colon,
        no_space,
        no_colon,
        between_entries,
        indentation,
        others,
    ];
    cures.iter().find_map(|cure| cure(said, lines))
}

fn here(lines: &Lines<'_>) -> Span {
    lines.at..lines.at + 1
}

fn several_documents(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    if !said.starts_with("multiple YAML documents") {
        return None;
    }
    let marker = lines.upward().find(|line| line.text.trim_end() == "---");
    let span = marker.map_or_else(|| here(lines), |line| line.words());
    Cure::new(span, "a stack file is one document", "remove the line `---`")
}

fn too_large(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let message = "the file is nested too deeply or too large";
    let is_it = said.starts_with("budget breached");
    is_it.then(|| Cure { span: here(lines), said: message.to_owned(), help: None })
}

fn tab(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let tab = indenting_tab(lines.text).filter(|_| said.contains("tab"))?;
    let help = "YAML forbids tabs for indentation: use spaces";
    Cure::new(tab..tab + 1, "the line is indented with a tab", help)
}

/// `*name` stands for the value at `&name`, which must be above it.
fn alias(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let quoted = "quote a string that starts with `*` or `&`: \"*\"";
    if said.contains("recursive references") {
        let help = "take the alias out of the value that its anchor stands for";
        return Cure::new(here(lines), "an anchor that contains itself", help);
    }
    if said.contains("anchor") && said.contains("scanning") {
        return Cure::new(here(lines), "an anchor needs a name", quoted);
    }
    if !said.contains("unknown anchor") {
        let is_of_anchors = said.contains("anchor") || said.contains("alias");
        return if is_of_anchors { Cure::new(here(lines), said, quoted) } else { None };
    }
    let line = lines.upward().next()?;
    let from = lines.at.checked_sub(line.start).and_then(|at| line.text.get(at..))?;
    let start = from.find('*')?;
    let name = word(&from[start + 1..]);
    let span = line.part(&from[start..start + 1 + name.len()]);
    let (above, below) = lines.text.split_at(lines.at);
    let known = anchors(above);
    let help = if let Some(near) = nearest(name, known.iter().copied()) {
        format!("did you mean `*{near}`?")
    } else if anchors(below).contains(&name) {
        format!("`&{name}` is below; an anchor stands above the places that use it")
    } else if known.is_empty() {
        format!(
            "write `&{name}` before the value that it stands for; or, for a string, \"*{name}\""
        )
    } else {
        format!("the anchors above are {}", known.join(", "))
    };
    Cure::new(span, &format!("there is no anchor `{name}`"), help)
}

/// The names of the anchors of a text, in their order.
fn anchors(text: &str) -> Vec<&str> {
    let is_anchor = |at: &usize| {
        let before = text[..*at].chars().next_back();
        before.is_some_and(|c| c.is_whitespace() || "[{,".contains(c))
    };
    let starts = text.match_indices('&').map(|(at, _)| at).filter(is_anchor);
    starts.map(|at| word(&text[at + 1..])).filter(|name| !name.is_empty()).collect()
}

/// The name at the start of a text.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| c.is_whitespace() || "[]{},".contains(c));
    &text[..end.unwrap_or(text.len())]
}

/// `@`, `%` and a backtick mean nothing in YAML, and begin no string.
fn first_character(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let character = lines.text.get(lines.at..)?.chars().next()?;
    if !said.contains("unexpected character") || !"@%`".contains(character) {
        return None;
    }
    let rest = lines.text[lines.at..].lines().next()?;
    let is_flow = !lines.open().brackets.is_empty();
    let end = if is_flow { rest.find([',', ']', '}']) } else { rest.find(" #") };
    let value = rest[..end.unwrap_or(rest.len())].trim_end();
    let said = format!("a string cannot start with `{character}`");
    Cure::new(lines.at..lines.at + value.len(), &said, format!("quote it: {}", quoted(value)))
}

fn quoted(value: &str) -> String {
    let quote = if value.contains(['"', '\\']) { '\'' } else { '"' };
    format!(
        "{quote}{}{quote}",
        if quote == '\'' { value.replace('\'', "''") } else { value.into() }
    )
}

/// An unquoted reference inside a list or map of one line.
fn reference_in_flow(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let line = lines.upward().next()?.text;
    let is_plain = |(at, _): (usize, &str)| {
        let before = &line[..at];
        ['"', '\''].iter().all(|quote| before.matches(*quote).count() % 2 == 0)
    };
    let has_reference = line.match_indices("${").any(is_plain);
    let is_flow = has_reference && (line.contains('[') || line.contains(": {"));
    let is_quoted = said.contains("quote") || said.contains("trailing content");
    if !is_flow || is_quoted {
        return None;
    }
    Cure::new(here(lines), said, "quote a reference inside [ ] or { }: [\"${instance.web.arn}\"]")
}

/// A bracket that is open at the next key is blamed, not that key.
fn bracket(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let is_last = said.contains("unclosed bracket") || said.contains("mismatched bracket");
    if !is_last && !said.contains("flow") && !said.contains("':'") {
        return if said.contains("misplaced bracket") {
            let help = "remove it, or quote the string that it belongs to";
            Cure::new(here(lines), "this bracket closes nothing", help)
        } else {
            None
        };
    }
    let at = if is_last { lines.at } else { open_before_a_key(lines)? };
    let bracket = lines.text.get(at..)?.chars().next().filter(|c| "[{".contains(*c))?;
    let closing = if bracket == '[' { ']' } else { '}' };
    let help = format!("close it with `{closing}`, or put `,` between its entries");
    Cure::new(at..at + 1, &format!("unclosed `{bracket}`"), help)
}

/// The innermost bracket that is open where a key starts that is indented no deeper than the bracket's line.
fn open_before_a_key(lines: &Lines<'_>) -> Option<usize> {
    let mut above = lines.structural();
    let line = above.pop()?;
    let at = *Open::behind(above.iter().copied()).brackets.last()?;
    let opening = above.iter().rev().find(|above| above.start <= at)?;
    (line.has_key() && line.indent() <= opening.indent()).then_some(at)
}

/// A quote that is not closed ends at the next one, lines later.
fn open_quote(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    if !said.contains("quote") && !said.contains("trailing content") {
        return None;
    }
    // The line at which the parser stopped closes the quote and opens another one.
    let is_last = said.contains("unclosed");
    let above = lines.structural().into_iter().rev().skip(usize::from(!is_last));
    let open = above.filter_map(|line| Open::behind([line]).quote).next();
    let opened = || lines.text.get(lines.at..)?.chars().next().filter(|c| "'\"".contains(*c));
    let (at, quote) = open.or_else(|| opened().filter(|_| is_last).map(|c| (lines.at, c)))?;
    Cure::new(at..at + 1, "unclosed quote", format!("close it with {quote}"))
}

/// `description: API: x` has two keys for one value.
fn second_colon(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let line = lines.upward().next().filter(|_| said.contains("mapping values"))?;
    let (key, value) = line.text.split_once(": ").filter(|_| line.has_key())?;
    let value = value.split(" #").next().unwrap_or(value).trim();
    let is_plain = !value.starts_with(['"', '\'', '[', '{', '|', '>']);
    if !is_plain || !(value.contains(": ") || value.ends_with(':')) {
        return None;
    }
    let key = key.trim_start().trim_start_matches("- ");
    let help = format!("write `{key}: {}`", quoted(value));
    Cure::new(line.part(value), "a string with a colon and a space needs quotes", help)
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

/// `timeout 30` is a string where a key is expected.
fn no_colon(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let mut two = lines.last_two();
    let (here, above) = (two.next()?, two.next());
    let line = if said.contains("simple key expected") {
        [Some(here), above].into_iter().flatten().find(|line| !line.has_key())?
    } else {
        // It became a part of the key below.
        let is_key = |line: &Line<'_>| !line.text.contains(':') && line.indent() == here.indent();
        above.filter(|line| said.contains("mapping values") && is_key(line))?
    };
    let words = line.text.trim().trim_start_matches("- ");
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|marker| words.starts_with(marker)) {
        let help = "choose one side, and remove the lines with <<<<<<<, ======= and >>>>>>>";
        return Cure::new(line.words(), "a merge conflict that is not resolved", help);
    }
    let (key, value) = words.split_once([' ', '=']).unwrap_or((words, "VALUE"));
    let value = value.trim_start_matches(['=', ' ']);
    let help = format!("write `{}: {value}`", key.trim());
    Cure::new(line.words(), "a key without a colon", help)
}

fn between_entries(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let help = "put `,` between entries, and close `{` with `}` and `[` with `]`";
    said.contains("flow").then(|| Cure::new(here(lines), said, help))?
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

fn others(said: &str, lines: &Lines<'_>) -> Option<Cure> {
    let help = if said.contains("block scalar") {
        "the text begins in the line below, indented"
    } else if said.contains("escape") || said.contains("hexadecimal") {
        "write `\\\\` for a backslash, or put the string into single quotes"
    } else if said.contains("unsupported tag") {
        "quote a string that starts with `!`"
    } else {
        return None;
    };
    let tag = lines.upward().next().filter(|_| said.contains("tag")).and_then(tagged);
    Cure::new(tag.unwrap_or_else(|| here(lines)), said, help)
}

/// The tag of a line, such as `!Ref`.
fn tagged(line: Line<'_>) -> Option<Span> {
    let start = line.text.find(" !")? + 1;
    let tag = line.text[start..].split_whitespace().next()?;
    Some(line.part(tag))
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
mod tests;
