//! Converging an object with the file: wait until it can be changed, compare, update, observe again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::create::{Made, Target};
use super::{Failure, Op};
use crate::address::Address;
use crate::awaited::Awaited;
use crate::change::{Change, Path};
use crate::diff::{Compared, Difference, Fingerprints};
use crate::kind::{Error, Fault, FieldTable, Handle, Live, Memo, Milestone, Readiness, UpdateCost};
use crate::lifecycle::is_reserved_tag;
use crate::manifest;
use crate::plan::{rebound, recreated};
use crate::state::{Object, Transition};
use crate::wait::Wait;

/// The number of accepted updates after which the operation gives up.
const ROUNDS: usize = 8;
/// How long an accepted change may take to be seen.
const SHOWING: Duration = Duration::from_secs(30);
/// How long an object may be in transition.
const TRANSIT: Duration = Duration::from_secs(600);

/// What is known of an object before it converges.
struct Known {
    id: String,
    outputs: BTreeMap<String, String>,
    /// The spec that was last applied, sealed; `None` for an adopted object.
    applied: Option<Value>,
    fingerprints: BTreeMap<String, String>,
    /// What the endpoint is known to keep.
    unapplied: BTreeMap<String, String>,
    live: Option<Live<Value>>,
}

impl Op<'_> {
    /// Converges an object that exists. A change that costs more than `allowed`, the cost in the plan, is an
    /// error.
    pub async fn update(&mut self, allowed: UpdateCost) -> Result<(), Failure> {
        let Some(object) = &self.object else {
            return Err(Error::terminal("the state does not have it").into());
        };
        let target = self.target().await?;
        let known = Known {
            id: object.id.clone(),
            outputs: object.outputs.clone(),
            applied: object.spec.clone(),
            fingerprints: object.fingerprints.clone(),
            unapplied: object.unapplied.clone(),
            live: self.live().cloned(),
        };
        let rebound = self.rebound(&target, object);
        let name = target.spec["name"].as_str().unwrap_or_default();
        self.withdraw_unfinished(name).await?;
        self.converge(target, known, rebound, allowed).await
    }

    /// Converges a new object, starting from what its create established.
    pub async fn complete(&self, target: Target, made: Made) -> Result<(), Failure> {
        let applied = made.as_asked.then(|| target.sealed.clone());
        let Made { id, outputs, live, .. } = made;
        let (fingerprints, unapplied) = (BTreeMap::new(), BTreeMap::new());
        let known = Known { id, outputs, applied, fingerprints, unapplied, live };
        self.converge(target, known, Vec::new(), UpdateCost::Restart).await
    }

    /// Compares and updates until nothing differs. A field that refers to a re-created object cannot be
    /// seen to differ: it is sent once, by itself, when nothing else differs.
    async fn converge(
        &self,
        target: Target,
        known: Known,
        mut rebound: Vec<Change>,
        allowed: UpdateCost,
    ) -> Result<(), Failure> {
        let Known { id, outputs, mut applied, mut fingerprints, mut unapplied, mut live } = known;
        let is_as_asked = self.object.is_none() && applied.is_some();
        let mut handle = Handle {
            address: self.address.clone(),
            id,
            generation: self.generation,
            outputs,
            applied: applied.clone().or_else(|| Some(target.sealed.clone())),
            memo: Memo::default(),
        };
        let mut is_recorded = self.object.is_none();
        let mut last_sent: Vec<Change> = Vec::new();
        let mut accepted = 0;
        let mut showing = self.wait();
        let mut trouble = self.wait();
        loop {
            let mut seen = self.ready(&handle, live.take()).await?;
            let found =
                self.difference(&target, &seen, applied.as_ref(), &fingerprints, &unapplied);
            rebound.retain(|this| {
                !found.changes.iter().any(|change| change.path.field() == this.path.field())
            });
            let is_rebinding = found.changes.is_empty();
            let changes = if is_rebinding { rebound.clone() } else { found.changes };
            if is_rebinding {
                // It was seen with the former object that it refers to.
                seen.memo = Memo::default();
            }
            if changes.is_empty() {
                return Ok(self
                    .done(&target, seen, unapplied_still(unapplied, &found.unapplied))
                    .await?);
            }
            if let Some(Change { path, cost, .. }) = changes.iter().find(|c| c.cost > allowed) {
                let (path, cost) = (path.clone(), *cost);
                let created = Failure::CreatedDifferently(path.clone());
                return Err(if is_as_asked { created } else { Failure::NotPlanned { path, cost } });
            }
            let is_not_seen = is_same_difference(&changes, &last_sent);
            // An update may become visible a little later.
            let limit = self.grace().min(SHOWING);
            if is_not_seen && showing.pause(&Awaited::ChangeVisible, limit).await {
                continue;
            }
            if is_not_seen || accepted == ROUNDS {
                return Err(self.not_applied(&target, seen, unapplied, &changes).await?);
            }
            if !std::mem::replace(&mut is_recorded, true) {
                self.journal(Transition::UpdateIntent { guard: target.lifecycle.guard }).await?;
            }
            if let Err(error) =
                self.change(&mut trouble, &mut handle, &target, &seen, &changes).await
            {
                // The next observation shows what the failed update has changed.
                self.retry_change(
                    &mut trouble,
                    about(&changes, &self.provider.kind().fields, error),
                )
                .await?;
                continue;
            }
            trouble.is_over();
            showing.is_over();
            accepted += 1;
            if is_as_asked {
                self.reached(Milestone::Sent);
            }
            // What is sent may be applied now.
            unapplied
                .retain(|kept, _| changes.iter().all(|change| change.path.to_string() != *kept));
            if is_rebinding {
                rebound.clear();
                continue;
            }
            last_sent = changes;
            // Write-only fields have been sent now, and removed ones need no more comparison; a default
            // that was restored must become visible.
            applied = Some(asked(&target, &last_sent));
            handle.applied = Some(target.sealed.clone());
            fingerprints = BTreeMap::new();
        }
    }

    /// Sends an update until the cloud accepts it.
    async fn change(
        &self,
        wait: &mut Wait<'_>,
        handle: &mut Handle<Value>,
        target: &Target,
        seen: &Live<Value>,
        changes: &[Change],
    ) -> Result<(), Error> {
        let mut desired = asked(target, changes);
        target.lifecycle.ignored.keep(&mut desired, &seen.spec);
        handle.outputs.clone_from(&seen.outputs);
        handle.memo = seen.memo.clone();
        loop {
            match self.provider.update(handle, &desired, changes).await {
                Err(error) if !matches!(error.fault, Fault::Unknown | Fault::Conflict) => {
                    self.retry(wait, error).await?;
                    // The refused update may have changed something.
                    handle.memo = Memo::default();
                }
                answer => return answer,
            }
        }
    }

    /// Observes (or takes what is known) until the object is ready.
    async fn ready(
        &self,
        handle: &Handle<Value>,
        known: Option<Live<Value>>,
    ) -> Result<Live<Value>, Failure> {
        let mut known = known;
        let mut wait = self.wait();
        let mut trouble = self.wait();
        loop {
            let live = match known.take() {
                Some(live) => Some(live),
                None => match self.provider.observe_one(handle).await {
                    Ok(live) => live,
                    Err(error) => {
                        self.retry_read(&mut trouble, error).await?;
                        continue;
                    }
                },
            };
            trouble.is_over();
            if live.is_none()
                && self.object.is_none()
                // Where this fails, the next round asks again.
                && let Ok(Some(why)) = self.provider.ended(handle).await
            {
                return Err(Failure::Ended(why));
            }
            let (awaited, limit) = match live {
                Some(live) => match &live.readiness {
                    Readiness::Ready => return Ok(live),
                    Readiness::Failed(why) => {
                        return Err(Failure::NeverReady(why.clone()));
                    }
                    Readiness::Pending(what) => (Awaited::Other(what.clone()), TRANSIT),
                },
                None => (Awaited::Visible(handle.id.clone()), self.grace()),
            };
            if !wait.pause(&awaited, limit).await {
                return Err(Failure::TimedOut { awaited, limit });
            }
            if self.stopping() {
                return Err(Failure::Interrupted(awaited));
            }
        }
    }

    fn difference(
        &self,
        target: &Target,
        live: &Live<Value>,
        applied: Option<&Value>,
        fingerprints: &BTreeMap<String, String>,
        unapplied: &BTreeMap<String, String>,
    ) -> Difference {
        let compared = Compared {
            kind: self.provider.kind(),
            sealer: &self.shared.sealer,
            applied,
            live: &live.spec,
            lifecycle: &target.lifecycle,
            desired: &target.spec,
            fingerprints: Fingerprints { recorded: fingerprints, live: &live.fingerprints },
            unapplied,
        };
        compared.difference()
    }

    /// Tells whether, with everything known, the object must be replaced.
    pub async fn must_replace(&self) -> Result<bool, Error> {
        let (Some(live), Some(object)) = (self.live(), &self.object) else { return Ok(true) };
        let target = self.target().await?;
        let found = self.difference(
            &target,
            live,
            object.spec.as_ref(),
            &object.fingerprints,
            &object.unapplied,
        );
        Ok(found.changes.iter().map(|change| change.cost).max() == Some(UpdateCost::Replace))
    }

    /// Returns fields to set again because they refer to an object that was re-created under its name.
    fn rebound(&self, target: &Target, object: &Object) -> Vec<Change> {
        let identity = |need: &Address| self.dependencies.get(need)?.as_deref();
        let recreated = recreated(&object.dependencies, identity);
        match self.shared.run.manifest.resources.get(&self.address) {
            // The fields of a config have the names of those of the spec.
            Some(resource) => rebound(&resource.config, &target.spec, &recreated),
            None => Vec::new(),
        }
    }

    /// Returns the failure of an update that was accepted and not applied. The state records what the
    /// endpoint keeps, so that the next run does not fail with it again. Tags of an owner are not left so.
    async fn not_applied(
        &self,
        target: &Target,
        live: Live<Value>,
        mut unapplied: BTreeMap<String, String>,
        changes: &[Change],
    ) -> Result<Failure, Error> {
        let kind = self.provider.kind();
        let paths: Vec<Path> = changes.iter().map(|change| change.path.clone()).collect();
        let may_ignore = |path: &Path| manifest::not_to_ignore(kind, &path.to_string()).is_none();
        let may_ignore = paths.iter().all(may_ignore);
        let is_recorded = !paths.iter().any(is_reserved_tag);
        if is_recorded {
            let kept = |change: &Change| {
                let witness = self.shared.sealer.witness(&json!(change.before));
                (change.path.to_string(), witness)
            };
            unapplied.extend(changes.iter().map(kept));
            self.done(target, live, unapplied).await?;
        }
        Ok(Failure::NotApplied { paths, may_ignore, is_recorded })
    }

    async fn done(
        &self,
        target: &Target,
        live: Live<Value>,
        unapplied: BTreeMap<String, String>,
    ) -> Result<(), Error> {
        self.journal(Transition::Completed {
            spec: target.sealed.clone(),
            outputs: live.outputs,
            fingerprints: live.fingerprints,
            unapplied,
            identity: live.identity,
            dependencies: self.dependencies.clone(),
            guard: target.lifecycle.guard,
        })
        .await
    }
}

