//! Finding the object of a create whose outcome is unknown: by its tags, its name, or the recorded intent.

use std::collections::BTreeSet;

use super::{Attempts, Failure, Op};
use crate::awaited::Awaited;
use crate::kind::{CreateIdempotency, Error, Found, Sought, tag};

/// The owner of a name that a create found taken.
pub(super) enum Named {
    Ours(Found),
    Foreign,
}

impl Op<'_> {
    /// After a lost reply: returns the object if it is visible. For a create that cannot be repeated, waits
    /// until it would be visible.
    pub(super) async fn find_lost(&self, attempts: &Attempts) -> Result<Option<Found>, Failure> {
        match self.provider.kind().create {
            CreateIdempotency::Token
            | CreateIdempotency::UniqueName
            | CreateIdempotency::UniqueNameUntagged => self.find_ours(attempts).await,
            CreateIdempotency::LookUp { .. } => self.look_up(attempts).await,
        }
    }

    /// Returns `None` if the object is not visible after the consistency window.
    pub(super) async fn look_up(&self, attempts: &Attempts) -> Result<Option<Found>, Failure> {
        let own = match self.provider.kind().create {
            CreateIdempotency::LookUp { consistency_window } => consistency_window,
            _ => crate::observe::GRACE,
        };
        let window = self.shared.run.options.consistency_window.unwrap_or(own);
        let mut wait = self.wait();
        let mut has_waited = false; // a clock that was set back makes no age
        loop {
            // The time counts at which the search began.
            let age = self.shared.run.options.clock.age(&attempts.last);
            let is_conclusive = has_waited || age >= window;
            if let Some(found) = self.find_ours(attempts).await? {
                return Ok(Some(found));
            }
            if is_conclusive {
                return Ok(None);
            }
            if self.stopping() {
                return Err(Failure::Interrupted(Awaited::EarlierCreate));
            }
            has_waited = !wait.pause(&Awaited::EarlierCreate, window).await;
        }
    }

    /// Returns the object that has the name. One that an earlier run created may not be visible yet, and a
    /// predecessor may still be visible: the operation waits for both.
    ///
    /// Where names are unique only in part (in one network), others may have the same name, so that
    /// only the object of this very create counts. Recovery has waited for creates of earlier runs:
    /// unless an attempt of this run has an unknown outcome, the name is somebody else's.
    pub(super) async fn find_named(&self, attempts: &Attempts) -> Result<Named, Failure> {
        let Attempts { name, unknown, .. } = attempts;
        let kind = self.provider.kind();
        let is_unique = kind.has_unique_names();
        let is_this = |found: &Found| {
            self.is_ours(found) && found.generation() == self.generation || is_unique
        };
        let mut wait = self.wait();
        loop {
            let found = self.find(name).await?;
            let named = found
                .into_iter()
                .find(|found| kind.is_same_name(&found.name, name) && is_this(found));
            let awaited = match named {
                Some(found) if *unknown > 0 && attempts.made(kind, &found) => {
                    return Ok(Named::Ours(found));
                }
                Some(found) if !self.is_former(&found) => return Ok(Named::Foreign),
                Some(found) if self.is_ours(&found) && found.generation() == self.generation => {
                    return Ok(Named::Ours(found));
                }
                Some(_) => Awaited::FormerGone(name.clone()),
                None if *unknown == 0 && !is_unique => return Ok(Named::Foreign),
                None => Awaited::NameVisible(name.clone()),
            };
            if self.stopping() {
                return Err(Failure::Interrupted(awaited));
            }
            if !wait.pause(&awaited, self.grace()).await {
                return Err(Failure::TimedOut { awaited, limit: self.grace() });
            }
        }
    }

    /// Returns when no object has the name, so that the intent to create one may be recorded. A
    /// predecessor may still be visible.
    pub(super) async fn await_free_name(&self, name: &str) -> Result<(), Failure> {
        let kind = self.provider.kind();
        let mut wait = self.wait();
        loop {
            let found = self.find(name).await?;
            match found.into_iter().find(|found| kind.is_same_name(&found.name, name)) {
                None => return Ok(()),
                Some(found) if !self.is_former(&found) => return Err(self.name_taken(name)),
                Some(_) => {}
            }
            let awaited = Awaited::FormerGone(name.to_owned());
            if self.stopping() {
                return Err(Failure::Interrupted(awaited));
            }
            if !wait.pause(&awaited, self.grace()).await {
                return Err(Failure::TimedOut { awaited, limit: self.grace() });
            }
        }
    }

    /// Returns the object of this address, generation and lineage that the state does not know, while the
    /// outcome of a create is unknown.
    pub(super) async fn find_ours(&self, attempts: &Attempts) -> Result<Option<Found>, Failure> {
        let kind = self.provider.kind();
        let found = self.find(&attempts.name).await?.into_iter();
        let ours: Vec<Found> = found
            .filter(|found| {
                let is_this = self.is_ours(found) && found.generation() == self.generation;
                is_this || attempts.made(kind, found)
            })
            .filter(|found| !self.is_known(found))
            .collect();
        if ours.len() > 1 {
            return Err(Failure::Ambiguous(ours.into_iter().map(|found| found.id).collect()));
        }
        Ok(ours.into_iter().next())
    }

    /// Tells whether the tags are those of this stack, this state and this address.
    fn is_ours(&self, found: &Found) -> bool {
        let owner = &self.shared.owner;
        let is = |tag: &str, value: &str| found.tags.get(tag).is_some_and(|v| v == value);
        is(tag::LINEAGE, &owner.lineage)
            && is(tag::STACK, &owner.stack)
            && is(tag::ADDRESS, self.address.as_str())
    }

    pub(super) fn name_taken(&self, name: &str) -> Failure {
        Failure::NameTaken { kind: self.address.kind().to_owned(), name: name.to_owned() }
    }

    /// Tells whether the state knew the object when the run began.
    pub(super) fn is_known(&self, found: &Found) -> bool {
        self.shared.known.contains(&(self.address.kind().to_owned(), found.id.clone()))
    }

    /// Tells whether an object that has the name is a predecessor, which may be visible for a while after its
    /// deletion. One whose tags were never set is known by its id alone.
    fn is_former(&self, found: &Found) -> bool {
        let is_untagged = self.provider.kind().is_created_untagged();
        let has_no_owner = !found.tags.contains_key(tag::STACK);
        self.is_ours(found) || (is_untagged && has_no_owner && self.is_known(found))
    }

    pub(super) async fn find(&self, name: &str) -> Result<Vec<Found>, Error> {
        let names = [name.to_owned()];
        let (owner, address) = (&self.shared.owner, Some(&self.address));
        let sought = Sought { owner, names: &names, address, known: &BTreeSet::new() };
        let mut wait = self.wait();
        loop {
            match self.provider.find(sought).await {
                Ok(found) => return Ok(found),
                Err(error) => self.retry_read(&mut wait, error).await?,
            }
        }
    }
}
