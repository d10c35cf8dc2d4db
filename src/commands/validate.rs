//! `validate`: everything that is wrong in the file, in one run, without a call.

use serde_json::json;
use stackwright_engine::state::State;
use tokio::sync::{mpsc, watch};

use super::shared::{self, PlanOptions};
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::exit::{self, code};
use crate::print;
use crate::render::error;
use crate::render::json::SCHEMA;
use crate::render::wrap;
use crate::workspace::{self, Workspace};

pub async fn run(stack: &Stack, json: bool) -> Result<u8> {
    match workspace::open(stack).await {
        Ok(workspace) => {
            match prepare(&workspace).await {
                Err(failed) if json => {
                    let found = json!([{ "severity": "error", "message": error::report(&failed, false, None) }]);
                    let document =
                        json!({ "schema": SCHEMA, "valid": false, "diagnostics": found });
                    print::stdout!("{document:#}");
                    return Ok(exit::of(&failed));
                }
                prepared => prepared?,
            }
            if json {
                let document = json!({ "schema": SCHEMA, "valid": true, "diagnostics": [] });
                print::stdout!("{document:#}");
                return Ok(0);
            }
            let manifest = &workspace.manifest;
            wrap::println!(
                "{}: valid; {} resource{}, cloud {}",
                manifest.source.path.display(),
                manifest.resources.len(),
                if manifest.resources.len() == 1 { "" } else { "s" },
                manifest.cloud
            );
            Ok(0)
        }
        Err(Error::Invalid(invalid)) if json => {
            let diagnostics = error::diagnostics(&invalid);
            let document = json!({ "schema": SCHEMA, "valid": false, "diagnostics": diagnostics });
            print::stdout!("{document:#}");
            Ok(code::INVALID)
        }
        Err(error) => Err(error),
    }
}

/// What the file names must be there, and be what it is said to be: code. What is still to be built
/// is not: nothing of the file is run here.
async fn prepare(workspace: &Workspace) -> Result<()> {
    let connected = workspace.offline(false).await;
    let (events, _) = mpsc::unbounded_channel();
    let stop = watch::channel(false).1;
    let options = PlanOptions::default();
    let session = shared::session(workspace, &connected, &events, 1, stop, options)?;
    let state = State { place: connected.place.clone(), ..State::default() };
    let planned = session.plan_offline(&state).await;
    planned.map(drop).map_err(|error| Error::session(error, &workspace.manifest))
}
