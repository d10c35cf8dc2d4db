//! Clients of the AWS SDK, all made alike: calls are counted, and truncated replies are errors.
//!
//! Each SDK has types of its own, so [`sdk_client`] implements what all need for one of them. The
//! module that owns a service names its SDK once.

use aws_config::SdkConfig;

use crate::call_tracker::CallTracker;
use crate::pace::{Pace, Quota};

/// A client of one SDK.
pub trait SdkClient: Sized {
    /// The name of the SDK's crate.
    const SDK: &'static str;
    /// What AWS allows; all clients of the service share it.
    const QUOTAS: &'static [Quota];

    /// Makes a client that shares credentials, transport and `tracker` with all others. `pace`: each attempt waits
    /// for its turn.
    fn build(config: &SdkConfig, tracker: &CallTracker, pace: Option<Pace>) -> Self;
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

/// Implements [`SdkClient`] and [`SingleAttempt`] for one SDK: `sdk_client!(aws_sdk_iam, QUOTAS);`
macro_rules! sdk_client {
    ($sdk:ident, $quotas:expr) => {
        impl $crate::client::SdkClient for $sdk::Client {
            const SDK: &'static str = stringify!($sdk);
            const QUOTAS: &'static [$crate::pace::Quota] = $quotas;

            fn build(
                config: &aws_config::SdkConfig,
                tracker: &$crate::call_tracker::CallTracker,
                pace: Option<$crate::pace::Pace>,
            ) -> Self {
                let mut builder = $sdk::config::Builder::from(config)
                    .interceptor(tracker.clone())
                    .interceptor($crate::truncated_reply::TruncatedReply)
                    .retry_classifier($crate::truncated_reply::TruncatedReply)
                    .retry_classifier($crate::time_limit::TimeLimit);
                if let Some(paced) = pace.and_then(|pace| $crate::paced::Paced::new(pace, config)) {
                    builder = builder.interceptor(paced.clone()).identity_cache(paced);
                }
                Self::from_conf(builder.build())
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
