//! Lambda creates and updates a function after the reply: for a number of reads, the function is
//! `Pending` or its update `InProgress`, and further changes are refused.
//!
//! Source: "Lambda function states": while a create is pending, invocations and updates fail; while an
//! update is in progress, further updates do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::object::{ObjectId, deleted, named};
use super::{Answer, ApiRequest, Rule};
use crate::proxy::refusal::error;

const UPDATES: [&str; 3] = ["UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion"];
const READS: [&str; 2] = ["GetFunction", "GetFunctionConfiguration"];

pub struct InProgress {
    /// For how many reads a write is in progress.
    lasts: usize,
    functions: Mutex<HashMap<ObjectId, Progress>>,
}

#[derive(Clone, Copy)]
struct Progress {
    /// How many reads still show it.
    left: usize,
    /// Whether it is the create, not an update.
    is_new: bool,
}

impl InProgress {
    pub fn new(lasts: usize) -> Self {
        Self { lasts, functions: Mutex::default() }
    }
}

impl Rule for InProgress {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let function = function(request)?;
        let functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = functions.get(&function)?;
        let name = request.operation.name.as_str();
        let is_update = UPDATES.contains(&name);
        let said = if progress.is_new && (is_update || name == "Invoke") {
            "The function is currently in the following state: Pending".to_owned()
        } else if !progress.is_new && is_update {
            let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{}", function.id);
            format!("An update is in progress for resource: {arn}")
        } else {
            return None;
        };
        let said = format!("The operation cannot be performed at this time. {said}");
        Some(error(&request.operation, 409, "ResourceConflictException", &said))
    }

    fn after(&self, request: &ApiRequest, answer: &mut Answer) -> bool {
        let Some(function) = function(request).filter(|_| answer.status().is_success()) else {
            return false;
        };
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        if !deleted(request, answer).is_empty() {
            functions.remove(&function);
            return false;
        }
        let name = request.operation.name.as_str();
        let is_new = name == "CreateFunction";
        if is_new || UPDATES[..2].contains(&name) {
            functions.insert(function, Progress { left: self.lasts, is_new });
            return show(answer, is_new);
        }
        let Some(progress) = functions.get_mut(&function).filter(|_| READS.contains(&name)) else {
            return false;
        };
        progress.left -= 1;
        let Progress { left, is_new } = *progress;
        if left == 0 {
            functions.remove(&function);
        }
        show(answer, is_new)
    }
}

fn function(request: &ApiRequest) -> Option<ObjectId> {
    (request.operation.service == "lambda").then(|| named(request).pop()).flatten()
}

/// Writes the progress into the reply of a write or of a read.
fn show(answer: &mut Answer, is_new: bool) -> bool {
    let Ok(mut body) = serde_json::from_slice::<Value>(answer.body()) else { return false };
    let configuration = match body.get_mut("Configuration") {
        Some(configuration) => configuration,
        None => &mut body,
    };
    let (state, update) = if is_new { ("Pending", "Successful") } else { ("Active", "InProgress") };
    configuration["State"] = state.into();
    configuration["LastUpdateStatus"] = update.into();
    *answer.body_mut() = body.to_string().into();
    true
}
