//! A proxy between the program and an emulator that can go wrong at any call.
//!
//! A script decides about each call of a service's API: it passes, pauses at a point (so that the
//! test can kill the program exactly there), is refused, gets another answer than the emulator's, or
//! is dropped, cut off or delayed. Other requests (health, a deployed API) do not reach the script and
//! are not counted. Behind the script are the [`Rules`]: restrictions that AWS enforces and emulators
//! do not. The rules also see the calls of a deployed API.
//!
//! ```no_run
//! use stackwright_testkit::{Act, Emulator, Point, Proxy};
//!
//! let emulator = Emulator::ministack().start();
//! let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
//!     "RunInstances" => Act::Pause(Point::Committed),
//!     _ => Act::Pass,
//! });
//! // Start a program against `proxy.port()`; this returns once the instance exists upstream.
//! let call = proxy.paused();
//! ```

mod log;
pub(crate) mod operation;
mod refusal;
mod reply;
mod rules;
mod script;
mod serve;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, oneshot};

pub use log::{Entry, read_log, write_log};
pub use refusal::Refusal;
pub use rules::Rules;
pub use script::{by_seed, replay};

use log::Log;
use rules::{Answer, RuleSet, Upstream};

use crate::model::{Breach, Models};
pub use crate::request::Operation;

/// How long [`Proxy::paused`] waits for a call before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of a service's API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// From 0, in the order of arrival.
    pub number: usize,
    pub operation: Operation,
    /// From 0, among the calls of the same operation.
    pub occurrence: usize,
    /// Path and query.
    pub target: String,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Pass,
    /// Is reported by [`Proxy::paused`] and continues after [`Proxy::resume`].
    Pause(Point),
    /// Is not forwarded and gets this answer.
    Refuse(Refusal),
    /// Is forwarded and gets this answer instead of the emulator's.
    Misreport(Refusal),
    /// Is not forwarded and gets the status 200 with this body.
    Say(#[serde(deserialize_with = "refusal::forever")] refusal::Text),
    /// Has its connection closed at this point.
    Drop(Point),
    /// Is forwarded and gets only so many bytes of the body, with a matching length.
    Cut(usize),
    /// Is forwarded; the connection breaks after so many bytes of the announced body.
    Break(usize),
    /// Is forwarded and answered so much later.
    Delay(Duration),
}

impl Act {
    /// The name of the variant, for counting: `pass`, `cut`, ….
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Pause(_) => "pause",
            Self::Refuse(_) => "refuse",
            Self::Misreport(_) => "misreport",
            Self::Say(_) => "say",
            Self::Drop(_) => "drop",
            Self::Cut(_) => "cut",
            Self::Break(_) => "break",
            Self::Delay(_) => "delay",
        }
    }
}

/// A moment in the course of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Point {
    /// The emulator has not received it.
    Arrived,
    /// The emulator has done it; the client has no reply.
    Committed,
    /// The client has the whole reply.
    Replied,
}

type Script = dyn Fn(&Call) -> Act + Send + Sync;

struct Shared {
    upstream: u16,
    client: Client<HttpConnector, Full<Bytes>>,
    script: Box<Script>,
    rules: RuleSet,
    log: Mutex<Log>,
    checked: Mutex<Checked>,
    paused: mpsc::Sender<Call>,
    /// A permit for each call that may continue.
    resumed: Semaphore,
}

/// What the services' models say of the requests so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub requests: usize,
    /// `iam CreateRole`
    pub operations: BTreeSet<String>,
    /// Why AWS would refuse a request.
    pub breaches: Vec<String>,
    /// The replies of the emulator, as far as they came from it.
    pub replies: usize,
    /// How many of them AWS would not send.
    pub deviating: usize,
    /// What AWS answers otherwise: `iam GetRole.Role.Path: is required`.
    pub deviations: BTreeMap<String, Deviation>,
}

/// Something that an emulator answers otherwise than AWS. It is reported, and fails no test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deviation {
    pub times: usize,
    /// The first value that AWS would not send, where there is one.
    pub example: Option<String>,
}

