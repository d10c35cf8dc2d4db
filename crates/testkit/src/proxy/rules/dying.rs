//! EC2 accepts an instance and ends it at its launch: it is listed as terminated, with the reason.
//!
//! Source: "Instance terminates immediately" in the EC2 user guide; StateReason in the EC2 API.

use std::sync::{Mutex, PoisonError};

use super::object::created;
use super::power::with_state;
use super::{Answer, ApiRequest, Rule};
use crate::kinds::text::texts;

const REASON: &str = "<stateReason><code>Client.InternalError</code><message>Client.InternalError: \
                      Client error on launch</message></stateReason>";

#[derive(Default)]
pub struct Dying {
    /// The first instance of all.
    dead: Mutex<Option<String>>,
}

impl Rule for Dying {
    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        let mut dead = self.dead.lock().unwrap_or_else(PoisonError::into_inner);
        let first = created(request, answer).into_iter().next().filter(|_| dead.is_none());
        if let Some(first) = first.map(|object| object.id) {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            *answer.body_mut() = with_state(&body, &first, ("pending", 0)).into();
            *dead = Some(first);
            return true;
        }
        if !request.is("ec2", "DescribeInstances") {
            return false;
        }
        let mut body = String::from_utf8_lossy(answer.body()).into_owned();
        if let Some(id) = dead.as_ref().filter(|id| texts(&body, "instanceId").contains(id)) {
            let place = format!("<instanceId>{id}</instanceId>");
            body = with_state(&body, id, ("terminated", 48));
            body = body.replace(&place, &format!("{place}{REASON}"));
        }
        let is_changed = body.as_bytes() != answer.body();
        *answer.body_mut() = body.into();
        is_changed
    }
}
