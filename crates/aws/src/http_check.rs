//! An HTTP request to a deployed API, which proves that it works.

use std::error::Error as StdError;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use stackwright_engine::kind::{Error, Fault, Result};
use stackwright_engine::partition::PARTITIONS;

use crate::cloud::Cloud;
use crate::fault::innermost;
use crate::unreached::Unreached;

/// The limit of signature, connection, request and reply together.
const LIMIT: Duration = Duration::from_secs(30);

/// How many bytes of a reply are read; the rest is not.
const LARGEST: usize = 1024 * 1024;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
    /// Whether the request is signed with the credentials in use, for routes with `authorization: iam`.
    pub sign: bool,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The first MiB of the body.
    pub body: String,
}

/// Sends `request` once; every status is a reply.
///
/// # Errors
/// [`Fault::Unreachable`]: nothing was sent. [`Fault::Unknown`]: no reply, or a truncated one.
/// [`Fault::Terminal`]: the request is malformed.
pub async fn call(cloud: &Cloud, request: &Request) -> Result<Reply> {
    let what = format!("{} {}", request.method, request.url);
    let _awaiting = cloud.calls.awaits("the answer", LIMIT);
    let exchange = async {
        // Credentials may come from another program, which takes time.
        let signed = signed(cloud, request).await?;
        let reply = cloud.connector().call(signed).await.map_err(|error| {
            let (fault, why) = match Unreached::find(&error) {
                Some(unreached) => (Fault::Unreachable, unreached.to_string()),
                None => (Fault::Unknown, innermost(&error)),
            };
            Error::new(fault, format!("{what}: {why}")).with_source(error)
        })?;
        let status = reply.status().as_u16();
        let body = read(reply.into_body()).await.map_err(|error| {
            Error::new(Fault::Unknown, format!("{what}: the reply is truncated")).with_source(error)
        })?;
        Ok(Reply { status, body })
    };
    tokio::time::timeout(LIMIT, exchange).await.unwrap_or_else(|_| {
        let seconds = LIMIT.as_secs();
        Err(Error::new(Fault::Unknown, format!("{what}: no reply within {seconds} s")))
    })
}

async fn read(body: SdkBody) -> Result<String, Box<dyn StdError + Send + Sync>> {
    let mut stream = ByteStream::new(body);
    let mut read = Vec::new();
    while read.len() < LARGEST
        && let Some(bytes) = stream.try_next().await?
    {
        read.extend_from_slice(&bytes);
    }
    read.truncate(LARGEST);
    Ok(String::from_utf8_lossy(&read).into_owned())
}

async fn signed(cloud: &Cloud, request: &Request) -> Result<HttpRequest> {
    let wrong = |error: &dyn StdError| {
        let message = format!("`{} {}` is not a request: {error}", request.method, request.url);
        Error::terminal(message).with_hint("a call is a method and a URL: `POST https://…`")
    };
    let mut http = http::Request::builder().method(request.method.as_str()).uri(&request.url);
    for (name, value) in &request.headers {
        http = http.header(name, value);
    }
    let body = request.body.clone().map_or_else(SdkBody::empty, SdkBody::from);
    let mut http = http.body(body).map_err(|error| wrong(&error))?;
    let Some(host) = http.uri().host().filter(|_| http.uri().scheme().is_some()) else {
        return Err(Error::terminal(format!("`{}` is not a URL", request.url)));
    };
    if cloud.endpoint.is_some() && is_aws(host) {
        return Err(Error::terminal(format!("{host} is AWS, and this stack's cloud is not")));
    }
    if request.sign {
        let headers = signature(cloud, request).await?;
        http.headers_mut().extend(headers);
    }
    HttpRequest::try_from(http).map_err(|error| wrong(&error))
}

