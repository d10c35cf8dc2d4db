//! What is remembered between runs: a snapshot, and a journal of what has happened since.
//!
//! Every create is on disk before it is called ([`Store::append`] returns after fsync), so a run
//! can be killed anywhere and the next one knows what may exist. [`fold`] is pure; [`Disk`] is the
//! only file I/O.

mod disk;
mod journal;
mod model;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::disk::{Disk, Folder};
pub use self::journal::{Data, Entry, Header, Illegal, Step, Verb, fold};
pub use self::model::{Creating, Object, Phase, Place, Record, SCHEMA, State};
use crate::secret::random;

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
            Self::Disk { .. } => {
                "make room or mend the permissions, then run again; nothing is lost".into()
            }
            Self::Locked { .. } => "wait for it, or end it; the lock goes with its process".into(),
            Self::Damaged { file, .. } | Self::Illegal { file, .. } => format!(
                "move the folder {} aside and run `stackwright reconcile --adopt`: the objects are found again by their tags",
                file.parent().unwrap_or(file).display()
            ),
            Self::Newer { .. } => "use that version, or a newer one".into(),
            Self::Elsewhere { .. } => {
                "use another folder, stack name or cloud; one state serves one place".into()
            }
            Self::Random(_) => return None,
        })
    }
}

/// The snapshot as it lies on disk. The checksum is that of the state's compact JSON, as it lies
/// there: whatever a later version adds to [`State`], an older file stays whole.
#[derive(Serialize, Deserialize)]
struct Snapshot {
    checksum: String,
    state: Value,
}

impl Snapshot {
    fn of(state: &State) -> serde_json::Result<Self> {
        let state = serde_json::to_value(state)?;
        Ok(Self { checksum: Self::sum(&state), state })
    }

    fn sum(state: &Value) -> String {
        journal::checksum(state.to_string().as_bytes())
    }
}

/// The state of one stack on one cloud, and the only writer of it.
pub struct Store {
    disk: Box<dyn Disk>,
    state: State,
    /// The last entry's number.
    seq: u64,
    /// The last operation's.
    op: u64,
}

impl Store {
    /// Reads without a lock and writes nothing. `None`: there is no state yet. An empty account in
    /// `place` is one that is not known.
    pub fn peek(disk: &dyn Disk, place: &Place) -> Result<Option<State>, Error> {
        // A run may finish between the two reads; then the journal is that of the next snapshot.
        let mut attempts = 4;
        loop {
            attempts -= 1;
            let snapshot = read_snapshot(disk)?;
            let journal = disk.read(JOURNAL).map_err(disk_error(disk, "read"))?;
            let state = match replay(disk, snapshot, journal.as_deref()) {
                Err(Error::Illegal { .. }) if attempts > 0 => continue,
                Ok(Some(Replayed { state, .. })) => state,
                other => return other.map(|_| None),
            };
            let account = match place.account.as_str() {
                "" => state.place.account.clone(),
                known => known.to_owned(),
            };
            same_place(disk, &state.place, &Place { account, ..place.clone() })?;
            return Ok(Some(state));
        }
    }

    /// Takes the lock and reads; makes a state, lineage included, where there is none. On return
    /// everything is on disk.
    pub fn open(mut disk: Box<dyn Disk>, place: &Place, holder: &str) -> Result<Self, Error> {
        let locked = disk.lock(holder).map_err(disk_error(&*disk, "locked"))?;
        if let Err(holder) = locked {
            return Err(Error::Locked { path: disk.path().to_owned(), holder });
        }
        let snapshot = read_snapshot(&*disk)?;
        let journal = disk.read(JOURNAL).map_err(disk_error(&*disk, "read"))?;
        let replayed = replay(&*disk, snapshot, journal.as_deref())?;
        let Replayed { state, seq, op, whole } = match replayed {
            Some(replayed) => replayed,
            None => Replayed::only(State { place: place.clone(), ..new_state()? }),
        };
        same_place(&*disk, &state.place, place)?;
        let mut store = Self { disk, state, seq, op };
        match whole {
            Some(whole) => {
                if journal.is_some_and(|journal| journal.len() > whole) {
                    let cut = store.disk.truncate(JOURNAL, whole as u64);
                    cut.map_err(disk_error(&*store.disk, "written"))?;
                }
            }
            None => store.snapshot()?,
        }
        Ok(store)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// A number for a new operation.
    pub fn next_op(&mut self) -> u64 {
        self.op += 1;
        self.op
    }

    /// Appends and folds; durable on return. `seq` is filled in here.
    pub fn append(&mut self, entries: &mut [Entry]) -> Result<(), Error> {
        let mut lines = String::new();
        let mut state = self.state.clone();
        for (entry, seq) in entries.iter_mut().zip(self.seq + 1..) {
            entry.seq = seq;
            state = fold(state, entry).map_err(|illegal| self.illegal(&illegal))?;
            let line = journal::line(entry).map_err(|error| self.illegal(&error))?;
            lines.push_str(&line);
        }
        self.disk.append(JOURNAL, lines.as_bytes()).map_err(disk_error(&*self.disk, "written"))?;
        self.seq += entries.len() as u64;
        self.state = state;
        Ok(())
    }

    fn illegal(&self, why: &dyn std::fmt::Display) -> Error {
        Error::Illegal { file: self.disk.path().join(JOURNAL), why: why.to_string() }
    }

    /// Folds the journal into a new snapshot, if anything has happened.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.seq == 0 { Ok(()) } else { self.snapshot() }
    }

