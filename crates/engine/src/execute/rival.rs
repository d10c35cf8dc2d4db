//! Two copies of a stack that create for one address at the same moment.
//!
//! Where names are unique, the second create is refused. Elsewhere both creates succeed, and neither run saw
//! the other one's object before. So a run looks again after its create: of two objects the younger one is
//! deleted by the run that created it. Both runs see the same order, so that one object stays. What a service
//! does not show yet cannot be seen; the next run of either copy stops at the other one's object.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::create::Made;
use super::{Failure, Op};
use crate::awaited::Awaited;
use crate::kind::{Found, Handle, tag};
use crate::state::{Object, Phase};

impl Op<'_> {
    /// Deletes the object that this operation created if another copy of the stack has an older one for the
    /// same address.
    pub(super) async fn withdraw_if_younger(&self, name: &str, made: &Made) -> Result<(), Failure> {
        let handle = Handle {
            address: self.address.clone(),
            id: made.id.clone(),
            generation: self.generation,
            outputs: made.outputs.clone(),
            applied: None,
        };
        self.yield_to_elder(name, handle).await
    }

    /// As [`withdraw_if_younger`](Self::withdraw_if_younger), for an object that an interrupted run created.
    pub(super) async fn withdraw_unfinished(&self, name: &str) -> Result<(), Failure> {
        match &self.object {
            Some(object) if is_unfinished_create(object) => {
                self.yield_to_elder(name, crate::observe::handle(&self.address, object)).await
            }
            _ => Ok(()),
        }
    }

    async fn yield_to_elder(
        &self,
        name: &str,
        own: Handle<serde_json::Value>,
    ) -> Result<(), Failure> {
        if self.provider.kind().has_unique_names() {
            return Ok(());
        }
        let mut wait = self.wait();
        loop {
            let found = self.find(name).await?;
            let rivals = found.iter().filter(|found| found.id != own.id && self.is_rival(found));
            let Some(elder) = rivals.max_by_key(|found| age(found)) else { return Ok(()) };
            if let Some(seen) = found.iter().find(|found| found.id == own.id) {
                if age(seen) > age(elder) {
                    return Ok(());
                }
                self.delete_object(&own).await?;
                return Err(Failure::Withdrawn { elder: elder.id.clone() });
            }
            // Its age is not known before it is visible.
            if !wait.pause(&Awaited::Visible(own.id.clone()), self.grace()).await {
                return Ok(());
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
