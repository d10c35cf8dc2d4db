//! A reverse proxy that forwards calls of deployed APIs to the emulator, and nothing else.
//!
//! Everyone who reaches the emulator's own port can run code on this machine, by creating a function.
//! So that port stays on 127.0.0.1, and a tunnel or a codespace publishes the port of this proxy
//! instead. [`route`] decides which requests are forwarded; `forward` rewrites and sends them.

mod forward;
pub mod route;

use std::convert::Infallible;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use forward::Upstream;

/// The proxy's default port.
pub const PORT: u16 = 4567;

/// How long a client may take to send the header of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The pause after a failed accept. With too many open files, for example, the next accept would fail
/// immediately as well.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A proxy that accepts connections, and answers them once [`serve`](Self::serve) runs.
#[derive(Debug)]
pub struct Proxy {
    listener: TcpListener,
    port: u16,
    upstream: u16,
}

impl Proxy {
    /// Listens on 127.0.0.1:`port` (0 chooses a free port) and forwards to the emulator on port
    /// `upstream`, which need not run yet.
    pub async fn bind(port: u16, upstream: u16) -> Result<Self> {
        let listen = |source| Error::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        Ok(Self { listener, port, upstream })
    }

    /// The port that the proxy listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers requests until `shutdown` resolves, and then aborts the requests in progress.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        let upstream = Upstream::new(self.upstream);
        let mut connections = JoinSet::new();
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => return,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let upstream = upstream.clone();
                        connections.spawn(answer(TokioIo::new(stream), upstream));
                    }
                    Err(error) => {
                        tracing::warn!("expose: {error}");
                        tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
                    }
                },
            }
        }
    }
}

async fn answer(stream: TokioIo<tokio::net::TcpStream>, upstream: Upstream) {
    let service =
        service_fn(|request| async { Ok::<_, Infallible>(upstream.answer(request).await) });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(stream, service)
        .await;
    if let Err(error) = served {
        tracing::debug!("expose: {error}");
    }
}
