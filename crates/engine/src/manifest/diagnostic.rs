//! Problems of a stack file: what is wrong, where, and what to write instead.

use std::collections::HashSet;
use std::fmt;

use annotate_snippets::renderer::DEFAULT_TERM_WIDTH;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::group::{Group, digits, grouped};
use super::source::{Source, Span};
use crate::kind::Severity;
use crate::work;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub message: String,
    pub span: Span,
    /// What the user can do.
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn error(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), span, help: None }
    }

    /// What may be right.
    pub fn warning(span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// What two reports of the same problem have in common: a suggestion may depend on the rest of the file.
    pub(super) fn identity(&self) -> (Span, &str) {
        (self.span.clone(), &self.message)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds `did you mean …` if one of `known` is similar.
    #[must_use]
    pub fn suggest<'a>(self, written: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(written, known) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Renders the message, the place, the line with a caret, and the help. A line of the file that is
    /// longer than `width` is cut; the part with the problem stays.
    pub fn render(&self, source: &Source, color: bool, width: Option<usize>) -> String {
        let path = source.path.display().to_string();
        // The renderer reads all that it is given.
        let (lines, span, first) = source.excerpt(&visible(&self.span, &source.text));
        let snippet = Snippet::source(lines)
            .line_start(first)
            .path(path)
            .annotation(AnnotationKind::Primary.span(span));
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = level.primary_title(self.message.as_str()).element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.term_width(width.unwrap_or(DEFAULT_TERM_WIDTH));
        renderer.render(&[group])
    }
}

/// Returns a span of at least one character within the text, for the caret.
fn visible(span: &Span, text: &str) -> Span {
    let start = text.floor_char_boundary(span.start.min(text.trim_end().len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    start..end
}

/// Returns the known name that is most similar to what was written, if one is similar enough.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = written.chars().count();
    let limit = (length / 3).max(1);
    known
        .into_iter()
        .inspect(|_| work::count())
        .filter(|name| name.chars().count().abs_diff(length) <= limit)
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, name)| name)
}

/// Returns the problems of one file in the order of the text, each once: the file is checked once for
/// each cloud.
pub(super) fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|found| (found.span.start, found.span.end));
    let mut seen = HashSet::new();
    diagnostics.retain(|found| seen.insert((found.span.clone(), found.message.clone())));
    diagnostics
}

/// All problems of one file, in the order of the text. At least one is an error.
#[derive(Clone, Debug)]
pub struct Invalid {
    pub source: Source,
    pub diagnostics: Vec<Diagnostic>,
}

impl Invalid {
    pub fn new(source: Source, diagnostics: Vec<Diagnostic>) -> Self {
        Self { source, diagnostics: in_order(diagnostics) }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.source.path.display();
        let errors: Vec<Group<'_>> =
            grouped(&self.diagnostics).into_iter().filter(|group| group.first.is_error()).collect();
        let places: usize = errors.iter().map(|group| 1 + group.others.len()).sum();
        match errors.len() {
            1 => write!(f, "{path} has 1 problem")?,
            n => write!(f, "{path} has {} problems", digits(n))?,
        }
        if places > errors.len() {
            write!(f, " in {} places", digits(places))?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}