    /// Snapshot first, then an empty journal that continues it: between the two, the old journal's
    /// smaller base tells that it is folded in already.
    fn snapshot(&mut self) -> Result<(), Error> {
        let mut state = self.state.clone();
        state.serial += 1;
        let json = |error: serde_json::Error| Error::Damaged {
            file: self.disk.path().join(SNAPSHOT),
            why: error.to_string(),
        };
        let snapshot = Snapshot::of(&state).map_err(json)?;
        let text = serde_json::to_string_pretty(&snapshot).map_err(json)? + "\n";
        let header =
            Header { journal: 1, lineage: state.lineage.clone(), base_serial: state.serial };
        let header = journal::line(&header).map_err(json)?;
        let replaced = self.disk.replace(SNAPSHOT, text.as_bytes());
        replaced.map_err(disk_error(&*self.disk, "written"))?;
        self.state = state;
        let replaced = self.disk.replace(JOURNAL, header.as_bytes());
        replaced.map_err(disk_error(&*self.disk, "written"))?;
        self.seq = 0;
        Ok(())
    }
}

fn new_state() -> Result<State, Error> {
    let random = || random().map_err(|error| Error::Random(error.to_string()));
    Ok(State { schema: SCHEMA, lineage: random()?, salt: random()?, ..State::default() })
}

fn disk_error(disk: &dyn Disk, doing: &'static str) -> impl Fn(io::Error) -> Error + use<> {
    let path = disk.path().to_owned();
    move |source| Error::Disk { doing, path: path.clone(), source }
}

fn read_snapshot(disk: &dyn Disk) -> Result<Option<State>, Error> {
    let Some(bytes) = disk.read(SNAPSHOT).map_err(disk_error(disk, "read"))? else {
        return Ok(None);
    };
    let file = disk.path().join(SNAPSHOT);
    let damaged = |why: String| Error::Damaged { file: file.clone(), why };
    let snapshot: Snapshot =
        serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
    let schema = snapshot.state["schema"].as_u64().unwrap_or_default();
    if schema > u64::from(SCHEMA) {
        return Err(Error::Newer { path: file.clone(), found: schema });
    }
    if Snapshot::sum(&snapshot.state) != snapshot.checksum {
        return Err(damaged("its checksum does not fit; it was edited or cut".into()));
    }
    let state = serde_json::from_value(snapshot.state);
    state.map(Some).map_err(|error| damaged(error.to_string()))
}

/// A snapshot with the journal folded in.
struct Replayed {
    state: State,
    /// The last entry's number.
    seq: u64,
    /// The highest number of an operation.
    op: u64,
    /// The whole bytes of a journal to go on with; `None`: a new one is needed.
    whole: Option<usize>,
}

impl Replayed {
    fn only(state: State) -> Self {
        let open = state.resources.values().filter_map(|record| record.creating.as_ref());
        let op = open.map(|creating| creating.op).max().unwrap_or(0);
        Self { state, seq: 0, op, whole: None }
    }
}

fn replay(
    disk: &dyn Disk,
    snapshot: Option<State>,
    journal: Option<&[u8]>,
) -> Result<Option<Replayed>, Error> {
    let file = disk.path().join(JOURNAL);
    let text = String::from_utf8_lossy(journal.unwrap_or_default());
    let read = journal::read(&text)
        .map_err(|error| Error::Damaged { file: file.clone(), why: error.to_string() })?;
    let illegal = |why: String| Error::Illegal { file: file.clone(), why };
    let (state, journal) = match (snapshot, read) {
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(illegal(format!("{SNAPSHOT} is missing"))),
        (Some(state), None) => return Ok(Some(Replayed::only(state))),
        (Some(state), Some(journal)) => (state, journal),
    };
    if journal.header.lineage != state.lineage {
        return Err(illegal("it has another lineage".into()));
    }
    if journal.header.base_serial < state.serial {
        return Ok(Some(Replayed::only(state))); // folded in already
    }
    if journal.header.base_serial > state.serial {
        return Err(illegal(format!(
            "it continues serial {}, {SNAPSHOT} has {}",
            journal.header.base_serial, state.serial
        )));
    }
    let mut replayed = Replayed { whole: Some(journal.whole), ..Replayed::only(state) };
    for entry in &journal.entries {
        if entry.seq != replayed.seq + 1 {
            return Err(illegal(Illegal::Gap(entry.seq, replayed.seq).to_string()));
        }
        replayed.state = fold(replayed.state, entry).map_err(|error| illegal(error.to_string()))?;
        replayed.seq = entry.seq;
        replayed.op = replayed.op.max(entry.op);
    }
    Ok(Some(replayed))
}

fn same_place(disk: &dyn Disk, recorded: &Place, wanted: &Place) -> Result<(), Error> {
    for (what, recorded, wanted) in [
        ("stack", &recorded.stack, &wanted.stack),
        ("cloud", &recorded.cloud, &wanted.cloud),
        ("region", &recorded.region, &wanted.region),
        ("account", &recorded.account, &wanted.account),
    ] {
        if recorded != wanted {
            return Err(Error::Elsewhere {
                path: disk.path().to_owned(),
                what,
                recorded: recorded.clone(),
                wanted: wanted.clone(),
            });
        }
    }
    Ok(())
}
