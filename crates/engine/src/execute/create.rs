//! Creating an object: intent, call, result. And recovery of a create whose outcome is unknown.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join;
use serde_json::Value;

use super::find::Named;
use super::{Attempts, Failure, Op, Open};
use crate::awaited::Awaited;
use crate::event::{Event, Recovery};
use crate::kind::{
    CreateIdempotency, Created, Error, Fault, Found, Intent, Live, Milestone, PriorState,
    UpdateCost,
};
use crate::lifecycle::{Guard, Lifecycle};
use crate::observe::handle;
use crate::plan::{ActionKind, ReplaceOrder, ReplaceReason};
use crate::prepare::Preparing;
use crate::reference;
use crate::secret::random;
use crate::state::Transition;

/// What an operation converges to.
pub(crate) struct Target {
    pub spec: Value,
    /// The spec as it may be recorded.
    pub sealed: Value,
    pub lifecycle: Lifecycle,
}

/// An object that this operation created or found.
pub(crate) struct Made {
    pub id: String,
    pub outputs: BTreeMap<String, String>,
    /// What request and reply establish; `None` for a found object, which is observed next.
    pub live: Option<Live<Value>>,
    /// Whether the recorded request created it. A found object may be that of an earlier request with the
    /// same name.
    pub as_asked: bool,
}

