//! From an SDK error to the engine's closed list of faults. The codes that all services share are
//! here; each kind declares those of its own calls.

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use stackwright_engine::kind::{Error, Fault, Result};

use crate::credentials::advice;

/// What the error codes of one kind's calls mean, beside those that all services share.
pub type Codes = &'static [(&'static str, Meaning)];

/// Of a call whose service has no codes of its own.
pub const SHARED: Codes = &[];

/// What an error code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// Somebody else changes the same object.
    Conflict,
    /// An object of that name exists.
    NameTaken,
    /// The request was refused, whatever the HTTP status says.
    Refused,
    /// The service does not know yet what the call names. `what` completes "waiting for …"; `within`
    /// is the consistency window.
    NotYet { what: &'static str, within: Duration },
}

impl From<Meaning> for Fault {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Conflict => Self::Conflict,
            Meaning::NameTaken => Self::NameTaken,
            Meaning::Refused => Self::Terminal,
            Meaning::NotYet { what, within } => Self::Awaiting { what: what.to_owned(), within },
        }
    }
}

/// Turns an SDK result into one of the engine's.
pub trait Explain<T> {
    /// `call` is the operation's name.
    fn explain(self, call: &str, codes: Codes) -> Result<T>;
}

impl<T, E> Explain<T> for std::result::Result<T, SdkError<E, HttpResponse>>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    fn explain(self, call: &str, codes: Codes) -> Result<T> {
        self.map_err(|error| explain(call, error, codes))
    }
}

/// Returns the service's error code, if the service answered with one.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error.as_service_error().and_then(ProvideErrorMetadata::code)
}

/// Returns one line in the service's own words, with the fault they mean.
pub fn explain<E>(call: &str, error: SdkError<E, HttpResponse>, codes: Codes) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = code(&error).unwrap_or_default().to_owned();
    let text = error.as_service_error().and_then(ProvideErrorMetadata::message);
    let encoded = text.and_then(encoded_message);
    let said = match (text, &encoded) {
        (Some(text), Some(encoded)) => {
            let start: String = encoded.chars().take(12).collect();
            format!("{code}: {}", text.replace(encoded, &format!("{start}…")))
        }
        (Some(text), None) if !code.is_empty() => format!("{code}: {text}"),
        _ if !code.is_empty() => code.clone(),
        _ if lacks_credentials(&error) => {
            format!("no usable credentials ({})", without_credentials(&error))
        }
        _ => match error.raw_response() {
            Some(reply) => unreadable(reply, &innermost(&error)),
            None => connection(&innermost(&error)),
        },
    };
    let fault = fault(&error, codes);
    let decode = encoded.map(|encoded| {
        format!(
            "the credentials in use lack a permission; this command says which: \
             `aws sts decode-authorization-message --encoded-message {encoded}`"
        )
    });
    let message = format!("{call}: {said}");
    let hint = match fault {
        Fault::Credentials => {
            let causes: Vec<String> = chain(&error).map(ToString::to_string).collect();
            Some(advice(&code, &format!("{said} {}", causes.join(" "))))
        }
        _ => hint(&fault, &code, &said),
    };
    let hint = decode.or_else(|| hint.map(str::to_owned));
    Error { hint, source: Some(Box::new(error)), ..Error::new(fault, message) }
}

/// Describes a reply that is not one of AWS: a proxy, a web server or an overloaded service sent it.
fn unreadable(reply: &HttpResponse, why: &str) -> String {
    let status = reply.status().as_u16();
    let Some(body) = reply.body().bytes() else {
        return format!("the reply with status {status} breaks off ({why})");
    };
    let text = String::from_utf8_lossy(body);
    let words: Vec<&str> = text.split_whitespace().collect();
    let start: String = words.join(" ").chars().take(80).collect();
    match (reply.status().is_success(), start.as_str()) {
        (true, "") => format!("status {status} with an empty reply"),
        (true, start) => {
            format!("status {status} with a reply that cannot be read ({why}): {start}")
        }
        (false, "") => format!("status {status} without an error message"),
        (false, start) => format!("status {status} with an error that is not from AWS: {start}"),
    }
}

/// How a TLS library says that its peer answers without TLS.
const NO_TLS: &str = "InvalidContentType";
/// How it says that nobody vouches for its peer.
const UNTRUSTED: &str = "invalid peer certificate";

