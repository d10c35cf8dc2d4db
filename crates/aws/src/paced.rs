//! Every attempt of a call waits for its turn, and what AWS throttles slows down.
//!
//! The turn comes before the credentials: they, the signature and the attempt have time limits, which a long wait
//! would exceed. The SDK asks for credentials before each attempt, so that its retries wait for a turn, too.

use std::sync::{Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::identity::{
    IdentityFuture, ResolveCachedIdentity, SharedIdentityCache, SharedIdentityResolver,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry as _, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use crate::call_tracker::Awaiting;
use crate::pace::{Pace, Sent};

/// The credentials of a client, each of whose attempts waits for its turn first.
#[derive(Clone, Debug)]
pub struct Paced {
    pace: Pace,
    identities: SharedIdentityCache,
}

impl Paced {
    /// Returns `None` for a connection without credentials.
    pub fn new(pace: Pace, config: &SdkConfig) -> Option<Self> {
        Some(Self { pace, identities: config.identity_cache()? })
    }
}

/// An attempt that is sent. The SDK drops it with its operation, also a cancelled one.
#[derive(Debug, Default)]
struct Attempt(Mutex<Option<Sent>>);

impl Attempt {
    fn set(&self, sent: Option<Sent>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = sent;
    }
}

impl Storable for Attempt {
    type Storer = StoreReplace<Self>;
}

impl ResolveCachedIdentity for Paced {
    fn resolve_cached_identity<'a>(
        &'a self,
        resolver: SharedIdentityResolver,
        components: &'a RuntimeComponents,
        bag: &'a ConfigBag,
    ) -> IdentityFuture<'a> {
        IdentityFuture::new(async move {
            if let (Some(call), Some(awaiting)) = (bag.load::<Metadata>(), bag.load::<Awaiting>()) {
                let sent = self.pace.turn(call.name(), awaiting).await?;
                if let Some(attempt) = bag.load::<Attempt>() {
                    attempt.set(Some(sent));
                }
            }
            self.identities.resolve_cached_identity(resolver, components, bag).await
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        bag: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.identities.validate_base_client_config(components, bag)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        bag: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.identities.validate_final_config(components, bag)
    }
}

impl Intercept for Paced {
    fn name(&self) -> &'static str {
        "paced"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        bag.interceptor_state().store_put(Attempt::default());
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(attempt) = bag.load::<Attempt>() {
            attempt.set(None);
        }
        if let Some(call) = bag.load::<Metadata>()
            && is_throttled(context.inner(), components)
        {
            self.pace.throttled(call.name());
        }
        Ok(())
    }
}

/// Tells whether the service has throttled an attempt, as the SDK understands its answer.
fn is_throttled(context: &InterceptorContext, components: &RuntimeComponents) -> bool {
    let mut classifiers = components.retry_classifiers();
    classifiers.any(|one| one.classify_retry(context) == RetryAction::throttling_error())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_config::identity::IdentityCache;
    use stackwright_engine::kind::{Error, Fault};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::sync::watch;
    use tokio::time::Instant;

    use crate::call_tracker::CallTracker;
    use crate::client::SdkClient as _;
    use crate::cloud::{Access, Cloud};
    use crate::fault::{Explain as _, SHARED};
    use crate::pace::{Pace, Quota, Stop};
    use crate::trust::Trust;

    const QUOTAS: &[Quota] = &[Quota::of(&["GetRole"], 1, 10_000)];

    const THROTTLED: &str = "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>";

    /// Starts a service that throttles every call; returns its URL and how many there were.
    async fn throttling() -> (String, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = calls.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
                counted.fetch_add(1, Ordering::SeqCst);
                let length = THROTTLED.len();
                let reply = format!(
                    "HTTP/1.1 400 Bad Request\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n\
                     {THROTTLED}"
                );
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        (url, calls)
    }

    /// Calls a service, whose endpoint is not AWS, as if it were: with quotas.
    async fn get_role(url: String, stop: Stop) -> Error {
        let cloud = Cloud::open(&Access::Endpoint { url }, "us-east-1", Trust::none()).await;
        let identities = IdentityCache::lazy().build();
        let config = cloud.config.to_builder().identity_cache(identities).build();
        let pace = Some(Pace::new(QUOTAS, stop));
        let iam = aws_sdk_iam::Client::build(&config, &CallTracker::default(), pace);
        let sent = iam.get_role().role_name("x").send().await;
        sent.explain("GetRole", SHARED).expect_err("it is throttled")
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_the_sdk_repeats_waits_for_its_turn_longer_each_time() {
        let (url, calls) = throttling().await;
        let since = Instant::now();
        let error = get_role(url, Stop::default()).await;
        assert_eq!(
            (error.fault, calls.load(Ordering::SeqCst)),
            (Fault::Transient, 3),
            "{}",
            error.message
        );
        // 20 seconds at half of the speed, and then about 35, when a part of that is recovered.
        let seconds = since.elapsed().as_secs();
        assert!((50..70).contains(&seconds), "{seconds}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_its_turn_is_not_sent_when_the_run_is_interrupted() {
        let (url, calls) = throttling().await;
        let (asks, asked) = watch::channel(false);
        let stop = Stop::default();
        stop.set(asked).expect("the only one");
        let interrupt = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            asks.send_replace(true);
        };
        let (error, ()) = tokio::join!(get_role(url, stop), interrupt);
        assert_eq!((error.fault, calls.load(Ordering::SeqCst)), (Fault::Transient, 1));
        assert!(
            error.message.starts_with("GetRole: not sent: the run was interrupted"),
            "{}",
            error.message
        );
    }
}
