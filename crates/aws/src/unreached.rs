//! Why a request did not reach its host. This is decided here alone, from the errors of the HTTP client, and
//! travels with them to whoever explains the call.

use std::error::Error as StdError;
use std::sync::Arc;
use std::{fmt, io};

use aws_smithy_async::future::timeout::TimedOutError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use aws_smithy_runtime_api::client::result::ConnectorError;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::InvalidMessage;

use crate::fault::{chain, innermost};
use crate::http_check::is_aws;

/// The host of a request was not reached, so that nothing was sent.
#[derive(Debug)]
pub struct Unreached {
    way: Way,
    why: Why,
    source: ConnectorError,
}

/// Where a request was to go, and through which proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Way {
    host: String,
    proxy: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// No address belongs to the name.
    NoAddress,
    Refused,
    TimedOut,
    /// Nobody vouches for the certificate; how the TLS library says it.
    Untrusted(String),
    /// TLS was expected, and the peer does not speak it.
    NoTls,
    /// Anything else, in the words of the operating system or of a library.
    Other(String),
}

/// The proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), or none at all.
#[derive(Clone, Debug)]
pub struct Proxies(Option<Arc<Matcher>>);

impl Proxies {
    pub fn of_environment() -> Self {
        Self(Some(Arc::new(Matcher::from_env())))
    }

    pub fn none() -> Self {
        Self(None)
    }

    /// Returns the same for the HTTP client, which asks the environment itself.
    pub fn config(&self) -> ProxyConfig {
        match &self.0 {
            Some(_) => ProxyConfig::from_env(),
            None => ProxyConfig::disabled(),
        }
    }

    fn way(&self, uri: &str) -> Way {
        let Ok(uri) = uri.parse::<http::Uri>() else {
            return Way { host: uri.to_owned(), proxy: None };
        };
        let proxy = self.0.as_ref().and_then(|matcher| matcher.intercept(&uri));
        Way { host: host(&uri), proxy: proxy.map(|proxy| host(proxy.uri())) }
    }

    /// Adds to an error of the HTTP client, which knows no request, what was not reached and why. Any other
    /// error stays as it is.
    pub fn explain(&self, error: ConnectorError, uri: &str) -> ConnectorError {
        if !chain(&error).any(is_connecting) {
            return error;
        }
        let (is_timeout, is_io, other) = (error.is_timeout(), error.is_io(), error.as_other());
        let why = Why::of(&error);
        let unreached = Box::new(Unreached { way: self.way(uri), why, source: error });
        // The SDK decides by the sort whether it tries again.
        if is_timeout {
            ConnectorError::timeout(unreached)
        } else if is_io {
            ConnectorError::io(unreached)
        } else {
            ConnectorError::other(unreached, other)
        }
        .never_connected()
    }
}

/// `HOST` or `HOST:PORT`, without credentials.
fn host(uri: &http::Uri) -> String {
    let host = uri.host().unwrap_or_default();
    uri.port_u16().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Tells whether a cause is that no connection was made: name lookup, connection, proxy or TLS handshake.
fn is_connecting(cause: &(dyn StdError + 'static)) -> bool {
    let client = cause.downcast_ref::<hyper_util::client::legacy::Error>();
    client.is_some_and(hyper_util::client::legacy::Error::is_connect)
}

impl Why {
    fn of(error: &ConnectorError) -> Self {
        chain(error).find_map(Self::by_cause).unwrap_or_else(|| Self::Other(innermost(error)))
    }

    fn by_cause(cause: &(dyn StdError + 'static)) -> Option<Self> {
        // The HTTP client has no public type for a failed name lookup.
        if cause.is::<ResolveDnsError>() || cause.to_string() == "dns error" {
            return Some(Self::NoAddress);
        }
        if cause.is::<TimedOutError>() {
            return Some(Self::TimedOut);
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return Self::by_tls(error);
        }
        let error = cause.downcast_ref::<io::Error>()?;
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Some(Self::Refused),
            io::ErrorKind::TimedOut => Some(Self::TimedOut),
            // What an error of input and output wraps is not its source.
            _ => Self::by_cause(error.get_ref()?),
        }
    }

    fn by_tls(error: &rustls::Error) -> Option<Self> {
        match error {
            rustls::Error::InvalidCertificate(why) => Some(Self::Untrusted(why.to_string())),
            rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(Self::NoTls),
            _ => None,
        }
    }
}

impl Unreached {
    /// Finds it in an error and its causes.
    pub fn find<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        chain(error).find_map(|cause| cause.downcast_ref())
    }

    /// Says what to do about it.
    pub fn hint(&self) -> &'static str {
        let Way { host, proxy } = &self.way;
        match (&self.why, proxy) {
            (Why::Untrusted(_), _) => {
                "AWS_CA_BUNDLE can name a file with the certificate of the authority that signed it"
            }
            (_, Some(_)) => {
                "the proxy is that of HTTPS_PROXY (or ALL_PROXY): correct the variable, or unset it"
            }
            (Why::NoTls, None) if !is_aws(name(host)) => "is its URL `http://…`, without the s?",
            (_, None) if is_aws(name(host)) => {
                "check the network and the region; where AWS is reached through a proxy, HTTPS_PROXY must \
                 name it"
            }
            (_, None) => "is it running, and is its URL right?",
        }
    }
}

/// A host without its port.
fn name(host: &str) -> &str {
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Way { host, proxy } = &self.way;
        // What a proxy is connected to, the proxy looks up.
        let peer =
            proxy.as_ref().map_or_else(|| host.clone(), |proxy| format!("the proxy {proxy}"));
        match &self.why {
            Why::NoAddress => write!(f, "no address is known for {peer}"),
            Why::Refused => write!(f, "{peer} refuses connections"),
            Why::TimedOut => write!(f, "{peer} does not accept a connection in time"),
            Why::Untrusted(why) => write!(f, "the certificate of {host} is not trusted ({why})"),
            Why::NoTls => write!(f, "{peer} answers without TLS"),
            Why::Other(why) => write!(
                f,
                "no connection to {host}{} ({why})",
                match proxy {
                    Some(proxy) => format!(" through the proxy {proxy}"),
                    None => String::new(),
                }
            ),
        }
    }
}

impl StdError for Unreached {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests;
