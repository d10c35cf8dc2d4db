//! Decides what is done about each address, by what differs and what a change of it costs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::blocker::created_differently;
use super::by_name::ByName;
use super::rebound::{rebound, recreated};
use super::{
    Action, Blocker, CreateReason, DeleteReason, Note, Noted, Plan, Planning, ReleaseReason,
    Removal, ReplaceOrder, ReplaceReason, Step,
};
use crate::address::Address;
use crate::change::{Change, ChangeReason, Path};
use crate::diff::{CannotUnset, Compared, Difference, Fingerprints};
use crate::kind::{Live, Readiness, UpdateCost};
use crate::lifecycle::Guard;
use crate::prepare::{Wanted, filled, mark_outputs_unknown};
use crate::registry::Kind;
use crate::secret::Sealer;
use crate::state::{Object, Phase};

/// A plan in the making.
pub(super) struct Making<'a> {
    pub(super) on: &'a Planning<'a>,
    sealer: Sealer,
    pub plan: Plan,
    /// Addresses that will have another object afterwards, whose outputs are known after apply.
    replaced: BTreeSet<Address>,
    /// Objects whose addresses the file does not have any more.
    leaving: ByName<(&'a Address, &'a Object)>,
    /// Addresses whose objects could not be read.
    unseen: BTreeSet<&'a Address>,
}

/// An object that exists and is wanted, and everything that is known of both.
struct Subject<'s> {
    address: &'s Address,
    kind: &'s Kind,
    wanted: &'s Wanted,
    /// What is wanted, without outputs that this plan makes unknown.
    desired: Value,
    object: &'s Object,
    live: &'s Live<Value>,
    /// What others have put on the object.
    unmanaged: Vec<String>,
}

impl<'a> Making<'a> {
    pub fn new(on: &'a Planning<'a>) -> Self {
        let sealer = Sealer::new(&on.state.salt);
        let mut leaving = ByName::new();
        for (address, record) in &on.state.resources {
            let kind = on.kinds.get(address.kind()).filter(|_| !on.wanted.contains_key(address));
            if let Some((kind, object)) = kind.zip(record.object.as_ref()) {
                leaving.add(kind, object, (address, object));
            }
        }
        let unseen = on.observed.unseen_addresses();
        let (plan, replaced) = (Plan::default(), BTreeSet::new());
        Self { on, sealer, plan, replaced, leaving, unseen }
    }

    /// Tells whether the object of an address could not be read.
    pub fn is_unseen(&self, address: &Address) -> bool {
        self.unseen.contains(address)
    }

    pub fn decide(&mut self, address: &Address, wanted: &Wanted) {
        let desired =
            mark_outputs_unknown(&wanted.desired, &wanted.symbolic, &self.replaced, self.on.state);
        let object = self.on.state.object(address);
        let live = self.on.observed.live.get(address).and_then(Option::as_ref);
        match (object, live) {
            (None, _) => {
                let reason = self.create_reason(address, &desired);
                self.create(address, self.next_generation(address), desired, reason);
            }
            (Some(object), _) if object.phase == Phase::Deleting => {
                let reason = CreateReason::DeletionInterrupted;
                self.create(address, object.generation + 1, desired, reason);
                self.delete(address, object, DeleteReason::Replaced);
            }
            (Some(object), None) => {
                let reason = CreateReason::Gone(object.id.clone());
                self.create(address, object.generation + 1, desired, reason);
            }
            (Some(object), Some(live)) => {
                let Some(kind) = self.on.kinds.get(address.kind()) else { return };
                let unmanaged = unmanaged(kind, &desired, object, live);
                self.compare(Subject { address, kind, wanted, desired, object, live, unmanaged });
            }
        }
    }

    /// Adds a step for an object of the state that could not be read. Nobody knows what the step would do:
    /// it is only there to be skipped.
    pub fn presume(&mut self, address: &Address, wanted: &Wanted) {
        let Some(object) = self.on.state.object(address) else { return };
        let (id, desired) = (object.id.clone(), wanted.desired.clone());
        let action = Action::Update { id, desired, changes: Vec::new() };
        self.plan.steps.push(Step::new(address, object.generation, action));
    }

    /// Returns why an address is created that the state does not have.
    fn create_reason(&mut self, address: &Address, desired: &Value) -> CreateReason {
        let Some(kind) = self.on.kinds.get(address.kind()) else { return CreateReason::New };
        if self.is_name_of_old(kind, address, desired) {
            return CreateReason::NameOfOld;
        }
        let mut leaving = self.leaving.named_as(kind, desired).iter().copied();
        match leaving.find(|(_, object)| kind.excludes(object, desired)) {
            Some((former, object)) if self.is_released(former, object) => {
                self.block(address, Blocker::NameRetained(former.clone()));
                CreateReason::New
            }
            Some((former, _)) => {
                self.block_name_in_use(kind, address, former);
                CreateReason::NameOf(former.clone())
            }
            None => CreateReason::New,
        }
    }

