//! What surrounds the verbs of a kind: deletion protection of the cloud, and parts beside an object.

use std::future::Future;

use super::fault::Result;
use super::object::{DeletionProtection, ExistingPart, Handle, Owner};
use super::provider::{Provider, SpecOf};
use crate::change::Change;

/// For kinds whose objects have parts beside them (disks, a log group, an instance profile), or that
/// a cloud protects from deletion. A kind without either implements it with an empty block.
pub trait Ownership: Provider {
    /// Returns why the cloud would refuse to delete the object now. It never writes. The engine asks
    /// before anything is done, of every object that is to be deleted.
    fn deletion_protection(
        &self,
        _handle: &Handle<SpecOf<Self>>,
    ) -> impl Future<Output = Result<Option<DeletionProtection>>> + Send {
        async { Ok(None) }
    }

    /// Returns what exists already of the parts that a step would make or use beside its object. It never
    /// writes. The engine asks before anything is done, of every object that is to be created (`changes` is
    /// empty) or changed, so that a plan never says more than its run can do.
    fn existing_parts(
        &self,
        _desired: &SpecOf<Self>,
        _changes: &[Change],
    ) -> impl Future<Output = Result<Vec<ExistingPart>>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Removes the ownership tags from the parts beside an object that is released (removed from the
    /// state and kept in the cloud). The engine removes the object's own tags afterwards, by `update`.
    fn release(
        &self,
        _handle: &Handle<SpecOf<Self>>,
        _owner: &Owner,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Deletes the orphans of an object that somebody else has deleted: parts that were made for it
    /// and that belong to no other object (the right to call a function).
    fn delete_orphans(
        &self,
        _handle: &Handle<SpecOf<Self>>,
    ) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }
}
