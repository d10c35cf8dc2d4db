//! `check`: the HTTP calls that prove that the stack works.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stackwright_aws::http_check::{Reply, Request, call};
use stackwright_engine::Address;
use stackwright_engine::manifest::{Check, Manifest, Resource};
use stackwright_engine::prepare::known_outputs;
use stackwright_engine::reference::{self, Reference, Scope};
use stackwright_engine::state::State;

use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::exit::code;
use crate::print;
use crate::progress::{Progress, Silent};
use crate::render::unfinished::Unfinished;
use crate::render::{self, clean, time, wrap};
use crate::signals::Signals;
use crate::workspace::{self, Connected};

/// Why a check failed.
pub enum Failure {
    /// The file refers to an output of this resource, which does not exist: nothing was called.
    NoResource(Address),
    /// This reference of the file is not known: nothing was called.
    Unknown(Reference),
    /// The call itself failed.
    Call(String),
    /// The answer has another status than the file wants.
    Status { status: u16, wanted: u16, body: String },
    /// The answer does not contain what the file wants.
    Missing { wanted: String, body: String },
}

impl Failure {
    /// Tells whether the call was made.
    fn is_called(&self) -> bool {
        !matches!(self, Self::NoResource(_) | Self::Unknown(_))
    }
}

/// `again`: the command that runs the checks again.
pub async fn run(stack: &Stack, again: &str, progress: &Progress) -> Result<u8> {
    let workspace = workspace::open_to_look(stack).await?;
    let Some(state) = workspace.peek()? else {
        return Err(Error::Unknown(
            "there is no state yet".into(),
            Some("run `stackwright reconcile`".into()),
        ));
    };
    if workspace.manifest.checks.is_empty() {
        wrap::eprintln!("the file has no `check:`");
        return Ok(0);
    }
    let signals = Signals::catch(again, progress.json);
    let connected = workspace.connect(progress).await?;
    let mut ended = Vec::new();
    let checking = all(&workspace.manifest, &connected, &state, &mut ended, progress);
    match signals.unless(checking).await {
        Ok(passed) => Ok(if passed? { 0 } else { code::CHECK }),
        Err(signal) => {
            let names = workspace.manifest.checks.iter().map(|check| check.name.clone());
            let left = names.filter(|name| !ended.contains(name)).collect();
            let unfinished = Unfinished {
                is_interrupted: true,
                not_started: left,
                done: ended,
                resume: again.to_owned(),
                ..Unfinished::default()
            };
            progress.say(|| unfinished.of_checks(), || unfinished.json());
            Ok(signal)
        }
    }
}

/// Runs all checks and tells of each; false when one failed. Adds the name of each to `ended`.
pub async fn all(
    manifest: &Manifest,
    connected: &Connected,
    state: &State,
    ended: &mut Vec<String>,
    progress: &Progress,
) -> Result<bool> {
    let scope = Scope { outputs: known_outputs(state), ..connected.scope.clone() };
    let mut passed = true;
    for check in &manifest.checks {
        let since = Instant::now();
        let checking = one(check, &scope, connected, progress);
        let failure = progress.during(&format!("check {}", check.name), checking).await;
        let because = failure.as_ref().map(|why| scope.redacted(&render::check::failure(why)));
        passed &= failure.is_none();
        ended.push(check.name.clone());
        let elapsed = since.elapsed();
        if progress.json {
            let event = json!({
                "event": "checked", "check": check.name, "passed": failure.is_none(),
                "because": because, "elapsed_ms": elapsed.as_millis() as u64,
            });
            print::stdout!("{event}");
            continue;
        }
        let url = scope.fill_all_but_secrets(&check.url);
        let call = format!("{} {}", check.method, reference::readable(&url));
        let (name, elapsed) = (&check.name, time(elapsed));
        match failure.as_ref().zip(because) {
            None => {
                wrap::eprintln!("check {name}: {call} answered {} ({elapsed})", check.status);
            }
            Some((failure, because)) => {
                let because = clean(&because);
                let failed = if failure.is_called() {
                    format!("failed for {elapsed}")
                } else {
                    "was not called".to_owned()
                };
                wrap::eprintln!("check {name}: {call} {failed}: {because}");
                let functions = functions_behind(check, manifest);
                if let Some(hint) = render::check::hint(failure, &functions) {
                    wrap::eprintln!("  hint: {hint}");
                }
            }
        }
    }
    Ok(passed)
}

