//! The checker's part for strings: references are checked and become markers.

use std::ops::Range;

use serde_json::Value as Json;

use super::annotate;
use super::check::Checker;
use super::diagnostic::{Diagnostic, nearest};
use super::missing::LISTED;
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
        if let Some(address) =
            self.bare(text).filter(|it| meant.is_some_and(|meant| meant.kind == it.kind()))
        {
            self.missing_braces(text, &node.span, format!("write `{address}`"));
            return None;
        }
        let marked = self.marked(text, &node.span)?;
        if let Some(mention) = mentioned(schema) {
            return Some(self.mentions(&marked, mention, &node.span).into());
        }
        if let Some(meant) = meant {
            self.meant(text, &marked, meant, schema, &node.span);
        }
        Some(marked.into())
    }

    /// Reports what is no address of the kind that is meant, and nothing that stands for one.
    fn meant(&mut self, text: &str, marked: &str, meant: Meant<'_>, schema: &Json, span: &Span) {
        let Meant { kind, output, prefix } = meant;
        if let Some(Reference::Output(address, other)) = whole(marked) {
            // An ARN contains the name.
            let is_meant = other == output || prefix == "arn:" && other == "arn";
            if address.kind() != kind {
                let message = format!("`{text}` refers to `{address}`, which is no {kind}");
                self.error(span, message).help = Some(self.instead_of_another_kind(kind));
            } else if !is_meant {
                let message = format!("`{text}` is the {other}; this needs the {output}");
                self.error(span, message).help = Some(format!("write `{address}`"));
            }
        } else if marked == text && !text.starts_with(prefix) && schema["default"] != text {
            let near = self.addresses.nearest_key(text, kind);
            let near = near.map(|key| format!("did you mean `{kind}.{key}`?"));
            let example = schema[annotate::EXAMPLES][0].as_str();
            let example = example.map(|example| format!("for example `{example}`"));
            let other = match prefix {
                "arn:" => "an ARN".to_owned(),
                prefix => format!("`{prefix}…`"),
            };
            let message = format!("`{text}` is neither `{kind}.KEY` nor {other}");
            self.error(span, message).help = near.or(example);
        }
    }

    fn instead_of_another_kind(&self, kind: &str) -> String {
        let addresses: Vec<String> =
            self.addresses.keys(kind).take(LISTED).map(|key| format!("`{kind}.{key}`")).collect();
        match addresses.as_slice() {
            [] => format!("add a {kind} to the file, and write `{kind}.KEY`"),
            _ => format!("write {}", addresses.join(" or ")),
        }
    }

    /// Returns the string with a marker for each word that is the address of a resource.
    fn mentions(&mut self, text: &str, mention: Mention<'_>, span: &Span) -> String {
        let mut words = Vec::new();
        for word in text.split(' ') {
            match word.parse::<Address>() {
                Ok(address) if address.kind() == mention.kind => {
                    let reference = Reference::Output(address, mention.output.to_owned());
                    self.is_there(&reference, span);
                    words.push(reference::marker(&reference));
                }
                _ => words.push(word.to_owned()),
            }
        }
        words.join(" ")
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

    /// Returns the string with references as markers.
    pub fn marked(&mut self, text: &str, span: &Span) -> Option<String> {
        if reference::is_reserved(text) {
            self.error(span, "a string must not contain the control character U+0001".into());
            return None;
        }
        if self.bare(text).is_some() {
            self.missing_braces(text, span, format!("write `${{{text}}}`"));
            return None;
        }
        self.other_templates(text, span);
        let parts = match reference::parse(text) {
            Ok(parts) => parts,
            Err(malformed) => {
                let at = within(span, &malformed.at, text);
                self.error(&at, malformed.message).help = malformed.help;
                return None;
            }
        };
        // All of them first: one mistake hides no other.
        let parts: Vec<Option<String>> =
            parts.into_iter().map(|part| self.part(part, text, span)).collect();
        parts.into_iter().collect()
    }

    /// Returns a part of `text` as the marked string has it.
    fn part(&mut self, part: Part, text: &str, span: &Span) -> Option<String> {
        let (reference, default, at) = match part {
            Part::Literal(text) => return Some(text),
            Part::Reference { reference, default, at } => (reference, default, at),
        };
        let at = within(span, &at, text);
        let variable = self.variable(&reference);
        let is_missing = match variable {
            None | Some(Variable::Set) => false,
            Some(Variable::Empty) => default.as_ref().is_some_and(|default| default.is_for_empty),
            Some(Variable::Unset) => true,
        };
        if is_missing && let Some(default) = default {
            // It may have references of its own.
            return self.marked(&default.text, &within(span, &default.at, text));
        }
        if is_missing && self.known.needs_env {
            let message = format!("`{reference}` is not set in the environment");
            self.error(&at, message).help =
                Some(format!("set it, or write ${{{reference}:-default}}"));
            return None;
        }
        if variable.is_none() {
            self.is_there(&reference, &at);
        }
        Some(reference::marker(&reference))
    }

    /// Returns the resource of this file whose output a text is, without `${` and `}`.
    fn bare(&self, text: &str) -> Option<Address> {
        let (address, output) = text.rsplit_once('.')?;
        let address: Address = address.parse().ok()?;
        self.known.outputs.get(&address)?.contains(&output).then_some(address)
    }

    /// Warns of what would be a reference in another language: `$instance.web.id`, `{{instance.web.id}}`.
    fn other_templates(&mut self, text: &str, span: &Span) {
        for (name, at) in reference::in_other_templates(text) {
            let is_there = match &name {
                Reference::Output(address, output) => {
                    let outputs = self.known.outputs.get(address);
                    outputs.is_some_and(|outputs| outputs.contains(&output.as_str()))
                }
                _ => true,
            };
            if is_there {
                let message =
                    format!("`{}` is plain text here, not a reference", &text[at.clone()]);
                let warning = Diagnostic::warning(within(span, &at, text), message);
                self.diagnostics.push(warning.help(format!("write `${{{name}}}`")));
            }
        }
    }

    fn missing_braces(&mut self, text: &str, span: &Span, help: String) {
        let message = format!("`{text}` is a plain string here, not a reference");
        self.error(span, message).help = Some(help);
    }

    /// Looks up an environment variable; `None` for other references.
    fn variable(&mut self, reference: &Reference) -> Option<Variable> {
        let Reference::Env(name) = reference else { return None };
        let Some(value) = (self.known.env)(name) else { return Some(Variable::Unset) };
        let variable = if value.is_empty() { Variable::Empty } else { Variable::Set };
        self.env.insert(name.clone(), value);
        Some(variable)
    }

    /// Reports a reference to a resource or an output that does not exist.
    fn is_there(&mut self, reference: &Reference, span: &Span) {
        let Reference::Output(address, output) = reference else { return };
        let known = self.known.outputs;
        match known.get(address) {
            None => self.diagnostics.push(self.addresses.missing(address, span)),
            Some(outputs) if !outputs.contains(&output.as_str()) => {
                let near = nearest(output, outputs.iter().copied());
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let help =
                    format!("{near}the outputs of `{}` are {}", address.kind(), outputs.join(", "));
                self.error(span, format!("`{address}` has no output `{output}`")).help = Some(help);
            }
            Some(_) => {}
        }
    }
}

