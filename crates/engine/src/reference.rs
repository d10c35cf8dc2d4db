//! `${kind.key.output}` and its relatives inside the texts of a stack file.
//!
//! A string is parsed once, when the file is read. From then on a reference stands in it as a
//! *marker*: its name between two control characters that no YAML string may contain. So a config
//! keeps its shape, also in a kind's normal form, while an output is known only after apply.
//! [`resolve`] replaces markers by values; nothing that still has a marker is sent.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use serde_json::Value;

use crate::address::{Address, is_key};

/// The character on both sides of a reference's name inside a string.
pub(crate) const MARK: char = '\u{1}';

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `${env.NAME}`; its value is a secret.
    Env(String),
    Aws(Fact),
    StackName,
    Output(Address, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    Account,
    Region,
    Partition,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env.{name}"),
            Self::Aws(Fact::Account) => f.write_str("aws.account"),
            Self::Aws(Fact::Region) => f.write_str("aws.region"),
            Self::Aws(Fact::Partition) => f.write_str("aws.partition"),
            Self::StackName => f.write_str("stack.name"),
            Self::Output(address, output) => write!(f, "{address}.{output}"),
        }
    }
}

/// A piece of a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Literal(String),
    Reference { reference: Reference, default: Option<Default>, at: Range<usize> },
}

/// What an environment variable is worth that has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Default {
    /// It may contain references.
    pub text: String,
    /// Where it is in the string.
    pub at: Range<usize>,
    /// Whether it also stands for a variable that is set and empty: `:-`, as in a shell.
    pub is_for_empty: bool,
}

/// Why a string is malformed, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub at: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

/// Grammar: `${env.NAME}`, `${env.NAME:-default}`, `${env.NAME-default}`,
/// `${aws.account|region|partition}`, `${stack.name}`, `${kind.key.output}`; `$${` stands for `${`. Braces in a
/// default nest.
pub fn parse(text: &str) -> Result<Vec<Part>, Malformed> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("${").map(|offset| at + offset) {
        if text[at..found].ends_with('$') {
            literal.push_str(&text[at..found - 1]);
            literal.push_str("${");
            at = found + 2;
            continue;
        }
        literal.push_str(&text[at..found]);
        let Some(end) = closing(text, found + 2) else {
            return Err(Malformed {
                at: found..text.len(),
                message: "`${` has no closing `}`".into(),
                help: Some("write `$${` for a literal `${`".into()),
            });
        };
        if !literal.is_empty() {
            parts.push(Part::Literal(std::mem::take(&mut literal)));
        }
        let inside = &text[found + 2..end];
        let (name, default) = split_default(inside, found + 2);
        let at_reference = found..end + 1;
        let reference = name_of(name).ok_or_else(|| unknown(name, at_reference.clone()))?;
        if default.is_some() && !matches!(reference, Reference::Env(_)) {
            return Err(Malformed {
                at: at_reference,
                message: format!("only `${{env.…}}` can have a default (`:-`), not `{name}`"),
                help: None,
            });
        }
        parts.push(Part::Reference { reference, default, at: at_reference });
        at = end + 1;
    }
    literal.push_str(&text[at..]);
    if !literal.is_empty() || parts.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(parts)
}

/// Returns where the brace is that closes the one before `start`.
fn closing(text: &str, start: usize) -> Option<usize> {
    let mut open = 1;
    text[start..].bytes().enumerate().find_map(|(offset, byte)| {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(start + offset)
    })
}

/// Splits a name from its default. A `-` alone belongs to many names, and to no variable's.
fn split_default(inside: &str, start: usize) -> (&str, Option<Default>) {
    let is_variable = inside.starts_with("env.");
    let at = inside.find(if is_variable { "-" } else { ":-" });
    let Some(at) = at else { return (inside, None) };
    let is_for_empty = !is_variable || inside[..at].ends_with(':');
    let name = if is_variable {
        inside[..at].strip_suffix(':').unwrap_or(&inside[..at])
    } else {
        &inside[..at]
    };
    let from = if is_variable { at + 1 } else { at + 2 };
    let text = inside[from..].to_owned();
    (name, Some(Default { text, at: start + from..start + inside.len(), is_for_empty }))
}

