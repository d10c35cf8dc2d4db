//! The checker's part for strings: references are checked and become markers.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value as Json;

use super::annotate;
use super::check::Checker;
use super::diagnostic::nearest;
use super::source::Span;
use super::tree::Node;
use crate::address::Address;
use crate::reference::{self, Part, Reference};

impl<'a> Checker<'a> {
    /// A string, or the address of another resource that stands for one of its outputs.
    pub fn text(&mut self, node: &Node, schema: &Json) -> Option<Json> {
        let text = node.text()?;
        let meant = meant(schema);
        if let Some(Meant { kind, output, .. }) = meant
            && let Ok(address) = text.parse::<Address>()
            && address.kind() == kind
        {
            let reference = Reference::Output(address, output.to_owned());
            self.is_there(&reference, &node.span);
            return Some(reference::marker(&reference).into());
        }
        if let Some(help) = schema[annotate::LITERAL].as_str() {
            self.literal(text, &node.span, help);
        }
        let marked = self.marked(text, &node.span)?;
        if let Some(Meant { kind, prefix, .. }) = meant
            && marked == text
            && !text.starts_with(prefix)
        {
            let near = nearest(text, self.keys(kind)).map(|key| format!("{kind}.{key}"));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let other = match prefix {
                "arn:" => "an ARN".to_owned(),
                prefix => format!("`{prefix}…`"),
            };
            let message = format!("`{text}` is neither `{kind}.KEY` nor {other}");
            self.error(&node.span, message).help = help;
        }
        Some(marked.into())
    }

    /// Reports references in a string that cannot contain any.
    fn literal(&mut self, text: &str, span: &Span, help: &str) {
        // A malformed reference is reported where the string is read.
        for part in reference::parse(text).unwrap_or_default() {
            let Part::Reference { reference, at, .. } = part else { continue };
            let message = format!("`${{{reference}}}` cannot be used here");
            self.error(&within(span, &at, text), message).help = Some(help.to_owned());
        }
    }

    fn keys(&self, kind: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let kind = kind.to_owned();
        self.known.outputs.keys().filter(move |known| known.kind() == kind).map(Address::key)
    }

    /// Returns the string with references as markers.
    pub fn marked(&mut self, text: &str, span: &Span) -> Option<String> {
        if reference::is_reserved(text) {
            self.error(span, "a string must not contain the control character U+0001".into());
            return None;
        }
        let parts = match reference::parse(text) {
            Ok(parts) => parts,
            Err(malformed) => {
                let at = within(span, &malformed.at, text);
                self.error(&at, malformed.message).help = malformed.help;
                return None;
            }
        };
        let mut marked = String::new();
        let mut whole = true;
        for part in parts {
            match part {
                Part::Literal(text) => marked.push_str(&text),
                Part::Reference { reference, default, at } => {
                    let at = within(span, &at, text);
                    match self.variable(&reference) {
                        Some(false) => match default {
                            Some(default) => marked.push_str(&default),
                            None if !self.known.needs_env => {
                                marked.push_str(&reference::marker(&reference));
                            }
                            None => {
                                let message =
                                    format!("`{reference}` is not set in the environment");
                                self.error(&at, message).help =
                                    Some(format!("set it, or write ${{{reference}:-default}}"));
                                whole = false;
                            }
                        },
                        _ => {
                            self.is_there(&reference, &at);
                            marked.push_str(&reference::marker(&reference));
                        }
                    }
                }
            }
        }
        whole.then_some(marked)
    }

    /// Tells whether an environment variable is set; `None` for other references.
    fn variable(&mut self, reference: &Reference) -> Option<bool> {
        let Reference::Env(name) = reference else { return None };
        let value = (self.known.env)(name);
        let set = value.is_some();
        self.env.extend(value.map(|value| (name.clone(), value)));
        Some(set)
    }

    /// Reports a reference to a resource or an output that does not exist.
    fn is_there(&mut self, reference: &Reference, span: &Span) {
        let Reference::Output(address, output) = reference else { return };
        let known = self.known.outputs;
        match known.get(address) {
            None => {
                let kinds: BTreeSet<&str> = known.keys().map(Address::kind).collect();
                let help = nearest(address.as_str(), known.keys().map(Address::as_str))
                    .map(|near| format!("did you mean `{near}`?"))
                    .or_else(|| {
                        let near = nearest(address.kind(), kinds.iter().copied())?;
                        Some(format!("did you mean the kind `{near}`?"))
                    });
                self.error(span, format!("there is no `{address}` in this stack")).help = help;
            }
            Some(outputs) if !outputs.contains(&output.as_str()) => {
                let help = nearest(output, outputs.iter().copied()).map_or_else(
                    || format!("`{}` has {}", address.kind(), outputs.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                self.error(span, format!("`{address}` has no output `{output}`")).help = Some(help);
            }
            Some(_) => {}
        }
    }
}

/// What an address means as the value of a field, as its schema says.
#[derive(Clone, Copy)]
struct Meant<'a> {
    kind: &'a str,
    output: &'a str,
    prefix: &'a str,
}

fn meant(schema: &Json) -> Option<Meant<'_>> {
    let address = schema.get(annotate::ADDRESS)?;
    let text = |key: &str| address[key].as_str();
    Some(Meant { kind: text("kind")?, output: text("output")?, prefix: text("prefix")? })
}

/// Returns the span of a part of a scalar, if the file has the scalar as it reads (or quoted).
fn within(span: &Span, part: &Range<usize>, text: &str) -> Span {
    let quotes = span.len().saturating_sub(text.len());
    match quotes {
        0 | 2 => span.start + quotes / 2 + part.start..span.start + quotes / 2 + part.end,
        _ => span.clone(),
    }
}