impl Op<'_> {
    /// Returns the spec with every reference filled in.
    pub async fn target(&self) -> Result<Target, Error> {
        let resource = self.shared.run.manifest.resources.get(&self.address);
        let resource = resource.ok_or_else(|| Error::terminal("not in the file"))?;
        let preparing = Preparing {
            manifest: self.shared.run.manifest,
            lineage: &self.shared.owner.lineage,
            provider: self.provider,
            resource,
            generation: self.generation,
            prior: self.planned.clone().map_or(PriorState::None, PriorState::Applied),
        };
        let (spec, secrets) = preparing.spec(&self.scope).await?;
        let left = reference::references(&spec);
        if !left.is_empty() {
            let left: Vec<String> = left.iter().map(|r| format!("${{{r}}}")).collect();
            return Err(Error::terminal(format!("{} is not known", left.join(", "))));
        }
        let sealed = secrets.seal(&spec, self.provider.kind(), &self.shared.sealer);
        Ok(Target { spec, sealed, lifecycle: resource.lifecycle.clone() })
    }

    pub async fn create(&mut self) -> Result<(), Failure> {
        let target = self.target().await?;
        let name = target.spec["name"].as_str().unwrap_or_default().to_owned();
        if self.provider.kind().is_created_untagged() && self.open_since.is_none() {
            self.await_free_name(&name).await?;
        }
        let token = random().map_err(|error| Error::terminal(error.to_string()))?;
        self.journal(Transition::CreateIntent {
            token: token.clone(),
            spec: target.sealed.clone(),
            dependencies: self.dependencies.clone(),
            guard: target.lifecycle.guard,
        })
        .await?;
        let (last, unknown) = (self.now(), usize::from(self.open_since.is_some()));
        let first = self.open_since.clone().unwrap_or_else(|| last.clone());
        let attempts = Attempts { name: name.clone(), first, last, unknown };
        let made = self.make(&token, &target.spec, attempts).await?;
        let own = self.made_handle(&made);
        self.object = None;
        if self.provider.kind().usable_once == Milestone::Complete {
            // Nothing starts on the object before it is complete: meanwhile, rivals are searched.
            let (elder, completed) =
                join(self.elder(&name, &own), self.complete(target, made)).await;
            return match elder? {
                Some(elder) => self.withdraw(own, elder).await,
                None => completed,
            };
        }
        if let Some(elder) = self.elder(&name, &own).await? {
            return self.withdraw(own, elder).await;
        }
        // The identity of an object that was found by its name is known only when it is complete.
        if made.as_asked {
            self.reached(Milestone::Created);
        }
        self.complete(target, made).await
    }

    /// Recovers a create that an earlier run left open: its object is found, or created now, or the create
    /// never happened. If names are unique and this run creates an object of that name, the intent stays
    /// open until that object takes its place: the name keeps a late object from becoming a second one.
    pub async fn recover(&self, open: &Open) -> Result<(), Failure> {
        let creating = &open.creating;
        let attempts = Attempts::of(creating);
        if let Some(found) = self.find_ours(&attempts).await? {
            return self.recovered(Some(self.take(found).await?), Recovery::Found);
        }
        match (self.provider.kind().create, &open.spec) {
            // Also before a destroy: only an answer to this token excludes a late object.
            (CreateIdempotency::Token, Some(spec)) => {
                match self.make(&creating.token, spec, Attempts::of(creating)).await {
                    Ok(made) => self.recovered(Some(made), Recovery::SentAgain),
                    // Its object has been deleted since, or the request is no longer accepted.
                    Err(Failure::Call(Error {
                        fault: Fault::Terminal | Fault::Denied | Fault::Unsupported,
                        ..
                    })) => {
                        // No attempt was later than this.
                        let last = self.now();
                        self.look_up_or_abandon(Attempts { last, ..attempts }).await
                    }
                    Err(error) => Err(error),
                }
            }
            (CreateIdempotency::UniqueName | CreateIdempotency::UniqueNameUntagged, _)
                if open.is_remade =>
            {
                self.recovered(None, Recovery::CreatedLater)
            }
            _ => self.look_up_or_abandon(attempts).await,
        }
    }

    async fn look_up_or_abandon(&self, attempts: Attempts) -> Result<(), Failure> {
        if let Some(found) = self.look_up(&attempts).await? {
            return self.recovered(Some(self.take(found).await?), Recovery::Found);
        }
        self.abandon("not there after the consistency window").await?;
        self.recovered(None, Recovery::NeverHappened)
    }

    fn recovered(&self, made: Option<Made>, outcome: Recovery) -> Result<(), Failure> {
        let (address, id) = (self.address.clone(), made.map(|made| made.id));
        self.tell(Event::Recovered { address, id, outcome });
        Ok(())
    }

    /// Calls until there is an id, and journals it. As long as an attempt has an unknown outcome, a refusal
    /// proves nothing, and the intent stays open for the next run.
    async fn make(
        &self,
        token: &str,
        spec: &Value,
        mut attempts: Attempts,
    ) -> Result<Made, Failure> {
        let intent = Intent {
            address: self.address.clone(),
            generation: self.generation,
            token: token.to_owned(),
        };
        let mut wait = self.wait();
        let mut is_sent = attempts.unknown > 0;
        loop {
            if std::mem::replace(&mut is_sent, true) {
                attempts.last = self.renew(token).await?;
            }
            let error = match self.provider.create(&intent, spec).await {
                Ok(created) if !created.id.is_empty() => return Ok(self.made(created).await?),
                Ok(_) => Error::new(Fault::Unknown, "the reply has no id"),
                Err(error) => error,
            };
            match &error.fault {
                Fault::Unknown if attempts.unknown < 4 => {
                    let error = self.may_repeat(error)?;
                    attempts.unknown += 1;
                    if let Some(found) = self.find_lost(&attempts).await? {
                        return Ok(self.take(found).await?);
                    }
                    let because = Some(self.shared.run.scope.redacted(&error.message));
                    let limit = Duration::from_secs(60);
                    wait.pause_because(&Awaited::CreateOutcome, limit, because).await;
                }
                Fault::Unknown => return Err(error.into()),
                Fault::NameTaken => match self.find_named(&attempts).await? {
                    Named::Ours(found) => return Ok(self.take(found).await?),
                    Named::Foreign => {
                        return self.refused(0, self.name_taken(&attempts.name)).await;
                    }
                },
                _ => {
                    if let Err(error) = self.retry(&mut wait, error).await {
                        return self.refused(attempts.unknown, error.into()).await;
                    }
                    if self.stopping() {
                        let stopped = Failure::Interrupted(Awaited::CreateAccepted);
                        return self.refused(attempts.unknown, stopped).await;
                    }
                }
            }
        }
    }

    /// Records a further attempt: the consistency window starts again with it.
    async fn renew(&self, token: &str) -> Result<String, Error> {
        let sent = self.now();
        self.journal(Transition::CreateResent { token: token.to_owned() }).await?;
        Ok(sent)
    }

    async fn made(&self, created: Created<Value>) -> Result<Made, Error> {
        let Created { id, live } = created;
        self.journal(Transition::CreateAccepted {
            id: id.clone(),
            outputs: live.outputs.clone(),
            fingerprints: live.fingerprints.clone(),
            identity: live.identity.clone(),
        })
        .await?;
        self.tell(Event::Made { address: self.address.clone(), id: id.clone() });
        Ok(Made { id, outputs: live.outputs.clone(), live: Some(live), as_asked: true })
    }

    /// Records an owned object that was found instead of created. An intent with a token is one request; an
    /// intent with a unique name may have taken the place of another.
    async fn take(&self, found: Found) -> Result<Made, Error> {
        let Found { id, outputs, .. } = found;
        let as_asked = !self.provider.kind().has_unique_names();
        let made = Made { id, outputs, live: None, as_asked };
        let (id, outputs) = (made.id.clone(), made.outputs.clone());
        let transition = if as_asked {
            let (fingerprints, identity) = (BTreeMap::new(), None);
            Transition::CreateAccepted { id, outputs, fingerprints, identity }
        } else {
            let (dependencies, guard) = (self.dependencies.clone(), Guard::default());
            Transition::Adopted { id, outputs, dependencies, guard }
        };
        self.journal(transition).await?;
        self.tell(Event::Made { address: self.address.clone(), id: made.id.clone() });
        Ok(made)
    }

    /// Closes the intent of a refused create, unless an earlier attempt may have succeeded.
    async fn refused<T>(&self, unknown: usize, failure: Failure) -> Result<T, Failure> {
        if unknown == 0 {
            let message = match &failure {
                Failure::Call(error) => &error.message,
                Failure::NameTaken { .. } => "the name is taken",
                _ => "interrupted",
            };
            self.abandon(message).await?;
        }
        Err(failure)
    }

    async fn abandon(&self, message: &str) -> Result<(), Error> {
        let message = self.shared.run.scope.redacted(message);
        self.journal(Transition::CreateFailed { message }).await
    }

    /// Records that the object of the state is gone from the cloud, before its successor is created.
    pub async fn record_gone(&mut self) -> Result<(), Error> {
        let Some(object) = self.object.take() else { return Ok(()) };
        let handle = handle(&self.address, &object);
        let mut wait = self.wait();
        while let Err(error) = self.provider.delete_orphans(&handle).await {
            self.retry_change(&mut wait, error).await?;
        }
        let successor = std::mem::replace(&mut self.generation, object.generation);
        self.journal(Transition::Deleted { id: object.id }).await?;
        self.generation = successor;
        Ok(())
    }

    /// Creates the new object of a replacement, or only updates the old one if, with everything known, no
    /// new object is needed any more. What failed or was requested is replaced in any case, and so is
    /// an object whose predecessor is deleted already.
    pub async fn replace(
        &mut self,
        reason: &ReplaceReason,
        order: ReplaceOrder,
    ) -> Result<ActionKind, Failure> {
        let may_stay =
            matches!(reason, ReplaceReason::Changes(_)) && order == ReplaceOrder::CreateFirst;
        if may_stay && !self.must_replace().await? {
            // The object stays, and with it its generation.
            self.generation = self.object.as_ref().map_or(self.generation, |o| o.generation);
            self.update(UpdateCost::Restart).await?;
            return Ok(ActionKind::Update);
        }
        self.create().await?;
        Ok(ActionKind::Replace)
    }
}
