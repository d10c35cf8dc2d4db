//! Plans kept in a file: written by `plan --out`, done by `reconcile --plan`.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use stackwright_engine::plan::{Outdated, Plan, Saved};
use stackwright_engine::state::State;

use super::shared::PlanOptions;
use crate::error::{Error, Result};
use crate::render::outdated;
use crate::workspace::Workspace;

pub fn write(
    file: &Path,
    plan: &Plan,
    state: &State,
    workspace: &Workspace,
    options: &PlanOptions,
) -> Result<()> {
    let env = &workspace.manifest.env;
    let saved = Saved::of(plan, state, env, options.selection.clone(), options.adopt);
    let saved = saved.map_err(|error| Error::Io(std::io::Error::other(error.to_string())))?;
    let text = serde_json::to_string_pretty(&saved)?;
    // It tells what the stack is made of: for its user alone.
    let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file);
    let written = made.and_then(|mut out| writeln!(out, "{text}"));
    written.map_err(|source| Error::Write { path: file.to_owned(), source })
}

pub fn read(file: &Path) -> Result<Saved> {
    let text =
        std::fs::read_to_string(file).map_err(|source| Error::given("--plan", file, source))?;
    serde_json::from_str(&text).map_err(|error| {
        let message = format!("{} is not a plan of `plan --out`: {error}", file.display());
        Error::Unknown(message, None)
    })
}

/// Whether a plan is of this stack on this cloud, as far as can be told without asking it.
pub fn is_here(saved: &Saved, workspace: &Workspace) -> Result<()> {
    let known = workspace.place(&saved.place.account);
    saved.is_of(&known).map_err(refused)
}

/// Whether nothing has been done since the plan was made.
pub fn is_from(saved: &Saved, state: &State) -> Result<()> {
    saved.is_from(state).map_err(refused)
}

/// Whether `plan`, made now, is the one that was approved.
pub fn check(saved: &Saved, plan: &Plan, state: &State, workspace: &Workspace) -> Result<()> {
    saved.check(plan, state, &workspace.manifest.env).map_err(refused)
}

fn refused(outdated: Outdated) -> Error {
    let hint = "plan again, review it, and apply that one";
    let message = format!("nothing was changed: {}", outdated::phrase(&outdated));
    Error::Unknown(message, Some(hint.into()))
}
