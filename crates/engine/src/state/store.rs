//! The state of one stack on one cloud: read, locked, appended to, folded into a new snapshot.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::disk::Disk;
use super::fold::{Illegal, fold};
use super::journal::{self, Batch, Entry, Header, Journal};
use super::model::{Place, Record, SCHEMA, State};
use super::snapshot;
use super::transition::Transition;
use super::{Error, JOURNAL, SNAPSHOT};
use crate::address::Address;
use crate::secret::random;

/// The only writer of a state.
pub struct Store {
    disk: Box<dyn Disk>,
    state: State,
    /// The number of the last entry.
    seq: u64,
    /// The number of the last operation.
    op: u64,
}

impl Store {
    /// Reads without a lock and writes nothing; `None` if there is no state yet. An empty account in
    /// `place` is an unknown one.
    pub fn peek(disk: &dyn Disk, place: &Place) -> Result<Option<State>, Error> {
        let state = Self::recorded(disk)?;
        if let Some(state) = &state {
            let account = match place.account.as_str() {
                "" => state.place.account.clone(),
                known => known.to_owned(),
            };
            same_place(disk, &state.place, &Place { account, ..place.clone() })?;
        }
        Ok(state)
    }

    /// Where the stack of a state lives, at a glance: the state is not verified. `None`: there is none, or it
    /// cannot be read.
    pub fn place(disk: &dyn Disk) -> Option<Place> {
        snapshot::place(disk)
    }

    /// As [`peek`](Self::peek), wherever the state belongs to.
    pub fn recorded(disk: &dyn Disk) -> Result<Option<State>, Error> {
        // A run may finish between the two reads; then the journal is that of the next snapshot.
        let mut attempts = 4;
        loop {
            attempts -= 1;
            let snapshot = snapshot::read(disk)?;
            let journal = read_journal(disk)?;
            match replay(disk, snapshot, &journal) {
                Err(Error::Illegal { .. }) if attempts > 0 => continue,
                replayed => return Ok(replayed?.map(|Replayed { state, .. }| state)),
            }
        }
    }

    /// Takes the lock and reads. If there is no state, this makes a new one with a new lineage. On
    /// return everything is on disk.
    pub fn open(disk: Box<dyn Disk>, place: &Place, holder: &str) -> Result<Self, Error> {
        Lock::take(disk, holder)?.open(place)
    }

    fn read(Lock(disk): Lock, place: &Place) -> Result<Self, Error> {
        let snapshot = snapshot::read(&*disk)?;
        let replayed = match replay(&*disk, snapshot, &read_journal(&*disk)?)? {
            Some(replayed) => replayed,
            None => Replayed::of(State { place: place.clone(), ..new_state()? }),
        };
        same_place(&*disk, &replayed.state.place, place)?;
        Self::begin(disk, replayed)
    }

    /// Folds what an earlier run left in the journal into new files before anything is added: if that
    /// run's disk failed, nobody knows which of its lines are durable, though all can be read.
    pub(super) fn begin(disk: Box<dyn Disk>, replayed: Replayed) -> Result<Self, Error> {
        let Replayed { state, op, is_fresh } = replayed;
        let mut store = Self { disk, state, seq: 0, op };
        if is_fresh {
            // The name of the empty journal may not be durable yet, if the disk of the run that wrote
            // it failed at that very step; with the name all its lines would be lost.
            store.disk.sync_folder().map_err(disk_error(&*store.disk, "written"))?;
        } else {
            store.snapshot()?;
        }
        Ok(store)
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Gives the lock up, and the state away.
    pub fn into_state(self) -> State {
        self.state
    }

    /// A number for a new operation.
    pub fn next_op(&mut self) -> u64 {
        self.op += 1;
        self.op
    }

    /// Numbers, writes and folds entries: all of them or none. They are durable on return.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), Error> {
        let first = self.seq + 1;
        let file = self.disk.path().join(JOURNAL);
        let illegal = |why: String| Error::Illegal { file: file.clone(), why };
        let touched = touched(&self.state, entries);
        let mut part = State { resources: records(&self.state, &touched), ..State::default() };
        for (entry, seq) in entries.iter().zip(first..) {
            fold(&mut part, entry).map_err(|error| illegal(numbered(seq, &error)))?;
        }
        let batch = Batch { seq: first, entries: Cow::Borrowed(entries) };
        let line = journal::line(&batch).map_err(|error| illegal(error.to_string()))?;
        self.disk.add(JOURNAL, line.as_bytes()).map_err(disk_error(&*self.disk, "written"))?;
        self.seq += entries.len() as u64;
        for address in &touched {
            self.state.resources.remove(address);
        }
        self.state.resources.extend(part.resources);
        Ok(())
    }

    /// Folds the journal into a new snapshot, if anything has happened.
    pub fn finish(&mut self) -> Result<(), Error> {
        if self.seq == 0 { Ok(()) } else { self.snapshot() }
    }

    /// Writes the snapshot first, then an empty journal that continues it: between the two, the old
    /// journal's smaller base shows that it is folded in already.
    fn snapshot(&mut self) -> Result<(), Error> {
        self.state.schema = SCHEMA;
        self.state.serial += 1;
        if let Err(error) = self.write_snapshot() {
            self.state.serial -= 1;
            return Err(error);
        }
        let header = Header::of(&self.state.lineage, self.state.serial);
        let header = journal::line(&header).map_err(|error| self.unwritable(&error))?;
        let replaced = self.disk.replace(JOURNAL, header.as_bytes());
        replaced.map_err(disk_error(&*self.disk, "written"))?;
        self.seq = 0;
        Ok(())
    }

