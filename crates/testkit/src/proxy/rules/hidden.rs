//! A new object does not show itself to its first reads.
//!
//! Reads that name it are answered as if it were not there, and lists leave it out; each counts. A
//! write passes, and so does a second create of the same name: what makes names unique knows it. It
//! is a matter of time as well: nobody may look for long, and then it must be there.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::object::{ObjectId, created, deleted, named};
use super::{Answer, ApiRequest, Rule};
use crate::kinds::{KINDS, NotFound, kind};
use crate::proxy::refusal::error;

/// Nothing is hidden longer; less than programs under test are told to wait.
const LONGEST: Duration = Duration::from_secs(3);

pub struct Hidden {
    reads: BTreeMap<&'static str, usize>,
    /// How many reads still miss an object, and since when it is there.
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

/// Takes what is hidden out of a list; `true` when something was.
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
