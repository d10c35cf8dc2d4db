//! The parts of the file beside its resources: header, outputs, checks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::common::wrong_tags;
use super::diagnostic::Diagnostic;
use super::placeholder::UNKNOWN;
use super::places::Places;
use super::read::Reader;
use super::schema::{CheckConfig, Header};
use super::source::Span;
use super::tree::Node;
use super::{Check, Cloud};
use crate::address::is_key;
use crate::partition::{self, Partition};
use crate::reference;

impl Reader<'_> {
    pub(super) fn header(
        &self,
        places: &Places<'_>,
        value: &Json,
        cloud: Option<&Cloud>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<Header> {
        let mut header = value.as_object()?.clone();
        header.retain(|key, _| self.kinds.get(key).is_none());
        let header = match Header::deserialize(&Json::Object(header)) {
            Ok(header) => header,
            Err(error) => {
                // The checker has already reported, field by field, what serde refuses.
                if diagnostics.is_empty() {
                    diagnostics
                        .push(Diagnostic::error(places.file.span.clone(), error.to_string()));
                }
                return None;
            }
        };
        for (tag, message) in wrong_tags(&header.tags) {
            let span = places.of(&["tags", &tag]);
            diagnostics.push(Diagnostic::error(span, message));
        }
        self.outputs(places, &header.output, diagnostics);
        place(places.file, &header, cloud, diagnostics);
        Some(header)
    }

    /// Checks the names of outputs, which also become variables of a shell: `api-url` is `API_URL`.
    fn outputs(
        &self,
        places: &Places<'_>,
        outputs: &BTreeMap<String, String>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let mut variables = BTreeMap::new();
        for name in outputs.keys() {
            let span = places.of(&["output", name]);
            let variable = name.replace(['-', '.'], "_").to_ascii_uppercase();
            if !name.split('.').all(is_key) {
                let message = format!("`{name}` is not a valid output name");
                let help = "use a letter, then letters, digits, `-` and `_`; dots may separate several such names";
                diagnostics.push(Diagnostic::error(span, message).help(help));
            } else if let Some(other) = variables.insert(variable.clone(), name) {
                let message =
                    format!("`{other}` and `{name}` would both be the shell variable `{variable}`");
                diagnostics.push(Diagnostic::error(span, message));
            }
        }
    }

    pub(super) fn checks(
        &self,
        places: &Places<'_>,
        configs: BTreeMap<String, CheckConfig>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        for (name, config) in configs.into_iter().filter(|(_, config)| config.call != UNKNOWN) {
            let place = |path: &[&str]| places.of(&[&["check", name.as_str()], path].concat());
            let expect = config.expect.as_ref();
            let within = expect.and_then(|expect| expect.within.as_deref()).unwrap_or("30s");
            let within = duration(within).unwrap_or_else(|| {
                let message = format!("`{within}` is not a duration: write `30s` or `2m`");
                diagnostics.push(Diagnostic::error(place(&["expect", "within"]), message));
                Duration::ZERO
            });
            let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
            let is_url = |url: &str| {
                let url = url.trim();
                let schemes = ["http://", "https://"];
                url.starts_with(reference::MARK) || schemes.iter().any(|s| url.starts_with(s))
            };
            let Some((method, url)) = (config.call.split_once(' '))
                .filter(|(method, url)| methods.contains(method) && is_url(url))
            else {
                let message = "`call` must be a method and a URL: `POST ${api.NAME.url}/path`";
                diagnostics.push(Diagnostic::error(place(&["call"]), message));
                continue;
            };
            checks.push(Check {
                method: method.to_owned(),
                url: url.trim().to_owned(),
                headers: config.headers,
                body: config.body,
                status: expect.and_then(|expect| expect.status).unwrap_or(200),
                contains: config.expect.and_then(|expect| expect.contains),
                within,
                name,
            });
        }
        checks
    }
}

/// Checks the keys that must be the same for every run: stack, cloud, region, account.
fn place(tree: &Node, header: &Header, cloud: Option<&Cloud>, diagnostics: &mut Vec<Diagnostic>) {
    let mut wrong = |key: &str, message: String| {
        let span = tree.get(key).map_or(0..1, |node| node.span.clone());
        diagnostics.push(Diagnostic::error(span, message));
    };
    for (key, text) in [
        ("stack", Some(&header.stack)),
        ("cloud", header.cloud.as_ref()),
        ("region", header.region.as_ref()),
        ("account", header.account.as_ref()),
    ] {
        let written = tree.get(key).and_then(Node::text).or(text.map(String::as_str));
        if text.is_some() && written.is_some_and(reference::refers) {
            wrong(
                key,
                format!("`{key}` must be the same for every run; it cannot contain a reference"),
            );
        }
    }
    let is_reported = header.stack == UNKNOWN || reference::markers(&header.stack).next().is_some();
    if !is_reported && !is_key(&header.stack) {
        let rule = "use a letter, then letters, digits, `-` and `_`, at most 63";
        wrong("stack", format!("`{}` is not a valid stack name: {rule}", header.stack));
    }
    if let Some(written) = &header.region
        && reference::markers(written).next().is_none()
    {
        let span = tree.get("region").map_or(0..1, |node| node.span.clone());
        diagnostics.extend(wrong_region(written, span));
    }
    match (&header.account, cloud) {
        (Some(account), _)
            if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) =>
        {
            let message = format!("`account` must have twelve digits, `{account}` does not");
            let span = tree.get("account").map_or(0..1, |node| node.span.clone());
            diagnostics.push(Diagnostic::error(span, message));
        }
        (None, Some(Cloud::Aws)) => {
            let missing = "`cloud: aws` needs `account: \"123456789012\"`, \
                           so that no run ever changes another account";
            let span = tree.entry("cloud").map_or(0..1, |(key, _)| key.span.clone());
            diagnostics.push(Diagnostic::error(span, missing));
        }
        _ => {}
    }
}

/// Returns what is wrong with a region, or may be: AWS opens regions whose first word is new.
pub fn wrong_region(region: &str, span: Span) -> Option<Diagnostic> {
    if !partition::is_region(region) {
        let message = format!("`{region}` is not written like a region, such as `us-east-1`");
        let help = partition::meant(region).map(|meant| format!("did you mean `{meant}`?"));
        Some(Diagnostic { help, ..Diagnostic::error(span, message) })
    } else if Partition::of(region).is_none() {
        let message = format!("`{region}` is in no partition of AWS that this version knows");
        let help = "names and URLs are made as in the partition `aws`";
        Some(Diagnostic::warning(span, message).help(help))
    } else {
        let known = partition::instead_of(region)?;
        let message = format!("this version knows no region `{region}`");
        let help =
            format!("did you mean {}? AWS opens new regions now and then", known.join(" or "));
        Some(Diagnostic::warning(span, message).help(help))
    }
}

/// `30s`, `2m`, `500ms`, `30`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    match text[digits..].trim() {
        "" | "s" => Some(Duration::from_secs(number)),
        "ms" => Some(Duration::from_millis(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}
