//! From arguments to a checked manifest, its state's folder and, where wanted, a cloud that answers.

mod open;
mod recorded;
mod sign_in;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stackwright_aws::call_tracker::CallTracker;
use stackwright_aws::cloud::{Access, Cloud as Clients};
use stackwright_aws::connect::Sources;
use stackwright_aws::kinds;
use stackwright_aws::trust::Trust;
use stackwright_engine::Address;
use stackwright_engine::manifest::{Cloud, Diagnostic, Manifest, nearest};
use stackwright_engine::providers::Providers;
use stackwright_engine::reference::Scope;
use stackwright_engine::state::{self, Disk as _, Folder, Lock, Place, Salvage, State, Store};
use stackwright_local::PortUse;
use tokio::sync::OnceCell;

use crate::environment;
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::render;

pub use self::open::{open, open_to_check, open_to_look};
pub use self::recorded::open_state;

/// The account that emulators answer with when nobody asks them.
const NO_ACCOUNT: &str = "000000000000";

/// A stack file that passed every check, and where its state is.
pub struct Workspace {
    pub manifest: Manifest,
    /// `.stackwright/<stack>/<cloud>` beside the stack file.
    folder: PathBuf,
    profile: Option<String>,
    local: stackwright_local::Config,
    /// What may be wrong with `--region`.
    region_doubt: Option<Diagnostic>,
}

/// A cloud that answered.
pub struct Connected {
    pub providers: Providers,
    pub clients: Arc<Clients>,
    pub scope: Scope,
    pub place: Place,
    pub calls: CallTracker,
    cloud: Cloud,
    /// Empty while the account is taken from the state.
    verified: OnceCell<()>,
    /// The folder of the state, for messages.
    state: PathBuf,
    /// How long new objects may be invisible; `None`: as long as AWS takes.
    pub consistency_window: Option<Duration>,
}

/// Returns `.stackwright/<stack>/<cloud>` beside the stack file.
fn state_folder(manifest: &Manifest, local: &stackwright_local::Config) -> PathBuf {
    let cloud = match &manifest.cloud {
        Cloud::Local => "local".to_owned(),
        Cloud::Endpoint(url) if is_managed(local, url) => "local".to_owned(),
        Cloud::Aws => {
            let account = manifest.account.as_deref().unwrap_or(NO_ACCOUNT);
            format!("aws-{account}-{}", manifest.region)
        }
        Cloud::Endpoint(url) => file_name(url),
    };
    manifest.folder().join(state::FOLDER).join(&manifest.stack).join(cloud)
}

/// Whether a URL is the local cloud by another name.
fn is_managed(local: &stackwright_local::Config, url: &str) -> bool {
    let port = local.port;
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| url == format!("http://{host}:{port}"))
}

impl Workspace {
    /// Prints what may be wrong in the file and with the options, on stderr. Returns the number of warnings.
    pub fn warn(&self) -> usize {
        if let Some(Diagnostic { message, help, .. }) = &self.region_doubt {
            let hint = help.as_ref().map(|help| format!("\n  hint: {help}")).unwrap_or_default();
            render::wrap::eprintln!("warning: --region: {message}{hint}\n");
        }
        render::diagnostics::warn(&self.manifest) + usize::from(self.region_doubt.is_some())
    }

    /// The state as it is, without a lock; `None`: there is none yet.
    pub fn peek(&self) -> Result<Option<State>> {
        Ok(Store::peek(&Folder::at(self.folder.clone()), &self.place(""))?)
    }

    /// Describes the run that works on the state now, for one that only reads it.
    pub fn run_in_progress(&self) -> Option<String> {
        let holder = Folder::at(self.folder.clone()).holder().ok()??;
        Some(holder.trim().to_owned())
    }

    /// As [`peek`](Self::peek), for what needs a state.
    pub fn known(&self) -> Result<State> {
        self.peek()?.ok_or_else(|| {
            let hint = "`stackwright reconcile` creates one";
            Error::Unknown("there is no state here yet".into(), Some(hint.into()))
        })
    }

