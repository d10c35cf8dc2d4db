//! Invokes a function directly.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::types::{InvocationType, LogType};
use aws_smithy_types::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stackwright_engine::kind::Result;

use super::service::CODES;
use crate::cloud::Cloud;
use crate::fault::Explain as _;

/// A function may run for 15 minutes.
const TIME_LIMIT: Duration = Duration::from_secs(920);

/// The answer of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// `Handled` or `Unhandled`: the payload is then the error.
    pub function_error: Option<String>,
    pub payload: Vec<u8>,
    /// The last 4 KB of the function's log.
    pub log_tail: String,
}

/// Invokes once and waits for the answer: a second attempt would run the function again.
pub async fn invoke(cloud: &Cloud, function: &str, payload: &[u8]) -> Result<Invoked> {
    let once = aws_sdk_lambda::Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().read_timeout(TIME_LIMIT).build());
    let lambda: aws_sdk_lambda::Client = cloud.client();
    let reply = lambda
        .invoke()
        .function_name(function)
        .invocation_type(InvocationType::RequestResponse)
        .log_type(LogType::Tail)
        .payload(Blob::new(payload))
        .customize()
        .config_override(once)
        .send()
        .await
        .explain("Invoke", CODES)?;
    let log = reply.log_result.and_then(|encoded| STANDARD.decode(encoded).ok());
    Ok(Invoked {
        function_error: reply.function_error,
        payload: reply.payload.map(Blob::into_inner).unwrap_or_default(),
        log_tail: String::from_utf8_lossy(&log.unwrap_or_default()).into_owned(),
    })
}