/// Describes why there is no connection.
fn connection(why: &str) -> String {
    if why.contains(NO_TLS) {
        format!("it answers without TLS ({why})")
    } else if why.contains(UNTRUSTED) {
        format!("its certificate is not trusted ({why})")
    } else {
        why.to_owned()
    }
}

/// Returns the encoded part of a refusal of EC2: hundreds of letters that say which permission is missing.
fn encoded_message(text: &str) -> Option<&str> {
    let (_, encoded) = text.split_once("Encoded authorization failure message: ")?;
    // It becomes part of a command, so nothing else may be in it.
    let is_other = |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_';
    let end = encoded.find(is_other).unwrap_or(encoded.len());
    Some(&encoded[..end]).filter(|encoded| encoded.len() > 40)
}

fn fault<E>(error: &SdkError<E, HttpResponse>, codes: Codes) -> Fault
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    match error {
        // A reply that cannot be parsed arrives here too, without a code and with its own status.
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            by_code(code, service.raw().status().as_u16(), codes)
        }
        _ if lacks_credentials(error) => Fault::Credentials,
        SdkError::ConstructionFailure(_) => Fault::Terminal,
        SdkError::DispatchFailure(_) if chain(error).any(is_before_sending) => Fault::Unreachable,
        _ => Fault::Unknown,
    }
}

/// Tells whether no credentials were found, so that nothing was signed or sent.
fn lacks_credentials(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|cause| cause.is::<CredentialsError>())
}

/// Returns why no credentials were found: what the SDK's own error wraps.
fn without_credentials(error: &(dyn StdError + 'static)) -> String {
    let mut causes = chain(error).skip_while(|cause| !cause.is::<CredentialsError>());
    let general = causes.next().map(ToString::to_string).unwrap_or_default();
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    if causes.is_empty() { general } else { causes.join(": ") }
}

/// Codes come before the status: EC2 models no errors, and services send the same code with different
/// statuses.
pub(crate) fn by_code(code: &str, status: u16, codes: Codes) -> Fault {
    if let Some((_, meaning)) = codes.iter().find(|(own, _)| *own == code) {
        return (*meaning).into();
    }
    match code {
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "EC2ThrottledException"
        | "SlowDown" => Fault::Transient,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "AuthFailure"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException" => Fault::Credentials,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation"
        // API Gateway sends it with status 401 to whoever lacks a permission.
        | "UnauthorizedException" => Fault::Denied,
        // The account has not accepted the terms of a product: no credentials help.
        "OptInRequired" => Fault::Terminal,
        // A quota is used up, and waiting frees none of it. API Gateway sends it with status 429.
        _ if is_quota(code) => Fault::Terminal,
        // Not `UnsupportedOperation`: with it EC2 refuses what the object cannot do.
        "InvalidAction"
        | "UnknownOperation"
        | "UnknownOperationException"
        | "NotImplemented"
        | "NotImplementedException"
        | "MethodNotAllowedException" => Fault::Unsupported,
        _ => match status {
            // A reply of success that cannot be parsed: something was done.
            ..=399 => Fault::Unknown,
            401 => Fault::Credentials,
            403 => Fault::Denied,
            // AWS sends a code with every refusal: this is a web server that does not know the path.
            404 if code.is_empty() => Fault::Unsupported,
            405 | 501 => Fault::Unsupported,
            429 => Fault::Transient,
            500.. => Fault::Unknown,
            _ => Fault::Terminal,
        },
    }
}

/// Tells whether a code says that a quota of the account is used up. `RequestLimitExceeded`, with which EC2
/// throttles, is none.
fn is_quota(code: &str) -> bool {
    let code = code.strip_suffix("Exception").unwrap_or(code);
    code != "RequestLimitExceeded"
        && (code.ends_with("LimitExceeded") || code.ends_with("QuotaExceeded"))
}

/// `said`: the message, where only the HTTP client knows the cause.
fn hint(fault: &Fault, code: &str, said: &str) -> Option<&'static str> {
    Some(match fault {
        Fault::Terminal if is_quota(code) => {
            "a quota of the account is used up: delete what is not needed, or ask AWS for more (console: \
             Service Quotas)"
        }
        Fault::Unsupported => {
            "the endpoint does not implement this call: undo the edit, have the object created again \
             (`--replace ADDRESS`), or use an endpoint that does"
        }
        Fault::Denied => "the credentials in use lack this permission",
        Fault::Unreachable if said.contains(NO_TLS) => "is its URL `http://…`, without the s?",
        Fault::Unreachable if said.contains(UNTRUSTED) => {
            "AWS_CA_BUNDLE can name a file with the certificate of the authority that signed it"
        }
        Fault::Unreachable => "is it running, and is its URL right?",
        _ => return None,
    })
}

