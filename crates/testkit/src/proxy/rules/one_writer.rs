//! API Gateway serializes the writes to one REST API: a write during another one is refused.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::{Answer, ApiRequest, Rule};
use crate::proxy::refusal::error;

/// The APIs that are being written to.
#[derive(Default)]
pub struct OneWriter(Mutex<HashSet<String>>);

fn written(request: &ApiRequest) -> Option<String> {
    let writes = request.operation.service == "apigateway" && request.operation.writes;
    writes.then(|| request.under("restapis")).flatten()
}

impl Rule for OneWriter {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        let api = written(request)?;
        let is_first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(api);
        let said = "Unable to complete operation due to concurrent modification. Please try again \
                    later.";
        (!is_first).then(|| error(&request.operation, 409, "ConflictException", said))
    }

    fn finished(&self, request: &ApiRequest) {
        if let Some(api) = written(request) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&api);
        }
    }
}
