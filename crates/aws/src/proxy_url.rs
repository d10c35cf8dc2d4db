//! Whether a URL names a proxy that the HTTP client would use. It passes over others without a word, and takes the
//! default port in the place of one that does not exist.

use hyper_util::client::proxy::matcher::Matcher;

/// Why a URL names no proxy that can be used. A message does not repeat the URL, which may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongProxy {
    #[error("names a SOCKS proxy, and only HTTP proxies are supported")]
    Socks,
    #[error("names a proxy whose port is no number from 1 to 65535")]
    Port,
    #[error("does not name a proxy")]
    Malformed,
}

/// Checks the URL of a proxy.
pub fn check(url: &str) -> Result<(), WrongProxy> {
    let matcher = Matcher::builder().all(url.to_owned()).build();
    let uri = http::Uri::from_static("https://sts.amazonaws.com/");
    let proxy = matcher.intercept(&uri).ok_or(WrongProxy::Malformed)?;
    let authority = proxy.uri().authority().map_or("", |authority| authority.as_str());
    // The colons of an IPv6 address are inside its brackets.
    let after_host = authority.rfind(']').map_or(authority, |at| &authority[at..]);
    let port = after_host.split_once(':').map(|(_, port)| port);
    match proxy.uri().scheme_str() {
        Some(scheme) if scheme.starts_with("socks") => Err(WrongProxy::Socks),
        _ if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|port| port > 0)) => {
            Err(WrongProxy::Port)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_proxy_with_a_port_that_exists_is_right() {
        for url in [
            "http://10.0.0.1:3128",
            "10.0.0.1:3128",
            "https://me:secret@proxy",
            "proxy",
            "http://[::1]:3128",
            "http://[::1]",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        for (url, wrong) in [
            ("http://[", WrongProxy::Malformed),
            ("ftp://proxy", WrongProxy::Malformed),
            ("a b", WrongProxy::Malformed),
            ("http://", WrongProxy::Malformed),
            ("socks5://proxy:1080", WrongProxy::Socks),
            ("socks4a://proxy", WrongProxy::Socks),
            ("http://proxy:99999", WrongProxy::Port),
            ("proxy:0", WrongProxy::Port),
            ("http://proxy:", WrongProxy::Port),
            ("http://me:secret@[::1]:99999", WrongProxy::Port),
        ] {
            assert_eq!(check(url), Err(wrong), "{url}");
        }
    }
}
