//! Signing in: which account the credentials are for.
//!
//! The account of a stack is on record once it has a state. Then the first look at its objects does not wait
//! for STS: both are asked at the same moment, and nothing is written or reported before STS has confirmed the
//! account.

use stackwright_aws::cloud::{Access, Cloud as Clients};
use stackwright_aws::{credentials, profiles};
use stackwright_engine::kind::{Error as CallError, Fault};
use stackwright_engine::manifest::{Cloud, nearest};
use stackwright_engine::state::{self, Folder, Store};

use super::{Connected, Workspace, proxies, trust};
use crate::environment;
use crate::error::{Error, Result};
use crate::progress::{LOOKING, Progress};

impl Workspace {
    /// Opens the clients. The account is `answering`, or that of the state, or asked for now.
    pub(super) async fn sign_in(
        &self,
        answering: Option<String>,
        progress: &Progress,
    ) -> Result<Connected> {
        let access = self.access()?;
        proxies(&access)?;
        profile_exists(&access).await?;
        let clients = Clients::open(&access, &self.manifest.region, trust(&access)?).await;
        if let (Access::Aws { .. }, Some(url)) = (&access, clients.config.endpoint_url()) {
            let message = format!("the profile sends AWS calls to {url}");
            let hint = "take endpoint_url out of the profile, or use --cloud URL";
            return Err(Error::Refused(message, Some(hint.into())));
        }
        progress.watch(&clients.calls);
        if let Some(account) = answering {
            let clients = clients.in_account(account.clone());
            return Ok(self.connected(clients, &account, true));
        }
        if let Some(account) = self.recorded_account() {
            let clients = clients.in_account(account.clone());
            return Ok(self.connected(clients, &account, false));
        }
        let cloud = &self.manifest.cloud;
        let account = progress.during(&signing_in(cloud), clients.account()).await;
        let account = account.map_err(|error| not_signed_in(cloud, error))?;
        self.is_wanted(&account)?;
        Ok(self.connected(clients, &account, true))
    }

    /// Returns the account of the state. One that cannot be read, or is of another place, is reported by whoever
    /// needs it.
    fn recorded_account(&self) -> Option<String> {
        let account = Store::place(&Folder::at(self.folder.clone()))?.account;
        let is_wanted = self.is_wanted(&account).is_ok();
        Some(account).filter(|account| is_wanted && !account.is_empty())
    }

    fn is_wanted(&self, account: &str) -> Result<()> {
        match &self.manifest.account {
            Some(wanted) if wanted != account && self.manifest.cloud == Cloud::Aws => {
                Err(other_account(account, wanted))
            }
            _ => Ok(()),
        }
    }
}

impl Connected {
    /// Waits until the credentials are known to be for the account of the state.
    pub async fn verify(&self, progress: &Progress) -> Result<()> {
        progress.during(&signing_in(&self.cloud), self.verified()).await
    }

    async fn verified(&self) -> Result<()> {
        let verify = || async {
            let account = self.clients.identify().await;
            let account = account.map_err(|error| not_signed_in(&self.cloud, error))?;
            if account == self.place.account {
                return Ok(());
            }
            if self.cloud == Cloud::Aws {
                return Err(other_account(&account, &self.place.account));
            }
            let (path, recorded) = (self.state.clone(), self.place.account.clone());
            Err(state::Error::Elsewhere { path, what: "account", recorded, wanted: account }.into())
        };
        self.verified.get_or_try_init(verify).await.copied()
    }

    /// Looks at the cloud while the account is verified. The look writes nothing; what it says counts only once
    /// the account is known to be the right one.
    pub async fn look<T>(&self, progress: &Progress, look: impl Future<Output = T>) -> Result<T> {
        let look = async { Ok(look.await) };
        let both = async { tokio::try_join!(self.verified(), look) };
        progress.during(LOOKING, both).await.map(|((), seen)| seen)
    }
}

/// Refuses a profile that does not exist: the SDK would look for credentials elsewhere, and report those.
async fn profile_exists(access: &Access) -> Result<()> {
    let (source, name) = match access {
        Access::Endpoint { .. } => return Ok(()),
        Access::Aws { profile: Some(name) } => ("--profile", name.clone()),
        Access::Aws { profile: None } => match environment::profile() {
            Some(name) => ("AWS_PROFILE", name),
            None => return Ok(()),
        },
    };
    let Some(known) = profiles::instead_of(&name).await else { return Ok(()) };
    let hint = match nearest(&name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => {
            "there are none yet: `aws configure sso` or `aws configure` makes one".to_owned()
        }
        None => format!("there are: {}", known.join(", ")),
    };
    let [config, credentials] = environment::profile_files();
    let message = format!("{source}: there is no profile `{name}` in {config} or {credentials}");
    Err(Error::Refused(message, Some(hint)))
}

fn other_account(account: &str, wanted: &str) -> Error {
    let message = format!("these credentials are for account {account}, the stack is in {wanted}");
    Error::Refused(message, Some("choose another --profile, or correct `account:`".into()))
}

fn signing_in(cloud: &Cloud) -> String {
    format!("signing in to {cloud}")
}

/// Says why the account is not known.
fn not_signed_in(cloud: &Cloud, error: CallError) -> Error {
    match error.fault {
        Fault::Credentials if credentials::are_missing(&error) => {
            let half = environment::half_of_a_key();
            let error = match half {
                Some((set, missing)) => error
                    .with_hint(format!("{set} is set and {missing} is not: set both, or neither")),
                None => error,
            };
            Error::cloud(format!("there are no credentials for {}", named(cloud)), error)
        }
        Fault::Credentials => {
            Error::cloud(format!("{} rejected the credentials", named(cloud)), error)
        }
        Fault::Unreachable if *cloud == Cloud::Aws => Error::cloud("AWS was not reached", error),
        Fault::Unreachable => Error::cloud(format!("{cloud} does not answer"), error),
        Fault::Denied => {
            let message = format!("{} rejected the credentials: {error}", named(cloud));
            Error::Refused(message, error.hint)
        }
        _ => {
            let message = format!("{} did not say which account this is: {error}", named(cloud));
            Error::Refused(message, error.hint)
        }
    }
}

/// The cloud's name in a sentence.
fn named(cloud: &Cloud) -> String {
    match cloud {
        Cloud::Aws => "AWS".to_owned(),
        other => other.to_string(),
    }
}
