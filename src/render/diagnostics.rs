//! Problems of a stack file: for people the first ones, each once, and for programs all of them.

use std::io::stderr;

use anstream::{AutoStream, ColorChoice};
use serde_json::{Value, json};
use stackwright_engine::manifest::{Diagnostic, Group, Manifest, Source, digits, grouped};

use super::wrap::{self, wrapped};
use crate::print;

/// How many problems are printed. Whoever reads them fixes some, and validates again.
const MOST: usize = 20;
/// How many further places of one problem are listed.
const PLACES: usize = 3;

/// Every problem, each with its place.
pub fn as_json(found: &[Diagnostic], source: &Source) -> Vec<Value> {
    let one = |found: &Diagnostic| {
        let (line, column) = source.position(found.span.start);
        json!({
            "severity": found.severity.as_str(),
            "message": found.message,
            "file": source.path,
            "line": line,
            "column": column,
            "help": found.help,
        })
    };
    found.iter().map(one).collect()
}

/// Prints what may be wrong in a file that is valid, on stderr. Returns how many warnings there are.
pub fn warn(manifest: &Manifest) -> usize {
    let color = AutoStream::choice(&stderr()) != ColorChoice::Never;
    let width = wrap::width(stderr());
    for warning in rendered(&manifest.warnings, &manifest.source, color, width) {
        print::stderr!("{warning}\n");
    }
    grouped(&manifest.warnings).len()
}

/// The first problems, each with an excerpt of the file, and how many more there are.
pub fn rendered(
    found: &[Diagnostic],
    source: &Source,
    color: bool,
    width: Option<usize>,
) -> Vec<String> {
    let (shown, hidden) = first(grouped(found));
    let one = |group: &Group<'_>| {
        wrap::diagnostic(&with_places(group, source), width).render(source, color, width)
    };
    let mut rendered: Vec<String> = shown.iter().map(one).collect();
    rendered.extend(rest(&hidden).map(|rest| wrapped(&rest, width)));
    rendered
}

/// Splits problems into those that are printed, in the order of the file, and the others. No warning takes the place
/// of an error.
fn first(groups: Vec<Group<'_>>) -> (Vec<Group<'_>>, Vec<Group<'_>>) {
    let errors = groups.iter().filter(|group| group.first.is_error()).count();
    let (mut errors_left, mut warnings_left) = (MOST, MOST.saturating_sub(errors));
    groups.into_iter().partition(|group| {
        let left = if group.first.is_error() { &mut errors_left } else { &mut warnings_left };
        let is_shown = *left > 0;
        *left = left.saturating_sub(1);
        is_shown
    })
}

/// A problem whose message has its other places.
fn with_places(group: &Group<'_>, source: &Source) -> Diagnostic {
    let first = group.first.clone();
    if group.others.is_empty() {
        return first;
    }
    let place = |other: &&Diagnostic| {
        let (line, column) = source.position(other.span.start);
        format!("{line}:{column}")
    };
    let mut places: Vec<String> = group.others.iter().take(PLACES).map(place).collect();
    if group.others.len() > PLACES {
        places.push("…".to_owned());
    }
    let more = counted(group.others.len(), "more place");
    let message = format!("{} (and {more}: {})", first.message, places.join(", "));
    Diagnostic { message, ..first }
}

/// Says how many problems were not printed, and how to see them.
fn rest(hidden: &[Group<'_>]) -> Option<String> {
    let errors = hidden.iter().filter(|group| group.first.is_error()).count();
    let kinds = [(errors, "more problem"), (hidden.len() - errors, "more warning")];
    let counts: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| counted(count, what))
        .collect();
    (!counts.is_empty()).then(|| {
        let counts = counts.join(" and ");
        format!(
            "and {counts}: fix these first and run `stackwright validate` again; \
             `stackwright validate --json` lists all"
        )
    })
}

/// `1 problem`, `2,980 problems`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{} {what}{}", digits(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The problems of a text with a line for each; `w` is a warning.
    fn printed(severities: &str) -> Vec<String> {
        let source = Source::new("stack.yaml", "x\n".repeat(severities.len()));
        let found: Vec<Diagnostic> = severities
            .chars()
            .enumerate()
            .map(|(at, severity)| match severity {
                'w' => Diagnostic::warning(at * 2..at * 2 + 1, format!("warning {at}")),
                'e' => Diagnostic::error(at * 2..at * 2 + 1, format!("error {at}")),
                _ => Diagnostic::error(at * 2..at * 2 + 1, "the same"),
            })
            .collect();
        let rendered = rendered(&found, &source, false, None);
        rendered.iter().filter_map(|one| one.lines().next()).map(str::to_owned).collect()
    }

    #[test]
    fn twenty_problems_are_printed_and_the_others_counted() {
        let all = printed(&"e".repeat(20));
        assert_eq!((all.len(), all[19].as_str()), (20, "error: error 19"));
        let more = printed(&"e".repeat(3000));
        assert_eq!(more.len(), 21);
        assert!(more[20].starts_with("and 2,980 more problems: fix these first"), "{more:?}");
        let one = printed(&"e".repeat(21));
        assert!(one[20].starts_with("and 1 more problem: "), "{one:?}");
    }

    #[test]
    fn a_warning_takes_no_place_of_an_error() {
        let printed = printed(&format!("{}{}", "w".repeat(30), "e".repeat(18)));
        assert_eq!(printed[..2], ["warning: warning 0", "warning: warning 1"]);
        assert_eq!((printed.len(), printed[19].as_str()), (21, "error: error 47"));
        assert!(printed[20].starts_with("and 28 more warnings: "), "{printed:?}");
    }

    #[test]
    fn a_problem_in_many_places_is_printed_once() {
        assert_eq!(
            printed("eses"),
            ["error: error 0", "error: the same (and 1 more place: 4:1)", "error: error 2"]
        );
        let many = printed(&"s".repeat(3000));
        assert_eq!(many, ["error: the same (and 2,999 more places: 2:1, 3:1, 4:1, …)"]);
    }
}
