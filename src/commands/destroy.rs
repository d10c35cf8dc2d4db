//! `destroy`: everything the state knows is deleted, dependants first.

use std::time::Instant;

use serde_json::{Value, json};
use stackwright_engine::plan::{ActionKind, Plan};
use stackwright_engine::session::Goal;

use super::shared::{self, Ends, PlanOptions};
use crate::cli::{ApplyArgs, Stack};
use crate::error::{Error, Result};
use crate::print;
use crate::progress::Progress;
use crate::render::{human, wrap};
use crate::signals::Signals;
use crate::workspace::{self, Connected, Workspace};

pub struct Options {
    pub apply: ApplyArgs,
    pub plan: PlanOptions,
    /// The stack, by its name: the state is enough, and no file is read.
    pub of_stack: Option<String>,
    /// The command that goes on.
    pub again: String,
}

pub async fn run(stack: &Stack, options: Options, progress: &Progress) -> Result<u8> {
    let mut since = Instant::now();
    let Options { apply, plan, of_stack, again } = options;
    let again = again.as_str();
    let workspace = workspace::open_state(stack, of_stack.as_deref(), "destroy").await?;
    if is_nothing(&workspace, progress)? {
        return Ok(0);
    }
    let signals = Signals::catch(again, progress.json);
    let ends = Ends { progress, signals: &signals, again };
    let lock = workspace.lock("destroy")?;
    let connected = workspace.begin(progress).await?;
    let mut store = lock.open(&connected.place)?;
    let (parallelism, stop) = (apply.parallelism.into(), signals.stop());
    let events = &progress.events;
    let session = shared::session(&workspace, &connected, events, parallelism, stop, plan)?;
    let failed = |error| Error::session(error, &workspace.manifest);
    if !store.state().open().is_empty() {
        // Recovery sends calls that write.
        connected.verify(progress).await?;
    }
    let recovered = ends.recover(&session, &mut store, Goal::Nothing).await;
    if let Some(ended) = recovered.map_err(failed)? {
        return Ok(ended);
    }
    let looking = session.survey_for_destroy(store.state());
    let surveyed = connected.look(progress, looking).await?.map_err(failed)?;
    progress.flush().await;
    if !progress.json {
        wrap::err(&human::plan(&surveyed.plan, connected.providers.kinds()));
    }
    shared::unless_blocked(&surveyed.plan).map_err(failed)?;
    let question = human::question(&surveyed.plan, &connected.place.cloud);
    since += shared::confirm(apply.yes, question).await?;
    let working = signals.ending(session.execute(&surveyed, &mut store));
    let outcome = progress.during("destroying", working).await;
    progress.flush().await;
    let outcome = ends.written(outcome, store.state()).map_err(failed)?;
    let ended = shared::exit_code(&outcome, signals.code());
    if ended != 0 {
        ends.tell(&outcome, store.state(), "");
    } else if progress.json {
        print::stdout!("{}", event(&surveyed.plan));
    } else {
        summary(&surveyed.plan, &connected, since);
    }
    Ok(ended)
}

/// Reports whether there is nothing to delete.
fn is_nothing(workspace: &Workspace, progress: &Progress) -> Result<bool> {
    let stack = &workspace.manifest.stack;
    let (what, when) = match workspace.peek()? {
        None => ("there is no state here", "was it lost?"),
        Some(state) if state.resources.is_empty() => ("the state is empty", "an older copy?"),
        Some(_) => return Ok(false),
    };
    progress.say(
        || {
            format!(
                "{stack}: {what}: nothing to delete\n  \
                 hint: {when} `stackwright reconcile --adopt` finds by its tags what it had"
            )
        },
        || event(&Plan::default()),
    );
    Ok(true)
}

fn event(plan: &Plan) -> Value {
    let counts = plan.counts();
    let of = |action| counts.get(&action).copied().unwrap_or(0);
    let (deleted, released) = (of(ActionKind::Delete), of(ActionKind::Release));
    json!({
        "event": "destroyed",
        "deleted": deleted,
        "gone": of(ActionKind::Gone),
        "released": released,
        "unsearched": plan.unsearched,
    })
}

fn summary(plan: &Plan, connected: &Connected, since: Instant) {
    let place = &connected.place;
    let counts = human::counts(&plan.counts(), true);
    let effort = shared::effort(&connected.calls, since);
    wrap::eprintln!("{} on {}: {counts} ({effort})", place.stack, place.cloud);
    if let Some(skipped) = human::skipped(plan) {
        wrap::eprintln!("{skipped}");
    }
}
