//! An attempt that has used up its time is not repeated.
//!
//! The limit is that of an attempt, not of a call: a call may wait long for its turn, which no limit must count. An
//! attempt that reaches its limit is not repeated: with repetitions, a call could take several times the limit.

use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};

use crate::unreached::Unreached;

/// Forbids to repeat an attempt whose answer did not come in time. One that could not connect is repeated.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit;

impl ClassifyRetry for TimeLimit {
    fn name(&self) -> &'static str {
        "time limit"
    }

    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        match error.and_then(|error| error.as_connector_error()) {
            Some(error) if error.is_timeout() && Unreached::find(error).is_none() => {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
}
