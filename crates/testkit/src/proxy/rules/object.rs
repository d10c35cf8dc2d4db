//! Which objects a request names, creates and deletes.

use super::{Answer, ApiRequest};
use crate::kinds::{KINDS, Kind};

/// An object by its kind's name and its id; of roles, functions and log groups, the name is the id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    pub kind: &'static str,
    pub id: String,
}

impl ObjectId {
    fn of(kind: &Kind, ids: Vec<String>) -> impl Iterator<Item = Self> {
        let kind = kind.name;
        ids.into_iter().map(move |id| Self { kind, id })
    }
}

/// The kinds of the service that a request goes to.
fn kinds(request: &ApiRequest) -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().copied().filter(|kind| kind.service == request.operation.service)
}

/// The objects whose ids or names a request has.
pub fn named(request: &ApiRequest) -> Vec<ObjectId> {
    kinds(request).flat_map(|kind| ObjectId::of(kind, (kind.named)(request))).collect()
}

/// The objects that a request has created, by its answer.
pub fn created(request: &ApiRequest, answer: &Answer) -> Vec<ObjectId> {
    let body = String::from_utf8_lossy(answer.body());
    let creators = kinds(request).filter(|kind| succeeded(answer, request, kind.create));
    creators.flat_map(|kind| ObjectId::of(kind, (kind.created)(request, &body))).collect()
}

/// The objects that a request has deleted, by its answer.
pub fn deleted(request: &ApiRequest, answer: &Answer) -> Vec<ObjectId> {
    let deleters = kinds(request).filter(|kind| succeeded(answer, request, kind.delete));
    deleters.flat_map(|kind| ObjectId::of(kind, (kind.named)(request))).collect()
}

fn succeeded(answer: &Answer, request: &ApiRequest, name: &str) -> bool {
    request.operation.name == name && answer.status().is_success()
}