/// A variable of the environment.
#[derive(Clone, Copy)]
enum Variable {
    Unset,
    Empty,
    Set,
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

/// The kind whose addresses are words of a string, and the output that they stand for.
#[derive(Clone, Copy)]
struct Mention<'a> {
    kind: &'a str,
    output: &'a str,
}

fn mentioned(schema: &Json) -> Option<Mention<'_>> {
    let mentions = schema.get(annotate::MENTIONS)?;
    Some(Mention { kind: mentions["kind"].as_str()?, output: mentions["output"].as_str()? })
}

/// Returns the reference that a string consists of.
fn whole(marked: &str) -> Option<Reference> {
    let reference = reference::markers(marked).next()?;
    (reference::marker(&reference) == marked).then_some(reference)
}

/// Returns the span of a part of a scalar, if the file has the scalar as it reads (or quoted).
fn within(span: &Span, part: &Range<usize>, text: &str) -> Span {
    let quotes = span.len().saturating_sub(text.len());
    match quotes {
        0 | 2 => span.start + quotes / 2 + part.start..span.start + quotes / 2 + part.end,
        _ => span.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use schemars::JsonSchema;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::kind::{CreateIdempotency, Field, ResourceType, field};
    use crate::manifest::{Manifest, Request, Source};
    use crate::registry::{Kind, Registry};

    /// A kind whose rules name other objects of it.
    struct Gate;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "only its schema is read")]
    struct Config {
        rules: Vec<String>,
    }

    impl ResourceType for Gate {
        const NAME: &'static str = "gate";
        const OUTPUTS: &'static [&'static str] = &["id"];
        const FIELDS: &'static [Field] = &[field("rules.*").mentions("gate", "id", "self")];
        const CREATE: CreateIdempotency = CreateIdempotency::Token;
        type Config = Config;
        type Spec = Json;
    }

    fn load(rule: &str) -> Result<Manifest, Vec<(String, Option<String>)>> {
        read(format!("stack: s\ngate:\n  a: {{rules: []}}\n  b: {{rules: ['{rule}']}}\n"))
    }

    /// The manifest, or the problems with their help.
    fn read(text: String) -> Result<Manifest, Vec<(String, Option<String>)>> {
        let source = Source::new("stack.yaml", text);
        let request =
            Request { cloud: None, region: None, env: &|_| None, needs_env: true, files: None };
        let kinds = Registry::new(vec![Kind::of::<Gate>()]);
        Manifest::load(source, &request, &kinds).map_err(|invalid| {
            invalid.diagnostics.into_iter().map(|found| (found.message, found.help)).collect()
        })
    }

    #[test]
    fn a_misspelt_section_is_one_problem() {
        let text =
            "stack: s\ngates:\n  a: {rules: []}\noutput: {b: '${gate.a.id}', c: '${gate.a.id}'}\n";
        let problems = read(text.to_owned()).expect_err("a problem");
        let help = Some("did you mean `gate`?".to_owned());
        assert_eq!(problems, [("unknown key `gates`".to_owned(), help)]);
    }

    #[test]
    fn a_key_that_starts_with_x_is_a_place_for_anchors() {
        let text = "stack: s\nx-rules: &rules [one, '${env.UNSET}']\ngate:\n  a: {rules: *rules}\n";
        let problems = read(text.to_owned()).expect_err("a variable that is not set");
        assert_eq!(problems.len(), 1, "the anchored value counts where it is used: {problems:?}");
        let text = text.replace("'${env.UNSET}'", "two");
        let manifest = read(text).expect("a manifest");
        let a = &manifest.resources[&Address::new("gate", "a")];
        assert_eq!(a.config["rules"], json!(["one", "two"]));
    }

    #[test]
    fn an_address_that_is_a_word_of_a_string_is_a_reference() {
        let b = Address::new("gate", "b");
        let rules =
            |rule: &str| load(rule).expect("a manifest").resources[&b].config["rules"].clone();
        let marked = "x from \u{1}gate.a.id\u{1}";
        assert_eq!(rules("x from gate.a"), json!([marked]));
        assert_eq!(rules("x from ${gate.a.id}"), json!([marked]));
        assert_eq!(rules("x from other.a"), json!(["x from other.a"]));
        let needs = load("x from gate.a").expect("a manifest").resources[&b].needs();
        assert_eq!(needs, BTreeSet::from([Address::new("gate", "a")]));
    }

    #[test]
    fn an_address_that_does_not_exist_and_its_own_are_reported() {
        let reported = |rule: &str| load(rule).expect_err("problems").remove(0);
        let (message, help) = reported("x from gate.c");
        assert_eq!(message, "there is no `gate.c` in this stack");
        assert_eq!(help.as_deref(), Some("did you mean `gate.a`?"));
        let (_, help) = reported("x from gate.fortress");
        assert_eq!(help.as_deref(), Some("there are: gate.a, gate.b"));
        let (_, help) = reported("${gat.fortress.id}");
        assert_eq!(help.as_deref(), Some("did you mean the kind `gate`?"));
        let (_, help) = reported("${moon.base.id}");
        assert_eq!(help.as_deref(), Some("`moon` is no kind; the kinds are: gate"));
        let (message, help) = reported("${gate.a.ip}");
        assert_eq!(message, "`gate.a` has no output `ip`");
        assert_eq!(help.as_deref(), Some("did you mean `id`? the outputs of `gate` are id"));
        let (message, help) = reported("x from gate.b");
        assert!(message.contains("gate.b -> gate.b"), "{message}");
        assert_eq!(help.as_deref(), Some("write `self` for the resource itself"));
    }
}
