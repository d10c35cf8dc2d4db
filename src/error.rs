//! From what went wrong to a text, hints and an exit code: decided here and nowhere else.

use std::path::PathBuf;

use stackwright_engine::Address;
use stackwright_engine::kind::{self, Fault, tag};
use stackwright_engine::manifest::{Invalid, Manifest, nearest};
use stackwright_engine::observe::Unseen;
use stackwright_engine::plan::{Action, Held, Hold};
use stackwright_engine::session::{self, Foreign, Why};
use stackwright_engine::state;

use crate::render::clean;

/// The exit codes.
pub mod code {
    pub const OTHER: u8 = 1;
    pub const CHANGES: u8 = 2;
    pub const CLOUD: u8 = 3;
    pub const RESOURCE: u8 = 4;
    pub const CHECK: u8 = 5;
    pub const LOCKED: u8 = 6;
    pub const USAGE: u8 = 64;
    pub const INVALID: u8 = 65;
    pub const INTERRUPTED: u8 = 130;
    pub const TERMINATED: u8 = 143;
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no stack.yaml here or in a folder above")]
    NoStackFile,
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Invalid(Box<Invalid>),
    #[error("declined; nothing was changed")]
    Declined,
    #[error("this {0}, and there is no terminal to ask on")]
    NeedsYes(&'static str),
    #[error(transparent)]
    Local(Box<stackwright_local::Error>),
    #[error("{what}: {error}")]
    Cloud { what: String, error: Box<kind::Error> },
    #[error("{0}")]
    Refused(String, Option<String>),
    #[error("{error}")]
    Session { error: Box<session::Error>, places: Vec<(Address, String)> },
    #[error(transparent)]
    State(Box<state::Error>),
    #[error("{0}")]
    Unknown(String, Option<String>),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

impl From<state::Error> for Error {
    fn from(error: state::Error) -> Self {
        Self::State(Box::new(error))
    }
}

impl From<stackwright_local::Error> for Error {
    fn from(error: stackwright_local::Error) -> Self {
        Self::Local(Box::new(error))
    }
}

impl Error {
    /// A cloud's refusal of something that is not a step of a plan.
    pub fn cloud(what: impl Into<String>, error: kind::Error) -> Self {
        Self::Cloud { what: what.into(), error: Box::new(error) }
    }

    /// A session's error with where the resources it names stand in the file.
    pub fn session(error: session::Error, manifest: &Manifest) -> Self {
        let place = |resource: &stackwright_engine::manifest::Resource| {
            let span = field_of(&error, &resource.address)
                .and_then(|field| resource.fields.get(field))
                .unwrap_or(&resource.span);
            (resource.address.clone(), manifest.source.place(span.start))
        };
        let places = manifest.resources.values().map(place).collect();
        match error {
            session::Error::State(error) => error.into(),
            error => Self::Session { error: Box::new(error), places },
        }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NoStackFile | Self::Usage(_) | Self::NeedsYes(_) => code::USAGE,
            Self::Invalid(_) => code::INVALID,
            Self::Local(_) | Self::Refused(..) => code::CLOUD,
            Self::Cloud { error, .. } => fault_code(&error.fault),
            Self::State(error) if matches!(**error, state::Error::Locked { .. }) => code::LOCKED,
            Self::Session { error, .. } => session_code(error),
            _ => code::OTHER,
        }
    }

    /// What happened, where, and what to do; several lines.
    pub fn report(&self, color: bool) -> String {
        let mut lines = match self {
            Self::Invalid(invalid) => {
                let found = &invalid.diagnostics;
                let mut lines: Vec<String> =
                    found.iter().map(|d| d.render(&invalid.source, color)).collect();
                lines.push(format!("error: {invalid}"));
                return lines.join("\n\n");
            }
            Self::Session { error, places } => session_lines(error, places),
            other => vec![format!("error: {}", clean(&other.to_string()))],
        };
        lines.extend(self.hint().map(|hint| format!("  hint: {hint}")));
        lines.join("\n")
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoStackFile => Some("write one, or name it: stackwright plan FILE".into()),
            Self::NeedsYes(_) => Some("if that is what you want, add --yes".into()),
            Self::Local(error) => error.hint(),
            Self::Cloud { error, .. } => error.hint.clone(),
            Self::State(error) => error.hint(),
            Self::Refused(_, hint) | Self::Unknown(_, hint) => hint.clone(),
            _ => None,
        }
    }
}

