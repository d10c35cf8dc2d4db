//! One plain HTTP/1.1 call at a time, each over a connection of its own.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// `http://host:port/path` is called with JSON or nothing: status and body.
#[track_caller]
pub fn http(method: &str, url: &str, body: &str) -> (u16, String) {
    send(method, url, "Content-Type: application/json\r\n", body)
}

/// As [`http`] with header lines of your own, each with its line end.
#[track_caller]
pub fn send(method: &str, url: &str, headers: &str, body: &str) -> (u16, String) {
    let (status, _, body) = exchange(method, url, headers, body);
    (status, body)
}

/// As [`send`], without a body: the status, and the answer's headers by their names in small letters.
#[track_caller]
pub fn headers(method: &str, url: &str, headers: &str) -> (u16, BTreeMap<String, String>) {
    let (status, head, _) = exchange(method, url, headers, "");
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    (status, lines.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect())
}

/// Status, head and body.
#[track_caller]
fn exchange(method: &str, url: &str, headers: &str, body: &str) -> (u16, String, String) {
    let rest = url.strip_prefix("http://").expect("a plain http URL");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut stream = TcpStream::connect(host).expect("a listener on that port");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let length = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("answered");
    let status = reply.split_whitespace().nth(1).and_then(|code| code.parse().ok());
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((reply.as_str(), ""));
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    let body = if chunked { unchunked(body) } else { body.to_owned() };
    (status.expect("a status"), head.to_owned(), body)
}

/// Header lines that make a call one of `service`'s. Emulators look at the signature's scope alone.
pub fn signed(service: &str) -> String {
    format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\nX-Amz-Date: 20260101T000000Z\r\n"
    )
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 {
            break;
        }
        whole.push_str(&rest[..size]);
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}
