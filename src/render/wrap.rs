//! Long lines, wrapped at words.
//!
//! Lines are wrapped for a reader only: on a terminal, or where `COLUMNS` asks for a width. A file
//! and a pipe get every line whole, so that `grep` finds it. What has no blank in it (an ARN, a
//! path, a piece of JSON) and what stands in backticks, and a command behind a colon, is never
//! broken, even where it is longer than a line.

use std::io::{stderr, stdout};
use std::os::fd::AsFd;

use stackwright_engine::manifest::Diagnostic;
use terminal_size::{Width, terminal_size_of};
use textwrap::core::{Word, display_width};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm};

use crate::environment;
use crate::print;

/// A narrower page is treated as one of this width.
const NARROWEST: usize = 40;
/// What is longer and has a colon behind it is no label: `hint`, but not a place in a file.
const LABEL: usize = 7;

/// Prints on stdout. A text that is not empty ends with a newline, given or not.
pub fn out(text: &str) {
    print::out(&lines(text, width(stdout())));
}

/// Prints on stderr, as [`out`] does on stdout.
pub fn err(text: &str) {
    print::err(&lines(text, width(stderr())));
}

/// The columns of the page that a stream is read on; `None` where lines stay whole.
pub fn width(stream: impl AsFd) -> Option<usize> {
    let columns = environment::columns();
    columns.or_else(|| terminal_size_of(stream).map(|(Width(width), _)| width.into()))
}

/// [`out`] of a format.
macro_rules! println {
    ($($what:tt)*) => { $crate::render::wrap::out(&format!($($what)*)) };
}
/// [`err`] of a format.
macro_rules! eprintln {
    ($($what:tt)*) => { $crate::render::wrap::err(&format!($($what)*)) };
}
pub(crate) use {eprintln, println};

/// Every line of a text wrapped, the last one with its end.
fn lines(text: &str, width: Option<usize>) -> String {
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() { String::new() } else { format!("{}\n", wrapped(text, width)) }
}

/// A diagnostic whose message and help fit a page. Its renderer indents what continues a line.
pub fn diagnostic(found: &Diagnostic, width: Option<usize>) -> Diagnostic {
    let Some(width) = width.map(|width| width.max(NARROWEST)) else { return found.clone() };
    let behind = |label: &str, text: &str| folded(text, width - label.len(), "", "");
    Diagnostic {
        message: behind(&format!("{}: ", found.severity.as_str()), &found.message),
        help: found.help.as_ref().map(|help| behind("     = help: ", help)),
        ..found.clone()
    }
}

/// Every line of a text that is longer than `width`, wrapped. What continues a line is indented as
/// what it continues is: below the value of a field, below the text behind a label or a bullet.
pub fn wrapped(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.map(|width| width.max(NARROWEST)) else { return text.to_owned() };
    let wrapped: Vec<String> = text.split('\n').map(|line| wrapped_line(line, width)).collect();
    wrapped.join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if display_width(line) <= width {
        return line.to_owned();
    }
    let body = line.trim_start_matches(' ');
    let lead = &line[..line.len() - body.len()];
    folded(body, width, lead, &" ".repeat(hang(line, width)))
}

/// A text in lines of at most `width` columns, if its words are not longer.
fn folded(text: &str, width: usize, lead: &str, hang: &str) -> String {
    let options = Options::new(width)
        .initial_indent(lead)
        .subsequent_indent(hang)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    textwrap::wrap(text, options).join("\n")
}

/// The column in which a line continues.
fn hang(line: &str, width: usize) -> usize {
    let plain = anstream::adapter::strip_str(line).to_string();
    let body = plain.trim_start_matches(' ');
    let lead = plain.len() - body.len();
    let field = body.find("  ").map(|at| {
        let blanks = body[at..].len() - body[at..].trim_start_matches(' ').len();
        display_width(&body[..at]) + blanks
    });
    let label = || body.find(": ").filter(|at| *at <= LABEL && !body[..*at].contains(' '));
    let has_room = |within: &usize| lead + within <= width / 2;
    let within = field.filter(has_room).or_else(|| label().map(|at| at + 2));
    (lead + within.unwrap_or(2)).min(width / 2)
}

