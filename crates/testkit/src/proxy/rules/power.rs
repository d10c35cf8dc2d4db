//! An instance's power state decides which operations it accepts, and it changes after the reply: for
//! a number of reads, a new or started instance is `pending` and a stopped one `stopping`.
//!
//! Sources: "Amazon EC2 instance state changes"; the API reference of ModifyInstanceAttribute ("to
//! modify some attributes, the instance must be stopped"); EC2's error for a stop that comes too
//! early, cloud-custodian/cloud-custodian pull request 6014.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::object::{created, deleted, named};
use super::{Answer, ApiRequest, Rule, Upstream};
use crate::kinds::text::texts;
use crate::proxy::refusal::error;

/// Attributes that cannot be changed while an instance runs.
const FIXED: [&str; 5] = ["InstanceType", "UserData", "Kernel", "Ramdisk", "EbsOptimized"];

/// Name and code of a state.
type State = (&'static str, u8);

const PENDING: State = ("pending", 0);
const STOPPING: State = ("stopping", 64);

pub struct Power {
    /// How many reads a start or a stop lasts.
    lasts: usize,
    upstream: Upstream,
    /// Instances in transition, and how many reads still show it.
    moving: Mutex<HashMap<String, (State, usize)>>,
}

impl Power {
    pub fn new(lasts: usize, upstream: &Upstream) -> Self {
        Self { lasts, upstream: upstream.clone(), moving: Mutex::default() }
    }

    /// The transitional state of an instance.
    fn moving(&self, id: &str) -> Option<State> {
        let moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        moving.get(id).map(|(state, _)| *state)
    }

    fn is_stopped(&self, id: &str) -> bool {
        self.moving(id).is_none() && self.upstream.instance(id).contains("<name>stopped</name>")
    }
}

fn modifies_fixed_attribute(request: &ApiRequest) -> bool {
    let is_fixed = |(name, value): &(String, String)| {
        let names = |fixed: &&str| match name.as_str() {
            "Attribute" => value.eq_ignore_ascii_case(fixed),
            name => name.split('.').next() == Some(fixed),
        };
        FIXED.iter().any(names)
    };
    request.is("ec2", "ModifyInstanceAttribute") && request.form().iter().any(is_fixed)
}

impl Rule for Power {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let ids = || named(request).into_iter().map(|object| object.id);
        let said = if modifies_fixed_attribute(request) {
            let id = ids().find(|id| !self.is_stopped(id))?;
            format!("The instance '{id}' is not in the 'stopped' state.")
        } else if request.is("ec2", "StartInstances") {
            let id = ids().find(|id| self.moving(id) == Some(STOPPING))?;
            format!("The instance '{id}' is not in a state from which it can be started.")
        } else if request.is("ec2", "StopInstances") {
            let id = ids().find(|id| self.moving(id) == Some(PENDING))?;
            format!(
                "Instance '{id}' cannot be stopped as it has never reached the 'running' state."
            )
        } else {
            return None;
        };
        Some(error(&request.operation, 400, "IncorrectInstanceState", &said))
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        if request.operation.service != "ec2" || !answer.status().is_success() {
            return false;
        }
        let mut moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        for object in deleted(request, answer) {
            moving.remove(&object.id);
        }
        let (state, ids) = match request.operation.name.as_str() {
            "RunInstances" => (PENDING, created(request, answer)),
            "StartInstances" => (PENDING, named(request)),
            "StopInstances" => (STOPPING, named(request)),
            "DescribeInstances" => return show(answer, &mut moving),
            _ => return false,
        };
        if self.lasts > 0 {
            // An instance that is already in the state has no transition.
            let begins = |id: &String| !stays(answer, id, state);
            let ids: Vec<String> = ids.into_iter().map(|object| object.id).filter(begins).collect();
            moving.extend(ids.into_iter().map(|id| (id, (state, self.lasts))));
        }
        false
    }
}

/// Whether an instance was in the state before, by the previous state in the reply.
fn stays(answer: &Answer, id: &str, to: State) -> bool {
    let body = String::from_utf8_lossy(answer.body());
    let at = body.find(&format!("<instanceId>{id}</instanceId>")).unwrap_or_default();
    let before = body[at..].split("<previousState>").nth(1).unwrap_or_default();
    let before = texts(before, "name").into_iter().next();
    before.as_deref() == Some(if to == PENDING { "running" } else { "stopped" })
}

/// Writes transitional states into a list of instances, and counts the read of each.
fn show(answer: &mut Answer, moving: &mut HashMap<String, (State, usize)>) -> bool {
    let mut body = String::from_utf8_lossy(answer.body()).into_owned();
    for id in texts(&body, "instanceId") {
        let Some((state, left)) = moving.get_mut(&id) else { continue };
        body = with_state(&body, &id, *state);
        *left -= 1;
        if *left == 0 {
            moving.remove(&id);
        }
    }
    let is_changed = body.as_bytes() != answer.body();
    *answer.body_mut() = body.into();
    is_changed
}

pub(super) fn with_state(xml: &str, id: &str, (name, code): State) -> String {
    let (open, close) = ("<instanceState>", "</instanceState>");
    let found = xml.find(&format!("<instanceId>{id}</instanceId>")).and_then(|at| {
        let start = at + xml[at..].find(open)? + open.len();
        Some((start, start + xml[start..].find(close)?))
    });
    match found {
        Some((start, end)) => {
            let state = format!("<code>{code}</code><name>{name}</name>");
            format!("{}{state}{}", &xml[..start], &xml[end..])
        }
        None => xml.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_one_instance_is_rewritten() {
        let item = |id: &str, state: &str| {
            format!(
                "<item><instanceId>{id}</instanceId><instanceState>{state}</instanceState></item>"
            )
        };
        let running = "<code>16</code><name>running</name>";
        let xml = item("i-1", running) + &item("i-2", running);
        let stopping = "<code>64</code><name>stopping</name>";
        assert_eq!(
            with_state(&xml, "i-2", STOPPING),
            item("i-1", running) + &item("i-2", stopping)
        );
        assert_eq!(with_state(&xml, "i-3", STOPPING), xml);
    }
}