/// Returns the headers that sign `request`.
async fn signature(cloud: &Cloud, request: &Request) -> Result<http::HeaderMap> {
    let credentials = cloud.config.credentials_provider();
    let credentials = credentials.ok_or_else(|| {
        Error::new(Fault::Credentials, "there are no credentials to sign the call with")
    })?;
    let credentials = credentials.provide_credentials().await.map_err(|error| {
        Error::new(Fault::Credentials, format!("the call cannot be signed: {}", innermost(&error)))
            .with_source(error)
    })?;
    let unsignable = |error: &(dyn StdError + 'static)| {
        Error::terminal(format!("the call cannot be signed: {}", innermost(error)))
    };
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&cloud.region)
        .name("execute-api")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| unsignable(&error))?;
    let headers = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = SignableBody::Bytes(request.body.as_deref().unwrap_or_default().as_bytes());
    let signable = SignableRequest::new(&request.method, &request.url, headers, body)
        .map_err(|error| unsignable(&error))?;
    let (instructions, _) =
        sign(signable, &params.into()).map_err(|error| unsignable(&error))?.into_parts();
    let mut signature = http::Request::new(());
    instructions.apply_to_request_http1x(&mut signature);
    Ok(signature.into_parts().0.headers)
}

/// Tells whether a host is one of AWS itself.
pub fn is_aws(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    PARTITIONS.iter().any(|partition| {
        let rest = host.strip_suffix(partition.domain);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::cloud::Access;

    fn request(url: &str) -> Request {
        Request {
            method: "POST".into(),
            url: url.into(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: Some(r#"{"action":"status"}"#.into()),
            sign: true,
        }
    }

    async fn cloud() -> Cloud {
        let url = "http://127.0.0.1:1".to_owned();
        Cloud::open(&Access::Endpoint { url }, "us-east-1", crate::trust::Trust::none()).await
    }

    /// Sends a request to a server that answers with `reply`; returns what it received and the outcome.
    async fn exchange(reply: Vec<u8>) -> (String, Result<Reply>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/a/b?c=d", listener.local_addr().expect("its address"));
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut seen = vec![0; 8192];
            let mut length = 0;
            while !seen[..length].ends_with(b"\"status\"}") {
                length += stream.read(&mut seen[length..]).await.expect("a request");
            }
            // The client may close the connection before all is sent.
            let _ = stream.write_all(&reply).await;
            String::from_utf8_lossy(&seen[..length]).into_owned()
        });
        let reply = call(&cloud().await, &request(&url)).await;
        (server.await.expect("a request"), reply)
    }

    #[tokio::test]
    async fn a_request_is_signed_and_its_reply_returned() {
        let reply = b"HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\n{}".to_vec();
        let (sent, reply) = exchange(reply).await;
        assert_eq!(reply.expect("a reply"), Reply { status: 409, body: "{}".into() });
        assert!(sent.starts_with("POST /a/b?c=d HTTP/1.1\r\n"), "{sent}");
        assert!(sent.contains("/us-east-1/execute-api/aws4_request"), "{sent}");
        assert!(sent.contains("SignedHeaders=content-type;host;x-amz-date"), "{sent}");
    }

    #[tokio::test]
    async fn a_truncated_reply_is_an_unknown_outcome() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{}".to_vec();
        let error = exchange(reply).await.1.expect_err("a truncated reply");
        assert_eq!(error.fault, Fault::Unknown, "{error:?}");
        let error = exchange(Vec::new()).await.1.expect_err("no reply");
        assert_eq!(error.fault, Fault::Unknown, "{error:?}");
    }

    #[tokio::test]
    async fn only_the_first_mib_of_a_reply_is_read() {
        let mut reply = b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n".to_vec();
        reply.resize(LARGEST + 4096, b'x');
        let reply = exchange(reply).await.1.expect("its beginning");
        assert_eq!(reply.body.len(), LARGEST);
    }

    #[tokio::test]
    async fn unreachable_and_malformed_requests_are_not_sent() {
        let cloud = cloud().await;
        for (url, fault) in [
            ("http://127.0.0.1:1/a", Fault::Unreachable),
            ("/a", Fault::Terminal),
            ("http://a b/", Fault::Terminal),
            ("https://x.execute-api.us-east-1.amazonaws.com/prod", Fault::Terminal),
        ] {
            let error = call(&cloud, &request(url)).await.expect_err("nothing there");
            assert_eq!(error.fault, fault, "{url}: {error:?}");
        }
    }
}