pub fn fault_code(fault: &Fault) -> u8 {
    match fault {
        Fault::Credentials | Fault::Unreachable => code::CLOUD,
        _ => code::RESOURCE,
    }
}

fn session_code(error: &session::Error) -> u8 {
    match error {
        session::Error::Unseen(unseen) => {
            unseen.iter().map(|unseen| fault_code(&unseen.error.fault)).min().unwrap_or(code::OTHER)
        }
        session::Error::Recovery { error, .. } | session::Error::Import { error, .. } => {
            fault_code(&error.fault)
        }
        session::Error::Held(held) if held.iter().all(is_guarded) => code::OTHER,
        session::Error::Unprepared(failed) => {
            let mut faults = failed.iter().map(|(_, error)| &error.fault);
            faults.find(|fault| **fault != Fault::Terminal).map_or(code::INVALID, fault_code)
        }
        session::Error::Held(_) => code::INVALID,
        session::Error::NoSuch(_) => code::USAGE,
        session::Error::Foreign(_) | session::Error::State(_) | session::Error::Unclaimed(_) => {
            code::OTHER
        }
    }
}

fn session_lines(error: &session::Error, places: &[(Address, String)]) -> Vec<String> {
    let place = |address: &Address| {
        let found = places.iter().find(|(known, _)| known == address);
        found.map_or_else(|| address.to_string(), |(_, place)| format!("{place}: {address}"))
    };
    let mut lines = vec![format!("error: {}", clean(&error.to_string()))];
    let mut add = |what: String, said: &kind::Error| {
        lines.push(format!("  {what}: {}", clean(&said.message)));
        lines.extend(said.hint.iter().map(|hint| format!("    hint: {hint}")));
    };
    match error {
        session::Error::Unseen(unseen) => {
            unseen.iter().for_each(|unseen| add(unseen.what().to_owned(), &unseen.error));
            lines.extend(leaving_out(unseen));
        }
        session::Error::Unprepared(failed) => {
            failed.iter().for_each(|(address, error)| add(place(address), error));
        }
        session::Error::Recovery { error, .. } | session::Error::Import { error, .. } => {
            lines.extend(error.hint.iter().map(|hint| format!("  hint: {hint}")));
        }
        session::Error::Held(held) => {
            lines.extend(held.iter().flat_map(|held| held_lines(held, &place)));
        }
        session::Error::NoSuch(addresses) => {
            let known: Vec<&str> = places.iter().map(|(address, _)| address.as_str()).collect();
            let near =
                addresses.iter().filter_map(|no| nearest(no.as_str(), known.iter().copied()));
            lines.extend(near.map(|near| format!("  hint: did you mean `{near}`?")));
        }
        session::Error::Foreign(foreign) => lines.extend(foreign_lines(foreign, &place)),
        session::Error::State(_) | session::Error::Unclaimed(_) => {}
    }
    lines
}

/// How to go on without what could not be looked at. Where nothing answers, nothing helps.
fn leaving_out(unseen: &[Unseen]) -> Option<String> {
    let is_reached = unseen.iter().all(|unseen| fault_code(&unseen.error.fault) != code::CLOUD);
    let known = unseen.iter().filter_map(|unseen| unseen.address.as_ref());
    let flags: Vec<String> = known.map(|address| format!("--exclude {address}")).collect();
    (is_reached && !flags.is_empty()).then(|| {
        let flags = flags.join(" ");
        format!(
            "  hint: `plan`, `reconcile` and `destroy` go on without it by `{flags}`; \
             `state rm --force` forgets it"
        )
    })
}

/// The field that an error names of what could not be prepared.
fn field_of(error: &session::Error, address: &Address) -> Option<&'static str> {
    let session::Error::Unprepared(failed) = error else { return None };
    failed.iter().find(|(of, _)| of == address)?.1.field
}

fn is_guarded(held: &Held) -> bool {
    !matches!(held.hold, Hold::CannotUnset(_))
}