    /// The state, locked for this run, before a cloud is asked anything.
    pub fn lock(&self, command: &str) -> Result<Lock> {
        let disk = Box::new(Folder::at(self.folder.clone()));
        Ok(Lock::take(disk, &environment::holder(command))?)
    }

    /// As [`lock`](Self::lock), for damaged files.
    pub fn rebuild(&self, place: &Place) -> Result<(Store, Salvage)> {
        let disk = Box::new(Folder::at(self.folder.clone()));
        let holder = environment::holder("state rebuild");
        Ok(Store::rebuild(disk, place, &holder, &environment::stamp())?)
    }

    /// The cloud that the stack names, started if it is the local one and does not run.
    pub async fn connect(&self, progress: &Progress) -> Result<Connected> {
        let connected = self.begin(progress).await?;
        connected.verify(progress).await?;
        Ok(connected)
    }

    /// As [`connect`](Self::connect), without waiting for the account where the state names it: see
    /// [`Connected::verify`].
    pub async fn begin(&self, progress: &Progress) -> Result<Connected> {
        let answering = match &self.manifest.cloud {
            Cloud::Local => {
                let mut report = |event| render::local(&event);
                let up = stackwright_local::up(&self.local, &mut report);
                Some(progress.during("bringing up the local cloud", up).await?.account)
            }
            _ => None,
        };
        self.sign_in(answering, progress).await
    }

    /// The cloud that the stack names; nothing is started, and the account is not waited for where the state
    /// names it ([`Connected::verify`]). `None`: the local cloud does not run.
    pub async fn look_for(&self, progress: &Progress) -> Result<Option<Connected>> {
        let answering = match &self.manifest.cloud {
            Cloud::Local => match stackwright_local::probe(self.local.port).await {
                PortUse::Aws { account, .. } => Some(account),
                PortUse::Free => return Ok(None),
                PortUse::Other { answer } => {
                    let port = self.local.port;
                    return Err(stackwright_local::Error::PortTaken { port, answer }.into());
                }
            },
            _ => None,
        };
        self.sign_in(answering, progress).await.map(Some)
    }

    /// The cloud that the stack names, for what is nothing without an answer; nothing is started.
    pub async fn reach(&self, progress: &Progress) -> Result<Connected> {
        let connected = self.look_for(progress).await?.ok_or_else(|| {
            let message = format!("{} does not answer", self.manifest.cloud);
            Error::Refused(
                message,
                Some("start it (`stackwright local up`), then try again".into()),
            )
        })?;
        connected.verify(progress).await?;
        Ok(connected)
    }

    /// For planning without a cloud.
    pub async fn offline(&self) -> Connected {
        let nowhere = Access::Endpoint { url: "http://127.0.0.1:9".into() };
        let account = self.manifest.account.as_deref().unwrap_or(NO_ACCOUNT);
        let clients = Clients::open(&nowhere, &self.manifest.region, Trust::none()).await;
        self.connected(clients, account, true)
    }

    fn access(&self) -> Result<Access> {
        match &self.manifest.cloud {
            Cloud::Local => Ok(Access::Endpoint { url: self.local.url() }),
            Cloud::Endpoint(url) if is_aws(url) => Err(Error::Refused(
                format!("{url} is AWS itself"),
                Some("use `cloud: aws` with an `account:`".into()),
            )),
            Cloud::Endpoint(url) => Ok(Access::Endpoint { url: url.clone() }),
            Cloud::Aws => match environment::custom_endpoint() {
                Some(variable) => Err(Error::Refused(
                    format!("{variable} is set, and would send an AWS stack's calls elsewhere"),
                    Some(format!("unset {variable}, or use --cloud URL")),
                )),
                None => Ok(Access::Aws { profile: self.profile.clone() }),
            },
        }
    }

