//! Clients of the AWS SDK, all made alike: calls are counted, and truncated replies are errors.
//!
//! Each SDK has types of its own, so [`sdk_client`] implements what all need for one of them. The
//! module that owns a service names its SDK once.

use aws_config::SdkConfig;

use crate::call_tracker::CallTracker;

/// A client of one SDK.
pub trait SdkClient: Sized {
    /// Makes a client that shares credentials, transport and `tracker` with all others.
    fn build(config: &SdkConfig, tracker: &CallTracker) -> Self;
}

/// For calls that the SDK must not repeat by itself, above all creates. Without a token, a repetition
/// after a lost reply makes a second object, or meets its own first one as "already exists". With a
/// token it still hides the first outcome: a lost reply followed by a refused connection is reported
/// as refused, as if nothing had been made. The engine settles what became of a create.
///
/// `request.customize().single_attempt().send()`
pub trait SingleAttempt {
    /// Sends at most one attempt.
    #[must_use]
    fn single_attempt(self) -> Self;
}

/// Implements [`SdkClient`] and [`SingleAttempt`] for one SDK: `sdk_client!(aws_sdk_iam);`
macro_rules! sdk_client {
    ($sdk:ident) => {
        impl $crate::client::SdkClient for $sdk::Client {
            fn build(
                config: &aws_config::SdkConfig,
                tracker: &$crate::call_tracker::CallTracker,
            ) -> Self {
                let config = $sdk::config::Builder::from(config)
                    .interceptor(tracker.clone())
                    .interceptor($crate::truncated_reply::TruncatedReply)
                    .retry_classifier($crate::truncated_reply::TruncatedReply);
                Self::from_conf(config.build())
            }
        }

        impl<T, E, B> $crate::client::SingleAttempt
            for $sdk::client::customize::CustomizableOperation<T, E, B>
        {
            fn single_attempt(self) -> Self {
                let no_retry = aws_config::retry::RetryConfig::disabled();
                self.config_override($sdk::Config::builder().retry_config(no_retry))
            }
        }
    };
}
pub(crate) use sdk_client;
