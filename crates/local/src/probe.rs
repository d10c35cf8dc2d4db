//! Finds out what listens on a port of this machine.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Emulators import a service at its first call, which takes some seconds.
const TIMEOUT: Duration = Duration::from_secs(5);
/// LocalStack's health page lists every service and has 5 KB.
const REPLY_LIMIT: usize = 256 * 1024;

/// A signature of the right form. Emulators check the form, and at most the name of the key.
const SIGNATURE: &str = "AWS4-HMAC-SHA256 \
    Credential=test/20260101/us-east-1/sts/aws4_request, \
    SignedHeaders=host;x-amz-date, \
    Signature=0000000000000000000000000000000000000000000000000000000000000000";

/// What a port is used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortUse {
    /// Nothing listens: connections are refused.
    Free,
    /// An AWS endpoint: it answers STS GetCallerIdentity.
    Aws {
        /// The account id, twelve digits.
        account: String,
        /// The version on the emulator's health page; not every emulator has one.
        version: Option<String>,
    },
    /// Something else. `answer` describes in a few words how it responded.
    Other { answer: String },
}

/// Sends GetCallerIdentity to 127.0.0.1:`port`. Takes a few seconds at most, and never fails.
pub async fn probe(port: u16) -> PortUse {
    match timeout(TIMEOUT, identify(port)).await {
        Ok(what) => what,
        Err(_) => PortUse::Other { answer: "accepts connections but does not reply".to_owned() },
    }
}

async fn identify(port: u16) -> PortUse {
    let stream = match TcpStream::connect(("127.0.0.1", port)).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            return PortUse::Free;
        }
        Err(error) => return PortUse::Other { answer: error.to_string() },
    };
    match send(stream, caller_identity(port)).await {
        Ok((StatusCode::OK, body)) => match account(&body) {
            Some(account) => PortUse::Aws { account, version: version(port).await },
            None => PortUse::Other { answer: "answers an STS call with something else".to_owned() },
        },
        Ok((status, _)) => {
            PortUse::Other { answer: format!("answers an STS call with HTTP {status}") }
        }
        Err(_) => PortUse::Other { answer: "does not speak HTTP".to_owned() },
    }
}

fn caller_identity(port: u16) -> Request<Full<Bytes>> {
    request(port, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15")
}

fn request(port: u16, method: &str, path: &str, body: &'static str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8")
        .header(header::AUTHORIZATION, SIGNATURE)
        .header("x-amz-date", "20260101T000000Z")
        .body(Full::from(body))
        .unwrap_or_default()
}

/// Sends one request on its own connection.
async fn send(
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, String), Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), REPLY_LIMIT).collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    };
    tokio::pin!(exchange);
    tokio::select! {
        reply = &mut exchange => reply,
        // The peer may close the connection early and still have sent its whole reply.
        _ = connection => exchange.await,
    }
}

/// Reads the account id from the XML of a reply: `<Account>000000000000</Account>`.
fn account(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("<Account>")?;
    let (account, _) = rest.split_once("</Account>")?;
    let account = account.trim();
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| account.to_owned())
}

/// Reads the emulator's version from its health page.
async fn version(port: u16) -> Option<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let health = request(port, "GET", "/_localstack/health", "");
    let (status, body) = send(stream, health).await.ok()?;
    let health: serde_json::Value = serde_json::from_str(&body).ok()?;
    health["version"].as_str().filter(|_| status.is_success()).map(str::to_owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Starts a server that answers every connection with the same bytes and closes it.
    async fn answering(reply: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        port
    }

    #[tokio::test]
    async fn a_closed_port_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        assert_eq!(probe(port).await, PortUse::Free);
    }

    #[tokio::test]
    async fn a_port_with_an_sts_reply_is_an_aws_endpoint() {
        let port = answering(
            "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n\
             <GetCallerIdentityResponse><Account>123456789012</Account>",
        )
        .await;
        let account = "123456789012".to_owned();
        assert_eq!(probe(port).await, PortUse::Aws { account, version: None });
    }

    #[tokio::test]
    async fn a_web_server_is_not_an_aws_endpoint() {
        let port = answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
        let answer = "answers an STS call with HTTP 404 Not Found".to_owned();
        assert_eq!(probe(port).await, PortUse::Other { answer });

        let port = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
        let answer = "answers an STS call with something else".to_owned();
        assert_eq!(probe(port).await, PortUse::Other { answer });
    }

    #[tokio::test]
    async fn a_server_without_http_is_not_an_aws_endpoint() {
        let port = answering("-ERR unknown command 'POST'\r\n").await;
        let answer = "does not speak HTTP".to_owned();
        assert_eq!(probe(port).await, PortUse::Other { answer });
    }

    #[test]
    fn an_account_id_has_twelve_digits() {
        assert_eq!(account("<Account>000000000000</Account>").as_deref(), Some("000000000000"));
        assert_eq!(account("<Account>12</Account>"), None);
        assert_eq!(account("<Account>"), None);
    }
}
