//! A cloud in memory that answers every call after a fixed time.
//!
//! It measures the program and not a cloud: objects are usable as soon as their create is answered, and
//! nothing else uses the machine. It answers the calls that the kinds make of the services below, in the
//! forms of AWS, as AWS answers them when nothing is wrong, with AWS's errors for what does not exist, is
//! there already or is in use. A call that it does not know is refused and listed in
//! [`Calls::unknown`].
//!
//! ```no_run
//! use std::time::Duration;
//! use stackwright_testkit::Double;
//!
//! let cloud = Double::start(Duration::from_millis(20));
//! // Run a program against `cloud.url()`.
//! let calls = cloud.take_calls();
//! assert_eq!(calls.unknown.len(), 0);
//! ```

mod answer;
mod call;
mod calls;
mod deployed;
mod ec2;
mod form;
mod gateway;
mod iam;
mod lambda;
mod logs;
mod quotas;
mod serve;
mod sts;
mod tagged;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

pub use calls::Calls;

use crate::census::Counts;
use crate::request::{Operation, form};
use answer::Outcome;
use call::Call;
use calls::Ledger;
use quotas::Buckets;

/// The account of GetCallerIdentity.
const ACCOUNT: &str = "000000000000";
/// The region in the names of objects.
const REGION: &str = "us-east-1";

/// A cloud in memory on 127.0.0.1, in a thread of its own; it runs until it is dropped.
pub struct Double {
    port: u16,
    shared: Arc<Shared>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    port: u16,
    /// How long a call takes, in microseconds.
    delay: AtomicU64,
    objects: Mutex<Objects>,
    ledger: Mutex<Ledger>,
    /// `None`: everything is allowed.
    quotas: Option<Mutex<Buckets>>,
    /// Whether replies are held against AWS's own description.
    is_checked: bool,
    since: Instant,
}

/// Everything that exists, by service.
#[derive(Default)]
struct Objects {
    ec2: ec2::Ec2,
    iam: iam::Iam,
    lambda: lambda::Lambda,
    gateway: gateway::Gateway,
    logs: logs::Logs,
}

impl Double {
    /// Listens on a free port; every call takes `delay`.
    pub fn start(delay: Duration) -> Self {
        Self::with(delay, None, false)
    }

    /// As [`start`](Self::start), without a delay; every reply is held against AWS's own description of its
    /// services ([`Calls::deviations`]).
    pub fn checked() -> Self {
        Self::with(Duration::ZERO, None, true)
    }

    /// As [`start`](Self::start); calls beyond AWS's quotas are refused. The program keeps to quotas on AWS
    /// alone, so that the double also takes the place of AWS's hosts: `HTTPS_PROXY` is its URL, and
    /// `AWS_CA_BUNDLE` a file with [`certificates`](crate::certificates).
    pub fn with_quotas(delay: Duration) -> Self {
        Self::with(delay, Some(Mutex::new(Buckets::new(1))), false)
    }

    /// As [`with_quotas`](Self::with_quotas), in an account where other programs use half of every quota.
    pub fn with_shared_quotas(delay: Duration) -> Self {
        Self::with(delay, Some(Mutex::new(Buckets::new(2))), false)
    }

    fn with(delay: Duration, quotas: Option<Mutex<Buckets>>, is_checked: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let (end, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            port,
            delay: AtomicU64::default(),
            objects: Mutex::default(),
            ledger: Mutex::default(),
            quotas,
            is_checked,
            since: Instant::now(),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve::serve(listener, serving, ended));
        });
        let double = Self { port, shared, end: Some(end), thread: Some(thread) };
        double.set_delay(delay);
        double
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Sets how long calls take from now on.
    pub fn set_delay(&self, delay: Duration) {
        let micros = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
        self.shared.delay.store(micros, Ordering::Relaxed);
    }

    /// The calls since the last time, which begin from zero again.
    pub fn take_calls(&self) -> Calls {
        self.shared.ledger().take()
    }

    /// How many objects there are of each kind; kinds without any are left out.
    pub fn counts(&self) -> Counts {
        let objects = self.shared.objects();
        let all = [
            ("api", objects.gateway.count()),
            ("function", objects.lambda.count()),
            ("instance", objects.ec2.instances()),
            ("log_group", objects.logs.count()),
            ("role", objects.iam.count()),
            ("security_group", objects.ec2.groups()),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn delay(&self) -> Duration {
        Duration::from_micros(self.delay.load(Ordering::Relaxed))
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a quota refuses a call now.
    fn is_throttled(&self, operation: &Operation, body: &[u8]) -> bool {
        let Some(buckets) = &self.quotas else { return false };
        let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let narrows = |(field, _): &(String, String)| {
            field.starts_with("Filter.") || field == "MaxResults" || field == "NextToken"
        };
        let is_unfiltered = !form(body).iter().any(narrows);
        !buckets.take(operation, is_unfiltered, self.since.elapsed())
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Objects {
    /// Answers one call. `None`: nobody knows the operation.
    fn answer(&mut self, call: &Call) -> Option<Outcome> {
        match call.operation.service.as_str() {
            "ec2" => self.ec2.answer(call),
            "iam" => self.iam.answer(call),
            "lambda" => self.lambda.answer(call),
            "apigateway" => self.gateway.answer(call),
            "logs" => self.logs.answer(call),
            "sts" => sts::answer(call),
            _ => None,
        }
    }
}
