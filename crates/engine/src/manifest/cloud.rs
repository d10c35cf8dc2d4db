//! Which cloud a run is about: one of the names, or the URL of an endpoint.

use std::fmt;
use std::str::FromStr;

/// A URL is also the name of a folder of states, and a file name has 255 bytes at most.
const LONGEST: usize = 200;

/// Which cloud a run is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cloud {
    Local,
    Aws,
    /// `http://host:port`, without a slash at its end.
    Endpoint(String),
}

impl FromStr for Cloud {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "local" => Ok(Self::Local),
            "aws" => Ok(Self::Aws),
            url => endpoint(url),
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Aws => "aws",
            Self::Endpoint(url) => url,
        })
    }
}

fn endpoint(url: &str) -> Result<Cloud, String> {
    let schemes = ["http://", "https://"];
    let rest = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)).unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // The colons of an IPv6 address are inside its brackets.
    let after_host = authority.rfind(']').map_or(0, |at| at + 1);
    let port = authority[after_host..].find(':').map(|at| after_host + at);
    let (host, port) = authority.split_at(port.unwrap_or(authority.len()));
    if host.is_empty() {
        return Err(format!("`cloud` must be `local`, `aws` or `http://host:port`, not `{url}`"));
    }
    let is_ipv6 = host.starts_with('[') && host.ends_with(']');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let is_host = |c: char| is_plain(c) || is_ipv6 && "[:]".contains(c);
    let is_path = |c: char| is_plain(c) || c == '/';
    if !host.chars().all(is_host) || !path.chars().all(is_path) {
        return Err(format!("`{url}` is not a URL such as `http://localhost:4566`"));
    }
    if let Some(port) = port.strip_prefix(':')
        && !port.parse::<u16>().is_ok_and(|number| number > 0)
    {
        return Err(format!("the port of `{url}` must be a number from 1 to 65535"));
    }
    if url.len() > LONGEST {
        return Err(format!("a URL has at most {LONGEST} characters, this one has {}", url.len()));
    }
    Ok(Cloud::Endpoint(url.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_with_a_host_and_a_port_that_exists() {
        for (url, plain) in [
            ("http://localhost:4566", "http://localhost:4566"),
            ("https://stack.example.org/aws/", "https://stack.example.org/aws"),
            ("http://[::1]:4566/", "http://[::1]:4566"),
            ("http://127.0.0.1", "http://127.0.0.1"),
        ] {
            assert_eq!(url.parse(), Ok(Cloud::Endpoint(plain.to_owned())));
        }
        let long = format!("http://{}", "a".repeat(LONGEST));
        for (url, why) in [
            ("moon", "must be `local`"),
            ("http://", "must be `local`"),
            ("http://:80", "must be `local`"),
            ("ftp://host", "must be `local`"),
            ("http://localhost:99999", "1 to 65535"),
            ("http://localhost:0", "1 to 65535"),
            ("http://localhost:", "1 to 65535"),
            ("http://[::1]:x", "1 to 65535"),
            ("http://me:secret@localhost:4566", "1 to 65535"),
            ("http://me@localhost", "not a URL"),
            ("http://local host", "not a URL"),
            ("http://host/a?b=c", "not a URL"),
            (&long, "at most 200"),
        ] {
            let said = url.parse::<Cloud>().expect_err(url);
            assert!(said.contains(why), "{url}: {said}");
        }
    }
}