fn unknown(name: &str, at: Range<usize>) -> Malformed {
    if let Some(meant) = name_of(name.trim_matches(|c: char| c.is_whitespace() || "{}".contains(c)))
    {
        let help = format!("write `${{{meant}}}`");
        return Malformed { at, message: format!("`{name}` is not a reference"), help: Some(help) };
    }
    let help = match name.split('.').next() {
        Some("env") if name.contains('?') => {
            "write `${env.NAME}` alone: a variable that is not set is an error anyway"
        }
        Some("aws") => "use ${aws.account}, ${aws.region} or ${aws.partition}",
        Some("env") => "use letters, digits and `_` for a variable: ${env.DB_PASSWORD}",
        Some("stack") => "use ${stack.name}",
        _ => {
            "a reference is ${kind.key.output}, for example ${instance.web.id}; \
              write `$${` for a literal `${`"
        }
    };
    Malformed { at, message: format!("`{name}` is not a reference"), help: Some(help.into()) }
}

fn name_of(name: &str) -> Option<Reference> {
    let parts: Vec<&str> = name.split('.').collect();
    Some(match parts.as_slice() {
        ["env", name] if is_variable(name) => Reference::Env((*name).to_owned()),
        ["aws", "account"] => Reference::Aws(Fact::Account),
        ["aws", "region"] => Reference::Aws(Fact::Region),
        ["aws", "partition"] => Reference::Aws(Fact::Partition),
        ["stack", "name"] => Reference::StackName,
        ["env" | "aws" | "stack", ..] => return None,
        [kind, key, output] if is_key(kind) && is_key(key) && is_key(output) => {
            Reference::Output(Address::new(kind, key), (*output).to_owned())
        }
        _ => return None,
    })
}

/// Returns what would be a reference if it were written with `${` and `}`, and where: `$instance.web.id`,
/// `$(instance.web.id)`, `{{ instance.web.id }}`.
pub fn in_other_templates(text: &str) -> impl Iterator<Item = (Reference, Range<usize>)> + '_ {
    [("{{", "}}"), ("$(", ")"), ("$", "")].into_iter().flat_map(move |(open, close)| {
        // `$${` is a literal `${`, and `${{` is malformed.
        let found = text.match_indices(open).filter(|(at, _)| !text[..*at].ends_with('$'));
        found.filter_map(move |(start, _)| {
            let inside = text[start + open.len()..].trim_start();
            let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let length = inside.find(|c: char| !is_part(c)).unwrap_or(inside.len());
            let (name, rest) = inside.split_at(length);
            let name = name.trim_end_matches(['.', '-']);
            let is_closed = rest.trim_start().starts_with(close);
            let end = match close {
                "" => text.len() - inside.len() + name.len(),
                close => text.len() - rest.trim_start().len() + close.len(),
            };
            name_of(name).filter(|_| is_closed).map(|reference| (reference, start..end))
        })
    })
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Tells whether a string of the file contains a reference.
pub fn refers(text: &str) -> bool {
    parse(text).is_ok_and(|parts| parts.iter().any(|part| matches!(part, Part::Reference { .. })))
}

/// Returns the marker of a reference.
pub fn marker(reference: &Reference) -> String {
    format!("{MARK}{reference}{MARK}")
}

/// Tells whether a string contains the character that is reserved for markers.
pub fn is_reserved(text: &str) -> bool {
    text.contains(MARK)
}

/// Returns the references whose markers are in a string.
pub fn markers(text: &str) -> impl Iterator<Item = Reference> + '_ {
    text.split(MARK).skip(1).step_by(2).filter_map(name_of)
}

/// Returns the resources to which the markers in a string refer.
pub fn addresses(text: &str) -> BTreeSet<Address> {
    let address = |reference| match reference {
        Reference::Output(address, _) => Some(address),
        _ => None,
    };
    markers(text).filter_map(address).collect()
}

/// Returns all references in all strings of a value.
pub fn references(value: &Value) -> BTreeSet<Reference> {
    let mut found = BTreeSet::new();
    each_text(value, &mut |text| found.extend(markers(text)));
    found
}

