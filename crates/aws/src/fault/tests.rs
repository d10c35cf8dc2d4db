use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::client::SingleAttempt as _;
use crate::cloud::{Access, Cloud};

async fn cloud(url: &str) -> Cloud {
    Cloud::open(&Access::Endpoint { url: url.to_owned() }, "us-east-1", crate::trust::Trust::none())
        .await
}

async fn run(cloud: &Cloud) -> Result<usize> {
    let ec2: aws_sdk_ec2::Client = cloud.client();
    let sent = ec2.run_instances().customize().single_attempt().send().await;
    sent.explain("RunInstances", SHARED).map(|reply| reply.instances().len())
}

/// Returns the error of a create whose connection `serve` handles.
async fn served<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    let error = run(&cloud(&url).await).await.expect_err("no instance");
    server.abort();
    error
}

async fn answered(status: &'static str, body: &'static str) -> Error {
    served(move |mut stream| async move {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let length = body.len();
        let reply = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        let _ = stream.write_all(reply.as_bytes()).await;
    })
    .await
}

#[tokio::test]
async fn a_refused_connection_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    drop(listener);
    let error = run(&cloud(&url).await).await.expect_err("nobody");
    assert_eq!(error.fault, Fault::Unreachable, "{error:?}");
    assert!(error.message.contains("refuses connections"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("is it running, and is its URL right?"));
}

#[tokio::test]
async fn an_unknown_host_is_unreachable() {
    let error = run(&cloud("http://nobody.invalid:1").await).await.expect_err("nobody");
    assert_eq!(error.fault, Fault::Unreachable, "{error:?}");
}

#[tokio::test]
async fn a_failed_tls_handshake_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = run(&cloud(&url).await).await.expect_err("no handshake");
    assert_eq!(error.fault, Fault::Unreachable, "{error:?}");
}

#[tokio::test]
async fn a_connection_that_times_out_is_unreachable() {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("a short queue");
    let address = listener.local_addr().expect("its address");
    let wait = Duration::from_millis(200);
    // Fills the queue, so that the next connection gets no answer. The limit is long enough for
    // a slow machine.
    let full = Duration::from_secs(2);
    let mut queue = Vec::new();
    while let Ok(Ok(stream)) = tokio::time::timeout(full, TcpStream::connect(address)).await {
        queue.push(stream);
    }
    let timeouts = TimeoutConfig::builder().connect_timeout(wait).build();
    let cloud = cloud(&format!("http://{address}")).await;
    let config = cloud.config.to_builder().timeout_config(timeouts).build();
    let request = aws_sdk_ec2::Client::new(&config).run_instances();
    let error = request.customize().single_attempt().send().await;
    let error = error.explain("RunInstances", SHARED);
    let error = error.expect_err("no connection");
    assert_eq!(error.fault, Fault::Unreachable, "{error:?}");
}

#[tokio::test]
async fn a_lost_reply_is_unknown() {
    let closed = served(|mut stream| async move {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
    });
    assert_eq!(closed.await.fault, Fault::Unknown);
    let cut = served(|mut stream| async move {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n<Run").await;
    });
    assert_eq!(cut.await.fault, Fault::Unknown);
}

#[tokio::test]
async fn an_unreadable_reply_is_unknown() {
    for body in ["", "<html>", "<Other/>", "{}"] {
        let error = answered("200 OK", body).await;
        assert_eq!(error.fault, Fault::Unknown, "{body}: {error:?}");
    }
}

#[tokio::test]
async fn a_reply_that_is_not_from_aws_is_shown_with_its_status() {
    for (status, body, fault, said) in [
        (
            "503 Service Unavailable",
            "down",
            Fault::Unknown,
            "status 503 with an error that is not from AWS: down",
        ),
        ("500 Internal Server Error", "", Fault::Unknown, "status 500 without an error message"),
        (
            "413 Too Large",
            "<html>\n  <h1>413</h1>",
            Fault::Terminal,
            "status 413 with an error that is not from AWS: <html> <h1>413</h1>",
        ),
        ("200 OK", "", Fault::Unknown, "status 200 with an empty reply"),
    ] {
        let error = answered(status, body).await;
        assert_eq!(error.fault, fault, "{error:?}");
        assert_eq!(error.to_string(), format!("RunInstances: {said}"));
    }
    let error = answered("200 OK", "<html>").await.to_string();
    assert!(error.contains("200 with a reply that cannot be read ("), "{error}");
}

#[tokio::test]
async fn an_endpoint_without_tls_is_named_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = run(&cloud(&url).await).await.expect_err("no TLS");
    assert_eq!(error.fault, Fault::Unreachable, "{error:?}");
    assert!(error.message.contains("answers without TLS"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("is its URL `http://…`, without the s?"));
}

#[tokio::test]
async fn codes_of_unmodeled_errors_are_read() {
    let error = answered(
        "400 Bad Request",
        "<Response><Errors><Error><Code>InvalidAction</Code><Message>not here</Message>\
         </Error></Errors><RequestID>1</RequestID></Response>",
    )
    .await;
    assert_eq!(error.fault, Fault::Unsupported);
    assert_eq!(error.to_string(), "RunInstances: InvalidAction: not here");
    let throttled = "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error>\
                     </Errors></Response>";
    assert_eq!(answered("503 Service Unavailable", throttled).await.fault, Fault::Transient);
}

fn refusal(status: &str, code: &str, message: &str) -> (String, String) {
    let body = format!(
        "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
         <RequestID>1</RequestID></Response>"
    );
    (status.to_owned(), body)
}

async fn refused(status: &str, code: &str, message: &str) -> Error {
    let (status, body) = refusal(status, code, message);
    answered(status.leak(), body.leak()).await
}

#[tokio::test]
async fn an_encoded_refusal_is_shortened_and_can_be_decoded() {
    let encoded = "Zm9v".repeat(100);
    let text = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/me is \
                not authorized. Encoded authorization failure message: ";
    let error =
        refused("403 Forbidden", "UnauthorizedOperation", &format!("{text}{encoded}")).await;
    assert_eq!(error.fault, Fault::Denied);
    let said = format!("RunInstances: UnauthorizedOperation: {text}Zm9vZm9vZm9v…");
    assert_eq!(error.to_string(), said);
    let hint = error.hint.expect("a command");
    assert!(hint.ends_with(&format!("--encoded-message {encoded}`")), "{hint}");
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_called_so() {
    let error = refused("400 Bad Request", "VcpuLimitExceeded", "You have requested more").await;
    assert_eq!(error.fault, Fault::Terminal);
    assert!(error.hint.expect("a hint").contains("Service Quotas"));
}

#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(
        &'a self,
    ) -> aws_credential_types::provider::future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let none: std::result::Result<Credentials, _> =
            Err(CredentialsError::not_loaded("no profile"));
        aws_credential_types::provider::future::ProvideCredentials::ready(none)
    }
}

#[tokio::test]
async fn no_credentials() {
    let cloud = cloud("http://127.0.0.1:1").await;
    let none = SharedCredentialsProvider::new(Nobody);
    let config = cloud.config.to_builder().credentials_provider(none).build();
    let sent = aws_sdk_iam::Client::new(&config).get_role().role_name("x").send().await;
    let error = sent.explain("GetRole", SHARED).expect_err("nobody signs");
    assert_eq!(error.fault, Fault::Credentials, "{error:?}");
    assert!(error.message.contains("no profile"), "{error}");
}
