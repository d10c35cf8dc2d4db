//! Rebuilding a state from files that cannot be used: whatever is whole counts, and the rest is found
//! in the cloud by its tags.

use serde_json::Value;

use super::disk::Disk;
use super::fold::fold;
use super::journal::Journal;
use super::model::{Place, State};
use super::store::{Lock, Replayed, Store, disk_error, new_state, read_journal, same_place};
use super::{Error, JOURNAL, SNAPSHOT, snapshot};

/// What a rebuild met and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salvage {
    /// What was wrong, for a person; empty if nothing was.
    pub damage: Vec<String>,
    /// The names of the copies of the files as they were.
    pub kept: Vec<String>,
    /// Whether the lineage is known, and with it which objects belong to this state.
    pub knows_lineage: bool,
    /// Whether there was no state at all.
    pub is_new: bool,
}

impl Store {
    /// Opens a state as [`open`](Self::open) does, also if its files are damaged or have the format
    /// of an older build. Copies of these are kept, their names ending in `suffix`. A state of a newer
    /// build, or of another place, is refused all the same.
    pub fn rebuild(
        disk: Box<dyn Disk>,
        place: &Place,
        holder: &str,
        suffix: &str,
    ) -> Result<(Self, Salvage), Error> {
        let Lock(mut disk) = Lock::take(disk, holder)?;
        let mut damage = Vec::new();
        let snapshot = usable(SNAPSHOT, snapshot::read(&*disk), &mut damage)?.flatten();
        let mut journal = read_journal(&*disk)?;
        let same_format = journal.same_format(&disk.path().join(JOURNAL));
        if usable(JOURNAL, same_format, &mut damage)?.is_none() {
            journal.batches.clear();
            journal.damaged.clear();
        }
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
        let replayed = fold_whole(state, &journal, &mut damage);
        let kept = if damage.is_empty() { Vec::new() } else { keep(&mut *disk, suffix)? };
        let is_new = !known && damage.is_empty();
        let salvage = Salvage { damage, kept, knows_lineage: lineage.is_some(), is_new };
        Ok((Self::begin(disk, replayed)?, salvage))
    }
}

/// What was read of a file; `None` if it cannot be used, for the reason that is added to `damage`.
fn usable<T>(
    name: &str,
    read: Result<T, Error>,
    damage: &mut Vec<String>,
) -> Result<Option<T>, Error> {
    let why = match read {
        Ok(usable) => return Ok(Some(usable)),
        Err(Error::Damaged { why, .. }) => why,
        Err(Error::Older { found, .. }) => format!("it has format {found} of an older build"),
        Err(error) => return Err(error),
    };
    damage.push(format!("{name}: {why}"));
    Ok(None)
}

/// Folds in what is whole and possible. What a damaged line held is missing: an unknown object is
/// found by its tags, one that is gone is seen to be gone, and what was open stays open.
fn fold_whole(state: State, journal: &Journal, damage: &mut Vec<String>) -> Replayed {
    damage
        .extend(journal.damaged.iter().map(|line| format!("{JOURNAL}: line {line} is not whole")));
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
    for entry in journal.batches.iter().flat_map(|batch| batch.entries.iter()) {
        replayed.op = replayed.op.max(entry.op);
        skipped += usize::from(fold(&mut replayed.state, entry).is_err());
    }
    if skipped > 0 {
        damage.push(format!("{JOURNAL}: {skipped} entries depend on what is missing"));
    }
    // The new snapshot continues the journal, whatever serial the old one had.
    if let Some((_, serial)) = base {
        replayed.state.serial = replayed.state.serial.max(serial);
    }
    replayed
}

/// The lineage in a snapshot that can be read but not used.
fn recorded_lineage(disk: &dyn Disk) -> Result<Option<String>, Error> {
    let bytes = disk.read(SNAPSHOT).map_err(disk_error(disk, "read"))?.unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let lineage = value["state"]["lineage"].as_str();
    let is_whole = |text: &&str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    Ok(lineage.filter(is_whole).map(str::to_owned))
}

/// A name that no file has: no copy is ever overwritten.
fn free_name(disk: &dyn Disk, name: &str) -> Result<String, Error> {
    let mut free = name.to_owned();
    let mut more = 1;
    while disk.read(&free).map_err(disk_error(disk, "read"))?.is_some() {
        more += 1;
        free = format!("{name}-{more}");
    }
    Ok(free)
}

/// Makes copies of both files, durable before anything takes their place.
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
