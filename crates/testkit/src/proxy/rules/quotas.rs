//! API Gateway's fixed control-plane quotas, as token buckets: calls above the quota are refused.
//!
//! Source: "Amazon API Gateway quotas", per account and region; those of one operation each have no
//! burst beyond their number.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Answer, ApiRequest, Rule};
use crate::proxy::refusal::error;

/// CreateRestApi of an edge-optimized API, which has this quota beside that of all.
const CREATE_EDGE_API: &str = "CreateRestApi EDGE";

/// (operation, calls at once, milliseconds until one more). Empty: all operations together.
const QUOTAS: &[(&str, u32, u64)] = &[
    ("CreateRestApi", 1, 3_000),
    (CREATE_EDGE_API, 1, 30_000),
    ("DeleteRestApi", 1, 30_000),
    ("CreateDeployment", 1, 5_000),
    ("PutRestApi", 1, 1_000),
    ("CreateResource", 5, 200),
    ("DeleteResource", 5, 200),
    ("GetResources", 5, 400),
    ("UpdateAccount", 1, 20_000),
    ("", 40, 100),
];

pub struct Quotas {
    since: Instant,
    speed: f64,
    /// When each bucket is full again.
    full: Mutex<Vec<Duration>>,
}

impl Quotas {
    pub fn new(speed: f64) -> Self {
        let full = Mutex::new(vec![Duration::ZERO; QUOTAS.len()]);
        Self { since: Instant::now(), speed, full }
    }

    /// Takes a token from every bucket of the operation, or from none.
    fn takes(&self, operations: &[&str], now: Duration) -> bool {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = |(name, _, _): &(&str, u32, u64)| name.is_empty() || operations.contains(name);
        let drawn: Vec<usize> = (0..QUOTAS.len()).filter(|at| drawn(&QUOTAS[*at])).collect();
        let next = |at: usize| {
            let (_, burst, every) = QUOTAS[at];
            let next = full[at].max(now) + Duration::from_millis(every);
            (next <= now + Duration::from_millis(every) * burst).then_some(next)
        };
        let Some(taken) = drawn.iter().map(|at| next(*at)).collect::<Option<Vec<_>>>() else {
            return false;
        };
        for (at, next) in drawn.into_iter().zip(taken) {
            full[at] = next;
        }
        true
    }
}

impl Rule for Quotas {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if request.operation.service != "apigateway" {
            return None;
        }
        let now = self.since.elapsed().mul_f64(self.speed);
        let name = request.operation.name.as_str();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let types = body["endpointConfiguration"]["types"].as_array();
        let is_edge =
            name == "CreateRestApi" && types.is_some_and(|types| types.contains(&"EDGE".into()));
        let refused = !self.takes(&[name, if is_edge { CREATE_EDGE_API } else { name }], now);
        refused.then(|| {
            error(&request.operation, 429, "TooManyRequestsException", "Too Many Requests")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which of the calls at these milliseconds pass.
    fn check(operation: &str, at: &[u64], expected: &[bool]) {
        let quotas = Quotas::new(1.0);
        let takes = |ms: &u64| quotas.takes(&[operation], Duration::from_millis(*ms));
        assert_eq!(at.iter().map(takes).collect::<Vec<_>>(), expected, "{operation}");
    }

    #[test]
    fn each_operation_has_its_bucket() {
        check("DeleteRestApi", &[0, 1, 29_999, 30_000], &[true, false, false, true]);
        check(CREATE_EDGE_API, &[0, 29_999, 30_000], &[true, false, true]);
        let burst = [true, true, true, true, true, false, true, false];
        check("GetResources", &[0, 0, 0, 0, 0, 399, 400, 799], &burst);
        let all: Vec<bool> = (0..41).map(|number| number < 40).collect();
        check("GetStages", &[0; 41], &all);
    }
}
