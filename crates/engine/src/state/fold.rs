//! What the entries of a journal make of a state, one after the other.

use std::collections::BTreeMap;
use std::iter;

use super::journal::Entry;
use super::model::{Creating, Dependencies, Object, Phase, Record, State};
use super::transition::Transition;
use crate::address::Address;
use crate::lifecycle::Guard;

/// An entry that cannot follow from a state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{transition} of {address}: {conflict}")]
pub struct Illegal {
    pub address: Address,
    /// The name of the entry's [`Transition`].
    pub transition: &'static str,
    pub conflict: Conflict,
}

/// What the state holds against an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    #[error("no such object")]
    NoSuchObject,
    #[error("no such create is open")]
    NoSuchCreate,
    #[error("another create is open")]
    CreateIsOpen,
    #[error("an object of this generation or a later one exists")]
    GenerationExists,
    #[error("the new address is taken")]
    AddressTaken,
    #[error("the former address is unknown")]
    UnknownFormerAddress,
}

type Folded<T = ()> = Result<T, Conflict>;

/// Applies one entry to a state. Pure; refuses what cannot have happened, and then changes nothing.
pub fn fold(state: &mut State, entry: &Entry) -> Result<(), Illegal> {
    let mut record = state.resources.remove(&entry.address).unwrap_or_default();
    let folded = apply(state, &mut record, entry);
    if record != Record::default() {
        state.resources.insert(entry.address.clone(), record);
    }
    folded.map_err(|conflict| {
        let (address, transition) = (entry.address.clone(), entry.transition.name());
        Illegal { address, transition, conflict }
    })
}

/// `record` is the one at the entry's address; `others` holds the rest.
fn apply(others: &mut State, record: &mut Record, entry: &Entry) -> Folded {
    let Entry { op, generation, .. } = *entry;
    match entry.transition.clone() {
        Transition::CreateIntent { token, spec, dependencies, guard } => {
            let (since, at) = (entry.at.clone(), entry.at.clone());
            let creating = Creating { op, generation, token, since, at, spec, dependencies, guard };
            begin_create(record, creating)?;
        }
        Transition::CreateResent { token } => {
            let open = record.creating.as_mut().filter(|open| is_open(open, entry));
            let open = open.filter(|open| open.token == token).ok_or(Conflict::NoSuchCreate)?;
            open.at.clone_from(&entry.at);
        }
        Transition::CreateAccepted { id, outputs, fingerprints, identity } => {
            let Creating { spec, dependencies, guard, .. } = close_create(record, entry)?;
            let incomplete = incomplete(entry, id, outputs, dependencies, guard);
            let created = Object { spec: Some(spec), fingerprints, identity, ..incomplete };
            record.deposed.extend(record.object.replace(created));
        }
        Transition::CreateFailed { .. } => drop(close_create(record, entry)?),
        Transition::Completed {
            spec,
            outputs,
            fingerprints,
            unapplied,
            identity,
            dependencies,
            guard,
        } => {
            let object = current(record, generation)?;
            object.spec = Some(spec);
            object.outputs = outputs;
            object.fingerprints = fingerprints;
            object.unapplied = unapplied;
            object.identity = identity;
            object.dependencies = dependencies;
            object.guard = guard;
            object.phase = Phase::Done;
        }
        Transition::UpdateIntent { guard } => {
            let object = current(record, generation)?;
            object.phase = Phase::Updating;
            // Only a completed object loses a guard.
            object.guard = object.guard.or(guard);
        }
        Transition::DeleteIntent { id } => {
            any(record, &id, generation)?.phase = Phase::Deleting;
        }
        Transition::DeleteRefused { id } => {
            any(record, &id, generation)?.phase = Phase::Updating;
        }
        Transition::Deleted { id } => {
            any(record, &id, generation)?;
            record.object.take_if(|object| is_it(object, &id, generation));
            record.deposed.retain(|object| !is_it(object, &id, generation));
        }
        Transition::Adopted { id, outputs, dependencies, guard } => {
            adopt(record, incomplete(entry, id, outputs, dependencies, guard));
        }
        Transition::Released { id } => {
            let released = record.object.take_if(|object| is_it(object, &id, generation));
            released.ok_or(Conflict::NoSuchObject)?;
        }
        Transition::Moved { from } => relocate(others, record, &from, entry)?,
    }
    Ok(())
}

