//! The order of a plan: each step gets the steps that it waits for.

use std::collections::{BTreeMap, BTreeSet};

use super::by_name::ByName;
use super::{Planning, Step};
use crate::address::Address;
use crate::state::{Object, State};
use crate::work;

/// Orders the steps: dependencies are created and changed first, and dependants stop using an object before
/// it is deleted.
pub(super) fn order(steps: &mut [Step], planning: &Planning<'_>) {
    let making: BTreeMap<Address, usize> = indices(steps, |step| !step.action.removes());
    let dropping: BTreeMap<Address, Vec<usize>> = {
        let mut all: BTreeMap<Address, Vec<usize>> = BTreeMap::new();
        for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.action.removes()) {
            all.entry(step.address.clone()).or_default().push(at);
        }
        all
    };
    let dependants = recorded_dependants(planning.state);
    let freeing = freeing(steps, planning);
    for at in 0..steps.len() {
        let address = steps[at].address.clone();
        let mut after = BTreeSet::new();
        if steps[at].action.removes() {
            let first =
                making.get(&address).is_some_and(|make| steps[*make].action.deletes_first());
            for dependant in dependants.get(&address).into_iter().flatten() {
                let make = making.get(dependant);
                // A dependant that is replaced create-first keeps its old object until then.
                let stays = first && make.is_some_and(|make| !steps[*make].action.deletes_first());
                after.extend(dropping.get(dependant).filter(|_| !stays).into_iter().flatten());
                after.extend(make.filter(|_| !first));
            }
            after.extend(making.get(&address).filter(|_| !first));
            if first {
                // It goes only when all that its successor needs is there.
                after.extend(planning.graph.needs(&address).filter_map(|need| making.get(need)));
            }
            after.remove(&at);
        } else {
            after.extend(planning.graph.needs(&address).filter_map(|need| making.get(need)));
            if steps[at].action.deletes_first() {
                after.extend(dropping.get(&address).into_iter().flatten());
            }
            after.extend(freed_for(&steps[at], steps, &freeing, planning));
        }
        steps[at].after = after;
    }
    break_ties(steps);
}

/// Returns the steps that remove objects, by the name that is free afterwards.
fn freeing(steps: &[Step], planning: &Planning<'_>) -> ByName<usize> {
    let mut all = ByName::new();
    for (at, step) in steps.iter().enumerate().filter(|(_, step)| step.action.removes()) {
        let kind = planning.kinds.get(step.address.kind());
        if let Some((kind, object)) = kind.zip(dropped(step, planning)) {
            all.add(kind, object, at);
        }
    }
    all
}

/// Returns the object that a step removes.
fn dropped<'a>(step: &Step, planning: &Planning<'a>) -> Option<&'a Object> {
    planning.state.object_of(&step.address, step.action.id(), step.generation)
}

/// Returns the steps at other addresses that free the name which `make` needs.
fn freed_for(
    make: &Step,
    steps: &[Step],
    freeing: &ByName<usize>,
    planning: &Planning<'_>,
) -> Vec<usize> {
    let kind = planning.kinds.get(make.address.kind());
    let Some((kind, desired)) = kind.zip(make.action.desired()) else { return Vec::new() };
    let frees = |drop: &&usize| {
        let drop = &steps[**drop];
        let dropped = dropped(drop, planning);
        drop.address != make.address && dropped.is_some_and(|object| kind.excludes(object, desired))
    };
    freeing.named_as(kind, desired).iter().filter(frees).copied().collect()
}

fn indices(steps: &[Step], take: impl Fn(&Step) -> bool) -> BTreeMap<Address, usize> {
    let taken = steps.iter().enumerate().filter(|(_, step)| take(step));
    taken.map(|(at, step)| (step.address.clone(), at)).collect()
}

/// Returns the dependants of each address, as the state recorded them: the file may not know them any more.
fn recorded_dependants(state: &State) -> BTreeMap<Address, BTreeSet<Address>> {
    let mut dependants: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (address, record) in &state.resources {
        for need in record.object.iter().chain(&record.deposed).flat_map(|o| o.dependencies.keys())
        {
            dependants.entry(need.clone()).or_default().insert(address.clone());
        }
    }
    dependants
}

/// Breaks cycles. A delete-first replacement among objects that need each other in new ways can make one:
/// there a delete does not wait for updates of dependants.
fn break_ties(steps: &mut [Step]) {
    let mut missing: Vec<BTreeSet<usize>> = steps.iter().map(|step| step.after.clone()).collect();
    let mut dependants = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        step.after.iter().for_each(|need| dependants[*need].push(at));
    }
    let mut free: Vec<usize> = (0..steps.len()).filter(|at| missing[*at].is_empty()).collect();
    let mut left: BTreeSet<usize> = (0..steps.len()).collect();
    loop {
        while let Some(at) = free.pop() {
            left.remove(&at);
            for dependant in &dependants[at] {
                work::count();
                missing[*dependant].remove(&at);
                if missing[*dependant].is_empty() {
                    free.push(*dependant);
                }
            }
        }
        // Whatever is left is in a cycle, or behind one.
        let waits_for_a_make = |at: &usize| {
            let mut needs = missing[*at].iter();
            steps[*at].action.removes() && needs.any(|need| !steps[*need].action.removes())
        };
        let Some(at) = left.iter().copied().find(waits_for_a_make) else { return };
        let makes: Vec<usize> =
            steps[at].after.iter().copied().filter(|need| !steps[*need].action.removes()).collect();
        for make in makes {
            steps[at].after.remove(&make);
            missing[at].remove(&make);
            dependants[make].retain(|dependant| *dependant != at);
        }
        if missing[at].is_empty() {
            free.push(at);
        }
    }
}
