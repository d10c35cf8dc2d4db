//! What is remembered between runs: a snapshot, and a journal of what has happened since.
//!
//! Every create is on disk before it is called ([`Store::append`] returns after fsync), so a run
//! can be killed anywhere and the next one knows what may exist. [`fold`] is pure; [`Disk`] is the
//! only file I/O.

mod disk;
mod journal;
mod model;
mod open;
mod rebuild;
mod snapshot;
mod store;

use std::io;
use std::path::PathBuf;

pub use self::disk::{Disk, Folder};
pub use self::journal::{Data, Entry, Header, Illegal, Step, Verb, fold};
pub use self::model::{Creating, Object, Phase, Place, Record, SCHEMA, State};
pub use self::open::{OpenOperation, Operation};
pub use self::rebuild::Salvage;
pub use self::store::{Lock, Store};

/// The folder beside the stack file that holds all states.
pub const FOLDER: &str = ".stackwright";
const SNAPSHOT: &str = "state.json";
const JOURNAL: &str = "journal.jsonl";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the state in {path} cannot be {doing}: {source}")]
    Disk { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("another run holds the state in {path}: {holder}")]
    Locked { path: PathBuf, holder: String },
    #[error("{file} is damaged: {why}")]
    Damaged { file: PathBuf, why: String },
    #[error("{path} was written by a newer version (schema {found}, this one knows {SCHEMA})")]
    Newer { path: PathBuf, found: u64 },
    #[error("the state in {path} is that of {what} `{recorded}`, not of `{wanted}`")]
    Elsewhere { path: PathBuf, what: &'static str, recorded: String, wanted: String },
    #[error("{file} cannot continue the state: {why}")]
    Illegal { file: PathBuf, why: String },
    #[error("no random numbers: {0}")]
    Random(String),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Disk { doing: "read", .. } => {
                "mend the permissions, then run again; nothing is lost".into()
            }
            Self::Disk { .. } => {
                "make room or mend the permissions, then run again; nothing is lost".into()
            }
            Self::Locked { .. } => "wait for it, or end it; the lock goes with its process".into(),
            Self::Damaged { .. } | Self::Illegal { .. } => {
                "`stackwright state rebuild` makes it anew from what is readable and from the tags in \
                 the cloud, and keeps the damaged files"
                    .into()
            }
            Self::Newer { .. } => "use that version, or a newer one".into(),
            Self::Elsewhere { .. } => {
                "use another folder, stack name or cloud; one state serves one place".into()
            }
            Self::Random(_) => return None,
        })
    }
}