    /// Tells whether the wanted name is that of an old object of the same address, which waits to be deleted.
    fn is_name_of_old(&self, kind: &Kind, address: &Address, desired: &Value) -> bool {
        let deposed = self.on.state.resources.get(address).map(|record| &record.deposed);
        deposed.into_iter().flatten().any(|old| kind.excludes(old, desired))
    }

    /// Returns the generation of a new object. An open create keeps its own, for what it made may become
    /// visible later.
    fn next_generation(&self, address: &Address) -> u64 {
        let record = self.on.state.resources.get(address);
        if let Some(open) = record.and_then(|record| record.creating.as_ref()) {
            return open.generation;
        }
        let old = record.into_iter().flat_map(|record| &record.deposed);
        old.map(|object| object.generation).max().unwrap_or(0) + 1
    }

    fn create(&mut self, address: &Address, generation: u64, desired: Value, reason: CreateReason) {
        self.replaced.insert(address.clone());
        self.plan.steps.push(Step::new(address, generation, Action::Create { desired, reason }));
    }

    fn delete(&mut self, address: &Address, object: &Object, reason: DeleteReason) {
        let (id, lost) = (object.id.clone(), Vec::new());
        let action = Action::Delete { id, reason, lost };
        self.plan.steps.push(Step::new(address, object.generation, action));
    }

    fn compare(&mut self, it: Subject<'_>) {
        let mut found = self.difference(&it);
        self.note(&it, &mut found);
        self.explain(&it, &mut found.changes);
        self.hide(&it, &mut found.changes);
        self.block_refused(it.address, it.kind, &found.changes);
        let different = created_differently(it.object, &found.changes);
        if let Some(reason) = self.replace_reason(&it, &found.changes, &different) {
            return self.replace(it, found, reason);
        }
        let cost = found.changes.iter().map(|change| change.cost).max();
        if cost.is_none() && self.is_recorded(&it) {
            return self.plan.unchanged.push(it.address.clone());
        }
        self.block_impossible(it.address, &found.changes, found.cannot_unset);
        for path in different {
            self.block(it.address, Blocker::CreatedDifferently(path));
        }
        let (id, desired, changes) = (it.object.id.clone(), it.desired, found.changes);
        let action = match cost {
            Some(UpdateCost::Restart) => Action::Restart { id, desired, changes },
            Some(_) => Action::Update { id, desired, changes },
            None => Action::Record { id, desired },
        };
        self.plan.steps.push(Step::new(it.address, it.object.generation, action));
    }

    /// Returns what differs, fields that refer to a re-created object among it.
    fn difference(&self, it: &Subject<'_>) -> Difference {
        let compared = Compared {
            kind: it.kind,
            sealer: &self.sealer,
            applied: it.object.spec.as_ref(),
            live: &it.live.spec,
            lifecycle: &it.wanted.lifecycle,
            desired: &it.desired,
            fingerprints: Fingerprints {
                recorded: &it.object.fingerprints,
                live: &it.live.fingerprints,
            },
            unapplied: &it.object.unapplied,
        };
        let mut found = compared.difference();
        let rebound = self.rebound(it, &found.changes);
        found.changes.extend(rebound);
        found
    }

    /// Adds notes: what a plan reports beside the changes.
    fn note(&mut self, it: &Subject<'_>, found: &mut Difference) {
        if !found.unreported.is_empty() {
            let unreported = self.plan.unreported.entry(it.address.kind().to_owned()).or_default();
            unreported.append(&mut found.unreported);
        }
        let observed = it.live.notes.iter().cloned().map(Note::Observed);
        let unmanaged = it.unmanaged.iter().cloned().map(Note::Unmanaged);
        let unverifiable = found.taken_on_trust.drain(..).map(Note::Unverifiable);
        let ignored = found.ignored_edits.drain(..);
        let ignored = ignored.map(|path| Note::IgnoredEdit { path, place: None });
        let unapplied = found.unapplied.drain(..).map(Note::Unapplied);
        let notes = observed.chain(unmanaged).chain(unverifiable).chain(ignored).chain(unapplied);
        let noted = notes.map(|note| Noted { address: it.address.clone(), note });
        self.plan.notes.extend(noted);
    }

