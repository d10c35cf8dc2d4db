//! `plan`: what reconcile would do, and why. Takes no lock and writes nothing.

use std::path::PathBuf;
use std::time::Instant;

use stackwright_engine::plan::{ActionKind, Plan};
use stackwright_engine::state::{OpenOperation, Operation};

use super::saved;
use super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::exit::code;
use crate::progress::Progress;
use crate::render::{clean, human, json, open, wrap};
use crate::workspace::{self, Connected};

pub struct Options {
    pub plan: PlanOptions,
    /// Where the plan is kept.
    pub out: Option<PathBuf>,
    pub detailed_exitcode: bool,
    /// Whether the cloud is not called at all.
    pub offline: bool,
    pub json: bool,
}

pub async fn run(stack: &Stack, options: &Options, progress: &Progress) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open(stack).await?;
    if !options.json {
        workspace.warn();
    }
    let state = workspace.peek()?;
    let answering = if options.offline { None } else { workspace.look_for(progress).await? };
    let offline = answering.is_none();
    if offline && state.as_ref().is_some_and(|state| !state.resources.is_empty()) {
        if options.offline {
            let message = "--offline plans a new stack; this one has a state, and what it needs is \
                           known only from the cloud";
            return Err(Error::Usage(message.into()).with_hint("plan without --offline"));
        }
        let message =
            format!("{} does not answer, and the state has resources", workspace.manifest.cloud);
        let hint = "start it (`stackwright local up`), then plan again";
        return Err(Error::Refused(message, Some(hint.into())));
    }
    let connected = match answering {
        Some(connected) => connected,
        None => workspace.offline().await,
    };
    progress.watch(&connected.calls);
    let state = state.unwrap_or_else(|| shared::nothing_yet(&connected));
    let operations = state.open();
    let open = open::sentences(&operations);
    // What is open is not left by an earlier run if one is in progress.
    let running = if open.is_empty() { None } else { workspace.run_in_progress() };
    if offline && options.out.is_some() {
        let message = format!("{} does not answer, so no plan can be saved", connected.place.cloud);
        let hint = "start it (`stackwright local up`), then plan again";
        return Err(Error::Refused(message, Some(hint.into())));
    }
    let session = shared::looking(&workspace, &connected, progress, options.plan.clone())?;
    let planning = async {
        if offline {
            session.plan_offline(&state).await
        } else {
            session.survey(&state).await.map(|surveyed| surveyed.plan)
        }
    };
    let planned = connected.look(progress, planning).await?;
    let plan = planned.map_err(|error| Error::session(error, &workspace.manifest))?;
    progress.flush().await;
    if let Some(file) = &options.out {
        saved::write(file, &plan, &state, &workspace, &options.plan)?;
    }
    let blocked = shared::unless_blocked(&plan).err();
    let blocked = blocked.map(|error| Error::session(error, &workspace.manifest));
    let changes = if options.detailed_exitcode && !plan.is_empty() { code::CHANGES } else { 0 };
    if options.json {
        let mut document = json::plan(&plan);
        document["stack"] = workspace.manifest.stack.as_str().into();
        document["cloud"] = workspace.manifest.cloud.to_string().into();
        document["offline"] = offline.into();
        document["open"] = open.into();
        document["run_in_progress"] = running.into();
        return Ok(shared::print_document(document, blocked, changes));
    }
    let is_asked = offline.then_some(options.offline);
    match running {
        Some(holder) => print_running(&holder, &open),
        None => print_left(&operations, &plan),
    }
    print(&plan, is_asked, &connected, since);
    blocked.map_or(Ok(changes), Err)
}

/// Prints what another run is about to do.
fn print_running(holder: &str, open: &[String]) {
    wrap::eprintln!("another run is in progress ({}):", clean(holder));
    open.iter().for_each(|line| wrap::eprintln!("  {line}"));
}

/// Prints what an earlier run has begun and not finished: what is still to be done, and what needs nothing more,
/// because the object matches the file as it is.
fn print_left(open: &[OpenOperation], plan: &Plan) {
    let is_settled = |open: &OpenOperation| {
        let is_kept = matches!(open.operation, Operation::Update(_) | Operation::Complete(_));
        let is_as_wanted = || {
            plan.steps
                .iter()
                .any(|step| step.address == open.address && step.kind() == ActionKind::Record)
        };
        is_kept && is_as_wanted()
    };
    let (settled, left): (Vec<_>, Vec<_>) = open.iter().cloned().partition(is_settled);
    if !left.is_empty() {
        wrap::eprintln!("left incomplete by an earlier run; `reconcile` continues it:");
        open::sentences(&left).iter().for_each(|line| wrap::eprintln!("  {line}"));
    }
    if !settled.is_empty() {
        wrap::eprintln!(
            "left incomplete by an earlier run, but matches the file now; `reconcile` records that:"
        );
        open::sentences(&settled).iter().for_each(|line| wrap::eprintln!("  {line}"));
    }
}

/// `is_asked`: for an offline plan, whether it was asked for.
fn print(plan: &Plan, is_asked: Option<bool>, connected: &Connected, since: Instant) {
    match is_asked {
        None => {}
        Some(true) => wrap::eprintln!("planned offline, as if nothing existed"),
        Some(false) => wrap::eprintln!(
            "{} does not answer; planned offline, as if nothing existed there",
            connected.place.cloud
        ),
    }
    wrap::out(&human::plan(plan, connected.providers.kinds()));
    let place = &connected.place;
    // What blocks it is said with the error.
    if plan.is_empty() && !plan.blocked.is_empty() {
        return;
    }
    let mut counts = human::counts(&plan.counts(), false);
    if !plan.blocked.is_empty() {
        counts.push_str("; blocked");
    }
    let effort = shared::effort(&connected.calls, since);
    wrap::println!("{} on {}: {counts} ({effort})", place.stack, place.cloud);
    if let Some(skipped) = human::skipped(plan) {
        wrap::println!("{skipped}");
    }
}
