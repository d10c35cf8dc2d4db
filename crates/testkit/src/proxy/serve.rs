//! The way of one call: script, rules, emulator, and back.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use super::reply::Reply;
use super::rules::{Admitted, Answer, ApiRequest, Invocation};
use super::{Act, Call, Point, Shared, operation};
use crate::certificates::certificates;

pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    mut ended: oneshot::Receiver<()>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
    // Dropped with this function, and with it every paused call.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let (stream, _) = tokio::select! {
            _ = &mut ended => return,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted.expect("a connection"),
        };
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
/// host of AWS (`HTTPS_PROXY`): the proxy takes the host's place.
async fn plain(
    shared: Arc<Shared>,
    mut request: Request<Incoming>,
) -> Result<Response<Reply>, io::Error> {
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
    Ok(Response::new(Reply::whole(Bytes::new())))
}

/// An error closes the connection.
async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, io::Error> {
    let (mut head, body) = request.into_parts();
    deployed(&mut head)?;
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let Some(operation) = operation::operation(&head, &body) else {
        let invocation = Invocation::of(&head);
        let answer = shared.serve(invocation, Request::from_parts(head, body)).await?;
        return Ok(answer.map(Reply::whole));
    };
    let modelled = shared.check(&operation, &head, &body);
    let path = head.uri.path().to_owned();
    let api_request = ApiRequest { operation: operation.clone(), path, body: body.clone() };
    let call = shared.log().note(operation, head.uri.to_string());
    let act = (shared.script)(&call);
    shared.log().of(&call).act = act;
    match act {
        Act::Pause(Point::Arrived) => shared.pause(&call).await,
        Act::Drop(Point::Arrived) => return Err(dropped()),
        Act::Refuse(refusal) => return Ok(shared.reply(&call, refusal.answer(&call.operation))),
        Act::Say(body) => {
            return Ok(shared.reply(&call, Response::new(Bytes::from_static(body.as_bytes()))));
        }
        _ => {}
    }
    let request = Request::from_parts(head, body);
    // In a task of its own, so that the rules see the emulator's answer even when the client has left.
    let asking = Arc::clone(&shared).ask(call.clone(), api_request, modelled, request);
    let serving = tokio::spawn(asking);
    // The call is in progress until its answer has been sent.
    let (answer, _admitted) = serving.await.map_err(io::Error::other)??;
    match act {
        Act::Pause(Point::Committed) => shared.pause(&call).await,
        Act::Delay(duration) => tokio::time::sleep(duration).await,
        Act::Drop(_) => return Err(dropped()),
        _ => {}
    }
    Ok(match act {
        Act::Misreport(refusal) => shared.reply(&call, refusal.answer(&call.operation)),
        Act::Cut(length) => {
            shared.reply(&call, answer.map(|body| body.slice(..length.min(body.len()))))
        }
        Act::Break(length) => Reply::broken(answer, length),
        Act::Pause(Point::Replied) => {
            let paused = shared.paused.clone();
            shared.reply(&call, answer).map(|reply| reply.notifying(paused, call.clone()))
        }
        _ => shared.reply(&call, answer),
    })
}

/// Turns the address of a deployed API on AWS into the emulators'.
fn deployed(head: &mut Parts) -> Result<(), io::Error> {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let Some((api, _)) = host.and_then(|host| host.split_once(".execute-api.")) else {
        return Ok(());
    };
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    let (stage, rest) = target.trim_start_matches('/').split_once('/').unwrap_or((target, ""));
    let uri = format!("/restapis/{api}/{stage}/_user_request_/{rest}");
    head.uri = uri.parse().map_err(io::Error::other)?;
    Ok(())
}

fn dropped() -> io::Error {
    io::Error::other("dropped by the test")
}

impl Shared {
    /// Logs the status and sends the answer as a whole.
    fn reply(&self, call: &Call, answer: Answer) -> Response<Reply> {
        let mut log = self.log();
        let entry = log.of(call);
        (entry.status, entry.length) = (Some(answer.status().as_u16()), Some(answer.body().len()));
        drop(log);
        answer.map(Reply::whole)
    }

    async fn pause(&self, call: &Call) {
        let _ = self.paused.send(call.clone());
        if let Ok(permit) = self.resumed.acquire().await {
            permit.forget();
        }
    }

    /// The service's answer: that of a rule that refuses the call, or the emulator's, as the rules
    /// change it. `modelled`: the operation's name in the model of the service.
    async fn ask(
        self: Arc<Self>,
        call: Call,
        api_request: ApiRequest,
        modelled: Option<String>,
        request: Request<Bytes>,
    ) -> Result<(Answer, Option<Admitted>), io::Error> {
        let admitted = match self.rules.admit(api_request) {
            Ok(admitted) => admitted,
            Err(refused) => {
                let (rule, answer) = *refused;
                self.log().of(&call).rule = Some(rule.to_owned());
                return Ok((answer, None));
            }
        };
        let mut answer = self.forward(request).await?;
        if let Some(name) = modelled {
            self.check_reply(&call.operation.service, &name, &answer);
        }
        if let Some(rule) = admitted.answered(&mut answer) {
            self.log().of(&call).rule = Some(rule.to_owned());
        }
        Ok((answer, Some(admitted)))
    }

    /// Answers other requests. A call of a deployed API is answered as AWS would, if a rule knows how.
    async fn serve(
        self: Arc<Self>,
        invocation: Option<Invocation>,
        request: Request<Bytes>,
    ) -> Result<Answer, io::Error> {
        if let Some(invocation) = invocation {
            let shared = Arc::clone(&self);
            // A rule may wait for the emulator while other calls arrive.
            let judging = tokio::task::spawn_blocking(move || shared.rules.invoked(&invocation));
            if let Some(answer) = judging.await.map_err(io::Error::other)? {
                return Ok(answer);
            }
        }
        self.forward(request).await
    }

    async fn forward(&self, request: Request<Bytes>) -> Result<Response<Bytes>, io::Error> {
        let mut request = request.map(Full::new);
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let uri = format!("http://127.0.0.1:{}{path}", self.upstream);
        *request.uri_mut() = uri.parse().map_err(io::Error::other)?;
        request.headers_mut().remove(header::CONNECTION);
        let host = format!("127.0.0.1:{}", self.upstream);
        request.headers_mut().insert(header::HOST, host.parse().map_err(io::Error::other)?);
        let answer = self.client.request(request).await.map_err(io::Error::other)?;
        let (mut head, body) = answer.into_parts();
        // The length is set for what is sent in the end.
        for hop in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH] {
            head.headers.remove(hop);
        }
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}
