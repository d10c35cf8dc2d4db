//! The connection to one cloud: clients that share credentials, transport and a call counter.

use std::sync::Arc;
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
use stackwright_engine::kind::Result;
use stackwright_engine::reference::partition;
use tokio::sync::OnceCell;

use crate::calls::Calls;
use crate::fault::Explain;
use crate::once::Once as _;
use crate::pace::Pace;
use crate::whole::Whole;

/// No call waits longer, all its attempts together; uploads and functions at work excepted.
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
    pub ssm: aws_sdk_ssm::Client,
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
            pace: Pace::new(endpoint.is_none(), calls.clone()),
            endpoint,
            account: Arc::default(),
            apigateway: client!(aws_sdk_apigateway),
            ec2: client!(aws_sdk_ec2),
            iam: client!(aws_sdk_iam),
            lambda: client!(aws_sdk_lambda),
            logs: client!(aws_sdk_cloudwatchlogs),
            ssm: client!(aws_sdk_ssm),
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

#[cfg(test)]
mod tests {
    use std::future::Future;

    use stackwright_engine::kind::{Error, Fault};
    use tokio::net::TcpListener;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::call::{Request, call};
    use crate::invoke::invoke;

    /// The address of a server that accepts every connection and answers nothing.
    async fn mute() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        tokio::spawn(async move {
            let mut kept = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                kept.push(stream);
            }
        });
        url
    }

    /// Seconds until `call` is given up; what it is, is known meanwhile.
    async fn given_up<T>(
        cloud: &Cloud,
        what: &str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> u64 {
        let since = Instant::now();
        let mut call = std::pin::pin!(call);
        tokio::select! {
            _ = &mut call => panic!("{what}: it has ended already"),
            () = sleep(Duration::from_secs(8)) => {}
        }
        let awaited = cloud.calls.awaited();
        assert_eq!(awaited.len(), 1, "{awaited:?}");
        assert_eq!((awaited[0].what.as_str(), awaited[0].since.elapsed().as_secs()), (what, 8));
        let limit = awaited[0].limit;
        let ended = timeout(Duration::from_secs(3600), call).await;
        let error = ended.unwrap_or_else(|_| panic!("{what}: it has no limit")).err();
        assert_eq!(error.map(|error| error.fault), Some(Fault::Unknown), "{what}");
        assert_eq!(cloud.calls.awaited(), [], "{what}");
        assert_eq!(since.elapsed().as_secs(), limit.as_secs(), "{what}: told and kept");
        limit.as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_is_given_up_after_its_time() {
        let url = mute().await;
        let cloud = Cloud::open(&Access::Endpoint { url: url.clone() }, "us-east-1").await;
        macro_rules! sdk {
            ($service:literal, $name:literal, $call:expr) => {
                let what = format!("{} to answer {}", $service, $name);
                let sent = async { $call.send().await.explain($name) };
                assert_eq!(given_up(&cloud, &what, sent).await, 60);
            };
        }
        sdk!("EC2", "RunInstances", cloud.ec2.run_instances().customize().once());
        sdk!("EC2", "DescribeInstances", cloud.ec2.describe_instances());
        sdk!("IAM", "GetRole", cloud.iam.get_role().role_name("x"));
        sdk!("Lambda", "GetFunction", cloud.lambda.get_function().function_name("x"));
        sdk!("API Gateway", "GetRestApis", cloud.apigateway.get_rest_apis());
        sdk!("SSM", "GetParameter", cloud.ssm.get_parameter().name("x"));
        sdk!("CloudWatch Logs", "FilterLogEvents", cloud.logs.filter_log_events());
        let what = "STS to answer GetCallerIdentity";
        assert_eq!(given_up(&cloud, what, cloud.account()).await, 60);

        let what = "Lambda to answer Invoke";
        assert_eq!(given_up(&cloud, what, invoke(&cloud, "x", b"{}")).await, 920);
        let method = "POST".to_owned();
        let request = Request { method, url, headers: Vec::new(), body: None, sign: true };
        assert_eq!(given_up(&cloud, "the answer", call(&cloud, &request)).await, 30);
    }

    #[tokio::test]
    async fn aws_itself_has_the_same_limits() {
        let aws = Cloud::open(&Access::Aws { profile: None }, "us-east-1").await;
        let limits = aws.config.timeout_config().expect("limits");
        assert_eq!(limits.operation_timeout(), Some(REQUEST));
        assert_eq!(limits.connect_timeout(), Some(CONNECT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_is_not_awaited() {
        let cloud = Cloud::open(&Access::Endpoint { url: mute().await }, "us-east-1").await;
        let dropped = timeout(Duration::from_secs(3), cloud.ec2.describe_instances().send()).await;
        assert!(dropped.is_err());
        assert_eq!(cloud.calls.awaited(), []);
    }
}