/// The words of a line, each with the blanks behind it. What stands in backticks is one word, and so
/// is a command of this program at the end of a line: broken, it could not be copied.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let (mut rest, mut is_label) = (line, false);
    Box::new(std::iter::from_fn(move || {
        let is_command = is_label && rest.starts_with("stackwright ");
        let end = if is_command { rest.len() } else { end_of_word(rest) };
        let (word, after) = rest.split_at(end);
        (rest, is_label) = (after, word.ends_with(": "));
        (!word.is_empty()).then(|| Word::from(word))
    }))
}

/// Where the first word of a text ends, with the blanks behind it.
fn end_of_word(text: &str) -> usize {
    let mut at = 0;
    while let Some(found) = text[at..].find([' ', '`']) {
        let here = at + found;
        at = match text[here..].strip_prefix('`') {
            Some(quoted) => here + 1 + quoted.find('`').map_or(0, |close| close + 1),
            None => return text.len() - text[here..].trim_start_matches(' ').len(),
        };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, width: usize, expected: &[&str]) {
        let wrapped = wrapped(line, Some(width));
        assert_eq!(wrapped.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn without_a_width_every_line_stays_whole() {
        let long = "word ".repeat(100);
        assert_eq!(wrapped(&long, None), long);
        assert_eq!(lines(&long, None), format!("{long}\n"));
        assert_eq!(lines("a\n", Some(80)), "a\n");
        assert_eq!(lines("", Some(80)), "");
    }

    #[test]
    fn a_line_continues_below_its_value_its_label_or_its_bullet() {
        check(
            "      description  one two three four five six seven",
            40,
            &["      description  one two three four", "                   five six seven"],
        );
        check(
            "  hint: one two three four five six seven eight",
            40,
            &["  hint: one two three four five six", "        seven eight"],
        );
        check(
            "  stack.yaml:3:3: one two three four five six seven",
            40,
            &["  stack.yaml:3:3: one two three four", "    five six seven"],
        );
        check(
            "    - one two three four five six seven eight",
            40,
            &["    - one two three four five six seven", "      eight"],
        );
        check(
            "a_name_that_leaves_no_room_for_a_value  one two",
            40,
            &["a_name_that_leaves_no_room_for_a_value", "  one two"],
        );
    }

    #[test]
    fn what_has_no_blank_or_stands_in_backticks_is_never_broken() {
        let arn = "arn:aws:iam::123456789012:role/a-role-with-a-long-name";
        check(&format!("role  {arn}"), 40, &["role", &format!("      {arn}")]);
        let json = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}"#;
        check(&format!("  {json} and"), 40, &[&format!("  {json}"), "    and"]);
        check(
            "to go on, run `stackwright reconcile --adopt` or wait",
            40,
            &["to go on, run", "  `stackwright reconcile --adopt` or", "  wait"],
        );
        let command = "stackwright reconcile -f a.yaml --region eu-west-1";
        check(
            &format!("To continue, run: {command}"),
            40,
            &["To continue, run:", &format!("  {command}")],
        );
        check(
            "one ` alone is no quotation, and the line is wrapped",
            40,
            &["one ` alone is no quotation, and the", "  line is wrapped"],
        );
    }

    #[test]
    fn colours_take_no_room() {
        let plain = "one two three four five six seven eight";
        let colored = format!("\u{1b}[1m{plain}\u{1b}[0m");
        assert_eq!(wrapped(&colored, Some(40)), colored);
        let line = "\u{1b}[2mnote:\u{1b}[0m one two three four five six seven eight";
        let expected = "\u{1b}[2mnote:\u{1b}[0m one two three four five six seven\n      eight";
        assert_eq!(wrapped(line, Some(40)), expected);
    }
}
