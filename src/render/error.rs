//! What is said of an error: what happened, where, and what to do.

use serde_json::{Value, json};
use stackwright_engine::Address;
use stackwright_engine::execute::Failure;
use stackwright_engine::kind::{self, tag};
use stackwright_engine::manifest::{Cloud, nearest};
use stackwright_engine::observe::Unseen;
use stackwright_engine::session::{self, Foreign, Why};

use super::json::SCHEMA;
use super::wrap::wrapped;
use super::{blocker, clean, diagnostics, failure};
use crate::cli::quoted;
use crate::error::Error;
use crate::exit::{self, code};
use crate::print::Lost;

/// An error as one document: for a command that prints one with `--json`.
pub fn document(error: &Error) -> Value {
    json!({ "schema": SCHEMA, "error": json(error) })
}

/// An error as an event: for a command that prints events with `--json`.
pub fn event(error: &Error) -> Value {
    let mut event = json(error);
    event["event"] = "error".into();
    event
}

/// An error for programs: its message, what it names, and `text` with all that people read of it.
pub fn json(error: &Error) -> Value {
    let message = match error {
        Error::Session { error, cloud, places } => Report { error, cloud, places }.title(),
        other => clean(&other.to_string()),
    };
    let mut document = json!({
        "message": message,
        "exit_code": exit::of(error),
        "text": report(error, false, None),
    });
    if let Error::Invalid(invalid) = error.cause() {
        document["diagnostics"] =
            diagnostics::as_json(&invalid.diagnostics, &invalid.source).into();
    }
    document
}

/// What is said at the end of a command whose output could not be written.
/// `changes`: whether it may have changed something.
pub fn lost(lost: &Lost, changes: bool) -> String {
    let Lost { stream, error } = lost;
    let hint = if changes {
        "what was done is in the state; `stackwright show` prints it"
    } else {
        "the command changed nothing: give it another place to write to, and run it again"
    };
    format!(
        "error: {stream} cannot be written: {error}; the output is not complete\n  hint: {hint}\n"
    )
}

/// Several lines, wrapped where there is a width.
pub fn report(error: &Error, color: bool, width: Option<usize>) -> String {
    let mut lines = match error {
        Error::Invalid(invalid) => {
            let mut lines =
                diagnostics::rendered(&invalid.diagnostics, &invalid.source, color, width);
            lines.push(wrapped(&format!("error: {invalid}"), width));
            return lines.join("\n\n");
        }
        Error::Session { error, cloud, places } => Report { error, cloud, places }.lines(),
        Error::Hinted { error, hint } => {
            let hint = wrapped(&format!("  hint: {}", clean(hint)), width);
            return format!("{}\n{hint}", report(error, color, width));
        }
        other => vec![format!("error: {}", clean(&other.to_string()))],
    };
    lines.extend(hint(error).map(|hint| format!("  hint: {}", clean(&hint))));
    wrapped(&lines.join("\n"), width)
}

fn hint(error: &Error) -> Option<String> {
    match error {
        Error::NoStackFile => Some("write one, or name it with `-f FILE`".into()),
        Error::NeedsYes(_) => Some("add --yes to answer yes".into()),
        Error::Local(error) => error.hint(),
        Error::Cloud { error, .. } => error.hint.clone(),
        Error::State(error) => error.hint(),
        Error::Refused(_, hint) | Error::Unknown(_, hint) => hint.clone(),
        _ => None,
    }
}

/// An error of a session, and what its words need beside it.
struct Report<'a> {
    error: &'a session::Error,
    cloud: &'a Cloud,
    places: &'a [(Address, String)],
}

