//! The only door that may be public: it lets calls of deployed APIs through, and nothing else.
//!
//! Whoever reaches the emulator's own port runs code on this machine (he makes a function). So that
//! port stays on 127.0.0.1, and what a tunnel or a codespace publishes is this one. What passes is
//! decided in [`route`]; what is changed on the way in `forward`.

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

/// The custom port of the door.
pub const PORT: u16 = 4567;

/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(15);
/// After a failed accept, as with too many open files: the next one would fail at once too.
const PAUSE: Duration = Duration::from_millis(100);

/// A door that is open for connections, but does not answer before [`serve`](Self::serve).
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    port: u16,
    upstream: u16,
}

impl Door {
    /// Listens on 127.0.0.1:`port` (0: any) for the emulator on `upstream`, which need not run yet.
    pub async fn open(port: u16, upstream: u16) -> Result<Self> {
        let listen = |source| Error::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        Ok(Self { listener, port, upstream })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Answers until `shutdown` resolves; calls under way are cut then.
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
                        tokio::time::sleep(PAUSE).await;
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
        .header_read_timeout(HEAD)
        .serve_connection(stream, service)
        .await;
    if let Err(error) = served {
        tracing::debug!("expose: {error}");
    }
}
