//! What is to be done about each address: compared, and decided by what it costs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::hold::made_otherwise;
use super::{Action, Hold, Plan, Planning, Step};
use crate::address::Address;
use crate::change::{Change, Path, Rule};
use crate::diff::{CannotUnset, Compared, Fingerprints};
use crate::kind::{Live, Readiness, UpdateCost};
use crate::lifecycle::Guard;
use crate::prepare::{Wanted, mark_outputs_unknown};
use crate::reference::{self, Reference};
use crate::registry::Kind;
use crate::secret::Sealer;
use crate::state::{Object, Phase};

/// A plan in the making.
pub(super) struct Making<'a> {
    on: &'a Planning<'a>,
    sealer: Sealer,
    pub plan: Plan,
    /// What will be another object afterwards: its outputs are unknown for now.
    remade: BTreeSet<Address>,
}

impl<'a> Making<'a> {
    pub fn new(on: &'a Planning<'a>) -> Self {
        let sealer = Sealer::new(&on.state.salt);
        Self { on, sealer, plan: Plan::default(), remade: BTreeSet::new() }
    }

    pub fn decide(&mut self, address: &Address, wanted: &Wanted) {
        let desired = mark_outputs_unknown(&wanted.desired, &wanted.symbolic, &self.remade);
        let object = self.on.state.object(address);
        let live = self.on.observed.live.get(address).and_then(Option::as_ref);
        let create = |generation| Step {
            desired: Some(desired.clone()),
            ..Step::new(address, Action::Create, generation)
        };
        match (object, live) {
            (None, _) => {
                let step = create(self.next_generation(address));
                let kind = self.on.kinds.get(address.kind());
                let delete_first = kind.is_some_and(|kind| self.wants_a_former_name(kind, &step));
                let why = kind.and_then(|kind| self.takes_a_name_over(kind, &step));
                self.make(Step { delete_first, why, ..step });
            }
            (Some(object), _) if object.phase == Phase::Deleting => {
                let why = "its deletion was interrupted and is finished first";
                self.make(Step {
                    why: Some(why.to_owned()),
                    delete_first: true,
                    ..create(object.generation + 1)
                });
                self.delete(address, object, true);
            }
            (Some(object), None) => {
                let why = Some(format!("{} is gone from the cloud", object.id));
                self.make(Step { why, gone: true, ..create(object.generation + 1) });
            }
            (Some(object), Some(live)) => self.compare(address, wanted, desired, object, live),
        }
    }

    /// A step for what could not be looked at: only to be left out.
    pub fn presume(&mut self, address: &Address, wanted: &Wanted) {
        let object = self.on.state.object(address);
        let generation = object.map_or(1, |object| object.generation);
        self.plan.steps.push(Step {
            why: Some("it could not be looked at".to_owned()),
            id: object.map(|object| object.id.clone()),
            desired: Some(wanted.desired.clone()),
            ..Step::new(address, Action::Update, generation)
        });
    }

    /// Whether a unique name is that of a former object, which waits to be deleted.
    fn wants_a_former_name(&self, kind: &Kind, step: &Step) -> bool {
        let name = step.desired.as_ref().and_then(|desired| desired["name"].as_str());
        let deposed = self.on.state.resources.get(&step.address).map(|record| &record.deposed);
        kind.has_unique_names()
            && deposed.into_iter().flatten().any(|old| kind.name_of(old) == name)
    }

    /// A note where a unique name is that of an object which leaves the file.
    fn takes_a_name_over(&mut self, kind: &Kind, step: &Step) -> Option<String> {
        let name = step.desired.as_ref().and_then(|desired| desired["name"].as_str());
        let leaving = self.on.state.resources.iter().filter(|(address, _)| {
            address.kind() == step.address.kind() && !self.on.wanted.contains_key(*address)
        });
        let mut objects =
            leaving.filter_map(|(address, record)| Some((address, record.object.as_ref()?)));
        let (former, object) =
            objects.find(|(_, object)| kind.has_unique_names() && kind.name_of(object) == name)?;
        if object.guard.retain {
            self.hold(&step.address, Hold::NameKept(former.clone()));
        }
        Some(format!(
            "its name is that of {former}, which goes first; `renamed_from: {}` keeps the object",
            former.key()
        ))
    }

    /// That of a create that is open, for what it made may show itself yet.
    fn next_generation(&self, address: &Address) -> u64 {
        let record = self.on.state.resources.get(address);
        if let Some(open) = record.and_then(|record| record.creating.as_ref()) {
            return open.generation;
        }
        let old = record.into_iter().flat_map(|record| &record.deposed);
        old.map(|object| object.generation).max().unwrap_or(0) + 1
    }

    /// What is made is another object afterwards.
    fn make(&mut self, step: Step) {
        self.remade.insert(step.address.clone());
        self.plan.steps.push(step);
    }