/// A cloud on a port of 127.0.0.1, which a proxy can stand before.
pub trait Endpoint {
    fn port(&self) -> u16;
}

impl Endpoint for crate::Emulator {
    fn port(&self) -> u16 {
        self.port()
    }
}

impl Endpoint for crate::Double {
    fn port(&self) -> u16 {
        self.port()
    }
}

/// The proxy; it runs until it is dropped. Dropping it fails the test when AWS would refuse a request
/// that the proxy saw.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    paused: Mutex<mpsc::Receiver<Call>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    pub fn before(
        endpoint: &impl Endpoint,
        script: impl Fn(&Call) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::strict(endpoint, Rules::default(), script)
    }

    /// As [`before`](Self::before); calls that the script lets pass are checked by the rules.
    pub fn strict(
        endpoint: &impl Endpoint,
        rules: Rules,
        script: impl Fn(&Call) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let (sender, paused) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            upstream: endpoint.port(),
            // Connections are not reused: one that the emulator closes would look like a fault.
            client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http(),
            script: Box::new(script),
            rules: rules.into_set(&Upstream::at(format!("http://127.0.0.1:{}", endpoint.port()))),
            log: Mutex::default(),
            checked: Mutex::default(),
            paused: sender,
            resumed: Semaphore::new(0),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve::serve(listener, serving, ended));
        });
        Self { port, shared, paused: Mutex::new(paused), end: Some(end), thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until a call is paused; panics after a minute without one.
    #[track_caller]
    pub fn paused(&self) -> Call {
        self.try_paused(PATIENCE).expect("a call is paused")
    }

    /// As [`paused`](Self::paused); `None` when no call is paused within `patience`.
    pub fn try_paused(&self, patience: Duration) -> Option<Call> {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.recv_timeout(patience).ok()
    }

    /// Lets one call continue that is paused or will be.
    pub fn resume(&self) {
        self.shared.resumed.add_permits(1);
    }

    /// All calls so far.
    pub fn log(&self) -> Vec<Call> {
        self.shared.log().all().iter().map(|entry| entry.call.clone()).collect()
    }

    /// What the services' models say of the requests so far.
    pub fn checked(&self) -> Checked {
        self.shared.checked().clone()
    }

    /// All calls so far, and what happened to each.
    pub fn entries(&self) -> Vec<Entry> {
        self.shared.log().all().to_vec()
    }
}

impl Drop for Proxy {
    #[track_caller]
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let breaches = self.checked().breaches;
        if !std::thread::panicking() {
            assert!(breaches.is_empty(), "AWS would refuse:\n{}", breaches.join("\n"));
        }
    }
}

impl Shared {
    fn checked(&self) -> MutexGuard<'_, Checked> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a request against the model of its service; returns the operation's name in the model.
    fn check(&self, operation: &Operation, head: &Parts, body: &[u8]) -> Option<String> {
        if head.uri.path().starts_with("/_") {
            // An emulator's own: AWS is never asked.
            return None;
        }
        let Operation { service, name, .. } = operation;
        let verdict = Models::installed().check(service, name, head, body);
        let mut checked = self.checked();
        checked.requests += 1;
        let Some(verdict) = verdict else {
            checked.breaches.push(format!("{service} {name}: there is no model of {service}"));
            return None;
        };
        if let Some(operation) = &verdict.operation {
            checked.operations.insert(format!("{service} {operation}"));
        }
        checked
            .breaches
            .extend(verdict.breaches.iter().map(|breach| format!("{service} {breach}")));
        verdict.operation
    }

    /// Holds a reply of the emulator against the model of its service.
    fn check_reply(&self, service: &str, operation: &str, answer: &Answer) {
        let breaches = Models::installed().check_reply(service, operation, answer);
        let mut checked = self.checked();
        checked.replies += 1;
        checked.deviating += usize::from(!breaches.is_empty());
        for Breach { at, value, what } in breaches {
            let deviation =
                checked.deviations.entry(format!("{service} {at}: {what}")).or_default();
            deviation.times += 1;
            deviation.example = deviation.example.take().or(value);
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
