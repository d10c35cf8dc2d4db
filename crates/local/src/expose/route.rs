//! Decides which requests the proxy forwards, from the request line alone.

use http::{Method, Uri};

/// The emulator's health page. Users look at it to see which services run.
const HEALTH: &str = "/_localstack/health";

/// How many times a path is percent-decoded. No honest client nests encodings deeper.
const MAX_DECODING_DEPTH: usize = 4;

/// Returns whether a request is a call of a deployed API, `/restapis/{id}/{stage}/_user_request_/…`, or
/// `GET /_localstack/health`.
///
/// Emulators choose a service by the decoded path. So a path is allowed only if decoding does not change
/// its meaning: it must have no dot segments, no empty segments, no backslash and no control character,
/// at any depth of percent-encoding.
pub fn is_allowed(method: &Method, uri: &Uri) -> bool {
    // Only `GET /path` is allowed. The absolute form lets the client choose the host, and CONNECT has no
    // path at all.
    if uri.scheme().is_some() || uri.authority().is_some() || *method == Method::CONNECT {
        return false;
    }
    let path = uri.path();
    if path == HEALTH {
        return *method == Method::GET;
    }
    match path.splitn(6, '/').collect::<Vec<_>>()[..] {
        ["", "restapis", id, stage, "_user_request_", rest] => {
            is_plain_name(id) && is_plain_name(stage) && is_safe_path(rest)
        }
        ["", "restapis", id, stage, "_user_request_"] => is_plain_name(id) && is_plain_name(stage),
        _ => false,
    }
}

/// Returns whether an API id or a stage needs no percent-encoding.
fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Returns whether no decoder can turn this path below an API into another path.
fn is_safe_path(rest: &str) -> bool {
    let mut path = rest.as_bytes().to_vec();
    for _ in 0..=MAX_DECODING_DEPTH {
        if !has_safe_segments(&path) {
            return false;
        }
        let decoded = decoded(&path);
        if decoded == path {
            return true;
        }
        path = decoded;
    }
    false
}

/// Returns whether a path has no segment or character that could change its meaning.
fn has_safe_segments(path: &[u8]) -> bool {
    // The management API of WebSocket connections, which is not meant for callers of a deployed API.
    if path.starts_with(b"@connections") {
        return false;
    }
    if path.iter().any(|byte| byte.is_ascii_control() || *byte == b'\\') {
        return false;
    }
    let mut segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    // One slash at the end is common.
    if segments.last().is_some_and(|last| last.is_empty()) {
        segments.pop();
    }
    segments.iter().all(|segment| !matches!(*segment, b"" | b"." | b".."))
}

/// Percent-decodes a path once. Invalid escapes stay as they are.
fn decoded(path: &[u8]) -> Vec<u8> {
    let hex = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, after @ ..]) = (first, tail)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            out.push(high * 16 + low);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a wrong assumption fails the test")]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, target: &str, expected: bool) {
        let method: Method = method.parse().unwrap();
        let uri: Uri = target.parse().unwrap();
        assert_eq!(is_allowed(&method, &uri), expected, "{method} {target}");
    }

    #[test]
    fn calls_of_deployed_apis_are_allowed() {
        for target in [
            "/restapis/abc123/prod/_user_request_",
            "/restapis/abc123/prod/_user_request_/",
            "/restapis/abc123/prod/_user_request_/ec2",
            "/restapis/abc123/prod/_user_request_/ec2/",
            "/restapis/abc123/prod/_user_request_/ec2?action=status&x=/../..",
            "/restapis/a-b_C/v1/_user_request_/files/a%20b.txt/..c/d..",
            "/restapis/abc123/prod/_user_request_/100%25",
            "/restapis/abc123/prod/_user_request_/50%-off",
            "/restapis/abc123/prod/_user_request_/a%2Fb",
            "/restapis/abc123/prod/_user_request_/%C3%A9t%C3%A9",
        ] {
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
                check(method, target, true);
            }
        }
    }

    #[test]
    fn only_get_is_allowed_on_the_health_page() {
        check("GET", "/_localstack/health", true);
        check("POST", "/_localstack/health", false);
        check("GET", "/_localstack/health/", false);
        check("GET", "/_localstack/health/../init", false);
    }

    #[test]
    fn calls_of_the_cloud_itself_are_refused() {
        for target in [
            "/",
            "/?Action=RunInstances",
            "/restapis",
            "/restapis/",
            "/restapis/abc123",
            "/restapis/abc123/resources",
            "/restapis/abc123/stages/prod",
            "/restapis/abc123/prod/user_request/ec2",
            "/2015-03-31/functions",
            "/_ministack/reset",
            "/_ministack/health",
            "/_localstack/init",
            "/_aws/execute-api/abc123/prod/ec2",
            "/my-bucket/key",
            "/restapis/abc123/prod/_user_request_/@connections/abc",
            "/restapis/abc123/prod/_user_request_/%40connections/abc",
        ] {
            check("GET", target, false);
            check("POST", target, false);
        }
    }

    #[test]
    fn ambiguous_paths_are_refused() {
        for target in [
            "/restapis/../2015-03-31/functions/_user_request_/x",
            "/restapis/abc/../_user_request_/x",
            "/restapis/./prod/_user_request_/x",
            "/restapis//prod/_user_request_/x",
            "/restapis/abc//_user_request_/x",
            "//restapis/abc/prod/_user_request_/x",
            "/./restapis/abc/prod/_user_request_/x",
            "/x/../restapis/abc/prod/_user_request_/x",
            "/%72estapis/abc/prod/_user_request_/x",
            "/restapis/%2e%2e/prod/_user_request_/x",
            "/restapis/a%2Fb/prod/_user_request_/x",
            "/restapis/abc/prod%2F..%2F/_user_request_/x",
            "/restapis/abc/prod/%5fuser_request_/x",
            "/restapis/abc/prod/_user_request_/..",
            "/restapis/abc/prod/_user_request_/../../../../",
            "/restapis/abc/prod/_user_request_/a/./b",
            "/restapis/abc/prod/_user_request_//",
            "/restapis/abc/prod/_user_request_//ec2",
            "/restapis/abc/prod/_user_request_/a//b",
            "/restapis/abc/prod/_user_request_/%2e%2e/x",
            "/restapis/abc/prod/_user_request_/.%2E/x",
            "/restapis/abc/prod/_user_request_/%252e%252e/x",
            "/restapis/abc/prod/_user_request_/%25252e%25252e/x",
            "/restapis/abc/prod/_user_request_/%252525252525",
            "/restapis/abc/prod/_user_request_/..%2f..%2fx",
            "/restapis/abc/prod/_user_request_/a%2f%2fb",
            "/restapis/abc/prod/_user_request_/%2fx",
            "/restapis/abc/prod/_user_request_/..%5c..%5cx",
            "/restapis/abc/prod/_user_request_/a%5Cb",
            "/restapis/abc/prod/_user_request_/a%00b",
            "/restapis/abc/prod/_user_request_/a%0d%0aHost:%20x",
        ] {
            check("GET", target, false);
        }
    }

    #[test]
    fn absolute_and_special_request_targets_are_refused() {
        check("GET", "http://127.0.0.1:4566/restapis/abc/prod/_user_request_/x", false);
        check("GET", "http://evil.example/_localstack/health", false);
        check("CONNECT", "127.0.0.1:4566", false);
        check("OPTIONS", "*", false);
    }
}
