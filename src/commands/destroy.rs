//! `destroy`: everything the state knows is deleted, dependants first.

use std::time::Instant;

use serde_json::json;
use stackwright_engine::session::Goal;

use super::shared;
use crate::cli::{Stack, Writing};
use crate::error::{Error, Result};
use crate::progress::{Progress, Signals};
use crate::render::human;
use crate::workspace;

pub async fn run(stack: &Stack, writing: &Writing, json: bool) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open_to_look(stack).await?;
    let stack = &workspace.manifest.stack;
    match workspace.peek()? {
        None => {
            anstream::eprintln!("{stack}: there is no state here, so nothing is known to delete");
            anstream::eprintln!(
                "  hint: was it lost? `stackwright reconcile --adopt` finds again by its tags what it held"
            );
            return Ok(0);
        }
        Some(state) if state.resources.is_empty() => {
            anstream::eprintln!("{stack}: the state holds nothing to delete");
            return Ok(0);
        }
        Some(_) => {}
    }
    let connected = workspace.connect().await?;
    let mut store = workspace.lock(&connected.place, "destroy")?;
    let signals = Signals::new();
    let progress = Progress::start(json);
    let options = (writing.parallelism.into(), signals.stop());
    let session = shared::session(&workspace, &connected, &progress.events, options, false)?;
    let failed = |error| Error::session(error, &workspace.manifest);
    session.recover(&mut store, Goal::Nothing).await.map_err(failed)?;
    let surveyed = session.survey_for_destroy(store.state()).await.map_err(failed)?;
    if !json {
        anstream::eprint!("{}", human::plan(&surveyed.plan));
    }
    shared::confirm(writing.yes, "deletes everything above")?;
    signals.catch();
    let outcome = session.execute(&surveyed, &mut store).await;
    drop(store);
    progress.end().await;
    let outcome = outcome.map_err(failed)?;
    let ended = shared::exit_code(&outcome, signals.code());
    if ended != 0 {
        shared::how_to_go_on(&outcome, "destroy");
    } else if json {
        anstream::println!("{}", json!({ "event": "destroyed", "deleted": outcome.done }));
    } else {
        let place = &connected.place;
        let counts = human::counts(&surveyed.plan.counts(), true);
        let effort = shared::effort(&connected.calls, since);
        anstream::eprintln!("{} on {}: {counts} ({effort})", place.stack, place.cloud);
    }
    Ok(ended)
}