fn each_text<'a>(value: &'a Value, visit: &mut dyn FnMut(&'a str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, visit)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            visit(key);
            each_text(item, visit);
        }),
        _ => {}
    }
}

/// Returns a string for people: markers become `${…}` again.
pub fn readable(text: &str) -> String {
    let mut pieces = text.split(MARK);
    let mut readable = pieces.next().unwrap_or_default().to_owned();
    while let Some(name) = pieces.next() {
        readable.push_str(&format!("${{{name}}}{}", pieces.next().unwrap_or_default()));
    }
    readable
}

/// Returns a value with its keys for people: markers become `${…}` again.
pub fn with_readable_keys(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (readable(&key), with_readable_keys(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(with_readable_keys).collect(),
        other => other,
    }
}

/// Tells whether a readable string contains a reference, so that its value is not known yet.
pub fn is_open(text: &str) -> bool {
    text.contains("${")
}

/// The outputs of objects, by address and name.
pub type Outputs = BTreeMap<Address, BTreeMap<String, String>>;

/// The values of references in one run.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub stack: String,
    pub region: String,
    pub account: String,
    pub partition: String,
    pub env: BTreeMap<String, String>,
    pub outputs: Outputs,
}

impl Scope {
    /// Returns the value of a reference, if it is known yet.
    pub fn get(&self, reference: &Reference) -> Option<&str> {
        match reference {
            Reference::Env(name) => self.env.get(name).map(String::as_str),
            Reference::Aws(Fact::Account) => Some(&self.account),
            Reference::Aws(Fact::Region) => Some(&self.region),
            Reference::Aws(Fact::Partition) => Some(&self.partition),
            Reference::StackName => Some(&self.stack),
            Reference::Output(address, output) => {
                self.outputs.get(address)?.get(output).map(String::as_str)
            }
        }
    }

    /// Returns what is known of a string: its references filled in, and nothing for those whose value is
    /// not known yet.
    pub fn known(&self, text: &str) -> String {
        self.fill(text).split(MARK).step_by(2).collect()
    }

    /// Returns a string with every known value filled in.
    pub fn fill(&self, text: &str) -> String {
        self.fill_some(text, |_| true)
    }

    /// Returns a string with every known value filled in, except those of environment variables.
    pub fn fill_all_but_secrets(&self, text: &str) -> String {
        self.fill_some(text, |reference| !matches!(reference, Reference::Env(_)))
    }

    fn fill_some(&self, text: &str, is_asked: impl Fn(&Reference) -> bool) -> String {
        if !is_reserved(text) {
            return text.to_owned();
        }
        let mut filled = String::with_capacity(text.len());
        for (at, piece) in text.split(MARK).enumerate() {
            let value = name_of(piece).filter(|_| at % 2 == 1);
            let known = |reference| self.get(reference).filter(|_| is_asked(reference));
            match value.as_ref().map(|reference| (known(reference), reference)) {
                Some((Some(value), _)) => filled.push_str(value),
                Some((None, reference)) => filled.push_str(&marker(reference)),
                None => filled.push_str(piece),
            }
        }
        filled
    }
}

/// A config with every known value filled in, and its strings that contain a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub value: Value,
    /// The strings that contain a secret, each with the same string in which the secrets are markers.
    pub secrets: BTreeMap<String, String>,
}

/// Replaces markers by the values that `scope` knows. Other markers stay.
pub fn resolve(config: &Value, scope: &Scope) -> Draft {
    let mut secrets = BTreeMap::new();
    let value = map_texts(config, &mut |text| {
        let filled = scope.fill(text);
        if markers(text).any(|reference| matches!(reference, Reference::Env(_))) {
            secrets.insert(filled.clone(), scope.fill_all_but_secrets(text));
        }
        filled
    });
    Draft { value, secrets }
}

/// Returns the value with each of its strings replaced if there is a marker in one of them; without markers it is
/// the value itself.
pub fn map_marked<'a>(value: &'a Value, change: &dyn Fn(&str) -> String) -> Cow<'a, Value> {
    let mut has_markers = false;
    each_text(value, &mut |text| has_markers |= is_reserved(text));
    if has_markers {
        Cow::Owned(map_texts(value, &mut |text| change(text)))
    } else {
        Cow::Borrowed(value)
    }
}

