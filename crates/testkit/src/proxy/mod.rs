//! A proxy between the program and an emulator that can go wrong at any call.
//!
//! A script, request at each call of a service's API, says what becomes of it: passed, held at a
//! point (so that the test can end the program exactly there), refused, answered otherwise than the
//! emulator did, dropped, cut off, delayed. What is no such call (health, a deployed API) is not
//! request about and not counted. Behind the script stand [`Rules`]: what AWS enforces and emulators do
//! not. They see the calls of a deployed API, too.
//!
//! ```no_run
//! use stackwright_testkit::{Act, Emulator, Point, Proxy};
//!
//! let emulator = Emulator::ministack().start();
//! let proxy = Proxy::before(&emulator, |call| match call.operation.name.as_str() {
//!     "RunInstances" => Act::Hold(Point::Committed),
//!     _ => Act::Pass,
//! });
//! // Start a program against `proxy.port()`; this returns once the instance exists upstream.
//! let call = proxy.held();
//! ```

mod log;
mod operation;
mod refusal;
mod reply;
mod rules;
mod script;
mod serve;

use std::net::TcpListener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
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
use rules::{Book, Upstream};

use crate::Emulator;
pub use crate::request::Operation;

/// How long [`Proxy::held`] waits for a call before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of a service's API, as it came.
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

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Pass,
    /// Tells [`Proxy::held`] and goes on after [`Proxy::release`].
    Hold(Point),
    /// Not forwarded, answered with this.
    Refuse(Refusal),
    /// Forwarded, and answered with this instead.
    Misreport(Refusal),
    /// Not forwarded, answered with 200 and this body.
    Say(#[serde(deserialize_with = "refusal::forever")] refusal::Text),
    /// The connection is closed there.
    Drop(Point),
    /// Forwarded, and answered with so many bytes of the body as if they were all.
    Cut(usize),
    /// Forwarded; the connection breaks after so many bytes of the body that was announced.
    Break(usize),
    /// Forwarded, and answered so much later.
    Delay(Duration),
}

impl Act {
    /// Its sort, for counting: `pass`, `cut`, ….
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Hold(_) => "hold",
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

/// A moment in the life of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Point {
    /// The emulator has not heard of it.
    Arrived,
    /// The emulator has done it; the client knows nothing.
    Committed,
    /// The client has the whole reply.
    Replied,
}

type Script = dyn Fn(&Call) -> Act + Send + Sync;

struct Shared {
    upstream: u16,
    client: Client<HttpConnector, Full<Bytes>>,
    script: Box<Script>,
    rules: Book,
    log: Mutex<Log>,
    held: mpsc::Sender<Call>,
    /// A permit for each call that may go on.
    released: Semaphore,
}

/// Runs until it is dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    held: Mutex<mpsc::Receiver<Call>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1.
    pub fn before(
        emulator: &Emulator,
        script: impl Fn(&Call) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::strict(emulator, Rules::default(), script)
    }

    /// As [`before`](Self::before); what the script lets through meets the rules.
    pub fn strict(
        emulator: &Emulator,
        rules: Rules,
        script: impl Fn(&Call) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let (tell, held) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let shared = Arc::new(Shared {
            upstream: emulator.port(),
            // No connection is kept: one that the emulator closes meanwhile would look like a fault.
            client: Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http(),
            script: Box::new(script),
            rules: rules.book(&Upstream::at(emulator.url())),
            log: Mutex::default(),
            held: tell,
            released: Semaphore::new(0),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve::serve(listener, serving, ended));
        });
        Self { port, shared, held: Mutex::new(held), end: Some(end), thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Waits until a call is held; panics after a minute without one.
    #[track_caller]
    pub fn held(&self) -> Call {
        self.try_held(PATIENCE).expect("a call is held")
    }

    /// As [`held`](Self::held); `None` when none is within `patience`.
    pub fn try_held(&self, patience: Duration) -> Option<Call> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.recv_timeout(patience).ok()
    }

    /// Lets one call go on that is held, or that will be.
    pub fn release(&self) {
        self.shared.released.add_permits(1);
    }

    /// All calls so far.
    pub fn log(&self) -> Vec<Call> {
        self.shared.log().all().iter().map(|entry| entry.call.clone()).collect()
    }

    /// All calls so far, and what became of each.
    pub fn entries(&self) -> Vec<Entry> {
        self.shared.log().all().to_vec()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