    /// Corrects reasons that the difference alone does not show. What an interrupted run left, nobody else
    /// has changed; and a value that is known after apply may be one that the file refers to only now.
    fn explain(&self, it: &Subject<'_>, changes: &mut [Change]) {
        let is_adopted = it.object.spec.is_none();
        for change in changes {
            // A key of a map may be an output, which is another one after the run.
            let keys = change.path.0.iter().map(|key| filled(key, self.on.state));
            let path = Path(keys.collect());
            let known = path.within(&it.wanted.desired);
            let then = it.object.spec.as_ref().and_then(|spec| path.within(spec));
            change.reason = match change.reason {
                ChangeReason::Edited if change.after.is_none() && known.is_some() => {
                    ChangeReason::DependencyReplaced
                }
                ChangeReason::NotApplied if is_adopted && change.before.is_some() => {
                    ChangeReason::AdoptedDifferently
                }
                ChangeReason::Drifted if it.object.phase != Phase::Done => ChangeReason::NotApplied,
                ChangeReason::DependencyReplaced if it.object.spec.is_none() => {
                    ChangeReason::NotApplied
                }
                ChangeReason::DependencyReplaced
                    if !then.zip(known).is_some_and(|(a, b)| self.sealer.same(a, b)) =>
                {
                    ChangeReason::Edited
                }
                reason => reason,
            };
        }
    }

    /// Returns why the object is replaced, if it is. It is not replaced because it was created differently.
    fn replace_reason(
        &self,
        it: &Subject<'_>,
        changes: &[Change],
        created_differently: &[Path],
    ) -> Option<ReplaceReason> {
        if let Readiness::Failed(why) = &it.live.readiness {
            return Some(ReplaceReason::Failed(why.clone()));
        }
        if self.on.selection.replaced.contains(it.address) {
            return Some(ReplaceReason::Requested);
        }
        let cost = changes.iter().map(|change| change.cost).max();
        if cost != Some(UpdateCost::Replace) || !created_differently.is_empty() {
            return None;
        }
        let costly = changes.iter().filter(|change| change.cost == UpdateCost::Replace);
        let shown = costly.filter_map(|change| it.kind.fields.shown(&change.path));
        Some(ReplaceReason::Changes(shown.collect::<BTreeSet<Path>>().into_iter().collect()))
    }

    /// Adds two steps: the new object, and the deletion of the old one.
    fn replace(&mut self, it: Subject<'_>, found: Difference, reason: ReplaceReason) {
        let Subject { address, object, .. } = it;
        // `protect` is removed by a run that does nothing else to the object.
        let guard = it.wanted.lifecycle.guard;
        let protect = guard.protect || object.guard.protect;
        let removal = Removal::Replace(reason.clone());
        self.block_guarded(address, Guard { protect, ..guard }, removal);
        let order = self.replace_order(&it);
        if order == ReplaceOrder::DeleteFirst {
            self.block_name_in_use(it.kind, address, address);
        }
        let mut changes = found.changes;
        // A new object is created without what was removed from the file.
        let applied = object.spec.as_ref();
        changes.extend(found.cannot_unset.into_iter().map(|CannotUnset(path)| Change {
            before: applied.and_then(|spec| path.within(spec)).cloned(),
            after: None,
            reason: ChangeReason::DefaultRestored,
            cost: UpdateCost::InPlace,
            path,
        }));
        let lost = it.unmanaged.into_iter().chain(it.kind.lost_parts(&it.live.spec)).collect();
        let (id, desired) = (object.id.clone(), it.desired);
        let action = Action::Replace { id, desired, changes, order, reason, lost };
        self.replaced.insert(address.clone());
        self.plan.steps.push(Step::new(address, object.generation + 1, action));
        self.delete(address, object, DeleteReason::Replaced);
    }

    /// Returns which object exists first. The old one is deleted first if its successor needs its unique
    /// name, or that of an older one. An adopted object has no recorded spec; what exists shows its name.
    fn replace_order(&self, it: &Subject<'_>) -> ReplaceOrder {
        let keeps_name = match it.live.spec.get("name") {
            Some(_) => it.kind.excludes_live(&it.live.spec, &it.desired),
            None => it.kind.excludes(it.object, &it.desired),
        };
        if keeps_name || self.is_name_of_old(it.kind, it.address, &it.desired) {
            ReplaceOrder::DeleteFirst
        } else {
            ReplaceOrder::CreateFirst
        }
    }

    /// Hides secrets in what exists: a plan shows it.
    fn hide(&self, it: &Subject<'_>, changes: &mut [Change]) {
        for change in changes {
            let at = |spec: &Value| change.path.within(spec).cloned();
            let applied = it.object.spec.as_ref().and_then(at);
            let like: Vec<Value> = [applied, at(&it.desired)].into_iter().flatten().collect();
            let like: Vec<&Value> = like.iter().collect();
            change.before = change.before.as_ref().map(|before| self.sealer.hide(before, &like));
        }
    }