/// The keys of the functions to which the APIs of a check's URL lead.
fn functions_behind<'a>(check: &Check, manifest: &'a Manifest) -> Vec<&'a str> {
    let api = |reference: Reference| match reference {
        Reference::Output(address, _) => manifest.resources.get(&address),
        _ => None,
    };
    let apis = reference::markers(&check.url).filter_map(api);
    let needed: BTreeSet<Address> = apis.flat_map(Resource::needs).collect();
    let known = needed.iter().filter_map(|needed| manifest.resources.get_key_value(needed));
    let functions = known.map(|(address, _)| address).filter(|of| of.kind() == "function");
    functions.map(Address::key).collect()
}

/// Calls until the answer is as expected or the time is over; then why it was not.
async fn one(
    check: &Check,
    scope: &Scope,
    connected: &Connected,
    progress: &Progress,
) -> Option<Failure> {
    let wanted = check.contains.as_deref().map(|wanted| filled(wanted, scope)).transpose();
    let (request, wanted) = match request(check, scope).and_then(|sent| Ok((sent, wanted?))) {
        Ok(both) => both,
        Err(unknown) => return Some(unknown),
    };
    let since = Instant::now();
    let mut pause = Duration::from_millis(50);
    let mut told = since;
    loop {
        let failure = match call(&connected.clients, &request).await {
            Ok(reply) => verdict(check, wanted.as_deref(), &reply, scope)?,
            Err(error) => Failure::Call(error.message),
        };
        if since.elapsed() + pause >= check.within {
            return Some(failure);
        }
        if told.elapsed() >= Duration::from_secs(3) {
            told = Instant::now();
            let (elapsed, because) =
                (since.elapsed(), scope.redacted(&render::check::failure(&failure)));
            still(check, elapsed, because, progress);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// It has not passed yet, and is asked again.
fn still(check: &Check, elapsed: Duration, because: String, progress: &Progress) {
    let (name, what, limit) = (&check.name, "the expected answer", check.within);
    let silent = Silent {
        who: format!("check {name}"),
        what: Some(what.to_owned()),
        because: Some(because.clone()),
        elapsed,
        limit: Some(limit),
    };
    progress.say(
        || render::event::waiting(&silent),
        || {
            json!({
                "event": "waiting", "check": name, "for": what, "because": because,
                "elapsed_ms": elapsed.as_millis() as u64, "limit_ms": limit.as_millis() as u64,
            })
        },
    );
}

/// Returns a value with its references filled in, or why one of them is not known.
fn resolved(value: &Value, scope: &Scope) -> Result<Value, Failure> {
    let value = reference::resolve(value, scope).value;
    match reference::references(&value).into_iter().next() {
        None => Ok(value),
        Some(Reference::Output(address, _)) if !scope.outputs.contains_key(&address) => {
            Err(Failure::NoResource(address))
        }
        Some(left) => Err(Failure::Unknown(left)),
    }
}

fn filled(text: &str, scope: &Scope) -> Result<String, Failure> {
    Ok(resolved(&text.into(), scope)?.as_str().unwrap_or_default().to_owned())
}

fn request(check: &Check, scope: &Scope) -> Result<Request, Failure> {
    let body = match check.body.as_ref().map(|body| resolved(body, scope)).transpose()? {
        Some(Value::String(text)) => Some(text),
        body => body.map(|body| body.to_string()),
    };
    let mut headers = Vec::new();
    for (name, value) in &check.headers {
        headers.push((name.clone(), filled(value, scope)?));
    }
    let named = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    if body.is_some() && !named("content-type") {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    // An API of ours may want signed calls; one that does not ignores the signature.
    let sign = reference::markers(&check.url)
        .any(|r| matches!(r, Reference::Output(address, _) if address.kind() == "api"));
    Ok(Request {
        method: check.method.clone(),
        url: filled(&check.url, scope)?,
        headers,
        body,
        sign,
    })
}

/// `None`: as expected.
fn verdict(check: &Check, wanted: Option<&str>, reply: &Reply, scope: &Scope) -> Option<Failure> {
    // Redacted before it is cut: half a secret would not be known for one.
    let body: String = scope.redacted(&reply.body).chars().take(300).collect();
    if reply.status != check.status {
        return Some(Failure::Status { status: reply.status, wanted: check.status, body });
    }
    match wanted {
        Some(wanted) if !reply.body.contains(wanted) => {
            Some(Failure::Missing { wanted: scope.redacted(wanted), body })
        }
        _ => None,
    }
}
