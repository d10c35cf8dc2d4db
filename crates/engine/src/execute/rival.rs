//! Two copies of a stack that create for one address at the same moment.
//!
//! Where names are unique, the second create is refused. Elsewhere both creates succeed, and neither run saw
//! the other one's object before. So a run looks again after its create: of two objects the younger one is
//! deleted by the run that created it. Both runs see the same order, so that one object stays. What a service
//! does not show yet cannot be seen; the next run of either copy stops at the other one's object.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde_json::Value;

use super::create::Made;
use super::{Failure, Op};
use crate::awaited::Awaited;
use crate::kind::{Found, Handle, Memo, tag};
use crate::observe::handle;
use crate::state::{Object, Phase};

impl Op<'_> {
    /// Returns the handle of an object that this operation created.
    pub(super) fn made_handle(&self, made: &Made) -> Handle<Value> {
        Handle {
            address: self.address.clone(),
            id: made.id.clone(),
            generation: self.generation,
            outputs: made.outputs.clone(),
            applied: None,
            memo: Memo::default(),
        }
    }

    /// Deletes the object of a create that an interrupted run left unfinished if there is an older one.
    pub(super) async fn withdraw_unfinished(&self, name: &str) -> Result<(), Failure> {
        let unfinished = self.object.as_ref().filter(|object| is_unfinished_create(object));
        let Some(object) = unfinished else { return Ok(()) };
        let own = handle(&self.address, object);
        match self.elder(name, &own).await? {
            Some(elder) => self.withdraw(own, elder).await,
            None => Ok(()),
        }
    }

    /// Deletes the operation's own object in favour of an older one.
    pub(super) async fn withdraw(&self, own: Handle<Value>, elder: String) -> Result<(), Failure> {
        self.delete_object(own, false).await?;
        Err(Failure::Withdrawn { elder })
    }

    /// Returns the id of the oldest object that another copy of the stack created for the same address, if it
    /// is older than this operation's own.
    pub(super) async fn elder(
        &self,
        name: &str,
        own: &Handle<Value>,
    ) -> Result<Option<String>, Failure> {
        if self.provider.kind().has_unique_names() {
            return Ok(None);
        }
        let mut wait = self.wait();
        loop {
            let found = self.find(name).await?;
            let rivals = found.iter().filter(|found| found.id != own.id && self.is_rival(found));
            let Some(elder) = rivals.max_by_key(|found| age(found)) else { return Ok(None) };
            if let Some(seen) = found.iter().find(|found| found.id == own.id) {
                return Ok((age(seen) < age(elder)).then(|| elder.id.clone()));
            }
            // Its age is not known before it is visible.
            if !wait.pause(&Awaited::Visible(own.id.clone()), self.grace()).await {
                return Ok(None);
            }
        }
    }

    /// Tells whether an object is one for this address that this state does not know.
    fn is_rival(&self, found: &Found) -> bool {
        let is_here = |tag: &str, value: &str| found.tags.get(tag).is_some_and(|is| is == value);
        let owner = &self.shared.owner;
        // Older generations of this state wait to be deleted.
        let is_former =
            is_here(tag::LINEAGE, &owner.lineage) && found.generation() != self.generation;
        is_here(tag::STACK, &owner.stack)
            && is_here(tag::ADDRESS, self.address.as_str())
            && !is_former
            && !self.is_known(found)
    }
}

/// Orders objects by age: the oldest is the greatest. The id decides between objects of one moment.
fn age(found: &Found) -> Reverse<(Option<Timestamp>, &str)> {
    let created = found.created.as_ref().and_then(|at| at.parse().ok());
    Reverse((created, &found.id))
}

/// Tells whether a create was accepted and its object never completed. An adopted object has no spec.
fn is_unfinished_create(object: &Object) -> bool {
    object.phase == Phase::Partial && object.spec.is_some()
}
