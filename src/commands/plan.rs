//! `plan`: what reconcile would do, and why. Takes no lock and writes nothing.

use std::time::Instant;

use stackwright_engine::plan::Plan;
use stackwright_engine::state::State;
use tokio::sync::watch;

use super::shared;
use crate::cli::Stack;
use crate::error::{Error, Result, code};
use crate::progress::Progress;
use crate::render::{human, json};
use crate::workspace::{self, Connected};

pub struct Ask {
    pub adopt: bool,
    pub detailed_exitcode: bool,
    pub json: bool,
}

pub async fn run(stack: &Stack, ask: &Ask, progress: &Progress) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open(stack).await?;
    let state = workspace.peek()?;
    let answering = workspace.look_for(progress).await?;
    let offline = answering.is_none();
    if offline && state.as_ref().is_some_and(|state| !state.resources.is_empty()) {
        let message =
            format!("{} does not answer, and the state holds resources", workspace.manifest.cloud);
        let hint = "start it (`stackwright local up`), then plan again";
        return Err(Error::Refused(message, Some(hint.into())));
    }
    let connected = match answering {
        Some(connected) => connected,
        None => workspace.offline().await,
    };
    let state = state.unwrap_or_else(|| nothing_yet(&connected));
    let open = state.open();
    let (_keep, stop) = watch::channel(false);
    let session = shared::session(&workspace, &connected, &progress.events, (1, stop), ask.adopt)?;
    let planning = async {
        match offline {
            true => session.plan_offline(&state).await,
            false => session.survey(&state).await.map(|surveyed| surveyed.plan),
        }
    };
    let planned = progress.during(shared::LOOKING, planning).await;
    let plan = planned.map_err(|error| Error::session(error, &workspace.manifest))?;
    progress.flush().await;
    if ask.json {
        let mut document = json::plan(&plan);
        document["stack"] = workspace.manifest.stack.as_str().into();
        document["cloud"] = workspace.manifest.cloud.to_string().into();
        document["offline"] = offline.into();
        document["open"] = open.into();
        anstream::println!("{document:#}");
    } else {
        print(&plan, &open, offline, &connected, since);
    }
    Ok(if ask.detailed_exitcode && !plan.is_empty() { code::CHANGES } else { 0 })
}

fn print(plan: &Plan, open: &[String], offline: bool, connected: &Connected, since: Instant) {
    if offline {
        anstream::eprintln!(
            "{} does not answer; planned offline, as if nothing existed there",
            connected.place.cloud
        );
    }
    if !open.is_empty() {
        anstream::eprintln!("not finished by an earlier run; reconcile goes on from there:");
        open.iter().for_each(|line| anstream::eprintln!("  {line}"));
    }
    anstream::print!("{}", human::plan(plan));
    let place = &connected.place;
    let counts = human::counts(&plan.counts(), false);
    let effort = shared::effort(&connected.calls, since);
    anstream::println!("{} on {}: {counts} ({effort})", place.stack, place.cloud);
}

/// The state before the first run; the lineage is made when one writes.
fn nothing_yet(connected: &Connected) -> State {
    State { place: connected.place.clone(), ..State::default() }
}
