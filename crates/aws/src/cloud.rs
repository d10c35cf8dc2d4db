//! The connection to one cloud: credentials, transport and call tracker, which all clients share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector};
use stackwright_engine::kind::{Error, Fault, Result};
use stackwright_engine::partition::Partition;
use tokio::sync::{OnceCell, watch};
use tokio::time::{Instant, sleep};

use crate::call_tracker::CallTracker;
use crate::client::{SdkClient, SingleAttempt as _, sdk_client};
use crate::credentials::{for_profile, is_perhaps_disabled};
use crate::fault::{Explain, SHARED};
use crate::http_client;
use crate::pace::{Pace, Quota, Stop};
use crate::trust::Trust;
use crate::unreached::Proxies;

sdk_client!(aws_sdk_sts, QUOTAS);

/// From "IAM and AWS STS quotas".
const QUOTAS: &[Quota] = &[Quota::of_all(600, 2)];

/// The limit of an attempt. Uploads and invocations have longer ones.
const REQUEST: Duration = Duration::from_secs(60);

/// The limit of a connection attempt.
const CONNECT: Duration = Duration::from_secs(5);

/// The limit for loading credentials: a `credential_process` may ask a person.
const LOADING: Duration = Duration::from_secs(50);

/// Where the cloud is and how to sign for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// AWS itself: the default credential chain, optionally with a profile's name.
    Aws { profile: Option<String> },
    /// An emulator: calls are signed with test/test, and no profile or metadata service is read.
    Endpoint { url: String },
}

/// A connection to a cloud. Each provider builds the clients of its services from it.
#[derive(Clone, Debug)]
pub struct Cloud {
    pub region: String,
    /// The URL of an emulator. `None`: AWS itself.
    pub endpoint: Option<String>,
    account: Arc<OnceCell<String>>,
    pub config: SdkConfig,
    trust: Trust,
    /// That of `--profile`.
    profile: Option<String>,
    pub calls: CallTracker,
    /// By the name of the SDK. Empty for an emulator, which has no quotas.
    paces: Arc<Mutex<BTreeMap<&'static str, Pace>>>,
    stop: Stop,
}

impl Cloud {
    /// Opens a connection for `access`. It reads profiles for AWS and sends nothing.
    pub async fn open(access: &Access, region: &str, trust: Trust) -> Self {
        let config = match access {
            Access::Aws { profile } => {
                let loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
                    .region(Region::new(region.to_owned()))
                    .http_client(http_client::client(&Proxies::of_environment(), trust.clone()))
                    .timeout_config(timeouts())
                    .retry_config(retries())
                    .identity_cache(IdentityCache::lazy().load_timeout(LOADING).build());
                match profile {
                    Some(profile) => loader.profile_name(profile).load().await,
                    None => loader.load().await,
                }
            }
            Access::Endpoint { url } => Self::emulator(url, region, trust.clone()),
        };
        let endpoint = match access {
            Access::Aws { .. } => None,
            Access::Endpoint { url } => Some(url.trim_end_matches('/').to_owned()),
        };
        let profile = match access {
            Access::Aws { profile } => profile.clone(),
            Access::Endpoint { .. } => None,
        };
        Self {
            region: region.to_owned(),
            endpoint,
            account: Arc::default(),
            config,
            trust,
            profile,
            calls: CallTracker::default(),
            paces: Arc::default(),
            stop: Arc::default(),
        }
    }

    /// Returns a config that no environment variable, profile or metadata service can change.
    fn emulator(url: &str, region: &str, trust: Trust) -> SdkConfig {
        let test = Credentials::from_keys("test", "test", None);
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(region.to_owned()))
            .endpoint_url(url)
            .credentials_provider(SharedCredentialsProvider::new(test))
            .http_client(http_client::client(&Proxies::none(), trust))
            .sleep_impl(TokioSleep::new())
            .time_source(aws_smithy_async::time::SystemTimeSource::new())
            .timeout_config(timeouts())
            .retry_config(retries())
            .build()
    }

    /// Returns the account, twelve digits, by STS GetCallerIdentity, which also shows whether the
    /// credentials work. It is called once.
    pub async fn account(&self) -> Result<String> {
        self.account.get_or_try_init(|| self.identify()).await.cloned()
    }

    /// As [`account`](Self::account), also where the account is given already. Asks again after an answer that
    /// says nothing: with it everything would end, before it began.
    pub async fn identify(&self) -> Result<String> {
        let sts: aws_sdk_sts::Client = self.client();
        let since = Instant::now();
        let mut pause = Duration::from_millis(250);
        loop {
            let call = sts.get_caller_identity().customize();
            // An emulator that does not accept a connection at once does not run.
            let call = if self.endpoint.is_some() { call.single_attempt() } else { call };
            let reply = call.send().await.explain("GetCallerIdentity", SHARED);
            let account = reply.map(|reply| reply.account.unwrap_or_default());
            let account = account.and_then(|account| match account.as_str() {
                "" => {
                    Err(Error::new(Fault::Unknown, "GetCallerIdentity: the reply has no account"))
                }
                _ => Ok(account),
            });
            match account {
                Err(error)
                    if matches!(error.fault, Fault::Unknown | Fault::Transient)
                        && since.elapsed() < REQUEST => {}
                Err(error) if error.fault == Fault::Credentials => return Err(self.advised(error)),
                other => return other,
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(4));
        }
    }

    /// Says what to do about credentials that cannot be used here.
    fn advised(&self, error: Error) -> Error {
        let is_perhaps_disabled =
            self.partition() == "aws" && is_perhaps_disabled(&self.region, &error.message);
        let hint = if is_perhaps_disabled {
            format!(
                "either the keys are wrong, or the account has not enabled {region}: \
                 `aws account enable-region --region-name {region}`",
                region = self.region
            )
        } else {
            let advice =
                for_profile(error.hint.as_deref().unwrap_or_default(), self.profile.as_deref());
            format!("{advice}; nothing was changed")
        };
        Error { hint: Some(hint), ..error }
    }

    /// Returns the connection with an account that a probe has found, or that the state has.
    #[must_use]
    pub fn in_account(mut self, account: String) -> Self {
        self.account = Arc::new(OnceCell::new_with(Some(account)));
        self
    }

    /// Builds a client that shares this connection: `cloud.client::<aws_sdk_iam::Client>()`.
    pub fn client<C: SdkClient>(&self) -> C {
        C::build(&self.config, &self.calls, self.pace::<C>())
    }

    /// Returns the buckets of a service, which all its clients share. `None`: an emulator has no quotas.
    pub fn pace<C: SdkClient>(&self) -> Option<Pace> {
        if self.endpoint.is_some() {
            return None;
        }
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        Some(paces.entry(C::SDK).or_insert_with(|| Pace::new(C::QUOTAS, self.stop.clone())).clone())
    }

    /// Once `stop` becomes true, no call waits for a quota any more: it fails, unless its turn has come. There is
    /// one run in a process, so that a second receiver is not expected and has no effect.
    pub fn stops_with(&self, stop: watch::Receiver<bool>) {
        let _ = self.stop.set(stop);
    }

    /// Returns the partition's name: `aws`, `aws-cn`…
    pub fn partition(&self) -> &'static str {
        Partition::of(&self.region).map_or("aws", |partition| partition.name)
    }

    /// Returns a connector like those of the SDK clients, for requests outside the SDK.
    pub(crate) fn connector(&self) -> SharedHttpConnector {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT).build();
        let is_aws = self.endpoint.is_none();
        let proxies = if is_aws { Proxies::of_environment() } else { Proxies::none() };
        http_client::connector(&proxies, &self.trust, &settings)
    }
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().read_timeout(REQUEST).connect_timeout(CONNECT).build()
}

