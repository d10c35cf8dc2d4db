//! Creates are sent once: the SDK must not repeat them by itself.

use aws_config::retry::RetryConfig;

/// For creates. Without a token a repetition after a lost reply makes a second object, or meets its
/// own first one as "already exists". With a token it still hides the first outcome: a lost reply
/// followed by a refused connection is reported as refused, as if nothing had been made. What
/// became of a create is the engine's question.
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

once!(
    aws_sdk_apigateway,
    aws_sdk_cloudwatchlogs,
    aws_sdk_ec2,
    aws_sdk_iam,
    aws_sdk_lambda,
    aws_sdk_sts
);
