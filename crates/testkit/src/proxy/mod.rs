//! A proxy between the program and an emulator that can go wrong at any call.
//!
//! A script, asked at each call of a service's API, says what becomes of it: passed, held at a
//! point (so that the test can end the program exactly there), refused, answered otherwise than the
//! emulator did, dropped. What is no such call (health, a deployed API) passes and is not counted.
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

mod operation;
mod refusal;

use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::{Semaphore, oneshot};

pub use operation::Operation;
pub use refusal::Refusal;

use crate::Emulator;

/// How long [`Proxy::held`] waits for a call before the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call of a service's API, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// From 0, in the order of arrival.
    pub number: usize,
    pub operation: Operation,
    /// Path and query.
    pub target: String,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Pass,
    /// Tells [`Proxy::held`] and goes on after [`Proxy::release`].
    Hold(Point),
    /// Not forwarded, answered with this.
    Refuse(Refusal),
    /// Forwarded, and answered with this instead.
    Misreport(Refusal),
    /// Not forwarded, answered with 200 and this body.
    Say(&'static str),
    /// The connection is closed there.
    Drop(Point),
}

/// A moment in the life of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    log: Mutex<Vec<Call>>,
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
            log: Mutex::default(),
            held: tell,
            released: Semaphore::new(0),
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(serve(listener, serving, ended));
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
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

async fn serve(listener: TcpListener, shared: Arc<Shared>, mut ended: oneshot::Receiver<()>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    // Dropped with this function, and with them every call that is held.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            _ = &mut ended => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted.expect("a connection"),
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&shared), request));
            let connection = hyper::server::conn::http1::Builder::new();
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// An error closes the connection.
async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let Some(operation) = operation::operation(&head, &body) else {
        let answer = shared.forward(Request::from_parts(head, body)).await?;
        return Ok(answer.map(Reply::from));
    };
    let call = shared.note(operation, head.uri.to_string());
    let act = (shared.script)(&call);
    match act {
        Act::Hold(Point::Arrived) => shared.hold(&call).await,
        Act::Drop(Point::Arrived) => return Err(dropped()),
        Act::Refuse(refusal) => return Ok(refusal.answer(&call.operation).map(Reply::from)),
        Act::Say(body) => return Ok(Response::new(Bytes::from_static(body.as_bytes()).into())),
        _ => {}
    }
    let answer = shared.forward(Request::from_parts(head, body)).await?;
    match act {
        Act::Hold(Point::Committed) => shared.hold(&call).await,
        Act::Hold(Point::Replied) => {
            let tell = Some((shared.held.clone(), call));
            return Ok(answer.map(|body| Reply { body: Full::new(body), tell }));
        }
        Act::Misreport(refusal) => return Ok(refusal.answer(&call.operation).map(Reply::from)),
        Act::Drop(_) => return Err(dropped()),
        _ => {}
    }
    Ok(answer.map(Reply::from))
}

fn dropped() -> io::Error {
    io::Error::other("dropped by the test")
}

impl Shared {
    fn note(&self, operation: Operation, target: String) -> Call {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let call = Call { number: log.len(), operation, target };
        log.push(call.clone());
        call
    }

    async fn hold(&self, call: &Call) {
        let _ = self.held.send(call.clone());
        if let Ok(permit) = self.released.acquire().await {
            permit.forget();
        }
    }

    async fn forward(&self, request: Request<Bytes>) -> Result<Response<Bytes>, io::Error> {
        let mut request = request.map(Full::new);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("http://127.0.0.1:{}{path}", self.upstream);
        *request.uri_mut() = uri.parse().map_err(io::Error::other)?;
        request.headers_mut().remove(header::CONNECTION);
        let answer = self.client.request(request).await.map_err(io::Error::other)?;
        let (mut head, body) = answer.into_parts();
        for hop in [header::CONNECTION, header::TRANSFER_ENCODING] {
            head.headers.remove(hop);
        }
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

/// A body that tells when it has been sent.
struct Reply {
    body: Full<Bytes>,
    tell: Option<(mpsc::Sender<Call>, Call)>,
}

impl From<Bytes> for Reply {
    fn from(bytes: Bytes) -> Self {
        Self { body: Full::new(bytes), tell: None }
    }
}

impl hyper::body::Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some((held, call)) = self.tell.take() {
            let _ = held.send(call);
        }
    }
}
