//! `explain`: why a plan has what it has for one address, and how to avoid it.

use stackwright_engine::Address;

use super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::print;
use crate::progress::{LOOKING, Progress};
use crate::render::explanation::Explanation;
use crate::render::wrap;
use crate::workspace;

pub async fn run(
    stack: &Stack,
    address: &Address,
    options: PlanOptions,
    json: bool,
    progress: &Progress,
) -> Result<u8> {
    let workspace = workspace::open(stack).await?;
    let state = workspace.peek()?.unwrap_or_default();
    let manifest = &workspace.manifest;
    if !manifest.resources.contains_key(address) {
        workspace::known_address(&state, address)?;
    }
    let connected = workspace.reach(progress).await?;
    let is_new = state.lineage.is_empty();
    let state = if is_new { shared::nothing_yet(&connected) } else { state };
    let session = shared::looking(&workspace, &connected, progress, options)?;
    let surveyed = progress.during(LOOKING, session.survey(&state)).await;
    let plan = surveyed.map_err(|error| Error::session(error, manifest))?.plan;
    progress.flush().await;
    let explanation = Explanation::of(address, &plan, manifest, connected.providers.kinds());
    if json {
        print::stdout!("{:#}", explanation.json());
    } else {
        wrap::out(&explanation.human());
    }
    Ok(0)
}
