//! `drift`: what differs in the cloud from what was last applied.

use std::time::Instant;

use stackwright_engine::plan::{Note, Noted};
use stackwright_engine::session;

use super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::exit::code;
use crate::progress::{LOOKING, Progress};
use crate::render::{human, json, open, wrap};
use crate::workspace;

pub async fn run(
    stack: &Stack,
    detailed_exitcode: bool,
    json: bool,
    progress: &Progress,
) -> Result<u8> {
    let since = Instant::now();
    let workspace = workspace::open_to_look(stack).await?;
    let state = workspace.known()?;
    let connected = workspace.reach(progress).await?;
    let session = shared::looking(&workspace, &connected, progress, PlanOptions::default())?;
    let looked = progress.during(LOOKING, session.drift(&state)).await;
    let failed = |error| Error::session(error, &workspace.manifest);
    let (drift, unseen) = looked.map_err(failed)?;
    progress.flush().await;
    let open = open::sentences(&state.open());
    let changes = if detailed_exitcode && !drift.is_empty() { code::CHANGES } else { 0 };
    if json {
        let mut document = json::plan(&drift);
        document["stack"] = workspace.manifest.stack.as_str().into();
        document["cloud"] = workspace.manifest.cloud.to_string().into();
        document["open"] = open.into();
        document["unseen"] = unseen.iter().map(|unseen| unseen.what()).collect();
        let unseen = (!unseen.is_empty()).then(|| failed(session::Error::Unseen(unseen)));
        return Ok(shared::print_document(document, unseen, changes));
    }
    wrap::out(&human::drift(&drift));
    let is_complete = open.is_empty() && unseen.is_empty();
    for line in open {
        wrap::println!("not compared: {line}");
    }
    let place = &connected.place;
    let is_left_alone =
        |noted: &&Noted| matches!(noted.note, Note::Unmanaged(_) | Note::NotDefault { .. });
    let left_alone = match drift.notes.iter().filter(is_left_alone).count() {
        0 => String::new(),
        count => format!("; {count} not in the file and left alone"),
    };
    let found = match (drifted(&drift), drift.blocked.is_empty()) {
        (0, _) if is_complete => "no drift".to_owned(),
        (0, _) => "nothing else has drifted".to_owned(),
        (count, true) => format!("{count} drifted; `reconcile` applies the file again"),
        (count, false) => format!("{count} drifted; `plan` shows what blocks the repair"),
    };
    let effort = shared::effort(&connected.calls, since);
    wrap::println!("{} on {}: {found}{left_alone} ({effort})", place.stack, place.cloud);
    if !unseen.is_empty() {
        return Err(failed(session::Error::Unseen(unseen)));
    }
    Ok(changes)
}

fn drifted(plan: &stackwright_engine::plan::Plan) -> usize {
    plan.counts().values().sum()
}