/// Returns the value with each of its strings replaced.
pub fn map_texts(value: &Value, change: &mut dyn FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, item)| (key.clone(), map_texts(item, change))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn marked(text: &str) -> String {
        let parts = parse(text).expect("well formed");
        parts
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.clone(),
                Part::Reference { reference, .. } => marker(reference),
            })
            .collect()
    }

    fn scope() -> Scope {
        let web = [("id".to_owned(), "i-1".to_owned())].into();
        Scope {
            region: "us-east-1".into(),
            env: [("PW".to_owned(), "hunter2".to_owned())].into(),
            outputs: [(Address::new("instance", "web"), web)].into(),
            ..Scope::default()
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(readable(&scope().fill(&marked(text))), expected);
    }

    #[test]
    fn known_values_are_filled_in() {
        check("plain", "plain");
        check("", "");
        check("<${instance.web.id}>", "<i-1>");
        check("${instance.web.id}${aws.region}", "i-1us-east-1");
        check("${instance.db.id}!", "${instance.db.id}!");
        check("$${not.a.reference} $", "${not.a.reference} $");
        check("a$${b}${env.PW}", "a${b}hunter2");
    }

    #[test]
    fn a_default_ends_with_the_brace_that_closes_the_reference() {
        let default = |text: &str| match parse(text).expect("well formed").remove(0) {
            Part::Reference { default: Some(default), .. } => {
                assert_eq!(text[default.at.clone()], default.text);
                (default.text, default.is_for_empty)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(default("${env.A:-b}"), ("b".into(), true));
        assert_eq!(default("${env.A-b-c}"), ("b-c".into(), false));
        assert_eq!(default("${env.A:-}"), (String::new(), true));
        assert_eq!(default(r#"${env.A:-{"x":{"y":1}}}"#), (r#"{"x":{"y":1}}"#.into(), true));
        assert_eq!(default("${env.A:-${env.B:-c}}"), ("${env.B:-c}".into(), true));
        let parts = parse("${env.A:-{}}!").expect("well formed");
        assert_eq!(parts[1], Part::Literal("!".into()));
    }

    #[test]
    fn a_malformed_reference_is_refused() {
        for text in [
            "${",
            "${}",
            "${a.b}",
            "${aws.zone}",
            "${env.9}",
            "${a.b.c:-d}",
            "${a.b.c.d}",
            "${env.A:b}",
            "${env.A:-{}",
            "${env.A::-b}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_other_languages_would_fill_in_is_found() {
        let found = |text: &str| -> Vec<String> {
            let found = in_other_templates(text);
            found.map(|(reference, at)| format!("{reference} in {}", &text[at])).collect()
        };
        assert_eq!(found("x $a.b.id."), ["a.b.id in $a.b.id"]);
        assert_eq!(found("$(a.b-c.id)"), ["a.b-c.id in $(a.b-c.id)"]);
        assert_eq!(found("<{{ a.b.id }}>"), ["a.b.id in {{ a.b.id }}"]);
        assert_eq!(found("{{aws.region}}/$stack.name").len(), 2);
        for text in
            ["$HOME", "$(date)", "${a.b.id}", "$${a.b.id}", "$$a.b.id", "{{a.b.id", "a.b.id", "$"]
        {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn resolving_returns_the_secrets_it_filled_in() {
        let config = json!({ "a": marked("x${env.PW}"), "b": [marked("${instance.web.id}")] });
        let draft = resolve(&config, &scope());
        assert_eq!(draft.value, json!({ "a": "xhunter2", "b": ["i-1"] }));
        assert!(references(&draft.value).is_empty());
        let secret = draft.secrets.get("xhunter2").map(String::as_str);
        assert_eq!(secret, Some("x\u{1}env.PW\u{1}"));
    }

    #[test]
    fn unknown_references_are_found_also_in_the_keys_of_a_map() {
        let left = json!({ marked("${instance.db.id}"): [marked("${instance.db.arn}")] });
        assert_eq!(references(&resolve(&left, &scope()).value).len(), 2);
    }
}