    /// Returns the changes of fields that refer to a re-created object and that nothing else changes.
    fn rebound(&self, it: &Subject<'_>, changes: &[Change]) -> Vec<Change> {
        let identity = |need: &Address| {
            let live = self.on.observed.live.get(need).and_then(Option::as_ref);
            live.and_then(|live| live.identity.as_deref())
        };
        let recreated = recreated(&it.object.dependencies, identity);
        rebound(&it.wanted.symbolic, &it.desired, &recreated)
            .into_iter()
            .filter(|change| !changes.iter().any(|known| known.path.field() == change.path.field()))
            .collect()
    }

    /// Tells whether the state has recorded all of this already.
    fn is_recorded(&self, it: &Subject<'_>) -> bool {
        let Subject { object, live, .. } = it;
        object.phase == Phase::Done
            && object.guard == it.wanted.lifecycle.guard
            && object.outputs == live.outputs
            && object.fingerprints == live.fingerprints
            && object.identity == live.identity
            && object.dependencies == self.needs(it.address, object)
            && object.spec.as_ref().is_some_and(|spec| self.sealer.same(spec, &it.desired))
    }

    /// Returns the dependencies of an address with their present identities.
    fn needs(&self, address: &Address, object: &Object) -> BTreeMap<Address, Option<String>> {
        let identity = |need: &Address| {
            if self.is_unseen(need) {
                return object.dependencies.get(need).cloned().flatten();
            }
            let live = self.on.observed.live.get(need).and_then(Option::as_ref);
            live.and_then(|live| live.identity.clone())
        };
        self.on.graph.needs(address).map(|need| (need.clone(), identity(need))).collect()
    }

    /// Adds steps for what the file does not have any more, and for what replacements left.
    pub fn removals(&mut self) {
        for (address, record) in &self.on.state.resources {
            for object in &record.deposed {
                self.delete(address, object, DeleteReason::Leftover);
            }
            if let Some(object) = &record.object
                && !self.on.wanted.contains_key(address)
            {
                self.remove(address, object);
            }
        }
    }

    /// Adds a step for an object that the file does not have any more. The state's guard counts, since the
    /// file has none now.
    fn remove(&mut self, address: &Address, object: &Object) {
        if self.is_released(address, object) {
            return self.plan.steps.push(Step::release(address, object, ReleaseReason::Retained));
        }
        if !self.is_over(address, object) {
            let guard = Guard { retain: false, ..object.guard };
            self.block_guarded(address, guard, Removal::Delete);
        }
        let kind = self.on.kinds.get(address.kind());
        let live = self.on.observed.live.get(address).and_then(Option::as_ref);
        let lost = kind.zip(live).into_iter().flat_map(|(kind, live)| {
            let others = kind.unmanaged(object.spec.as_ref(), &live.spec);
            others.into_iter().chain(kind.lost_parts(&live.spec))
        });
        // What this stack has begun to delete is deleted by it.
        let is_gone = self.is_seen_gone(address) && object.phase != Phase::Deleting;
        let reason = if is_gone { DeleteReason::Gone } else { DeleteReason::NotWanted };
        let action = Action::Delete { id: object.id.clone(), reason, lost: lost.collect() };
        self.plan.steps.push(Step::new(address, object.generation, action));
    }

    /// Tells whether an object that leaves the file stays in the cloud.
    fn is_released(&self, address: &Address, object: &Object) -> bool {
        let Guard { protect, retain } = object.guard;
        retain && !protect && !self.is_over(address, object)
    }

    /// Tells whether nothing is left of an object that could be guarded.
    fn is_over(&self, address: &Address, object: &Object) -> bool {
        self.is_seen_gone(address) || object.phase == Phase::Deleting
    }

    /// Tells whether a read has shown that the object of an address no longer exists.
    fn is_seen_gone(&self, address: &Address) -> bool {
        self.on.observed.live.get(address).is_some_and(Option::is_none)
    }
}

/// Returns what others have put on an object: neither the last run nor the file knows it.
fn unmanaged(kind: &Kind, desired: &Value, object: &Object, live: &Live<Value>) -> Vec<String> {
    let mut unmanaged = kind.unmanaged(Some(desired), &live.spec);
    if let Some(applied) = &object.spec {
        let before = kind.unmanaged(Some(applied), &live.spec);
        unmanaged.retain(|one| before.contains(one));
    }
    unmanaged
}
