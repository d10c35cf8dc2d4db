//! The journal: what was begun and what came of it, and the pure [`fold`].
//!
//! A line is what was written and synced together: when the power goes, any part of it may be
//! missing, and its checksum tells. So a line counts whole or not at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::model::{Creating, Object, Phase, Record, State};
use crate::address::Address;
use crate::lifecycle::Guard;
use crate::secret::hex;

/// The first line: which state the entries continue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    pub journal: u32,
    pub lineage: String,
    /// The serial of the snapshot that the entries are to be folded into.
    pub base_serial: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without a gap.
    pub seq: u64,
    /// Ties the lines of one operation together.
    pub op: u64,
    pub address: Address,
    pub generation: u64,
    /// RFC 3339.
    pub at: String,
    pub verb: Verb,
    pub step: Step,
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub data: Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    Create,
    Update,
    Delete,
    Adopt,
    /// The object stays in the cloud and is no longer of this stack.
    Forget,
    /// Another address, `data.from`, is this one from now on.
    Move,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// About to be called.
    Intent,
    /// The cloud has said yes: the id of a create, the acceptance of a delete.
    Result,
    /// Seen to be so.
    Done,
    /// Nothing was done: closes a create or a delete.
    Failed,
}

/// What an entry carries; which parts are there depends on verb and step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spec: Option<Value>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fingerprints: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub dependencies: BTreeMap<Address, Option<String>>,
    #[serde(skip_serializing_if = "Guard::is_none")]
    pub guard: Guard,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Data {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a journal cannot continue a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Illegal {
    #[error("entry {0} follows entry {1}")]
    Gap(u64, u64),
    #[error("entry {seq}: {verb:?} {step:?} of {address}: {why}")]
    Transition { seq: u64, address: Address, verb: Verb, step: Step, why: &'static str },
}

/// The state after one more entry. Pure; refuses what cannot have happened.
pub fn fold(mut state: State, entry: &Entry) -> Result<State, Illegal> {
    if entry.verb == Verb::Move {
        relocate(&mut state, entry).map_err(|why| illegal(entry, why))?;
        return Ok(state);
    }
    let record = state.resources.entry(entry.address.clone()).or_default();
    let folded = match entry.verb {
        Verb::Create => create(record, entry),
        Verb::Update => update(record, entry),
        Verb::Delete => delete(record, entry),
        Verb::Adopt => adopt(record, entry),
        Verb::Forget => forget(record, entry),
        Verb::Move => Ok(()),
    };
    folded.map_err(|why| illegal(entry, why))?;
    if *record == Default::default() {
        state.resources.remove(&entry.address);
    }
    Ok(state)
}

fn illegal(entry: &Entry, why: &'static str) -> Illegal {
    let Entry { seq, verb, step, .. } = *entry;
    Illegal::Transition { seq, address: entry.address.clone(), verb, step, why }
}

type Folded<T = ()> = Result<T, &'static str>;
const NO_SUCH_STEP: &str = "there is no such step";
const NO_SUCH_OBJECT: &str = "no such object";

fn create(record: &mut Record, entry: &Entry) -> Folded {
    let data = &entry.data;
    match entry.step {
        Step::Intent => intend(record, entry)?,
        Step::Result => {
            let creating = close(record, entry)?;
            let made = Object {
                id: data.id.clone().ok_or("without an id")?,
                generation: entry.generation,
                // Not the intent's time: a create may be sent again much later.
                created: entry.at.clone(),
                spec: Some(creating.spec),
                outputs: data.outputs.clone(),
                fingerprints: data.fingerprints.clone(),
                identity: data.identity.clone(),
                dependencies: creating.dependencies,
                phase: Phase::Partial,
                guard: creating.guard,
            };
            record.deposed.extend(record.object.replace(made));
        }
        Step::Failed => drop(close(record, entry)?),
        Step::Done => finish(record, entry)?,
    }
    Ok(())
}

fn intend(record: &mut Record, entry: &Entry) -> Folded {
    let token = entry.data.token.clone().ok_or("without a token")?;
    let mut known = record.object.iter().chain(&record.deposed);
    if known.any(|object| object.generation >= entry.generation) {
        return Err("that generation is there already");
    }
    match &mut record.creating {
        Some(open) if open.op != entry.op || open.generation != entry.generation => {
            return Err("another create is open");
        }
        // Sent again.
        Some(open) if open.token == token => open.at.clone_from(&entry.at),
        // The first, or one in the place of one of the same name.
        open => {
            *open = Some(Creating {
                op: entry.op,
                generation: entry.generation,
                token,
                at: entry.at.clone(),
                spec: entry.data.spec.clone().ok_or("without a spec")?,
                dependencies: entry.data.dependencies.clone(),
                guard: entry.data.guard,
            });
        }
    }
    Ok(())
}

fn close(record: &mut Record, entry: &Entry) -> Folded<Creating> {
    let open = |open: &mut Creating| (open.op, open.generation) == (entry.op, entry.generation);
    record.creating.take_if(open).ok_or("no such create is open")
}

fn update(record: &mut Record, entry: &Entry) -> Folded {
    match entry.step {
        Step::Intent => {
            let object = record.object.as_mut().filter(|o| o.generation == entry.generation);
            let object = object.ok_or(NO_SUCH_OBJECT)?;
            object.phase = Phase::Updating;
            // Only what is done takes a guard away.
            object.guard = object.guard.or(entry.data.guard);
            Ok(())
        }
        Step::Done => finish(record, entry),
        Step::Result | Step::Failed => Err(NO_SUCH_STEP),
    }
}

/// The object is as the file wants it.
fn finish(record: &mut Record, entry: &Entry) -> Folded {
    let Data { spec, outputs, fingerprints, identity, dependencies, guard, .. } =
        entry.data.clone();
    let known = record.object.take().filter(|object| object.generation == entry.generation);
    let known = known.ok_or(NO_SUCH_OBJECT)?;
    let phase = Phase::Done;
    let all = Object { spec, outputs, fingerprints, identity, dependencies, phase, guard, ..known };
    record.object = Some(all);
    Ok(())
}

fn delete(record: &mut Record, entry: &Entry) -> Folded {
    let id = entry.data.id.as_deref().ok_or("without an id")?;
    let mut all = record.object.iter_mut().chain(&mut record.deposed);
    // An id may be a name that was given again.
    let is_it = |object: &Object| object.id == id && object.generation == entry.generation;
    let object = all.find(|object| is_it(object)).ok_or(NO_SUCH_OBJECT)?;
    // Refused: it stays, perhaps without some of what was made for it.
    object.phase = if entry.step == Step::Failed { Phase::Updating } else { Phase::Deleting };
    if entry.step == Step::Done {
        record.object.take_if(|object| is_it(object));
        record.deposed.retain(|object| !is_it(object));
    }
    Ok(())
}

/// What was found instead of made: what it was made with is not known.
fn adopt(record: &mut Record, entry: &Entry) -> Folded {
    if entry.step != Step::Done {
        return Err(NO_SUCH_STEP);
    }
    let id = entry.data.id.clone().ok_or("without an id")?;
    let asked = record.creating.as_ref().filter(|open| open.generation == entry.generation);
    let same = record.object.as_ref().filter(|object| object.id == id);
    let guards = asked.map(|open| open.guard).into_iter().chain(same.map(|object| object.guard));
    let guard = guards.fold(entry.data.guard, Guard::or);
    let adopted = Object {
        id,
        generation: entry.generation,
        created: entry.at.clone(),
        spec: None,
        outputs: entry.data.outputs.clone(),
        fingerprints: BTreeMap::new(),
        identity: None,
        dependencies: entry.data.dependencies.clone(),
        phase: Phase::Partial,
        guard,
    };
    // What it asked for, or what came before it, has been found.
    record.creating.take_if(|creating| creating.generation <= adopted.generation);
    if record.object.as_ref().is_some_and(|object| object.generation > adopted.generation) {
        // The old half of an interrupted replacement.
        let is_it = |old: &Object| (&old.id, old.generation) == (&adopted.id, adopted.generation);
        if !record.deposed.iter().any(is_it) {
            record.deposed.push(adopted);
        }
        return Ok(());
    }
    let former = record.object.take().filter(|object| object.id != adopted.id);
    record.deposed.extend(former);
    record.object = Some(adopted);
    Ok(())
}

/// Nothing is left of it here.
fn forget(record: &mut Record, entry: &Entry) -> Folded {
    if entry.step != Step::Done {
        return Err(NO_SUCH_STEP);
    }
    let id = entry.data.id.as_deref().ok_or("without an id")?;
    let is_it = |object: &mut Object| object.id == id && object.generation == entry.generation;
    record.object.take_if(is_it).map(drop).ok_or(NO_SUCH_OBJECT)
}

/// The whole record, and whatever needs it. What replacements left at the address stays there.
fn relocate(state: &mut State, entry: &Entry) -> Folded {
    let (from, to) = (entry.data.from.as_ref().ok_or("without a former address")?, &entry.address);
    if entry.step != Step::Done {
        return Err(NO_SUCH_STEP);
    }
    let known = state.resources.get(to);
    if known.is_some_and(|known| known.object.is_some() || known.creating.is_some()) {
        return Err("that address is taken");
    }
    let mut record =
        state.resources.remove(from).ok_or("nothing is known by the former address")?;
    let left = state.resources.remove(to).unwrap_or_default().deposed;
    if let (Some(object), false) = (&mut record.object, left.is_empty()) {
        object.generation = entry.generation;
    }
    record.deposed.extend(left);
    state.resources.insert(to.clone(), record);
    for record in state.resources.values_mut() {
        let objects = record.object.iter_mut().chain(&mut record.deposed);
        let needs = objects.map(|object| &mut object.dependencies);
        for needs in needs.chain(record.creating.iter_mut().map(|open| &mut open.dependencies)) {
            if let Some(identity) = needs.remove(from) {
                needs.insert(to.clone(), identity);
            }
        }
    }
    Ok(())
}

/// A line: the JSON of a header or of a list of entries, a blank, its checksum.
pub fn line<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let json = serde_json::to_string(value)?;
    Ok(format!("{json} {}\n", checksum(json.as_bytes())))
}

/// The value of a line, if the line is whole.
fn unline<T: for<'a> Deserialize<'a>>(line: &str) -> Option<T> {
    let (json, sum) = line.strip_suffix('\n')?.rsplit_once(' ')?;
    if checksum(json.as_bytes()) != sum {
        return None;
    }
    serde_json::from_str(json).ok()
}

/// The first 16 hexadecimal digits of SHA-256.
pub fn checksum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))[..16].to_owned()
}

/// What a journal's text holds.
#[derive(Debug, PartialEq)]
pub struct Journal {
    /// `None`: not even the first line is whole.
    pub header: Option<Header>,
    pub entries: Vec<Entry>,
    /// Lines that are not whole, from 1.
    pub damaged: Vec<usize>,
    /// How many lines there are.
    lines: usize,
}

impl Journal {
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split_inclusive('\n');
        let header = lines.next().and_then(unline);
        let damaged = if header.is_none() && !text.is_empty() { vec![1] } else { Vec::new() };
        let mut journal = Self { header, entries: Vec::new(), damaged, lines: 1 };
        for line in lines {
            journal.lines += 1;
            match unline::<Vec<Entry>>(line) {
                Some(entries) => journal.entries.extend(entries),
                None => journal.damaged.push(journal.lines),
            }
        }
        journal
    }

    /// The first damaged line before the last: a crash explains the last one alone.
    pub fn damage(&self) -> Option<usize> {
        self.damaged.iter().copied().find(|line| *line < self.lines)
    }
}
