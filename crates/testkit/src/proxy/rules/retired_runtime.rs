//! Lambda takes no code for a function whose runtime it has retired, until the function has another runtime.
//!
//! Source: "Lambda runtimes", the dates from which function updates are blocked; the message is that of
//! motdotla/node-lambda pull request 526.

use super::object::named;
use super::upstream::Upstream;
use super::{Answer, ApiRequest, Rule};
use crate::proxy::refusal::error;

/// Some of the runtimes that are retired for good.
pub const RETIRED: &[&str] = &["nodejs8.10", "nodejs10.x", "python2.7", "python3.6"];

pub struct RetiredRuntime(Upstream);

impl RetiredRuntime {
    pub fn new(upstream: &Upstream) -> Self {
        Self(upstream.clone())
    }
}

impl Rule for RetiredRuntime {
    fn before(&self, request: &ApiRequest) -> Option<Answer> {
        if request.operation.name != "UpdateFunctionCode" {
            return None;
        }
        let function = named(request).pop()?.id;
        let path = format!("2015-03-31/functions/{function}/configuration");
        let configuration = self.0.get("lambda", &path)?;
        let runtime = configuration["Runtime"].as_str().filter(|name| RETIRED.contains(name))?;
        Some(error(&request.operation, 400, "InvalidParameterValueException", &message(runtime)))
    }
}

/// What Lambda says of a retired runtime.
pub fn message(runtime: &str) -> String {
    format!(
        "The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda \
         functions. We recommend you use a supported runtime while creating or updating functions."
    )
}
