//! `reconcile`: recover, look, plan, ask, do, check.

use std::time::Instant;

use serde_json::json;
use stackwright_engine::manifest::Cloud;
use stackwright_engine::plan::Plan;
use stackwright_engine::session::Goal;

use super::{check, output, shared};
use crate::cli::{Stack, Writing};
use crate::error::{Error, Result, code};
use crate::progress::{Progress, Signals};
use crate::render::{self, human};
use crate::workspace::{self, Connected, Workspace};

pub struct Ask {
    pub writing: Writing,
    pub adopt: bool,
    pub check: bool,
    pub detailed_exitcode: bool,
    pub json: bool,
}

pub async fn run(stack: &Stack, ask: &Ask) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open(stack).await?;
    let connected = workspace.connect().await?;
    let mut store = workspace.lock(&connected.place, "reconcile")?;
    let signals = Signals::new();
    let progress = Progress::start(ask.json);
    let options = (ask.writing.parallelism.into(), signals.stop());
    let session = shared::session(&workspace, &connected, &progress.events, options, ask.adopt)?;
    let failed = |error| Error::session(error, &workspace.manifest);
    session.recover(&mut store, Goal::File).await.map_err(failed)?;
    let surveyed = session.survey(store.state()).await.map_err(failed)?;
    let plan = &surveyed.plan;
    if !ask.json {
        anstream::eprint!("{}", human::plan(plan));
    }
    if plan.destroys() {
        shared::confirm(ask.writing.yes, "deletes or replaces objects")?;
    }
    signals.catch();
    let outcome = session.execute(&surveyed, &mut store).await;
    let state = store.state().clone();
    drop(store);
    progress.end().await;
    let outcome = outcome.map_err(failed)?;

    let ended = shared::exit_code(&outcome, signals.code());
    if ended != 0 {
        shared::how_to_go_on(&outcome, "reconcile");
        return Ok(ended);
    }
    summary(ask, plan, &connected, since);
    let mut checked = true;
    if ask.check {
        let all = check::all(&workspace.manifest, &connected, &state, ask.json);
        checked = match signals.unless(all).await {
            Ok(checked) => checked?,
            Err(signal) => {
                anstream::eprintln!(
                    "interrupted: the resources are in place, the checks did not end"
                );
                return Ok(signal);
            }
        };
    }
    if ask.json {
        let values = output::values(&workspace.manifest, &connected.scope, &state);
        anstream::println!("{}", json!({ "event": "outputs", "outputs": values }));
    } else {
        epilogue(&workspace, &connected, &state);
    }
    Ok(match () {
        () if !checked => code::CHECK,
        () if ask.detailed_exitcode && !plan.is_empty() => code::CHANGES,
        () => 0,
    })
}

fn summary(ask: &Ask, plan: &Plan, connected: &Connected, since: Instant) {
    let counts = plan.counts();
    let effort = shared::effort(&connected.calls, since);
    if ask.json {
        let calls = json!({ "total": connected.calls.total(), "writes": connected.calls.writes() });
        let elapsed = since.elapsed().as_millis() as u64;
        let event = json!({
            "event": "reconciled", "changes": !plan.is_empty(), "calls": calls, "elapsed_ms": elapsed,
        });
        anstream::println!("{event}");
    } else {
        let stack = &connected.place.stack;
        let cloud = &connected.place.cloud;
        anstream::eprintln!("{stack} on {cloud}: {} ({effort})", human::counts(&counts, true));
    }
}

/// The outputs, and in a codespace how the API is reached from outside.
fn epilogue(
    workspace: &Workspace,
    connected: &Connected,
    state: &stackwright_engine::state::State,
) {
    let values = output::values(&workspace.manifest, &connected.scope, state);
    for (name, value) in &values {
        if let Some(value) = value {
            anstream::println!("{name} = {}", render::clean(value));
        }
    }
    if workspace.manifest.cloud == Cloud::Local {
        output::codespace(workspace, &values);
    }
}
