//! `validate`: everything that is wrong in the file, in one run, without a call.

use serde_json::{Value, json};

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
            let manifest = &workspace.manifest;
            if !json {
                error::warn(manifest);
            }
            match prepare(&workspace).await {
                Err(failed) if json => {
                    let message = error::report(&failed, false, None);
                    let mut found = error::as_json(&manifest.warnings, &manifest.source);
                    found.push(json!({ "severity": "error", "message": message }));
                    document(false, &found);
                    return Ok(exit::of(&failed));
                }
                prepared => prepared?,
            }
            if json {
                document(true, &error::as_json(&manifest.warnings, &manifest.source));
                return Ok(0);
            }
            let warnings = match manifest.warnings.len() {
                0 => String::new(),
                count => format!(", {}", counted(count, "warning")),
            };
            wrap::println!(
                "{}: valid{warnings}; {}, cloud {}",
                manifest.source.path.display(),
                counted(manifest.resources.len(), "resource"),
                manifest.cloud
            );
            Ok(0)
        }
        Err(Error::Invalid(invalid)) if json => {
            document(false, &error::as_json(&invalid.diagnostics, &invalid.source));
            Ok(code::INVALID)
        }
        Err(error) => Err(error),
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn document(is_valid: bool, diagnostics: &[Value]) {
    let document = json!({ "schema": SCHEMA, "valid": is_valid, "diagnostics": diagnostics });
    print::stdout!("{document:#}");
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
