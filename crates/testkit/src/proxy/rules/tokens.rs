//! A ClientToken of RunInstances identifies one launch.
//!
//! The same request with the same token gets the first answer again and launches nothing; another
//! request gets `IdempotentParameterMismatch`, and one for an instance that has been terminated since
//! gets `IdempotentInstanceTerminated`. Source: "Ensuring idempotency in Amazon EC2 API requests".

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::object::deleted;
use super::{Answer, ApiRequest, Rule};
use crate::kinds::text::texts;
use crate::proxy::refusal::{Refusal, error};

#[derive(Default)]
pub struct Tokens(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    launches: HashMap<String, Launch>,
    terminated: HashSet<String>,
}

struct Launch {
    request: Vec<(String, String)>,
    /// `None` while the launch is in progress.
    answer: Option<Answer>,
}

impl Launch {
    fn instances(&self) -> Vec<String> {
        let body = self.answer.as_ref().map(|answer| String::from_utf8_lossy(answer.body()));
        texts(&body.unwrap_or_default(), "instanceId")
    }
}

fn token(request: &ApiRequest) -> Option<String> {
    request.is("ec2", "RunInstances").then(|| request.field("ClientToken")).flatten()
}

impl Rule for Tokens {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let token = token(request)?;
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(launch) = memory.launches.get(&token) else {
            memory.launches.insert(token, Launch { request: request.form(), answer: None });
            return None;
        };
        let refused = |code, said| Some(error(&request.operation, 400, code, said));
        if launch.request != request.form() {
            let said = "The request uses the same client token as a previous, but non-identical \
                        request.";
            return refused("IdempotentParameterMismatch", said);
        }
        if launch.instances().iter().any(|id| memory.terminated.contains(id)) {
            let said = "The request uses the same client token as a previous request for which the \
                        instance has been terminated.";
            return refused("IdempotentInstanceTerminated", said);
        }
        match &launch.answer {
            Some(answer) => Some(answer.clone()),
            // AWS does not document its answer while the first request is in progress; it may always throttle.
            None => Some(Refusal::throttle("ec2").answer(&request.operation)),
        }
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.terminated.extend(deleted(request, answer).into_iter().map(|object| object.id));
        if let Some(launch) = token(request).and_then(|token| memory.launches.get_mut(&token))
            && answer.status().is_success()
        {
            launch.answer = Some(answer.clone());
        }
        false
    }

    /// A launch that failed leaves its token free.
    fn finished(&self, request: &ApiRequest) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = token(request)
            && memory.launches.get(&token).is_some_and(|launch| launch.answer.is_none())
        {
            memory.launches.remove(&token);
        }
    }
}
