//! `state mv` and `state rm`: another address, or none.

use std::time::Instant;

use stackwright_engine::Address;
use stackwright_engine::session;
use stackwright_engine::state::{Record, Store};

use super::super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::exit;
use crate::progress::{LOOKING, Progress};
use crate::render::wrap;
use crate::workspace;

pub async fn mv(stack: &Stack, from: &Address, to: &Address, progress: &Progress) -> Result<u8> {
    let workspace = workspace::open_to_look(stack).await?;
    let state = workspace.known()?;
    let from = workspace::known_address(&state, from)?;
    if from.kind() != to.kind() {
        let (was, is) = (from.kind(), to.kind());
        return Err(Error::Usage(format!(
            "`{was}` cannot become `{is}`: an object keeps its kind"
        )));
    }
    if state.resources.contains_key(to) {
        return Err(Error::Unknown(format!("the state has {to} already"), None));
    }
    let connected = workspace.offline().await;
    let mut store = workspace.lock("state mv")?.open(&state.place)?;
    is_finished(&store, from)?;
    let session = shared::looking(&workspace, &connected, progress, PlanOptions::default())?;
    let moved = session.relocate(&mut store, from, to);
    moved.map_err(|error| Error::session(error, &workspace.manifest))?;
    progress.flush().await;
    if !progress.json {
        wrap::eprintln!(
            "  hint: the tags in the cloud follow at the next `reconcile`, when the file has {to}"
        );
    }
    Ok(0)
}

/// What is open is found by the tags of the address that it was begun at.
fn is_finished(store: &Store, address: &Address) -> Result<()> {
    let record = store.state().resources.get(address);
    let is_open = |record: &Record| record.creating.is_some() || !record.deposed.is_empty();
    if !record.is_some_and(is_open) {
        return Ok(());
    }
    let message = format!("{address} is not finished by an earlier run");
    let hint = "run `stackwright reconcile` first";
    Err(Error::Unknown(message, Some(hint.into())))
}

/// `force`: also what cannot be read, or belongs to somebody else by now.
pub async fn rm(stack: &Stack, address: &Address, force: bool, progress: &Progress) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open_to_look(stack).await?;
    workspace::known_address(&workspace.known()?, address)?;
    let lock = workspace.lock("state rm")?;
    let connected = workspace.reach(progress).await?;
    let mut store = lock.open(&connected.place)?;
    is_finished(&store, address)?;
    let session = shared::looking(&workspace, &connected, progress, PlanOptions::default())?;
    let failed = |error| Error::session(error, &workspace.manifest);
    let looking = session.survey_to_release(store.state(), address);
    let surveyed = match progress.during(LOOKING, looking).await {
        Err(error @ (session::Error::Unseen(_) | session::Error::Foreign(_))) if force => {
            session.disown(&mut store, address).map_err(failed)?;
            let why = match error {
                session::Error::Unseen(_) => "it could not be read, and keeps its tags",
                _ => "it belongs to somebody else, and stays as it is",
            };
            if !progress.json {
                wrap::eprintln!("{address} is released; {why}");
            }
            return Ok(0);
        }
        surveyed => surveyed.map_err(failed)?,
    };
    let working = session.execute(&surveyed, &mut store);
    let outcome = progress.during("releasing", working).await.map_err(failed)?;
    progress.flush().await;
    if let Some((_, failure)) = outcome.failed.first() {
        return Ok(exit::of_failure(failure));
    }
    if !progress.json {
        let effort = shared::effort(&connected.calls, since);
        let what = if surveyed.is_gone(address) {
            "is no longer in the state; its object had been deleted already"
        } else {
            "is released and stays in the cloud"
        };
        wrap::eprintln!("{address} {what} ({effort})");
    }
    Ok(0)
}
