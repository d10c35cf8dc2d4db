//! `state rebuild`: damaged files are rebuilt.

use serde_json::json;
use stackwright_engine::state::{Salvage, State as Known};

use super::super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::print;
use crate::progress::{LOOKING, Progress};
use crate::render::{clean, open, wrap};
use crate::workspace;

/// The files are made readable first: should looking fail, the next command can go on from there.
pub async fn run(stack: &Stack, adopt: bool, progress: &Progress) -> Result<u8> {
    let workspace = workspace::open_to_look(stack).await?;
    let connected = workspace.connect(progress).await?;
    let (mut store, salvage) = workspace.rebuild(&connected.place)?;
    if !progress.json {
        tell(&salvage);
    }
    let options = PlanOptions { adopt, ..PlanOptions::default() };
    let session = shared::looking(&workspace, &connected, progress, options)?;
    let taken = progress.during(LOOKING, session.adopt_owned(&mut store)).await;
    progress.flush().await;
    taken.map_err(|error| Error::session(error, &workspace.manifest))?;
    conclude(store.state(), &salvage, progress.json);
    Ok(0)
}

fn tell(salvage: &Salvage) {
    let Salvage { damage, kept, knows_lineage, is_new } = salvage;
    if damage.is_empty() {
        let found = if *is_new { "there is no state yet" } else { "the files are whole" };
        wrap::eprintln!("{found}");
    }
    damage.iter().for_each(|what| wrap::eprintln!("damaged: {}", clean(what)));
    if !kept.is_empty() {
        wrap::eprintln!("kept as they were: {}", kept.join(", "));
    }
    if !damage.is_empty() && !knows_lineage {
        wrap::eprintln!("the files no longer show which objects belong to this state");
    }
}

fn conclude(state: &Known, salvage: &Salvage, json: bool) {
    let known = state.resources.len();
    let open = open::sentences(&state.open());
    if json {
        let Salvage { damage, kept, .. } = salvage;
        let event = json!({
            "event": "rebuilt", "resources": known, "open": open, "damage": damage, "kept": kept,
        });
        print::stdout!("{event}");
        return;
    }
    let resources = if known == 1 { "resource" } else { "resources" };
    wrap::eprintln!("{}: the state has {known} {resources}", state.place.stack);
    for line in open {
        wrap::eprintln!("  {line}");
    }
    if !salvage.damage.is_empty() {
        wrap::eprintln!(
            "  note: roles and functions that neither the files nor stack.yaml name are not found: IAM \
             and Lambda list no tags"
        );
    }
    wrap::eprintln!("  hint: `stackwright plan` shows what differs, `reconcile` changes it");
}
