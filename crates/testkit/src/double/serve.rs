//! Connections, and the time that a call takes.

use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::answer::{UNKNOWN, response};
use super::call::Call;
use super::{Shared, deployed};
use crate::certificates::certificates;
use crate::model::Models;
use crate::proxy::{Refusal, operation};
use crate::request::Operation;

pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut ended: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    // Dropped with this function, and with it every connection.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            _ = &mut ended => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted.expect("a connection"),
        };
        // A reply must not wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(|request| plain(Arc::clone(&shared), request));
            let connection = hyper::server::conn::http1::Builder::new();
            let connection = connection.serve_connection(TokioIo::new(stream), service);
            let _ = connection.with_upgrades().await;
        });
    }
}

/// Answers a request, or what follows it on the same connection when a client asks for a tunnel to a
/// host of AWS: the double takes the host's place.
async fn plain(
    shared: Arc<Shared>,
    mut request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    if request.method() != Method::CONNECT {
        return answer(shared, request).await;
    }
    let upgrade = hyper::upgrade::on(&mut request);
    // It ends with the runtime.
    tokio::spawn(async move {
        let Ok(tunnel) = upgrade.await else { return };
        let acceptor = TlsAcceptor::from(Arc::clone(&certificates().server));
        // A client that does not trust the certificate leaves.
        let Ok(stream) = acceptor.accept(TokioIo::new(tunnel)).await else { return };
        let service = service_fn(|request| answer(Arc::clone(&shared), request));
        let connection = hyper::server::conn::http1::Builder::new();
        let _ = connection.serve_connection(TokioIo::new(stream), service).await;
    });
    Ok(Response::new(Full::default()))
}

/// An error closes the connection.
async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let Some(operation) = operation::operation(&head, &body) else {
        return Ok(deployed::answer(&shared, &head).map(Full::new));
    };
    let arrived = shared.ledger().arrives(&operation);
    let is_throttled = shared.is_throttled(&operation, &body);
    let delay = shared.delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if is_throttled {
        shared.ledger().is_throttled(&operation);
        let refusal = Refusal::throttle(&operation.service);
        shared.ledger().is_answered(arrived);
        return Ok(refusal.answer(&operation).map(Full::new));
    }
    let call = Call::new(operation, &head, body);
    let outcome = shared.objects().answer(&call).unwrap_or_else(|| {
        shared.ledger().is_unknown(&call.operation);
        Err(UNKNOWN)
    });
    let response = response(&call.operation, outcome);
    if shared.is_checked {
        let Operation { service, name, .. } = &call.operation;
        let breaches = Models::installed().check_reply(service, name, &response);
        shared.ledger().deviates(&call.operation, &breaches);
    }
    shared.ledger().is_answered(arrived);
    Ok(response.map(Full::new))
}
