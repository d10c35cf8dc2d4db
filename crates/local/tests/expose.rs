//! The proxy in front of a fake emulator that echoes each request.

#![allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use stackwright_local::expose::Proxy;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

type Seen = Arc<Mutex<Vec<String>>>;

/// Starts a fake emulator that replies with the request it received, as JSON.
async fn upstream() -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let record = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let record = record.clone();
            let service = service_fn(move |request| echo(request, record.clone()));
            tokio::spawn(
                hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    (port, seen)
}

async fn echo(
    request: Request<Incoming>,
    seen: Seen,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    seen.lock().unwrap().push(head.uri.to_string());
    let mut headers: Vec<_> = head
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    headers.sort();
    let body = body.collect().await?.to_bytes();
    let reply = json!({
        "method": head.method.as_str(),
        "uri": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    });
    let reply = Response::builder()
        .status(StatusCode::IM_A_TEAPOT)
        .header("connection", "x-private")
        .header("x-private", "1")
        .header("x-amzn-requestid", "abc")
        .body(Full::from(reply.to_string()))
        .unwrap();
    Ok(reply)
}

struct Exposed {
    port: u16,
    _stop: oneshot::Sender<()>,
}

async fn expose(upstream: u16) -> Exposed {
    let proxy = Proxy::bind(0, upstream).await.unwrap();
    let port = proxy.port();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(proxy.serve(async move {
        let _ = stopped.await;
    }));
    Exposed { port, _stop: stop }
}

/// Sends the text unchanged: no client library normalizes the request target.
async fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    reply
}

async fn get(port: u16, target: &str) -> String {
    raw(port, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

fn body(reply: &str) -> Value {
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_call_is_forwarded_without_hop_by_hop_headers() {
    let (upstream, _) = upstream().await;
    let proxy = expose(upstream).await;
    let reply = raw(
        proxy.port,
        "POST /restapis/abc/prod/_user_request_/ec2/a%20b?x=1&y=%2F HTTP/1.1\r\n\
         Host: abc.execute-api.localhost\r\nContent-Type: application/json\r\n\
         Connection: close, X-Mine\r\nX-Mine: 1\r\nTE: trailers\r\nUpgrade: websocket\r\n\
         Proxy-Authorization: Basic x\r\nX-Api-Key: k\r\nContent-Length: 19\r\n\r\n\
         {\"action\":\"status\"}",
    )
    .await;
    assert!(reply.starts_with("HTTP/1.1 418"), "{reply}");
    assert!(reply.contains("x-amzn-requestid: abc"), "{reply}");
    assert!(!reply.contains("x-private"), "{reply}");
    let seen = body(&reply);
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["uri"], "/restapis/abc/prod/_user_request_/ec2/a%20b?x=1&y=%2F");
    assert_eq!(seen["body"], r#"{"action":"status"}"#);
    let expected = json!([
        "content-length: 19",
        "content-type: application/json",
        format!("host: 127.0.0.1:{upstream}"),
        "x-api-key: k",
    ]);
    assert_eq!(seen["headers"], expected);
}

#[tokio::test]
async fn a_chunked_body_is_forwarded() {
    let (upstream, _) = upstream().await;
    let proxy = expose(upstream).await;
    let reply = raw(
        proxy.port,
        "PUT /restapis/abc/prod/_user_request_/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
    )
    .await;
    assert_eq!(body(&reply)["body"], "abcde");
}

#[tokio::test]
async fn the_health_page_is_forwarded() {
    let (upstream, _) = upstream().await;
    let proxy = expose(upstream).await;
    assert_eq!(body(&get(proxy.port, "/_localstack/health").await)["method"], "GET");
}

#[tokio::test]
async fn other_requests_are_refused_and_never_reach_the_emulator() {
    let (upstream, seen) = upstream().await;
    let proxy = expose(upstream).await;
    for target in [
        "/",
        "/restapis",
        "/restapis/abc/resources",
        "/2015-03-31/functions",
        "/_ministack/reset",
        "/restapis/../_ministack/reset",
        "/restapis/abc/prod/_user_request_/../../../../_ministack/reset",
        "/restapis/abc/prod/_user_request_/%2e%2e/%2e%2e/x",
        "/restapis/abc/prod/_user_request_/%252e%252e/x",
        "/restapis/abc/prod/_user_request_//x",
        "//restapis/abc/prod/_user_request_/x",
        "http://127.0.0.1/restapis/abc/prod/_user_request_/x",
        "http://127.0.0.1/_localstack/health",
    ] {
        let reply = get(proxy.port, target).await;
        assert!(reply.starts_with("HTTP/1.1 404"), "{target}: {reply}");
        let text = reply.split_once("\r\n\r\n").unwrap().1;
        assert_eq!(text, "only deployed APIs are exposed here\n", "{target}");
    }
    assert_eq!(*seen.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn every_request_of_a_connection_is_checked() {
    let (upstream, seen) = upstream().await;
    let proxy = expose(upstream).await;
    let reply = raw(
        proxy.port,
        "POST /restapis/a/b/_user_request_/x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}\
         POST /_ministack/reset HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Length: 0\r\n\r\n",
    )
    .await;
    assert!(reply.contains("HTTP/1.1 404"), "{reply}");
    assert_eq!(*seen.lock().unwrap(), ["/restapis/a/b/_user_request_/x"]);
}

#[tokio::test]
async fn a_missing_emulator_is_a_bad_gateway() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = closed.local_addr().unwrap().port();
    drop(closed);
    let proxy = expose(upstream).await;
    let reply = get(proxy.port, "/restapis/abc/prod/_user_request_/ec2").await;
    assert!(reply.starts_with("HTTP/1.1 502"), "{reply}");
    let expected = format!("cannot reach the local cloud on port {upstream}: Connection refused");
    assert!(reply.contains(&expected), "{reply}");
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let proxy = Proxy::bind(0, 1).await.unwrap();
    let error = Proxy::bind(proxy.port(), 1).await.unwrap_err();
    assert!(error.to_string().contains("cannot listen on port"), "{error}");
}

#[tokio::test]
async fn shutdown_stops_the_proxy() {
    let (upstream, _) = upstream().await;
    let proxy = Proxy::bind(0, upstream).await.unwrap();
    let port = proxy.port();
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(proxy.serve(async move {
        let _ = stopped.await;
    }));
    get(port, "/_localstack/health").await;
    stop.send(()).unwrap();
    served.await.unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_err());
}
