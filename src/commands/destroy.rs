//! `destroy`: everything the state knows is deleted, dependants first.

use std::time::Instant;

use serde_json::json;
use stackwright_engine::plan::ActionKind;
use stackwright_engine::session::Goal;

use super::shared::{self, Ends, LOOKING, PlanOptions};
use crate::cli::{ApplyArgs, Stack};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::render::{human, wrap};
use crate::signals::Signals;
use crate::workspace;

pub async fn run(
    stack: &Stack,
    apply: &ApplyArgs,
    options: PlanOptions,
    again: &str,
    progress: &Progress,
) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open_to_look(stack).await?;
    let stack = &workspace.manifest.stack;
    match workspace.peek()? {
        None => {
            wrap::eprintln!("{stack}: there is no state here: nothing to delete");
            wrap::eprintln!(
                "  hint: was it lost? `stackwright reconcile --adopt` finds by its tags what it had"
            );
            return Ok(0);
        }
        Some(state) if state.resources.is_empty() => {
            wrap::eprintln!("{stack}: the state is empty: nothing to delete");
            wrap::eprintln!(
                "  hint: an older copy? `stackwright reconcile --adopt` finds by its tags what it had"
            );
            return Ok(0);
        }
        Some(_) => {}
    }
    let signals = Signals::catch(again, progress.json);
    let ends = Ends { progress, signals: &signals, again };
    let lock = workspace.lock("destroy")?;
    let connected = workspace.connect(progress).await?;
    let mut store = lock.open(&connected.place)?;
    let (parallelism, stop) = (apply.parallelism.into(), signals.stop());
    let events = &progress.events;
    let session = shared::session(&workspace, &connected, events, parallelism, stop, options)?;
    let failed = |error| Error::session(error, &workspace.manifest);
    let recovered = ends.recover(&session, &mut store, Goal::Nothing).await;
    if let Some(ended) = recovered.map_err(failed)? {
        return Ok(ended);
    }
    let looking = session.survey_for_destroy(store.state());
    let surveyed = progress.during(LOOKING, looking).await.map_err(failed)?;
    progress.flush().await;
    if !progress.json {
        wrap::err(&human::plan(&surveyed.plan, connected.providers.kinds()));
    }
    shared::unless_blocked(&surveyed.plan).map_err(failed)?;
    let question = human::question(&surveyed.plan, &connected.place.cloud);
    shared::confirm(apply.yes, question)?;
    let working = signals.ending(session.execute(&surveyed, &mut store));
    let outcome = progress.during("destroying", working).await;
    progress.flush().await;
    let outcome = ends.written(outcome, store.state()).map_err(failed)?;
    let ended = shared::exit_code(&outcome, signals.code());
    if ended != 0 {
        ends.tell(&outcome, store.state(), "");
    } else if progress.json {
        let counts = surveyed.plan.counts();
        let of = |action| counts.get(&action).copied().unwrap_or(0);
        let (deleted, released) = (of(ActionKind::Delete), of(ActionKind::Release));
        let unsearched = &surveyed.plan.unsearched;
        let event = json!({
            "event": "destroyed",
            "deleted": deleted,
            "released": released,
            "unsearched": unsearched,
        });
        anstream::println!("{event}");
    } else {
        let place = &connected.place;
        let counts = human::counts(&surveyed.plan.counts(), true);
        let effort = shared::effort(&connected.calls, since);
        wrap::eprintln!("{} on {}: {counts} ({effort})", place.stack, place.cloud);
        if let Some(skipped) = human::skipped(&surveyed.plan) {
            wrap::eprintln!("{skipped}");
        }
    }
    Ok(ended)
}
