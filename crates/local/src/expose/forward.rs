//! Forwards a request to the emulator and returns the reply, without reading the bodies.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::route::is_allowed;

pub(super) type Body = BoxBody<Bytes, hyper::Error>;

/// Headers that belong to one connection and not to the message (RFC 9110, 7.6.1), and `Expect`, which
/// hyper answers itself.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
];

/// The emulator behind the proxy.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    client: Client<HttpConnector, Incoming>,
    port: u16,
}

impl Upstream {
    pub fn new(port: u16) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), port }
    }

    pub async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if !is_allowed(request.method(), request.uri()) {
            tracing::debug!("expose: refused {} {}", request.method(), request.uri());
            return text_response(StatusCode::NOT_FOUND, "only deployed APIs are exposed here");
        }
        match self.forward(request).await {
            Ok(response) => response,
            Err(error) => {
                tracing::debug!("expose: {error}");
                text_response(
                    StatusCode::BAD_GATEWAY,
                    &format!("cannot reach the local cloud on port {}: {error}", self.port),
                )
            }
        }
    }

    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, String> {
        let (mut head, body) = request.into_parts();
        let authority = format!("127.0.0.1:{}", self.port);
        head.uri = rebase(&head.uri, &authority)?;
        head.version = Version::HTTP_11;
        drop_hop_by_hop(&mut head.headers);
        // Emulators also choose a service by host name, so the client's Host header must not reach them.
        let host = HeaderValue::from_str(&authority).map_err(|error| error.to_string())?;
        head.headers.insert(header::HOST, host);
        let response = self
            .client
            .request(Request::from_parts(head, body))
            .await
            .map_err(|error| root_cause(&error))?;
        let (mut head, body) = response.into_parts();
        head.version = Version::HTTP_11;
        drop_hop_by_hop(&mut head.headers);
        Ok(Response::from_parts(head, body.boxed()))
    }
}

/// Returns the same path and query, byte for byte, with another host.
fn rebase(uri: &Uri, authority: &str) -> Result<Uri, String> {
    let path = uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/"));
    let authority: Authority = authority.parse().map_err(|error| format!("{error}"))?;
    Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(authority)
        .path_and_query(path)
        .build()
        .map_err(|error| error.to_string())
}

/// Removes the headers in [`HOP_BY_HOP`] and those that `Connection` names.
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        // A client must not have the length of the body removed: that would allow request smuggling.
        if *name != header::CONTENT_LENGTH {
            headers.remove(name);
        }
    }
}

fn text_response(status: StatusCode, text: &str) -> Response<Body> {
    let body = Full::from(format!("{text}\n")).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// Returns the root cause, for example "Connection refused".
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
