//! Bringing an object to what is wanted: wait until it can be changed, compare, change, look again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Op;
use super::create::{Made, Target};
use crate::change::{Change, Compared, Difference};
use crate::kind::{Cost, Error, Fault, Handle, Live, Settled};
use crate::manifest;
use crate::plan::{Action, Step, rebound};
use crate::state::{self, Data, Object, Verb};
use crate::wait::Wait;

/// Rounds of compare and change before giving up.
const ROUNDS: usize = 8;
/// How long an object may be in transition.
const TRANSIT: Duration = Duration::from_secs(600);

impl Op<'_> {
    /// An object that exists, towards what is wanted now. Never more than the plan said.
    pub async fn update(&mut self, step: &Step) -> Result<(), Error> {
        if step.action == Action::Replace {
            // Weakened: the object stays, and with it its generation.
            self.generation = self.object.as_ref().map_or(self.generation, |o| o.generation);
        }
        let target = self.target().await?;
        let live = self.live().cloned();
        let allowed = match step.action {
            Action::Restart | Action::Replace => Cost::Restart,
            _ => Cost::InPlace,
        };
        if let (Some(live), Some(object)) = (&live, &self.object) {
            let found = self.difference(&target, live, object.spec.as_ref(), &object.pins);
            if let Some(more) = found.changes.iter().find(|change| change.cost > allowed) {
                let message = format!("`{}` would need more than was planned", more.path);
                return Err(Error::terminal(message).with_hint("plan again, then reconcile"));
            }
        }
        let Some(object) = &self.object else {
            return Err(Error::terminal("the state does not know it"));
        };
        let made = Made { id: object.id.clone(), outputs: object.outputs.clone(), live };
        let rebound = self.rebound(&target, object);
        self.bring(target, made, rebound).await
    }

    /// A new object, from what its create established.
    pub async fn complete(&mut self, target: Target, made: Made) -> Result<(), Error> {
        self.object = None;
        self.bring(target, made, Vec::new()).await
    }

    async fn bring(
        &self,
        target: Target,
        made: Made,
        mut forced: Vec<Change>,
    ) -> Result<(), Error> {
        let mut applied = self.object.as_ref().and_then(|object| object.spec.clone());
        let mut pins = self.object.as_ref().map(|o| o.pins.clone()).unwrap_or_default();
        let mut handle = Handle {
            address: self.address.clone(),
            id: made.id,
            generation: self.generation,
            outputs: made.outputs,
            applied: applied.clone().or_else(|| Some(target.sealed.clone())),
        };
        let mut live = made.live;
        let mut before: Vec<Change> = Vec::new();
        let mut intent = self.object.is_none();
        let mut settling = Wait::new(&self.address, self.shared.events);
        for _ in 0..ROUNDS {
            let seen = self.ready(&handle, live.take()).await?;
            let mut found = self.difference(&target, &seen, applied.as_ref(), &pins);
            found.changes.append(&mut forced);
            if found.changes.is_empty() {
                return self.done(&target, seen).await;
            }
            if found.changes == before {
                // What was just changed may show a little later.
                if settling.pause("the change to show", self.grace().min(TRANSIT / 20)).await {
                    continue;
                }
                return Err(unchanging(&found));
            }
            if !std::mem::replace(&mut intent, true) {
                self.journal(Verb::Update, state::Step::Intent, Data::default()).await?;
            }
            if !self.change(&mut handle, &target, &seen, &found.changes).await? {
                continue;
            }
            before = found.changes;
            // What cannot be read back has been sent now, and what went away needs no more looks.
            applied = Some(target.spec.clone());
            handle.applied = Some(target.sealed.clone());
            pins = BTreeMap::new();
        }
        Err(Error::terminal(format!("it is still not as wanted after {ROUNDS} rounds")))
    }

    /// True when the cloud said yes; false when looking again must tell what has come of it.
    async fn change(
        &self,
        handle: &mut Handle<Value>,
        target: &Target,
        seen: &Live<Value>,
        changes: &[Change],
    ) -> Result<bool, Error> {
        let mut desired = target.spec.clone();
        for change in changes.iter().filter(|change| change.path.0.len() == 1) {
            if let (Some(fields), Some(after)) = (desired.as_object_mut(), &change.after) {
                fields.entry(change.path.field()).or_insert_with(|| after.clone());
            }
        }
        handle.outputs.clone_from(&seen.outputs);
        let mut wait = Wait::new(&self.address, self.shared.events);
        loop {
            match self.kind.update(handle, &desired, changes).await {
                Ok(()) => return Ok(true),
                Err(error) if error.fault == Fault::Unknown => return Ok(false),
                Err(error) if error.fault == Fault::Conflict => {
                    wait.pause_after(error).await?;
                    return Ok(false);
                }
                Err(error) => wait.pause_after(error).await?,
            }
        }
    }

    /// Looks (or takes what is known) until the object can be used.
    async fn ready(
        &self,
        handle: &Handle<Value>,
        known: Option<Live<Value>>,
    ) -> Result<Live<Value>, Error> {
        let mut known = known;
        let mut wait = Wait::new(&self.address, self.shared.events);
        loop {
            let live = match known.take() {
                Some(live) => Some(live),
                None => match self.kind.observe(std::slice::from_ref(handle)).await.pop() {
                    Some(Ok(live)) => live,
                    Some(Err(error)) => {
                        wait.pause_after_look(error).await?;
                        continue;
                    }
                    None => None,
                },
            };
            let (what, limit) = match live {
                Some(Live { settled: Settled::Ready, .. }) => {
                    return live.ok_or_else(|| Error::terminal("gone"));
                }
                Some(Live { settled: Settled::Broken(why), .. }) => {
                    let error = Error::terminal(format!("it will not work: {why}"));
                    return Err(error.with_hint("mend the cause; the next run replaces it"));
                }
                Some(Live { settled: Settled::Waiting(what), .. }) => (what, TRANSIT),
                None => (format!("{} to be visible", handle.id), self.grace()),
            };
            if !wait.pause(&what, limit).await {
                let seconds = limit.as_secs();
                let message = format!("waited {seconds} s in vain for {what}");
                return Err(Error::terminal(message).with_hint("run again to go on waiting"));
            }
            if self.stopping() {
                return Err(Error::terminal(format!("interrupted while waiting for {what}")));
            }
        }
    }

    fn difference(
        &self,
        target: &Target,
        live: &Live<Value>,
        applied: Option<&Value>,
        pins: &BTreeMap<String, String>,
    ) -> Difference {
        let compared = Compared {
            fields: self.kind.fields(),
            defaults: &manifest::defaults(self.kind),
            sealer: &self.shared.sealer,
            applied,
            live: &live.spec,
            pins: (pins, &live.pins),
        };
        compared.difference(&target.spec)
    }

    /// Whether, with everything known, the object must be made anew.
    pub async fn must_replace(&self) -> Result<bool, Error> {
        let (Some(live), Some(object)) = (self.live(), &self.object) else { return Ok(true) };
        let target = self.target().await?;
        let found = self.difference(&target, live, object.spec.as_ref(), &object.pins);
        Ok(found.changes.iter().any(|change| change.cost == Cost::Replace))
    }

    /// Fields to set again because what they refer to is another object under the same name.
    fn rebound(&self, target: &Target, object: &Object) -> Vec<Change> {
        let moved = object
            .dependencies
            .iter()
            .filter(|(need, then)| {
                let now = self.dependencies.get(*need).and_then(Option::as_ref);
                then.is_some() && now.is_some() && then.as_ref() != now
            })
            .map(|(need, _)| need)
            .collect();
        match self.shared.manifest.resources.get(&self.address) {
            // A config names its fields as the spec does.
            Some(resource) => rebound(&resource.config, &target.spec, &moved),
            None => Vec::new(),
        }
    }

    async fn done(&self, target: &Target, live: Live<Value>) -> Result<(), Error> {
        let verb = if self.object.is_some() { Verb::Update } else { Verb::Create };
        let data = Data {
            spec: Some(target.sealed.clone()),
            outputs: live.outputs,
            pins: live.pins,
            identity: live.identity,
            dependencies: self.dependencies.clone(),
            ..Data::default()
        };
        self.journal(verb, state::Step::Done, data).await
    }
}

fn unchanging(found: &Difference) -> Error {
    let fields: Vec<String> = found.changes.iter().map(|change| change.path.to_string()).collect();
    Error::terminal(format!("{} did not change, though the cloud said yes", fields.join(", ")))
        .with_hint("the endpoint may not support it; `plan` shows what is asked for")
}