    fn delete(&mut self, address: &Address, object: &Object, is_old: bool) {
        let id = Some(object.id.clone());
        let step = Step::new(address, Action::Delete, object.generation);
        self.plan.steps.push(Step { id, is_old, ..step });
    }

    fn compare(
        &mut self,
        address: &Address,
        wanted: &Wanted,
        desired: Value,
        object: &Object,
        live: &Live<Value>,
    ) {
        let Some(kind) = self.on.kinds.get(address.kind()) else { return };
        // What only the last run knew is taken away, and what only the file knows is to come.
        let mut others = kind.unmanaged(Some(&desired), &live.spec);
        if let Some(applied) = &object.spec {
            let before = kind.unmanaged(Some(applied), &live.spec);
            others.retain(|other| before.contains(other));
        }
        let notes = live.notes.iter().chain(&others).map(|note| (address.clone(), note.clone()));
        self.plan.notes.extend(notes);
        let compared = Compared {
            kind,
            sealer: &self.sealer,
            applied: object.spec.as_ref(),
            live: &live.spec,
            lifecycle: &wanted.lifecycle,
            desired: &desired,
            fingerprints: Fingerprints { recorded: &object.fingerprints, live: &live.fingerprints },
        };
        let mut found = compared.difference();
        found.changes.extend(self.rebound(wanted, &desired, object, &found.changes));
        if !found.unreported.is_empty() {
            let unreported = self.plan.unreported.entry(address.kind().to_owned()).or_default();
            unreported.extend(found.unreported);
        }
        self.plan.notes.extend(found.taken_on_trust.drain(..).map(|path| {
            let note = format!(
                "whether what was found has this `{path}` cannot be seen; `--replace {address}` makes \
                 another that has it"
            );
            (address.clone(), note)
        }));
        let ignored_edits = std::mem::take(&mut found.ignored_edits).into_iter();
        self.plan.ignored_edits.extend(ignored_edits.map(|path| (address.clone(), path)));
        self.hide(&mut found.changes, object, &desired);
        if object.phase != Phase::Done {
            // What an earlier run left unfinished, nobody else has changed.
            let drifted = found.changes.iter_mut().filter(|change| change.rule == Rule::Drifted);
            drifted.for_each(|change| change.rule = Rule::Missing);
        }
        self.refuse(address, kind, &found.changes);
        let otherwise = made_otherwise(object, &found.changes);
        let cost = found.changes.iter().map(|change| change.cost).max();
        let (action, why) = match (&live.readiness, cost) {
            (Readiness::Failed(why), _) => (Action::Replace, Some(why.clone())),
            _ if self.on.selection.replaced.contains(address) => {
                (Action::Replace, Some("it was asked for".to_owned()))
            }
            (_, Some(UpdateCost::Replace)) if otherwise.is_empty() => (Action::Replace, None),
            (_, Some(UpdateCost::Restart)) => (Action::Restart, None),
            (_, Some(_)) => (Action::Update, None),
            (_, None)
                if self.is_recorded(address, (wanted.lifecycle.guard, &desired), object, live) =>
            {
                self.plan.unchanged.push(address.clone());
                return;
            }
            (_, None) => (Action::Record, None),
        };
        let step = Step {
            changes: found.changes,
            why,
            id: Some(object.id.clone()),
            desired: Some(desired),
            ..Step::new(address, action, object.generation)
        };
        if action == Action::Replace {
            // A new object is made without what was taken out of the file.
            let applied = object.spec.as_ref();
            let left_out = found.cannot_unset.into_iter().map(|CannotUnset(path)| Change {
                before: applied.and_then(|spec| path.within(spec)).cloned(),
                after: None,
                rule: Rule::Unset,
                cost: UpdateCost::InPlace,
                path,
            });
            let mut step = step;
            step.changes.extend(left_out);
            let delete_first =
                keeps_its_name(kind, &step, object, live) || self.wants_a_former_name(kind, &step);
            // `protect` is taken away by a run that does nothing else to the object.
            let protect = wanted.lifecycle.guard.protect || object.guard.protect;
            self.guard(&step, Guard { protect, ..wanted.lifecycle.guard });
            self.make(Step {
                delete_first,
                lost: others,
                generation: object.generation + 1,
                ..step
            });
            self.delete(address, object, true);
            return;
        }
        self.keep(&step, found.cannot_unset, otherwise);
        self.plan.steps.push(step);
    }

    /// What exists may be told only as far as it is no secret.
    fn hide(&self, changes: &mut [Change], object: &Object, desired: &Value) {
        for change in changes {
            let at = |spec: &Value| change.path.within(spec).cloned();
            let like: Vec<Value> =
                [object.spec.as_ref().and_then(at), at(desired)].into_iter().flatten().collect();
            let like: Vec<&Value> = like.iter().collect();
            change.before = change.before.as_ref().map(|before| self.sealer.hide(before, &like));
        }
    }

