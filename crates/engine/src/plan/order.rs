//! The order of a plan: each step gets the steps that it waits for.

use std::collections::{BTreeMap, BTreeSet};

use super::{Planning, Step};
use crate::address::Address;
use crate::state::State;

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
            let frees = |drop: &usize| frees_the_name(&steps[*drop], &steps[at], planning);
            after.extend(dropping.values().flatten().filter(|drop| frees(drop)));
        }
        steps[at].after = after;
    }
    break_ties(steps);
}

/// Tells whether `drop` frees the unique name that `make` needs: it is free for another address once its
/// object is gone.
fn frees_the_name(drop: &Step, make: &Step, planning: &Planning<'_>) -> bool {
    let Some(kind) = planning.kinds.get(make.address.kind()) else { return false };
    let Some(desired) = make.action.desired() else { return false };
    let dropped = planning.state.object_of(&drop.address, drop.action.id(), drop.generation);
    drop.address != make.address
        && drop.address.kind() == make.address.kind()
        && dropped.is_some_and(|object| kind.excludes(object, desired))
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
    let mut done: BTreeSet<usize> = BTreeSet::new();
    loop {
        let free: Vec<usize> = (0..steps.len())
            .filter(|at| !done.contains(at) && steps[*at].after.is_subset(&done))
            .collect();
        if !free.is_empty() {
            done.extend(free);
            continue;
        }
        let makes: BTreeSet<usize> =
            (0..steps.len()).filter(|at| !steps[*at].action.removes()).collect();
        let knotted = (0..steps.len()).find(|at| {
            !done.contains(at)
                && steps[*at].action.removes()
                && steps[*at].after.iter().any(|need| makes.contains(need) && !done.contains(need))
        });
        let Some(at) = knotted else { return };
        steps[at].after.retain(|need| !makes.contains(need));
    }
}