    fn write_snapshot(&mut self) -> Result<(), Error> {
        let text = snapshot::text(&self.state).map_err(|error| self.unwritable(&error))?;
        let replaced = self.disk.replace(SNAPSHOT, text.as_bytes());
        replaced.map_err(disk_error(&*self.disk, "written"))
    }

    fn unwritable(&self, error: &serde_json::Error) -> Error {
        Error::Damaged { file: self.disk.path().join(SNAPSHOT), why: error.to_string() }
    }
}

/// The lock of a state that is not read yet: a second run is refused at once, and not after it has
/// waited for a cloud.
pub struct Lock(pub(super) Box<dyn Disk>);

impl Lock {
    pub fn take(mut disk: Box<dyn Disk>, holder: &str) -> Result<Self, Error> {
        match disk.lock(holder).map_err(disk_error(&*disk, "locked"))? {
            Ok(()) => Ok(Self(disk)),
            Err(holder) => {
                // It takes the lock first, and says then who it is.
                let is_new = holder.trim().is_empty();
                let holder = if is_new { "a run that has just begun".to_owned() } else { holder };
                Err(Error::Locked { path: disk.path().to_owned(), holder })
            }
        }
    }

    /// As [`Store::open`].
    pub fn open(self, place: &Place) -> Result<Store, Error> {
        Store::read(self, place)
    }
}

pub(super) fn new_state() -> Result<State, Error> {
    let random = || random().map_err(|error| Error::Random(error.to_string()));
    Ok(State { schema: SCHEMA, lineage: random()?, salt: random()?, ..State::default() })
}

pub(super) fn disk_error(
    disk: &dyn Disk,
    doing: &'static str,
) -> impl Fn(io::Error) -> Error + use<> {
    let path = disk.path().to_owned();
    move |source| Error::Disk { doing, path: path.clone(), source }
}

/// A snapshot with the journal folded in.
pub(super) struct Replayed {
    pub state: State,
    /// The highest number of an operation.
    pub op: u64,
    /// Whether the journal is the empty one that continues this snapshot.
    is_fresh: bool,
}

impl Replayed {
    pub fn of(state: State) -> Self {
        let open = state.resources.values().filter_map(|record| record.creating.as_ref());
        let op = open.map(|creating| creating.op).max().unwrap_or(0);
        Self { state, op, is_fresh: false }
    }
}

/// Folds the journal into the snapshot; `None` if nothing was ever begun here.
fn replay(
    disk: &dyn Disk,
    snapshot: Option<State>,
    journal: &Journal,
) -> Result<Option<Replayed>, Error> {
    let file = disk.path().join(JOURNAL);
    journal.same_format(&file)?;
    if let Some(line) = journal.damage() {
        return Err(Error::Damaged { file, why: format!("line {line} is not whole") });
    }
    let illegal = |why: String| Error::Illegal { file: file.clone(), why };
    let Some(state) = snapshot else {
        if journal.batches.is_empty() {
            return Ok(None);
        }
        return Err(illegal(format!("{SNAPSHOT} is missing")));
    };
    let Some(header) = &journal.header else { return Ok(Some(Replayed::of(state))) };
    if header.lineage != state.lineage {
        return Err(illegal("it has another lineage".into()));
    }
    if header.base_serial < state.serial {
        return Ok(Some(Replayed::of(state))); // folded in already
    }
    if header.base_serial > state.serial {
        let (base, serial) = (header.base_serial, state.serial);
        return Err(illegal(format!("it continues serial {base}, {SNAPSHOT} has {serial}")));
    }
    let is_fresh = journal.batches.is_empty() && journal.damaged.is_empty();
    let mut replayed = Replayed { is_fresh, ..Replayed::of(state) };
    let mut last = 0;
    for Batch { seq, entries } in &journal.batches {
        if *seq != last + 1 {
            return Err(illegal(format!("entry {seq} follows entry {last}")));
        }
        for entry in entries.iter() {
            last += 1;
            let folded = fold(&mut replayed.state, entry);
            folded.map_err(|error| illegal(numbered(last, &error)))?;
            replayed.op = replayed.op.max(entry.op);
        }
    }
    Ok(Some(replayed))
}

fn numbered(seq: u64, error: &Illegal) -> String {
    format!("entry {seq}: {error}")
}

/// The addresses whose records entries may change. A move changes whatever depends on the resource.
fn touched(state: &State, entries: &[Entry]) -> BTreeSet<Address> {
    let moves = |entry: &Entry| matches!(entry.transition, Transition::Moved { .. });
    let own = entries.iter().map(|entry| &entry.address);
    let dependents = entries.iter().any(moves).then(|| state.resources.keys());
    own.chain(dependents.into_iter().flatten()).cloned().collect()
}

/// Copies of some records.
fn records(state: &State, of: &BTreeSet<Address>) -> BTreeMap<Address, Record> {
    let known = of.iter().filter_map(|address| state.resources.get_key_value(address));
    known.map(|(address, record)| (address.clone(), record.clone())).collect()
}

/// Reads the journal; an empty one if there is none.
pub(super) fn read_journal(disk: &dyn Disk) -> Result<Journal, Error> {
    let bytes = disk.read(JOURNAL).map_err(disk_error(disk, "read"))?;
    Ok(Journal::read(&bytes.unwrap_or_default()))
}

pub(super) fn same_place(disk: &dyn Disk, recorded: &Place, wanted: &Place) -> Result<(), Error> {
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
