//! Lambda cannot assume a new role at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::object::{created, deleted};
use super::{Answer, ApiRequest, Rule};
use crate::proxy::refusal::error;

pub struct Unassumable {
    times: usize,
    /// By the role's name: how often it is still refused.
    left: Mutex<HashMap<String, usize>>,
}

impl Unassumable {
    pub fn new(times: usize) -> Self {
        Self { times, left: Mutex::default() }
    }
}

impl Rule for Unassumable {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let gives = ["CreateFunction", "UpdateFunctionConfiguration"];
        if request.operation.service != "lambda"
            || !gives.contains(&request.operation.name.as_str())
        {
            return None;
        }
        let body = request.json();
        let role = body["Role"].as_str()?.rsplit('/').next()?;
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let left = all.get_mut(role).filter(|left| **left > 0)?;
        *left -= 1;
        let said = "The role defined for the function cannot be assumed by Lambda.";
        Some(error(&request.operation, 400, "InvalidParameterValueException", said))
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        for object in deleted(request, answer) {
            all.remove(&object.id);
        }
        for object in created(request, answer).into_iter().filter(|object| object.kind == "role") {
            all.insert(object.id, self.times);
        }
        false
    }
}