impl Report<'_> {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("error: {}", self.title())];
        match self.error {
            session::Error::Unseen(unseen) => {
                let each = |unseen: &Unseen| said(unseen.what(), &unseen.error);
                lines.extend(unseen.iter().flat_map(each));
                lines.extend(skipping(unseen));
            }
            session::Error::Unprepared(failed) => {
                let each = |(address, error): &(Address, _)| said(&self.named(address), error);
                lines.extend(failed.iter().flat_map(each));
            }
            session::Error::Recovery { address, failure } => {
                let hint = failure::hint(address, failure);
                lines.extend(hint.map(|hint| format!("  hint: {}", clean(&hint))));
            }
            session::Error::Import { error, .. } => {
                lines.extend(error.hint.iter().map(|hint| format!("  hint: {}", clean(hint))));
            }
            session::Error::Blocked(blocked) => {
                for blocked in blocked {
                    let place = self.place(&blocked.address).map(|place| format!("{place}: "));
                    let place = place.unwrap_or_default();
                    lines.push(format!("  {place}{}", blocker::sentence(blocked)));
                    lines.push(format!("    hint: {}", blocker::hint(blocked)));
                }
            }
            session::Error::NoSuch(addresses) => {
                let known = || self.places.iter().map(|(address, _)| address.as_str());
                let near = addresses.iter().filter_map(|no| nearest(no.as_str(), known()));
                lines.extend(near.map(|near| format!("  hint: did you mean `{near}`?")));
            }
            session::Error::Foreign(foreign) => {
                lines.extend(foreign.iter().map(|foreign| self.foreign(foreign)));
                let hints = foreign_hints(foreign);
                lines.extend(hints.iter().map(|hint| format!("  hint: {hint}")));
            }
            session::Error::State(_) | session::Error::Unclaimed(_) => {}
        }
        lines
    }

    fn title(&self) -> String {
        match self.error {
            session::Error::Unseen(_) => {
                let cloud = match self.cloud {
                    Cloud::Aws => "AWS".to_owned(),
                    Cloud::Local => "the local cloud".to_owned(),
                    Cloud::Endpoint(url) => clean(url),
                };
                format!("failed to read resources from {cloud}")
            }
            session::Error::Unprepared(failed) => {
                let is_code = failed.iter().all(|(_, error)| error.field == Some("code"));
                let verb = if is_code { "package" } else { "prepare" };
                let names: Vec<&str> = failed.iter().map(|(address, _)| address.as_str()).collect();
                format!("cannot {verb} {}", names.join(", "))
            }
            session::Error::Recovery { address, failure } => recovery(address, failure),
            session::Error::Import { address, error } => {
                format!("{address}: {}", clean(&error.message))
            }
            session::Error::NoSuch(addresses) => {
                let names: Vec<&str> = addresses.iter().map(Address::as_str).collect();
                format!("neither the file nor the state has {}", names.join(", "))
            }
            session::Error::Blocked(_) => "plan is blocked".to_owned(),
            session::Error::Foreign(_) => "found objects do not belong to this state".to_owned(),
            session::Error::Unclaimed(illegal) => {
                clean(&format!("found objects cannot be adopted: {illegal}"))
            }
            session::Error::State(error) => clean(&error.to_string()),
        }
    }

    /// Where a resource stands in the file.
    fn place(&self, address: &Address) -> Option<&str> {
        let found = self.places.binary_search_by(|(known, _)| known.cmp(address)).ok()?;
        Some(self.places[found].1.as_str())
    }

    /// An address, behind its place.
    fn named(&self, address: &Address) -> String {
        let place = self.place(address);
        place.map_or_else(|| address.to_string(), |place| format!("{place}: {address}"))
    }

    fn foreign(&self, foreign: &Foreign) -> String {
        let Foreign { kind, found, why, address } = foreign;
        let created = found.created.as_ref().map(|at| format!(", created {at}"));
        let why = match why {
            Why::OtherLineage => "belongs to another copy of this stack's state",
            Why::TakenOver => "was adopted by another copy of this stack's state",
            Why::OtherStack => "is in this state, and belongs to another stack",
            Why::Duplicate => "is a second object beside the one in the state",
            Why::NameTaken => "has a name that this stack needs, and does not belong to it",
        };
        let place = address.as_ref().map(|address| format!("{}: ", self.named(address)));
        let is_taken = matches!(foreign.why, Why::NameTaken | Why::OtherStack);
        let stack = found.tags.get(tag::STACK).filter(|_| is_taken);
        let stack = stack.map(|stack| format!(" (it belongs to the stack {stack})"));
        let (place, stack) = (place.unwrap_or_default(), stack.unwrap_or_default());
        let name =
            if found.name == found.id { String::new() } else { format!(" `{}`", found.name) };
        let created = created.unwrap_or_default();
        clean(&format!("  {place}{kind} {}{name}{created} {why}{stack}", found.id))
    }
}

