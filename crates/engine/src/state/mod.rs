//! What stackwright remembers between runs: a snapshot, and a journal of what has happened since.
//!
//! Every create is on disk before it is sent ([`Store::append`] returns after fsync), so a run can
//! be killed anywhere and the next one knows what may exist. [`fold`] is pure; [`Disk`] is the only
//! file I/O.

mod disk;
mod fold;
mod journal;
mod model;
mod open;
mod rebuild;
mod snapshot;
mod store;
mod transition;

use std::cmp::Ordering;
use std::io;
use std::path::{Path, PathBuf};

pub use self::disk::{Disk, Folder};
pub use self::fold::{Conflict, Illegal, fold};
pub use self::journal::Entry;
pub use self::model::{Creating, Dependencies, Object, Phase, Place, Record, SCHEMA, State};
pub use self::open::{OpenOperation, Operation};
pub use self::rebuild::Salvage;
pub use self::store::{Lock, Store};
pub use self::transition::Transition;

/// The folder beside the stack file that holds all states.
pub const FOLDER: &str = ".stackwright";
const SNAPSHOT: &str = "state.json";
const JOURNAL: &str = "journal.jsonl";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the state in {path} cannot be {doing}: {source}")]
    Disk { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("another run is in progress: the state in {path} is locked by {holder}")]
    Locked { path: PathBuf, holder: String },
    #[error("{file} is damaged: {why}")]
    Damaged { file: PathBuf, why: String },
    #[error("{file} has format {found} of a newer build; this build reads format {known} only")]
    Newer { file: PathBuf, found: u64, known: u32 },
    #[error("{file} has format {found} of an older build; this build reads format {known} only")]
    Older { file: PathBuf, found: u64, known: u32 },
    #[error("the state in {path} belongs to {what} `{recorded}`, not to `{wanted}`")]
    Elsewhere { path: PathBuf, what: &'static str, recorded: String, wanted: String },
    #[error("{file} does not continue the state: {why}")]
    Illegal { file: PathBuf, why: String },
    #[error("the system has no random numbers: {0}")]
    Random(String),
}

impl Error {
    /// What the user can do.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Disk { doing: "read", .. } => {
                "fix the permissions, then run again; nothing is lost"
            }
            Self::Disk { .. } => {
                "free disk space or fix the permissions, then run again; nothing is lost"
            }
            Self::Locked { .. } => "wait for that run, or stop it; the lock ends with its process",
            Self::Damaged { .. } | Self::Illegal { .. } => {
                "`stackwright state rebuild` rebuilds it from what is readable and from the tags in \
                 the cloud, and keeps copies of the damaged files"
            }
            Self::Newer { .. } => "use that build, or a newer one",
            Self::Older { .. } => {
                "use that build; or let `stackwright state rebuild` build a new state from the tags \
                 in the cloud, which keeps copies of the old files"
            }
            Self::Elsewhere { .. } => {
                "use another folder, stack name or cloud; one state serves one place"
            }
            Self::Random(_) => return None,
        };
        Some(hint.to_owned())
    }
}

/// An error unless a file has the format that this build reads: nothing converts one to another.
fn same_format(file: &Path, found: u64, known: u32) -> Result<(), Error> {
    let file = file.to_owned();
    match found.cmp(&u64::from(known)) {
        Ordering::Less => Err(Error::Older { file, found, known }),
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(Error::Newer { file, found, known }),
    }
}
