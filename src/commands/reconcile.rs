//! `reconcile`: recover, look, plan, ask, do, check.

use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;
use stackwright_engine::execute::Outcome;
use stackwright_engine::manifest::Cloud;
use stackwright_engine::plan::Plan;
use stackwright_engine::session::Goal;

use super::shared::{self, Ends, PlanOptions};
use super::{check, output, saved};
use crate::cli::{ApplyArgs, Stack};
use crate::error::{Error, Result};
use crate::exit::code;
use crate::print;
use crate::progress::Progress;
use crate::render::{self, human, wrap};
use crate::signals::Signals;
use crate::workspace::{self, Connected, Workspace};

pub struct Options {
    pub apply: ApplyArgs,
    pub plan: PlanOptions,
    /// The file of a saved plan: exactly that is applied, or nothing.
    pub saved: Option<PathBuf>,
    pub check: bool,
    pub detailed_exitcode: bool,
    /// The command that goes on.
    pub again: String,
}

pub async fn run(stack: &Stack, mut options: Options, progress: &Progress) -> Result<u8> {
    let mut since = Instant::now();
    let workspace = workspace::open(stack).await?;
    if !progress.json {
        workspace.warn();
    }
    let saved = options.saved.as_deref().map(saved::read).transpose()?;
    if let Some(saved) = &saved {
        options.plan = PlanOptions { adopt: saved.adopt, selection: saved.selection.clone() };
        // Before a lock is taken and a state is made.
        saved::is_here(saved, &workspace)?;
    }
    let signals = Signals::catch(&options.again, progress.json);
    let ends = Ends { progress, signals: &signals, again: &options.again };
    let lock = workspace.lock("reconcile")?;
    let connected = workspace.begin(progress).await?;
    let mut store = lock.open(&connected.place)?;
    if let Some(saved) = &saved {
        saved::is_from(saved, store.state())?;
    }
    let (parallelism, stop) = (options.apply.parallelism.into(), signals.stop());
    let (events, plan) = (&progress.events, options.plan.clone());
    let session = shared::session(&workspace, &connected, events, parallelism, stop, plan)?;
    let failed = |error| Error::session(error, &workspace.manifest);
    if !store.state().open().is_empty() {
        // Recovery sends calls that write.
        connected.verify(progress).await?;
    }
    let recovered = ends.recover(&session, &mut store, Goal::File).await;
    if let Some(ended) = recovered.map_err(failed)? {
        return Ok(ended);
    }
    let looking = session.survey(store.state());
    let surveyed = connected.look(progress, looking).await?.map_err(failed)?;
    progress.flush().await;
    let plan = &surveyed.plan;
    if !progress.json {
        wrap::err(&human::plan(plan, connected.providers.kinds()));
    }
    shared::unless_blocked(plan).map_err(failed)?;
    if let Some(saved) = &saved {
        saved::check(saved, plan, store.state(), &workspace)?;
    } else if plan.destroys() {
        // The time in which the user thinks is not the run's.
        since += shared::confirm(options.apply.yes, human::question(plan, &connected.place.cloud))
            .await?;
    }
    let working = signals.ending(session.execute(&surveyed, &mut store));
    let outcome = progress.during("reconciling", working).await;
    progress.flush().await;
    let state = store.into_state();
    let outcome = ends.written(outcome, &state).map_err(failed)?;

    let ended = shared::exit_code(&outcome, signals.code());
    if ended != 0 {
        ends.tell(&outcome, &state, "");
        return Ok(ended);
    }
    summary(progress, plan, &connected, since);
    let mut checked = true;
    if options.check && options.plan.selection.is_narrow() && !workspace.manifest.checks.is_empty()
    {
        progress.say(
            || "checks skipped: a part of the stack is (--target/--exclude)".to_owned(),
            || json!({ "event": "unchecked" }),
        );
    } else if options.check {
        let mut ended = Vec::new();
        let all = check::all(&workspace.manifest, &connected, &state, &mut ended, progress);
        checked = match signals.unless(all).await {
            Ok(checked) => checked?,
            Err(signal) => {
                let outcome = Outcome { interrupted: true, ..outcome };
                ends.tell(&outcome, &state, " in the checks, with all resources in place");
                return Ok(signal);
            }
        };
    }
    if progress.json {
        let values = output::values(&workspace.manifest, &connected.scope, &state);
        print::stdout!("{}", json!({ "event": "outputs", "outputs": values }));
    } else {
        epilogue(&workspace, &connected, &state);
    }
    Ok(match () {
        () if !checked => code::CHECK,
        () if options.detailed_exitcode && !plan.is_empty() => code::CHANGES,
        () => 0,
    })
}

fn summary(progress: &Progress, plan: &Plan, connected: &Connected, since: Instant) {
    let counts = plan.counts();
    let effort = shared::effort(&connected.calls, since);
    if progress.json {
        let calls = json!({ "total": connected.calls.total(), "writes": connected.calls.writes() });
        let elapsed = since.elapsed().as_millis() as u64;
        let event = json!({
            "event": "reconciled", "changes": !plan.is_empty(), "calls": calls, "elapsed_ms": elapsed,
        });
        print::stdout!("{event}");
    } else {
        let stack = &connected.place.stack;
        let cloud = &connected.place.cloud;
        wrap::eprintln!("{stack} on {cloud}: {} ({effort})", human::counts(&counts, true));
        if let Some(skipped) = human::skipped(plan) {
            wrap::eprintln!("{skipped}");
        }
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
            print::stdout!("{name} = {}", render::clean(value));
        }
    }
    if workspace.manifest.cloud == Cloud::Local {
        output::codespace(workspace, &values);
    }
}