/// Why the outcome of a create that an earlier run left open could not be found.
pub fn recovery(address: &Address, failure: &Failure) -> String {
    format!("{address}: {}", clean(&failure::message(failure)))
}

/// The words of a call's error.
fn said(what: &str, error: &kind::Error) -> Vec<String> {
    let mut lines = vec![format!("  {what}: {}", clean(&error.message))];
    lines.extend(error.hint.iter().map(|hint| format!("    hint: {}", clean(hint))));
    lines
}

/// How to go on without what could not be read. Where nothing answers, nothing helps.
fn skipping(unseen: &[Unseen]) -> Option<String> {
    let is_reached = unseen.iter().all(|unseen| exit::of_fault(&unseen.error.fault) != code::CLOUD);
    let known: Vec<&Address> = unseen.iter().filter_map(|unseen| unseen.address.as_ref()).collect();
    let first = known.first().filter(|_| is_reached)?;
    let flags: Vec<String> = known.iter().map(|address| format!("--exclude {address}")).collect();
    Some({
        let flags = flags.join(" ");
        format!(
            "  hint: `plan`, `reconcile` and `destroy` leave it out with `{flags}`; \
             `state rm --force {first}` releases it as it is"
        )
    })
}

fn foreign_hints(foreign: &[Foreign]) -> Vec<String> {
    let is_there = |why: Why| foreign.iter().any(|foreign| foreign.why == why);
    let mut hints = Vec::new();
    if is_there(Why::OtherLineage) || is_there(Why::TakenOver) {
        hints.push(
            "a colleague's clone, or a lost state file? `stackwright reconcile --adopt` adopts them; \
             another `stack:` name leaves them alone"
                .to_owned(),
        );
    }
    let is_lost = |foreign: &&Foreign| matches!(foreign.why, Why::TakenOver | Why::OtherStack);
    let lost = foreign.iter().filter(is_lost).filter_map(|foreign| foreign.address.as_ref());
    let lost: Vec<String> = lost.map(ToString::to_string).collect();
    if let [first, others @ ..] = lost.as_slice() {
        let others = if others.is_empty() { "" } else { ", and so on for the others" };
        hints.push(format!(
            "to drop it here and leave it to them: `stackwright state rm --force {first}`{others}"
        ));
    }
    let is_owned = |foreign: &Foreign| foreign.found.tags.contains_key(tag::STACK);
    let mut taken = foreign.iter().filter(|foreign| foreign.why == Why::NameTaken);
    if taken.any(is_owned) {
        hints.push(
            "give yours another `name:`; or release it in its own stack first (`stackwright state rm`)"
                .to_owned(),
        );
    } else if let Some(taken) = foreign.iter().find(|foreign| foreign.why == Why::NameTaken) {
        hints.push(format!(
            "give yours another `name:`; or adopt it, by `{}` or with `reconcile --adopt`",
            import(taken)
        ));
    }
    if is_there(Why::Duplicate) {
        hints.push("delete one of the two, then run again".to_owned());
    }
    hints
}

/// The command that imports a found object.
fn import(foreign: &Foreign) -> String {
    let id = quoted(&foreign.found.id);
    match &foreign.address {
        Some(address) => format!("stackwright import {address} {id}"),
        None => format!("stackwright import ADDRESS {id}"),
    }
}