/// For reads and for calls that may be repeated. A create that may not switches retries off.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use stackwright_engine::kind::{Error, Fault};
    use tokio::net::TcpListener;
    use tokio::time::{Instant, sleep, timeout};

    use super::*;
    use crate::function::invoke::invoke;
    use crate::http_check::{Request, call};

    /// Starts a server that accepts every connection and never answers; returns its URL.
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

    /// Returns after how many seconds `call` fails. Meanwhile it is listed as awaited.
    async fn time_limit<T>(
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
        assert_eq!(
            since.elapsed().as_secs(),
            limit.as_secs(),
            "{what}: the listed limit is the real one"
        );
        limit.as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn every_call_has_a_time_limit() {
        let url = mute().await;
        let cloud =
            Cloud::open(&Access::Endpoint { url: url.clone() }, "us-east-1", Trust::none()).await;
        macro_rules! sdk {
            ($service:literal, $name:literal, $call:expr) => {
                let what = format!("{} to answer {}", $service, $name);
                let sent = async { $call.send().await.explain($name, SHARED) };
                assert_eq!(time_limit(&cloud, &what, sent).await, 60);
            };
        }
        let ec2: aws_sdk_ec2::Client = cloud.client();
        let iam: aws_sdk_iam::Client = cloud.client();
        let lambda: aws_sdk_lambda::Client = cloud.client();
        let gateway: aws_sdk_apigateway::Client = cloud.client();
        let ssm: aws_sdk_ssm::Client = cloud.client();
        let logs: aws_sdk_cloudwatchlogs::Client = cloud.client();
        sdk!("EC2", "RunInstances", ec2.run_instances().customize().single_attempt());
        sdk!("EC2", "DescribeInstances", ec2.describe_instances());
        sdk!("IAM", "GetRole", iam.get_role().role_name("x"));
        sdk!("Lambda", "GetFunction", lambda.get_function().function_name("x"));
        sdk!("API Gateway", "GetRestApis", gateway.get_rest_apis());
        sdk!("SSM", "GetParameter", ssm.get_parameter().name("x"));
        sdk!("CloudWatch Logs", "FilterLogEvents", logs.filter_log_events());
        let what = "STS to answer GetCallerIdentity";
        assert_eq!(time_limit(&cloud, what, cloud.account()).await, 60);

        let what = "Lambda to answer Invoke";
        assert_eq!(time_limit(&cloud, what, invoke(&cloud, "x", b"{}")).await, 920);
        let method = "POST".to_owned();
        let request = Request { method, url, headers: Vec::new(), body: None, sign: true };
        assert_eq!(time_limit(&cloud, "the answer", call(&cloud, &request)).await, 30);
    }

    #[tokio::test]
    async fn aws_itself_has_the_same_limits() {
        let aws = Cloud::open(&Access::Aws { profile: None }, "us-east-1", Trust::none()).await;
        let limits = aws.config.timeout_config().expect("limits");
        assert_eq!((limits.read_timeout(), limits.operation_timeout()), (Some(REQUEST), None));
        assert_eq!(limits.connect_timeout(), Some(CONNECT));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_dropped_is_not_awaited() {
        let cloud =
            Cloud::open(&Access::Endpoint { url: mute().await }, "us-east-1", Trust::none()).await;
        let ec2: aws_sdk_ec2::Client = cloud.client();
        let dropped = timeout(Duration::from_secs(3), ec2.describe_instances().send()).await;
        assert!(dropped.is_err());
        assert_eq!(cloud.calls.awaited(), []);
    }
}
