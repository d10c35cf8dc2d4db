//! A ClientToken of RunInstances stands for one launch.
//!
//! The same request with the same token is answered as the first time and launches nothing; another
//! request is `IdempotentParameterMismatch`, and one for an instance that was terminated meanwhile
//! `IdempotentInstanceTerminated`. Source: "Ensuring idempotency in Amazon EC2 API requests".

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use super::object::{ended, texts};
use super::{Answer, Asked, Rule};
use crate::proxy::refusal::{Refusal, error};

#[derive(Default)]
pub struct Tokens(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    launches: HashMap<String, Launch>,
    terminated: HashSet<String>,
}

struct Launch {
    asked: Vec<(String, String)>,
    /// `None`: under way.
    answer: Option<Answer>,
}

impl Launch {
    fn instances(&self) -> Vec<String> {
        let body = self.answer.as_ref().map(|answer| String::from_utf8_lossy(answer.body()));
        texts(&body.unwrap_or_default(), "instanceId")
    }
}

fn token(asked: &Asked) -> Option<String> {
    asked.is("ec2", "RunInstances").then(|| asked.field("ClientToken")).flatten()
}

impl Rule for Tokens {
    fn before(&self, asked: &Asked) -> Option<Answer> {
        let token = token(asked)?;
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(launch) = memory.launches.get(&token) else {
            memory.launches.insert(token, Launch { asked: asked.form(), answer: None });
            return None;
        };
        let refused = |code, said| Some(error(&asked.operation, 400, code, said));
        if launch.asked != asked.form() {
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
            // What AWS says while the first is under way is not documented; that is always allowed.
            None => Some(Refusal::throttle("ec2").answer(&asked.operation)),
        }
    }

    fn after(&self, asked: &Asked, answer: &mut Answer) -> bool {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        memory.terminated.extend(ended(asked, answer).into_iter().map(|object| object.id));
        if let Some(launch) = token(asked).and_then(|token| memory.launches.get_mut(&token))
            && answer.status().is_success()
        {
            launch.answer = Some(answer.clone());
        }
        false
    }

    /// A launch that failed leaves its token free.
    fn over(&self, asked: &Asked) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = token(asked)
            && memory.launches.get(&token).is_some_and(|launch| launch.answer.is_none())
        {
            memory.launches.remove(&token);
        }
    }
}