/// Tells whether an update left everything as it was. The reasons of the changes may be others now: what was
/// edited counts as applied once it is sent.
fn is_same_difference(now: &[Change], before: &[Change]) -> bool {
    let differs = |one: &Change, other: &Change| {
        one.path != other.path || one.before != other.before || one.after != other.after
    };
    now.len() == before.len() && !now.iter().zip(before).any(|(one, other)| differs(one, other))
}

/// Returns what an update requests: the desired spec, and defaults for removed fields.
fn asked(target: &Target, changes: &[Change]) -> Value {
    let mut asked = target.spec.clone();
    for change in changes.iter().filter(|change| change.path.0.len() == 1) {
        if let (Some(fields), Some(after)) = (asked.as_object_mut(), &change.after) {
            fields.entry(change.path.field()).or_insert_with(|| after.clone());
        }
    }
    asked
}

/// Adds the changed fields to the message of a refusal.
fn about(changes: &[Change], fields: &FieldTable, error: Error) -> Error {
    if !matches!(error.fault, Fault::Terminal | Fault::Unsupported | Fault::Denied) {
        return error;
    }
    let changed = changes.iter().map(|change| change.path.field());
    let shown = changed.filter(|field| !fields.is_internal(field));
    let names: BTreeSet<String> = shown.map(|field| format!("`{field}`")).collect();
    if names.is_empty() {
        return error;
    }
    let names: Vec<String> = names.into_iter().collect();
    Error { message: format!("{}: {}", names.join(", "), error.message), ..error }
}

/// Returns what the endpoint still keeps of what it was known to keep.
fn unapplied_still(
    mut known: BTreeMap<String, String>,
    still: &[Path],
) -> BTreeMap<String, String> {
    known.retain(|known, _| still.iter().any(|path| path.to_string() == *known));
    known
}
