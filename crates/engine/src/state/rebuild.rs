//! A state made anew from damaged files: whatever is whole counts, and the rest is found in the
//! cloud, by its tags.

use serde_json::Value;

use super::disk::Disk;
use super::journal::{Journal, fold};
use super::model::{Place, State};
use super::store::{Lock, Replayed, Store, disk_error, new_state, read_journal, same_place};
use super::{Error, JOURNAL, SNAPSHOT, snapshot};

/// What was made of what was readable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvage {
    /// What was wrong, for a person; empty: nothing.
    pub damage: Vec<String>,
    /// Copies of the files as they were.
    pub kept: Vec<String>,
    /// Whether this state's objects can still be told from another's.
    pub knows_lineage: bool,
    /// There was nothing at all.
    pub is_new: bool,
}

impl Store {
    /// As [`open`](Self::open), for files that are damaged. Copies of them are kept, their names
    /// ending in `suffix`. A state of a newer version, or of another place, is refused all the same.
    pub fn rebuild(
        disk: Box<dyn Disk>,
        place: &Place,
        holder: &str,
        suffix: &str,
    ) -> Result<(Self, Salvage), Error> {
        let Lock(mut disk) = Lock::take(disk, holder)?;
        let mut damage = Vec::new();
        let snapshot = match snapshot::read(&*disk) {
            Err(Error::Damaged { why, .. }) => {
                damage.push(format!("{SNAPSHOT}: {why}"));
                None
            }
            read => read?,
        };
        let journal = read_journal(&*disk)?;
        let lineage = match (&snapshot, &journal.header) {
            (Some(state), _) => Some(state.lineage.clone()),
            (None, Some(header)) => Some(header.lineage.clone()),
            (None, None) => recorded_lineage(&*disk)?,
        };
        let known = snapshot.is_some();
        let mut state = match snapshot {
            Some(state) => state,
            None => State { place: place.clone(), ..new_state()? },
        };
        same_place(&*disk, &state.place, place)?;
        if let Some(lineage) = &lineage {
            state.lineage.clone_from(lineage);
        }
        if !known && damage.is_empty() && journal.header.is_some() {
            damage.push(format!("{SNAPSHOT}: it is missing"));
        }
        let replayed = take_whole(state, &journal, &mut damage);
        let kept = if damage.is_empty() { Vec::new() } else { keep(&mut *disk, suffix)? };
        let is_new = !known && damage.is_empty();
        let salvage = Salvage { damage, kept, knows_lineage: lineage.is_some(), is_new };
        Ok((Self::begin(disk, replayed)?, salvage))
    }
}

/// Folds in what is whole and possible. What a damaged line held is missing: an object that is not
/// known is found by its tags, one that is gone is seen to be gone, and what was open stays open.
fn take_whole(state: State, journal: &Journal, damage: &mut Vec<String>) -> Replayed {
    let told = |line: &usize| format!("{JOURNAL}: line {line} is not whole");
    damage.extend(journal.damaged.iter().map(told));
    let mut replayed = Replayed::of(state);
    let base = journal.header.as_ref().map(|header| (&header.lineage, header.base_serial));
    if base.is_some_and(|(_, serial)| serial < replayed.state.serial) {
        return replayed; // folded in already
    }
    if let Some((lineage, _)) = base.filter(|(lineage, _)| **lineage != replayed.state.lineage) {
        damage.push(format!("{JOURNAL}: it has another lineage ({lineage})"));
        return replayed;
    }
    // An older snapshot was put back.
    let serial = replayed.state.serial;
    if let Some((_, base)) = base.filter(|(_, base)| serial > 0 && *base > serial) {
        damage.push(format!("{JOURNAL}: it continues serial {base}, {SNAPSHOT} has {serial}"));
    }
    let mut skipped = 0;
    for entry in &journal.entries {
        replayed.op = replayed.op.max(entry.op);
        match fold(replayed.state.clone(), entry) {
            Ok(state) => replayed.state = state,
            Err(_) => skipped += 1,
        }
    }
    if skipped > 0 {
        damage.push(format!("{JOURNAL}: {skipped} entries follow from what is missing"));
    }
    // Whatever serial the snapshot had: the new one continues the journal's.
    if let Some((_, serial)) = base {
        replayed.state.serial = replayed.state.serial.max(serial);
    }
    replayed
}

/// The lineage in a snapshot that can be read, though not trusted.
fn recorded_lineage(disk: &dyn Disk) -> Result<Option<String>, Error> {
    let bytes = disk.read(SNAPSHOT).map_err(disk_error(disk, "read"))?.unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let lineage = value["state"]["lineage"].as_str();
    let is_whole = |text: &&str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(lineage.filter(is_whole).map(str::to_owned))
}

/// What is kept once is never written over.
fn free_name(disk: &dyn Disk, name: &str) -> Result<String, Error> {
    let mut free = name.to_owned();
    let mut more = 1;
    while disk.read(&free).map_err(disk_error(disk, "read"))?.is_some() {
        more += 1;
        free = format!("{name}-{more}");
    }
    Ok(free)
}

/// Copies of both files, durable before anything takes their place.
fn keep(disk: &mut dyn Disk, suffix: &str) -> Result<Vec<String>, Error> {
    let failed = disk_error(disk, "written");
    let mut kept = Vec::new();
    for name in [SNAPSHOT, JOURNAL] {
        if let Some(bytes) = disk.read(name).map_err(disk_error(disk, "read"))? {
            let copy = free_name(disk, &format!("{name}.{suffix}"))?;
            disk.replace(&copy, &bytes).map_err(&failed)?;
            kept.push(copy);
        }
    }
    Ok(kept)
}
