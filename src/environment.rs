//! The environment, read in one place.

use std::path::PathBuf;
use std::time::Duration;

use stackwright_local::Config;

use crate::error::{Error, Result};

/// The user's cache folder of stackwright.
pub fn cache() -> PathBuf {
    folder("XDG_CACHE_HOME", ".cache")
}

/// `$VARIABLE/stackwright`, or `~/FALLBACK/stackwright`.
fn folder(variable: &str, fallback: &str) -> PathBuf {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(fallback);
    set.unwrap_or_else(home).join("stackwright")
}

/// Port, cache and interpreter of the local cloud: `STACKWRIGHT_LOCAL_PORT`, `XDG_CACHE_HOME`.
pub fn local() -> Result<Config> {
    let port = match std::env::var("STACKWRIGHT_LOCAL_PORT") {
        Err(_) => Config::PORT,
        Ok(text) => text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            Error::Usage(format!("STACKWRIGHT_LOCAL_PORT is `{text}`, not a port"))
        })?,
    };
    let cache = cache();
    let data = cache.join("local");
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(Config { port, cache, data, python: None, path })
}

/// `STACKWRIGHT_SETTLE_SECONDS`: how long a new object may be invisible.
pub fn settle() -> Result<Option<Duration>> {
    match std::env::var("STACKWRIGHT_SETTLE_SECONDS") {
        Err(_) => Ok(None),
        Ok(text) => match text.parse::<f64>() {
            Ok(seconds) if (0.0..=3600.0).contains(&seconds) => {
                Ok(Some(Duration::from_secs_f64(seconds)))
            }
            _ => Err(Error::Usage(format!(
                "STACKWRIGHT_SETTLE_SECONDS is `{text}`, not a number of seconds up to 3600"
            ))),
        },
    }
}

/// Variables that would send an AWS stack's calls elsewhere.
pub fn custom_endpoint() -> Option<String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .find(|(name, value)| {
            (name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_"))
                && !value.is_empty()
        })
        .map(|(name, _)| name)
}

/// In a codespace: the public form of a port's address.
pub fn codespace(port: u16) -> Option<String> {
    let name = std::env::var("CODESPACE_NAME").ok()?;
    let domain = std::env::var("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN").ok()?;
    Some(format!("https://{name}-{port}.{domain}"))
}

/// What a lock says of its holder.
pub fn holder(command: &str) -> String {
    let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("process {}, `stackwright {command}`, since {since}", std::process::id())
}

/// Now, as the end of a file's name.
pub fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}
