//! A new object is invisible to its first reads: the service's consistency window.
//!
//! Reads that name the object are answered as if it did not exist, and lists leave it out; each of
//! them counts. Writes pass, and a second create of the same name is refused as usual. The window also
//! ends after some time, so that a slow program sees the object.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::object::{ObjectId, created, deleted, named};
use super::{Answer, ApiRequest, Rule};
use crate::kinds::{KINDS, NotFound, kind};
use crate::proxy::refusal::error;

/// No object is hidden longer. Shorter than the wait that tests configure.
const LONGEST: Duration = Duration::from_secs(3);

pub struct Hidden {
    reads: BTreeMap<&'static str, usize>,
    /// How many reads still miss an object, and since when it exists.
    left: Mutex<HashMap<ObjectId, (usize, Instant)>>,
}

impl Hidden {
    pub fn new(reads: BTreeMap<&'static str, usize>) -> Self {
        Self { reads, left: Mutex::default() }
    }
}

impl Rule for Hidden {
    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for object in deleted(request, answer) {
            all.remove(&object);
        }
        for object in created(request, answer) {
            if let Some(&reads) = self.reads.get(object.kind).filter(|reads| **reads > 0) {
                all.insert(object, (reads, Instant::now()));
            }
        }
        if request.operation.writes || !answer.status().is_success() {
            return false;
        }
        all.retain(|_, (_, since)| since.elapsed() < LONGEST);
        let mut hides = |object: &ObjectId| match all.get_mut(object) {
            Some((left, _)) => {
                *left -= 1;
                if *left == 0 {
                    all.remove(object);
                }
                true
            }
            None => false,
        };
        let named = named(request);
        if named.is_empty() {
            return leave_out(request, answer, &mut hides);
        }
        let hidden: Vec<&ObjectId> = named.iter().filter(|object| hides(object)).collect();
        if let Some(object) = hidden.first() {
            *answer = not_found(request, object);
        }
        !hidden.is_empty()
    }
}

fn not_found(request: &ApiRequest, object: &ObjectId) -> Answer {
    let NotFound { status, code, message } = (kind(object.kind).not_found)(&object.id);
    error(&request.operation, status, code, &message)
}

/// Leaves hidden objects out of a list; `true` when there were any.
fn leave_out(
    request: &ApiRequest,
    answer: &mut Answer,
    hides: &mut dyn FnMut(&ObjectId) -> bool,
) -> bool {
    let lists = KINDS.iter().find(|k| request.is(k.service, k.list.operation));
    let Some(kind) = lists else { return false };
    let mut any = false;
    let mut hides = |id: &str| {
        let is_hidden = hides(&ObjectId { kind: kind.name, id: id.to_owned() });
        any |= is_hidden;
        is_hidden
    };
    let left = (kind.list.without)(&String::from_utf8_lossy(answer.body()), &mut hides);
    if any {
        *answer.body_mut() = left.into();
    }
    any
}
