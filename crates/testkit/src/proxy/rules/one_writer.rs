//! API Gateway serializes the writes to one REST API: who comes while another is at work is refused.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::{Answer, Asked, Rule};
use crate::proxy::refusal::error;

/// The APIs that are being written to.
#[derive(Default)]
pub struct OneWriter(Mutex<HashSet<String>>);

fn written(asked: &Asked) -> Option<String> {
    let writes = asked.operation.service == "apigateway" && asked.operation.writes;
    writes.then(|| asked.under("restapis")).flatten()
}

impl Rule for OneWriter {
    fn before(&self, asked: &Asked) -> Option<Answer> {
        let api = written(asked)?;
        let is_first = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(api);
        let said = "Unable to complete operation due to concurrent modification. Please try again \
                    later.";
        (!is_first).then(|| error(&asked.operation, 409, "ConflictException", said))
    }

    fn over(&self, asked: &Asked) {
        if let Some(api) = written(asked) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&api);
        }
    }
}