fn held_lines(held: &Held, place: &dyn Fn(&Address) -> String) -> Vec<String> {
    let place = place(&held.address);
    let (guard, action, because) = match &held.hold {
        Hold::CannotUnset(path) => {
            let what = format!("`{path}` has no default to return to; write the value you want");
            return vec![format!("  {place}: {what}")];
        }
        Hold::NameKept(former) => {
            return vec![
                format!(
                    "  {place}: its name is that of {former}, which `retain` keeps in the cloud"
                ),
                format!(
                    "    hint: another `name:`; or `renamed_from: {}` for the same object",
                    former.key()
                ),
            ];
        }
        Hold::MadeOtherwise(path) => {
            return vec![
                format!("  {place}: it was made, but not with `{path}` as it was asked for"),
                format!(
                    "    hint: the endpoint may not support it: take it out of the file; or \
                     `--replace {}`, which makes another one",
                    held.address
                ),
            ];
        }
        Hold::NeverLess { path, now } => {
            return vec![
                format!("  {place}: `{path}` is {now} and never gets smaller"),
                format!(
                    "    hint: write {now} or more; or `--replace {}`, which makes another one and \
                     ends this one",
                    held.address
                ),
            ];
        }
        Hold::Refused { path, by } => {
            return vec![
                format!("  {place}: `{path}` differs, and `{by}` refuses that"),
                format!("    hint: write the former `{path}` again, or another `{by}`"),
            ];
        }
        Hold::Locked { protection, action } => {
            let verb = if *action == Action::Delete { "deleted" } else { "replaced" };
            return vec![
                format!("  {place}: {}, and it would be {verb}", clean(&protection.reason)),
                format!("    hint: {}", clean(&protection.hint)),
            ];
        }
        Hold::Guarded { guard, action, because } => (guard, action, because),
    };
    let (verb, hint) = match action {
        Action::Delete => {
            ("deleted", format!("write it with `{guard}: false`, reconcile, and then let it go"))
        }
        _ => (
            "replaced",
            format!(
                "undo the change; or, if it may go, reconcile with `{guard}: false` alone first"
            ),
        ),
    };
    let because = match action {
        Action::Delete => String::new(),
        _ => format!(", for {}", clean(because)),
    };
    vec![
        format!("  {place}: `{guard}` is set, and it would be {verb}{because}"),
        format!("    hint: {hint}"),
    ]
}

fn foreign_lines(foreign: &[Foreign], place: &dyn Fn(&Address) -> String) -> Vec<String> {
    let mut lines: Vec<String> = foreign
        .iter()
        .map(|Foreign { kind, found, why, address }| {
            let created = found.created.as_ref().map(|at| format!(", created {at}"));
            let is_taken = *why == Why::NameTaken;
            let why = match why {
                Why::OtherLineage => "made by another state of this stack",
                Why::TakenOver => "taken over by another state of this stack",
                Why::Duplicate => "a second one beside the one in the state",
                Why::NameTaken => "has a name this stack wants, and was not made by it",
            };
            let place = address.as_ref().map(|address| format!("{}: ", place(address)));
            let stack = found.tags.get(tag::STACK).filter(|_| is_taken);
            let stack = stack.map(|stack| format!(" (it is of the stack {stack})"));
            let (place, stack) = (place.unwrap_or_default(), stack.unwrap_or_default());
            let name =
                if found.name == found.id { String::new() } else { format!(" `{}`", found.name) };
            let created = created.unwrap_or_default();
            clean(&format!("  {place}{kind} {}{name}{created}: {why}{stack}", found.id))
        })
        .collect();
    if foreign.iter().any(|f| matches!(f.why, Why::OtherLineage | Why::TakenOver)) {
        lines.push(
            "  hint: a colleague's clone, or a lost state file? `stackwright reconcile --adopt` takes \
             them over; another `stack:` name leaves them alone"
                .into(),
        );
    }
    if foreign.iter().any(|foreign| foreign.why == Why::TakenOver) {
        lines.push(
            "  hint: to forget them here, remove this state's folder: .stackwright/STACK/CLOUD"
                .into(),
        );
    }
    if foreign.iter().any(|foreign| foreign.why == Why::NameTaken) {
        let is_owned = |foreign: &Foreign| foreign.found.tags.contains_key(tag::STACK);
        let of_others = foreign.iter().filter(|foreign| foreign.why == Why::NameTaken);
        lines.push(match of_others.into_iter().any(is_owned) {
            true => "  hint: give yours another `name:`; or let go of it in its own stack first \
                     (`stackwright state rm`)"
                .into(),
            false => {
                "  hint: give yours another `name:`; or take it up, by `stackwright import ADDRESS \
                      ID` or with `reconcile --adopt`"
                    .into()
            }
        });
    }
    if foreign.iter().any(|foreign| foreign.why == Why::Duplicate) {
        lines.push("  hint: delete the one that is not wanted, then run again".into());
    }
    lines
}