/// Takes a delete of unknown outcome for done if a read shows that its object is gone: a lost reply may hide a
/// success, and a service may answer the repeated call with an error of its own.
pub async fn or_gone<T>(
    deleted: Result<()>,
    read: impl Future<Output = Result<Option<T>>>,
) -> Result<()> {
    match deleted {
        Err(error) if error.fault == Fault::Unknown => match read.await {
            Ok(None) => Ok(()),
            _ => Err(error),
        },
        other => other,
    }
}

/// Tells whether a cause lies before the request. The HTTP client shows the stage of a failure in its
/// text alone: name lookup, connection and TLS handshake are one stage.
pub(crate) fn is_before_sending(cause: &(dyn StdError + 'static)) -> bool {
    cause.to_string().starts_with("client error (Connect)")
}

/// Returns the error and its causes, outermost first.
pub(crate) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// Returns the text of the cause that all others wrap.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_config::timeout::TimeoutConfig;
    use aws_sdk_ec2::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket, TcpStream};

    use super::*;
    use crate::client::SingleAttempt as _;
    use crate::cloud::{Access, Cloud};

    async fn cloud(url: &str) -> Cloud {
        Cloud::open(
            &Access::Endpoint { url: url.to_owned() },
            "us-east-1",
            crate::trust::Trust::none(),
        )
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
        assert!(error.message.contains("refused"), "{error}");
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
            (
                "500 Internal Server Error",
                "",
                Fault::Unknown,
                "status 500 without an error message",
            ),
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
        assert!(error.message.contains("it answers without TLS"), "{error}");
        assert_eq!(error.hint.as_deref(), Some("is its URL `http://…`, without the s?"));
        let untrusted = connection("invalid peer certificate: UnknownIssuer");
        assert!(untrusted.contains("not trusted"), "{untrusted}");
        let hint = hint(&Fault::Unreachable, "", &untrusted).expect("a hint");
        assert!(hint.contains("AWS_CA_BUNDLE"), "{hint}");
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
        let error =
            refused("400 Bad Request", "VcpuLimitExceeded", "You have requested more").await;
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

    #[test]
    fn shared_codes_come_before_the_status() {
        let cases = [
            ("Throttling", 400, Fault::Transient),
            ("LimitExceeded", 409, Fault::Terminal),
            ("UnsupportedOperation", 400, Fault::Terminal),
            ("ExpiredToken", 403, Fault::Credentials),
            ("UnauthorizedOperation", 403, Fault::Denied),
            ("UnauthorizedException", 401, Fault::Denied),
            ("OptInRequired", 401, Fault::Terminal),
            ("LimitExceededException", 429, Fault::Terminal),
            ("RulesPerSecurityGroupLimitExceeded", 400, Fault::Terminal),
            ("ServiceQuotaExceededException", 402, Fault::Terminal),
            ("RequestLimitExceeded", 503, Fault::Transient),
            ("TooManyRequestsException", 429, Fault::Transient),
            ("InternalError", 500, Fault::Unknown),
            ("InternalFailure", 501, Fault::Unsupported),
            ("InvalidAMIID.NotFound", 400, Fault::Terminal),
            ("", 404, Fault::Unsupported),
        ];
        for (code, status, fault) in cases {
            assert_eq!(by_code(code, status, SHARED), fault, "{code} {status}");
        }
    }

    #[test]
    fn codes_of_a_kind_come_before_the_status() {
        const WHAT: &str = "the queue to be known";
        const WITHIN: Duration = Duration::from_secs(20);
        const OWN: Codes = &[
            ("NoRoom", Meaning::Refused),
            ("NoSuchQueue", Meaning::NotYet { what: WHAT, within: WITHIN }),
        ];
        assert_eq!(by_code("NoRoom", 500, OWN), Fault::Terminal);
        assert_eq!(by_code("NoRoom", 500, SHARED), Fault::Unknown);
        let awaiting = Fault::Awaiting { what: WHAT.to_owned(), within: WITHIN };
        assert_eq!(by_code("NoSuchQueue", 404, OWN), awaiting);
        assert_eq!(by_code("Throttling", 400, OWN), Fault::Transient);
    }
}
