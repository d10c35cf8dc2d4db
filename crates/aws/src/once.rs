//! Calls that the SDK must not repeat by itself.

use aws_config::retry::RetryConfig;

/// For creates without a token: a repetition after a lost reply would make a second object, or
/// meet its own first one as "already exists". What became of the call is the engine's question.
///
/// `request.customize().once().send()`
pub trait Once {
    /// Sends at most one attempt.
    #[must_use]
    fn once(self) -> Self;
}

macro_rules! once {
    ($($sdk:ident),*) => {$(
        impl<T, E, B> Once for $sdk::client::customize::CustomizableOperation<T, E, B> {
            fn once(self) -> Self {
                let no_retry = RetryConfig::disabled();
                self.config_override($sdk::Config::builder().retry_config(no_retry))
            }
        }
    )*};
}

once!(aws_sdk_apigateway, aws_sdk_cloudwatchlogs, aws_sdk_iam, aws_sdk_lambda);
