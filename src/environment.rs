//! The only place that reads environment variables.

use std::path::PathBuf;
use std::time::Duration;

use stackwright_aws::proxy_url::{self, WrongProxy};
use stackwright_local::Config;

use crate::error::{Error, Result};

/// Returns the folder for cached files, `~/.cache/stackwright` by default.
pub fn cache() -> PathBuf {
    folder("XDG_CACHE_HOME", ".cache")
}

/// Returns `$VARIABLE/stackwright`, or `~/FALLBACK/stackwright` if the variable is not an absolute path.
fn folder(variable: &str, fallback: &str) -> PathBuf {
    let set = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::home_dir().unwrap_or_else(std::env::temp_dir).join(fallback);
    set.unwrap_or_else(home).join("stackwright")
}

/// Returns the settings of the local cloud, from `STACKWRIGHT_LOCAL_PORT`, `XDG_CACHE_HOME` and `PATH`.
pub fn local() -> Result<Config> {
    let port = match std::env::var("STACKWRIGHT_LOCAL_PORT") {
        Err(_) => Config::PORT,
        Ok(text) => text.parse().ok().filter(|port| *port != 0).ok_or_else(|| {
            Error::Usage(format!("STACKWRIGHT_LOCAL_PORT is `{text}`, which is not a port number"))
        })?,
    };
    let cache = cache();
    let data = cache.join("local");
    let path = std::env::var_os("PATH").unwrap_or_default();
    Ok(Config { port, cache, data, python: None, path })
}

/// Returns the consistency window, in which a new object may be invisible, if
/// `STACKWRIGHT_CONSISTENCY_SECONDS` sets one.
pub fn consistency_window() -> Result<Option<Duration>> {
    match std::env::var("STACKWRIGHT_CONSISTENCY_SECONDS") {
        Err(_) => Ok(None),
        Ok(text) => match text.parse::<f64>() {
            Ok(seconds) if (0.0..=3600.0).contains(&seconds) => {
                Ok(Some(Duration::from_secs_f64(seconds)))
            }
            _ => Err(Error::Usage(format!(
                "STACKWRIGHT_CONSISTENCY_SECONDS is `{text}`, which is not a number of seconds from 0 to 3600"
            ))),
        },
    }
}

/// Returns `COLUMNS`: the width of the page, also where the output is no terminal.
pub fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0)
}

/// Returns the name of a variable that would redirect calls to AWS, if one is set. The SDK takes the empty
/// variable of a service for an URL.
pub fn custom_endpoint() -> Option<String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .find(|(name, value)| {
            name.starts_with("AWS_ENDPOINT_URL_") || name == "AWS_ENDPOINT_URL" && !value.is_empty()
        })
        .map(|(name, _)| name)
}

/// Returns the file of the only certificates to trust, if `AWS_CA_BUNDLE` names one.
pub fn ca_bundle() -> Option<PathBuf> {
    std::env::var_os("AWS_CA_BUNDLE").filter(|file| !file.is_empty()).map(PathBuf::from)
}

/// Returns the variable of the proxy for HTTPS, if it names none that can be used.
pub fn wrong_proxy() -> Option<(&'static str, WrongProxy)> {
    // The first that is set counts, as for the HTTP client.
    let first = |names: [&'static str; 2]| {
        let mut set = names.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        set.next().filter(|(_, value)| !value.is_empty())
    };
    let set = first(["HTTPS_PROXY", "https_proxy"]).or_else(|| first(["ALL_PROXY", "all_proxy"]));
    let (name, value) = set?;
    let checked = value.to_str().ok_or(WrongProxy::Malformed).and_then(proxy_url::check);
    checked.err().map(|wrong| (name, wrong))
}

/// Returns the profile that `AWS_PROFILE` names, if it counts: keys in the environment go before it.
pub fn profile() -> Option<String> {
    let has_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some_and(|id| !id.is_empty());
    std::env::var("AWS_PROFILE").ok().filter(|name| !name.is_empty() && !has_keys)
}

/// Returns the files that have the profiles, as a user would write them.
pub fn profile_files() -> [String; 2] {
    let file = |variable: &str, usual: &str| {
        std::env::var(variable).ok().filter(|path| !path.is_empty()).unwrap_or(usual.to_owned())
    };
    [
        file("AWS_CONFIG_FILE", "~/.aws/config"),
        file("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ]
}

/// Returns which half of a pair of AWS keys is set, and which is not, if only one is.
pub fn half_of_a_key() -> Option<(&'static str, &'static str)> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let (id, secret) = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY");
    match (is_set(id), is_set(secret)) {
        (true, false) => Some((id, secret)),
        (false, true) => Some((secret, id)),
        _ => None,
    }
}

/// Returns the public URL of a port if the program runs in a codespace.
pub fn codespace(port: u16) -> Option<String> {
    let name = std::env::var("CODESPACE_NAME").ok()?;
    let domain = std::env::var("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN").ok()?;
    Some(format!("https://{name}-{port}.{domain}"))
}

/// Describes this process for other runs that find the state locked.
pub fn holder(command: &str) -> String {
    let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
    format!("process {}, `stackwright {command}`, since {since}", std::process::id())
}

/// Returns the current time in a form for file names.
pub fn stamp() -> String {
    jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string()
}
