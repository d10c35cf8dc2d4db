//! What a mutant does to the item it is anchored to. Every edit has to find exactly one place.

use std::fmt;
use std::ops::Range;

use proc_macro2::TokenStream;

use super::syntax::{Item, Place, Shape, Syntax, flat};

/// Code is found by its tokens: white space, line breaks, comments and the comma before a closing
/// delimiter make no difference. Of several places around the tokens, the innermost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Takes out the statement that contains these tokens.
    Remove(&'static str),
    /// Makes the condition that contains these tokens false.
    Never(&'static str),
    /// Makes the condition that contains these tokens true.
    Always(&'static str),
    /// Puts other code in the place of these tokens.
    Replace(&'static str, &'static str),
    /// Puts code before the statement that contains these tokens.
    Before(&'static str, &'static str),
    /// Takes the call of this method out of a chain.
    Unchain(&'static str),
    /// Puts other code in the place of a function's body or a constant's value.
    Body(&'static str),
}

/// A change of a file's text.
#[derive(Debug, PartialEq, Eq)]
pub struct Patch {
    pub range: Range<usize>,
    pub with: String,
}

impl Patch {
    pub fn apply(&self, text: &str) -> String {
        let Range { start, end } = self.range;
        [&text[..start], &self.with, &text[end..]].concat()
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remove(tokens) => write!(f, "remove the statement with `{tokens}`"),
            Self::Never(tokens) => write!(f, "the condition with `{tokens}` never holds"),
            Self::Always(tokens) => write!(f, "the condition with `{tokens}` always holds"),
            Self::Replace(tokens, with) => write!(f, "replace `{tokens}` by `{with}`"),
            Self::Before(tokens, code) => {
                let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
                write!(f, "`{code}` before the statement with `{tokens}`")
            }
            Self::Unchain(method) => write!(f, "without the call of `.{method}(…)`"),
            Self::Body(code) => write!(f, "the body becomes `{code}`"),
        }
    }
}

impl Edit {
    /// The patch of the one place in `item` that this edit is about.
    pub fn patch(self, syntax: &Syntax, item: &Item) -> Result<Patch, String> {
        let on = Within { syntax, item };
        let patch = match self {
            Self::Remove(tokens) => {
                let range = on.around(tokens, is_statement)?.range.clone();
                Patch { range, with: String::new() }
            }
            Self::Never(tokens) => {
                let place = on.around(tokens, is_condition)?;
                let condition = &syntax.text[place.range.clone()];
                let with = match place.shape {
                    // A `let` must not stand in parentheses, nor beside `||`.
                    Shape::Condition { binds: true } => format!("false && {condition}"),
                    _ => format!("false && ({condition})"),
                };
                Patch { range: place.range.clone(), with }
            }
            Self::Always(tokens) => {
                let place = on.around(tokens, is_condition)?;
                if place.shape == (Shape::Condition { binds: true }) {
                    return Err("the condition binds a name: it cannot always hold".to_owned());
                }
                let with = format!("true || ({})", &syntax.text[place.range.clone()]);
                Patch { range: place.range.clone(), with }
            }
            Self::Replace(tokens, with) => {
                let range = on.only(on.occurrences(tokens)?)?;
                Patch { range, with: with.to_owned() }
            }
            Self::Before(tokens, code) => {
                let start = on.around(tokens, is_statement)?.range.start;
                Patch { range: start..start, with: format!("{code} ") }
            }
            Self::Unchain(method) => {
                let is_it = |shape: &Shape| matches!(shape, Shape::Method(name) if name == method);
                let calls = on.places(is_it).map(|place| place.range.clone()).collect();
                Patch { range: on.only(calls)?, with: String::new() }
            }
            Self::Body(code) => {
                let range = item.body.clone().ok_or("it has no body")?;
                let is_block = syntax.text[range.clone()].starts_with('{');
                let with = if is_block { format!("{{ {code} }}") } else { code.to_owned() };
                Patch { range, with }
            }
        };
        is_another_file(syntax, &patch)?;
        Ok(patch)
    }
}

/// A patched file can be parsed, and says something else than before.
fn is_another_file(syntax: &Syntax, patch: &Patch) -> Result<(), String> {
    let patched = Syntax::parse(patch.apply(&syntax.text));
    let patched = patched.map_err(|error| format!("the changed file is no Rust: {error}"))?;
    let texts = |syntax: &Syntax| syntax.tokens.iter().map(|t| t.text.clone()).collect::<Vec<_>>();
    if texts(syntax) == texts(&patched) {
        return Err("it changes nothing".to_owned());
    }
    Ok(())
}

fn is_statement(shape: &Shape) -> bool {
    *shape == Shape::Statement
}

fn is_condition(shape: &Shape) -> bool {
    matches!(shape, Shape::Condition { .. })
}

/// The item in which an edit looks for its place.
struct Within<'a> {
    syntax: &'a Syntax,
    item: &'a Item,
}

impl<'a> Within<'a> {
    fn places(&self, is_it: impl Fn(&Shape) -> bool) -> impl Iterator<Item = &'a Place> {
        let (places, item) = (&self.syntax.places, self.item);
        places.iter().filter(move |one| is_it(&one.shape) && covers(&item.range, &one.range))
    }

    /// Where the tokens occur.
    fn occurrences(&self, code: &str) -> Result<Vec<Range<usize>>, String> {
        let stream: TokenStream =
            code.parse().map_err(|error| format!("`{code}` cannot be read as Rust: {error}"))?;
        let sought = flat(stream);
        if sought.is_empty() {
            return Err("no tokens to look for".to_owned());
        }
        let item = &self.item.range;
        let all =
            self.syntax.tokens.windows(sought.len()).filter(|tokens| {
                tokens.iter().zip(&sought).all(|(one, other)| one.text == other.text)
            });
        let ranges = all.map(|tokens| tokens[0].range.start..tokens[tokens.len() - 1].range.end);
        Ok(ranges.filter(|range| covers(item, range)).collect())
    }

    /// The innermost place around the tokens. Where they occur in none, they are something else.
    fn around(&self, code: &str, is_it: impl Fn(&Shape) -> bool) -> Result<&'a Place, String> {
        let mut found: Vec<&Place> = Vec::new();
        for range in self.occurrences(code)? {
            let around = self.places(&is_it).filter(|place| covers(&place.range, &range));
            let Some(place) = around.min_by_key(|place| place.range.len()) else { continue };
            if !found.iter().any(|known| known.range == place.range) {
                found.push(place);
            }
        }
        only(found, |place| self.syntax.line(place.range.start))
    }

    fn only(&self, ranges: Vec<Range<usize>>) -> Result<Range<usize>, String> {
        only(ranges, |range| self.syntax.line(range.start))
    }
}

fn only<T>(mut found: Vec<T>, line: impl Fn(&T) -> usize) -> Result<T, String> {
    if found.len() > 1 {
        let lines: Vec<String> = found.iter().map(|one| line(one).to_string()).collect();
        return Err(format!("found {} times, in lines {}", lines.len(), lines.join(", ")));
    }
    found.pop().ok_or_else(|| "not found".to_owned())
}

fn covers(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests;