    /// Fields that refer to something made anew under the same name, so that their value is the
    /// same and yet no longer holds.
    fn rebound(
        &self,
        wanted: &Wanted,
        desired: &Value,
        object: &Object,
        changes: &[Change],
    ) -> Vec<Change> {
        let moved: BTreeSet<&Address> = object
            .dependencies
            .iter()
            .filter(|(need, then)| {
                let live = self.on.observed.live.get(need).and_then(Option::as_ref);
                let now = live.and_then(|live| live.identity.as_ref());
                then.is_some() && now.is_some() && then.as_ref() != now
            })
            .map(|(need, _)| need)
            .collect();
        rebound(&wanted.symbolic, desired, &moved)
            .into_iter()
            .filter(|change| !changes.iter().any(|known| known.path.field() == change.path.field()))
            .collect()
    }

    /// Whether the state already says all of this.
    fn is_recorded(
        &self,
        address: &Address,
        (guard, desired): (Guard, &Value),
        object: &Object,
        live: &Live<Value>,
    ) -> bool {
        object.phase == Phase::Done
            && object.guard == guard
            && object.outputs == live.outputs
            && object.fingerprints == live.fingerprints
            && object.identity == live.identity
            && object.dependencies == self.needs(address, object)
            && object.spec.as_ref().is_some_and(|spec| self.sealer.same(spec, desired))
    }

    /// What an address needs, with the identities that are there now.
    fn needs(&self, address: &Address, object: &Object) -> BTreeMap<Address, Option<String>> {
        let identity = |need: &Address| {
            if self.on.observed.is_unseen(need) {
                return object.dependencies.get(need).cloned().flatten();
            }
            let live = self.on.observed.live.get(need).and_then(Option::as_ref);
            live.and_then(|live| live.identity.clone())
        };
        self.on.graph.needs(address).map(|need| (need.clone(), identity(need))).collect()
    }

    /// What the file does not have any more, and what replacements left.
    pub fn removals(&mut self) {
        for (address, record) in &self.on.state.resources {
            for object in &record.deposed {
                self.delete(address, object, true);
            }
            if let Some(object) = &record.object
                && !self.on.wanted.contains_key(address)
            {
                self.remove(address, object);
            }
        }
    }

    /// What the file does not have any more. The state's guard holds: the file has none now.
    fn remove(&mut self, address: &Address, object: &Object) {
        let seen = self.on.observed.live.get(address);
        let is_over = seen.is_some_and(Option::is_none) || object.phase == Phase::Deleting;
        self.delete(address, object, false);
        let Guard { protect, retain } = object.guard;
        if protect && !is_over {
            let (action, because) = (Action::Delete, "nothing asks for it any more".to_owned());
            self.hold(address, Hold::Guarded { guard: "protect", action, because });
        }
        let Some(step) = self.plan.steps.last_mut() else { return };
        if retain && !protect && !is_over {
            step.action = Action::Forget;
            step.why = Some("`retain` keeps it in the cloud".to_owned());
            return;
        }
        let live = seen.and_then(Option::as_ref);
        if let (Some(kind), Some(live)) = (self.on.kinds.get(address.kind()), live) {
            // What others have put on it goes with it.
            step.lost = kind.unmanaged(object.spec.as_ref(), &live.spec);
        }
    }
}

/// Whether the successor bears a name that is unique, so that the old one must go first. An adopted
/// object has no recorded spec; what exists tells its name.
fn keeps_its_name(kind: &Kind, successor: &Step, object: &Object, live: &Live<Value>) -> bool {
    let name = live.spec.get("name").or_else(|| object.spec.as_ref()?.get("name"));
    let next = successor.desired.as_ref().and_then(|desired| desired.get("name"));
    kind.has_unique_names() && name == next
}

/// The changes of a spec's top-level fields that refer to one of `moved`.
pub fn rebound(symbolic: &Value, desired: &Value, moved: &BTreeSet<&Address>) -> Vec<Change> {
    let empty = Map::new();
    let refers = |value: &Value| {
        reference::references(value)
            .iter()
            .any(|r| matches!(r, Reference::Output(address, _) if moved.contains(address)))
    };
    symbolic
        .as_object()
        .unwrap_or(&empty)
        .iter()
        .filter(|(_, value)| refers(value))
        .map(|(field, _)| Change {
            path: Path(vec![field.clone()]),
            before: desired.get(field).cloned(),
            after: desired.get(field).cloned(),
            rule: Rule::Rebound,
            cost: UpdateCost::InPlace,
        })
        .collect()
}
