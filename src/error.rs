//! What can go wrong with a command. [`exit`](crate::exit) has the exit code of each error, and
//! [`render::error`](crate::render::error) its words.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use stackwright_engine::Address;
use stackwright_engine::kind::{self, Fault};
use stackwright_engine::manifest::{Cloud, Diagnostic, Invalid, Manifest};
use stackwright_engine::session;
use stackwright_engine::state;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no stack.yaml here or in a folder above")]
    NoStackFile,
    /// What an option names is not there, or is no file or no folder.
    #[error("{0}")]
    NoSuchPath(String),
    #[error("{} cannot be read: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Invalid(Box<Invalid>),
    #[error("declined; nothing was changed")]
    Declined,
    #[error("no terminal to ask on: {0}")]
    NeedsYes(String),
    #[error(transparent)]
    Local(Box<stackwright_local::Error>),
    #[error("{what}: {error}")]
    Cloud { what: String, error: Box<kind::Error> },
    #[error("{0}")]
    Refused(String, Option<String>),
    /// What a session failed at, on which cloud, and where the resources stand in the file, in the order of their
    /// addresses.
    #[error("{error}")]
    Session { error: Box<session::Error>, cloud: Cloud, places: Vec<(Address, String)> },
    #[error(transparent)]
    State(Box<state::Error>),
    #[error("{0}")]
    Unknown(String, Option<String>),
    /// An error with what the command that failed suggests, beside the error's own hint.
    #[error("{error}")]
    Hinted { error: Box<Error>, hint: String },
    #[error("{0}")]
    Io(#[from] io::Error),
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
    /// The error without what was added to it.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Hinted { error, .. } => error.cause(),
            error => error,
        }
    }

    /// Says why what an option names cannot be opened.
    pub fn given(option: &str, path: &Path, source: io::Error) -> Self {
        let shown = path.display();
        match source.kind() {
            ErrorKind::NotFound => Self::NoSuchPath(format!("{option}: {shown} does not exist")),
            ErrorKind::IsADirectory => {
                Self::NoSuchPath(format!("{option}: {shown} is a folder; name a file in it"))
            }
            ErrorKind::NotADirectory => {
                Self::NoSuchPath(format!("{option}: {shown} is not in a folder, or is none"))
            }
            _ => Self::Read { path: path.to_owned(), source },
        }
    }

    /// Adds what the command suggests.
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self::Hinted { error: Box::new(self), hint: hint.into() }
    }

    /// A cloud's refusal of something that is not a step of a plan.
    pub fn cloud(what: impl Into<String>, error: kind::Error) -> Self {
        Self::Cloud { what: what.into(), error: Box::new(error) }
    }

    /// A session's error with where the resources it names stand in the file.
    pub fn session(error: session::Error, manifest: &Manifest) -> Self {
        if let Some(invalid) = of_the_file(&error, manifest) {
            return Self::Invalid(Box::new(invalid));
        }
        let fields = fields_of(&error);
        let place = |resource: &stackwright_engine::manifest::Resource| {
            let span = fields
                .get(&resource.address)
                .and_then(|field| resource.fields.get(*field))
                .unwrap_or(&resource.span);
            (resource.address.clone(), manifest.source.place(span.start))
        };
        let places = manifest.resources.values().map(place).collect();
        match error {
            session::Error::State(error) => error.into(),
            error => {
                let cloud = manifest.cloud.clone();
                Self::Session { error: Box::new(error), cloud, places }
            }
        }
    }
}

/// Returns the mistakes of the file that only reading its code has shown, if there are no others: they are reported
/// as those that the file alone shows. The output of a `build` has more lines than fit beside an excerpt.
fn of_the_file(error: &session::Error, manifest: &Manifest) -> Option<Invalid> {
    let session::Error::Unprepared(failed) = error else { return None };
    let mistake = |(address, error): &(Address, kind::Error)| {
        let span = manifest.resources.get(address)?.fields.get(error.field?)?;
        let is_line = error.fault == Fault::Terminal && !error.message.contains('\n');
        let help = error.hint.clone();
        is_line.then(|| Diagnostic { help, ..Diagnostic::error(span.clone(), &error.message) })
    };
    let mistakes = failed.iter().map(mistake).collect::<Option<_>>()?;
    Some(Invalid::new(manifest.source.clone(), mistakes))
}

/// The fields that an error names of resources that could not be prepared.
fn fields_of(error: &session::Error) -> BTreeMap<&Address, &'static str> {
    let session::Error::Unprepared(failed) = error else { return BTreeMap::new() };
    failed.iter().filter_map(|(address, error)| Some((address, error.field?))).collect()
}