/// Opens a create, or puts it in the place of the open one of the same operation.
fn begin_create(record: &mut Record, creating: Creating) -> Folded {
    let mut known = record.object.iter().chain(&record.deposed);
    if known.any(|object| object.generation >= creating.generation) {
        return Err(Conflict::GenerationExists);
    }
    let is_another =
        |open: &Creating| (open.op, open.generation) != (creating.op, creating.generation);
    if record.creating.as_ref().is_some_and(is_another) {
        return Err(Conflict::CreateIsOpen);
    }
    let since = record.creating.take().map_or_else(|| creating.since.clone(), |open| open.since);
    record.creating = Some(Creating { since, ..creating });
    Ok(())
}

fn close_create(record: &mut Record, entry: &Entry) -> Folded<Creating> {
    record.creating.take_if(|open| is_open(open, entry)).ok_or(Conflict::NoSuchCreate)
}

fn is_open(open: &Creating, entry: &Entry) -> bool {
    (open.op, open.generation) == (entry.op, entry.generation)
}

/// The object that is not replaced.
fn current(record: &mut Record, generation: u64) -> Folded<&mut Object> {
    let object = record.object.as_mut().filter(|object| object.generation == generation);
    object.ok_or(Conflict::NoSuchObject)
}

/// The object with that id, replaced or not.
fn any<'a>(record: &'a mut Record, id: &str, generation: u64) -> Folded<&'a mut Object> {
    let mut all = record.object.iter_mut().chain(&mut record.deposed);
    all.find(|object| is_it(object, id, generation)).ok_or(Conflict::NoSuchObject)
}

/// An id may be a name that was given again: the generation tells both objects apart.
fn is_it(object: &Object, id: &str, generation: u64) -> bool {
    object.id == id && object.generation == generation
}

/// An object that has just become this state's. It is as old as the entry: a create may have been
/// sent again long after its intent.
fn incomplete(
    entry: &Entry,
    id: String,
    outputs: BTreeMap<String, String>,
    dependencies: Dependencies,
    guard: Guard,
) -> Object {
    Object {
        id,
        generation: entry.generation,
        created: entry.at.clone(),
        spec: None,
        outputs,
        fingerprints: BTreeMap::new(),
        unapplied: BTreeMap::new(),
        identity: None,
        dependencies,
        phase: Phase::Partial,
        guard,
    }
}

/// Puts an existing object into the state. It keeps the guard of the open create that asked for it, and
/// that of the object which it is or succeeds: protection lasts until the file removes it.
fn adopt(record: &mut Record, mut adopted: Object) {
    let asked = record.creating.as_ref().filter(|open| open.generation == adopted.generation);
    let known = record.object.as_ref();
    let guards = asked.map(|open| open.guard).into_iter().chain(known.map(|object| object.guard));
    adopted.guard = guards.fold(adopted.guard, Guard::or);
    // The object is what the open create asked for, or succeeds what it asked for.
    record.creating.take_if(|creating| creating.generation <= adopted.generation);
    if record.object.as_ref().is_some_and(|object| object.generation > adopted.generation) {
        // The old half of an interrupted replacement.
        let is_adopted = |old: &Object| is_it(old, &adopted.id, adopted.generation);
        if !record.deposed.iter().any(is_adopted) {
            record.deposed.push(adopted);
        }
        return;
    }
    let replaced = record.object.take().filter(|object| object.id != adopted.id);
    record.deposed.extend(replaced);
    record.object = Some(adopted);
}

/// Moves the whole record, and points what depends on it at the new address. Replaced objects that
/// wait at the new address to be deleted stay there; the moved object gets a later generation.
fn relocate(others: &mut State, record: &mut Record, from: &Address, entry: &Entry) -> Folded {
    if record.object.is_some() || record.creating.is_some() {
        return Err(Conflict::AddressTaken);
    }
    let mut moved = others.resources.remove(from).ok_or(Conflict::UnknownFormerAddress)?;
    if let (Some(object), false) = (&mut moved.object, record.deposed.is_empty()) {
        object.generation = entry.generation;
    }
    moved.deposed.append(&mut record.deposed);
    *record = moved;
    for record in others.resources.values_mut().chain(iter::once(record)) {
        let objects = record.object.iter_mut().chain(&mut record.deposed);
        let all = objects.map(|object| &mut object.dependencies);
        for needs in all.chain(record.creating.iter_mut().map(|open| &mut open.dependencies)) {
            if let Some(identity) = needs.remove(from) {
                needs.insert(entry.address.clone(), identity);
            }
        }
    }
    Ok(())
}