    /// `is_verified`: whether nothing is left to be asked about the account.
    fn connected(&self, clients: Clients, account: &str, is_verified: bool) -> Connected {
        let clients = Arc::new(clients);
        let manifest = &self.manifest;
        let sources = Sources {
            folder: manifest.folder(),
            stack_file: manifest.source.path.clone(),
            cache: environment::cache(),
        };
        let local = matches!(manifest.cloud, Cloud::Local | Cloud::Endpoint(_));
        Connected {
            providers: kinds::providers(&clients, &sources),
            calls: clients.calls.clone(),
            clients,
            scope: manifest.scope(account),
            place: self.place(account),
            cloud: manifest.cloud.clone(),
            verified: OnceCell::new_with(is_verified.then_some(())),
            state: self.folder.clone(),
            consistency_window: local.then_some(Duration::ZERO),
        }
    }

    /// What the state is of. `account`: empty while it is not known.
    pub fn place(&self, account: &str) -> Place {
        let manifest = &self.manifest;
        let cloud = match &manifest.cloud {
            Cloud::Endpoint(url) if is_managed(&self.local, url) => Cloud::Local,
            other => other.clone(),
        };
        Place {
            stack: manifest.stack.clone(),
            cloud: cloud.to_string(),
            region: manifest.region.clone(),
            account: account.to_owned(),
        }
    }

    /// The managed port, for what a codespace needs to know.
    pub fn local_port(&self) -> u16 {
        self.local.port
    }
}

/// Refuses a proxy that the HTTP client would pass over without a word.
fn proxies(access: &Access) -> Result<()> {
    let (Access::Aws { .. }, Some((variable, wrong))) = (access, environment::wrong_proxy()) else {
        return Ok(());
    };
    Err(Error::Refused(
        format!("{variable} {wrong}"),
        Some(format!("write `http://HOST:PORT` into {variable}, or unset it")),
    ))
}

/// Returns the certificates that connections for `access` trust.
fn trust(access: &Access) -> Result<Trust> {
    if matches!(access, Access::Endpoint { url } if !url.starts_with("https://")) {
        return Ok(Trust::none());
    }
    match environment::ca_bundle() {
        None => Trust::system().map_err(|why| {
            Error::Refused(
                format!("no certificates to check HTTPS connections with: {why}"),
                Some(
                    "install the system's CA certificates (`ca-certificates`), or set AWS_CA_BUNDLE to a file in PEM"
                        .into(),
                ),
            )
        }),
        Some(file) => {
            let pem = std::fs::read(&file).map_err(|error| error.to_string());
            pem.and_then(Trust::only).map_err(|why| {
                let message = format!("AWS_CA_BUNDLE: {}: {why}", file.display());
                let hint = "correct the variable, or unset it to trust the system's certificates";
                Error::Refused(message, Some(hint.into()))
            })
        }
    }
}

/// The address, if the state has it.
pub fn known_address<'a>(state: &'a State, address: &Address) -> Result<&'a Address> {
    if let Some((address, _)) = state.resources.get_key_value(address) {
        return Ok(address);
    }
    let near = nearest(address.as_str(), state.resources.keys().map(Address::as_str));
    let hint = near.map(|near| format!("did you mean `{near}`?"));
    Err(Error::Unknown(format!("the state has no `{address}`"), hint))
}

fn is_aws(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    stackwright_aws::http_check::is_aws(host)
}

/// `http://host:4566` as `http-host-4566`.
fn file_name(url: &str) -> String {
    let plain = url.to_ascii_lowercase().replace("://", "-");
    plain.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_aws_by_its_hosts() {
        for (url, aws) in [
            ("https://ec2.us-east-1.amazonaws.com", true),
            ("https://amazonaws.com:443/x", true),
            ("https://ec2.cn-north-1.amazonaws.com.cn", true),
            ("http://amazonaws.com.example.org", false),
            ("http://localhost:4566", false),
        ] {
            assert_eq!(is_aws(url), aws, "{url}");
        }
    }

    #[test]
    fn a_url_becomes_one_folder() {
        assert_eq!(file_name("http://LocalStack.test:4566"), "http-localstack.test-4566");
        assert_eq!(file_name("https://a/../b"), "https-a-..-b");
    }
}
