//! The names at the top level of a Python module.

use super::Offered;

/// Words by which a module may get names that its text does not show.
const OPEN: &[&str] = &["__getattr__", "exec", "globals", "locals", "modules", "setattr", "vars"];

/// Returns what a module binds: by `def`, `class`, an import, or any statement that may assign. The body
/// of a function or class binds nothing in its module.
pub(super) fn offered(text: &str) -> Offered {
    let mut found = Offered::default();
    // The indentation of the `def` or `class` whose body the line may be in.
    let mut body_of = None;
    let (lines, is_whole) = logical_lines(text);
    found.is_open = !is_whole;
    for line in lines {
        let words: Vec<&str> = words(&line.text).collect();
        found.is_open |= words.iter().any(|word| OPEN.contains(word));
        if body_of.is_some_and(|header| line.indent > header) {
            found.is_open |= words.first() == Some(&"global");
            continue;
        }
        body_of = None;
        match words[..] {
            ["async", "def", name, ..] | ["def", name, ..] => {
                found.functions.push(name.to_owned());
                found.names.push(name.to_owned());
                body_of = Some(line.indent);
            }
            ["class", name, ..] => {
                found.names.push(name.to_owned());
                body_of = Some(line.indent);
            }
            ["from", ..] => {
                let imported = line.text.split_once(" import").map_or("", |(_, names)| names);
                found.is_open |= imported.contains('*');
                found.names.extend(self::words(imported).map(str::to_owned));
            }
            _ if may_bind(&line.text, &words) => {
                found.names.extend(words.iter().map(|word| (*word).to_owned()));
            }
            _ => {}
        }
    }
    found
}

fn may_bind(text: &str, words: &[&str]) -> bool {
    text.contains('=')
        || words.iter().any(|word| ["as", "case", "for", "import", "type"].contains(word))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// A statement in one line, without strings and comments.
struct Line {
    indent: usize,
    text: String,
}

/// Joins the lines that brackets, backslashes and long strings continue. Returns also whether every bracket
/// is closed.
fn logical_lines(source: &str) -> (Vec<Line>, bool) {
    let mut lines = Vec::new();
    let mut line = Line { indent: 0, text: String::new() };
    let mut depth = 0_usize;
    let mut rest = source;
    let mut is_start = true;
    while let Some(c) = rest.chars().next() {
        if is_start {
            let body = rest.trim_start_matches([' ', '\t', '\u{c}']);
            line.indent = rest.len() - body.len();
            (rest, is_start) = (body, false);
            continue;
        }
        rest = match c {
            '#' => rest.find('\n').map_or("", |end| &rest[end..]),
            '\'' | '"' => {
                line.text.push(' ');
                after_string(rest)
            }
            '\\' => rest[1..]
                .strip_prefix('\n')
                .or(rest[1..].strip_prefix("\r\n"))
                .unwrap_or(&rest[1..]),
            '\n' if depth == 0 => {
                lines.push(std::mem::replace(&mut line, Line { indent: 0, text: String::new() }));
                is_start = true;
                &rest[1..]
            }
            _ => {
                match c {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                line.text.push(if c == '\n' { ' ' } else { c });
                &rest[c.len_utf8()..]
            }
        };
    }
    lines.push(line);
    lines.retain(|line| !line.text.trim().is_empty());
    (lines, depth == 0)
}

/// Returns what follows the string literal at the start of `text`.
fn after_string(text: &str) -> &str {
    let quote = &text[..1];
    let long = quote.repeat(3);
    let end = if text.starts_with(&long) { long.as_str() } else { quote };
    let mut rest = &text[end.len()..];
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(end) {
            return after;
        }
        if c == '\n' && end.len() == 1 {
            return rest;
        }
        rest = &rest[c.len_utf8()..];
        if c == '\\'
            && let Some(escaped) = rest.chars().next()
        {
            rest = &rest[escaped.len_utf8()..];
        }
    }
    rest
}
