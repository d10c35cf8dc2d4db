//! The connection to one cloud: clients that share credentials, transport and a call counter.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use stackwright_engine::kind::Result;
use stackwright_engine::reference::partition;
use tokio::sync::OnceCell;

use crate::fault::Explain;
use crate::once::Once as _;
use crate::pace::Pace;
use crate::whole::Whole;

/// No request waits longer.
const REQUEST: Duration = Duration::from_secs(60);

/// Nor for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the cloud is and how to sign for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// AWS itself: the default credential chain, optionally with a profile's name.
    Aws { profile: Option<String> },
    /// An emulator: signs with test/test and reads no profile and no metadata service.
    Endpoint { url: String },
}

/// One client for each service; cheap to share.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub region: String,
    /// Of an emulator; `None`: AWS itself.
    pub endpoint: Option<String>,
    pub pace: Pace,
    account: Arc<OnceCell<String>>,
    pub config: SdkConfig,
    pub calls: Calls,
    pub apigateway: aws_sdk_apigateway::Client,
    pub ec2: aws_sdk_ec2::Client,
    pub iam: aws_sdk_iam::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sts: aws_sdk_sts::Client,
}

impl Cloud {
    /// Clients for `access`. Reads profiles for AWS; sends nothing.
    pub async fn open(access: &Access, region: &str) -> Self {
        let config = match access {
            Access::Aws { profile } => {
                let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
                    .region(Region::new(region.to_owned()))
                    .http_client(http_client(Proxy::Environment))
                    .timeout_config(timeouts())
                    .retry_config(retries());
                match profile {
                    Some(profile) => loader.profile_name(profile).load().await,
                    None => loader.load().await,
                }
            }
            Access::Endpoint { url } => Self::emulator(url, region),
        };
        let endpoint = match access {
            Access::Aws { .. } => None,
            Access::Endpoint { url } => Some(url.trim_end_matches('/').to_owned()),
        };
        Self::new(config, region, endpoint)
    }

    /// Built by hand: no environment variable, profile or metadata service has a say.
    fn emulator(url: &str, region: &str) -> SdkConfig {
        let test = Credentials::from_keys("test", "test", None);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(test))
            .http_client(http_client(Proxy::None))
            .sleep_impl(TokioSleep::new())
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .timeout_config(timeouts())
            .retry_config(retries())
            .build()
    }

    fn new(config: SdkConfig, region: &str, endpoint: Option<String>) -> Self {
        let calls = Calls::default();
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf(
                    $service::config::Builder::from(&config)
                        .interceptor(calls.clone())
                        .interceptor(Whole)
                        .retry_classifier(Whole)
                        .build(),
                )
            };
        }
        Self {
            region: region.to_owned(),
            pace: Pace::new(endpoint.is_none()),
            endpoint,
            account: Arc::default(),
            apigateway: client!(aws_sdk_apigateway),
            ec2: client!(aws_sdk_ec2),
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            logs: client!(aws_sdk_cloudwatchlogs),
            sts: client!(aws_sdk_sts),
            calls,
            config,
        }
    }

    /// The account, twelve digits, by STS GetCallerIdentity: are there credentials, do they work,
    /// and whose are they? Asked once.
    pub async fn account(&self) -> Result<String> {
        let ask = || async {
            let call = self.sts.get_caller_identity().customize();
            // Whether an emulator runs is known at once.
            let call = if self.endpoint.is_some() { call.once() } else { call };
            let reply = call.send().await.explain("GetCallerIdentity")?;
            Ok(reply.account.unwrap_or_default())
        };
        self.account.get_or_try_init(ask).await.cloned()
    }

    /// The account is known already: it answered a probe.
    #[must_use]
    pub fn in_account(mut self, account: String) -> Self {
        self.account = Arc::new(OnceCell::new_with(Some(account)));
        self
    }

    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> &'static str {
        partition(&self.region)
    }

    /// A connector like those of the SDK clients, for requests that are not the SDK's.
    pub(crate) fn connector(&self) -> Connector {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
        let proxy = if self.endpoint.is_some() { Proxy::None } else { Proxy::Environment };
        connector(proxy, Some(&settings))
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().operation_timeout(REQUEST).connect_timeout(CONNECT).build()
}

/// For reads and for calls that may be repeated; a create that may not switches it off.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

#[derive(Clone, Copy)]
enum Proxy {
    /// As HTTPS_PROXY, HTTP_PROXY and NO_PROXY say.
    Environment,
    None,
}

fn http_client(proxy: Proxy) -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .build_with_connector_fn(move |settings, _| connector(proxy, settings))
}

/// HTTPS with rustls and ring. Unless told otherwise the SDK goes through no proxy at all.
fn connector(proxy: Proxy, settings: Option<&HttpConnectorSettings>) -> Connector {
    let mut builder = Connector::builder();
    builder.set_connector_settings(settings.cloned());
    builder.set_sleep_impl(Some(SharedAsyncSleep::new(TokioSleep::new())));
    builder.set_proxy_config(Some(match proxy {
        Proxy::Environment => ProxyConfig::from_env(),
        Proxy::None => ProxyConfig::disabled(),
    }));
    let rustls = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    builder.tls_provider(rustls).build()
}

/// Whether an operation only looks, by its name.
pub fn is_read(operation: &str) -> bool {
    ["Describe", "Get", "List", "Filter"].iter().any(|read| operation.starts_with(read))
}

/// Counts every attempt that reaches the wire.
#[derive(Clone, Debug, Default)]
pub struct Calls(Arc<[AtomicU64; 2]>);

impl Calls {
    /// All attempts so far.
    pub fn total(&self) -> u64 {
        self.0[0].load(Ordering::Relaxed)
    }

    /// Those of them that change something.
    pub fn writes(&self) -> u64 {
        self.0[1].load(Ordering::Relaxed)
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "calls"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), aws_smithy_runtime_api::box_error::BoxError> {
        let Some(operation) = bag.load::<Metadata>() else { return Ok(()) };
        tracing::debug!(target: "stackwright::call", "{} {}", operation.service(), operation.name());
        self.0[0].fetch_add(1, Ordering::Relaxed);
        if !is_read(operation.name()) {
            self.0[1].fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}
