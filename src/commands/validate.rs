//! `validate`: everything that is wrong in the file, in one run, without a call.

use serde_json::json;

use crate::cli::Stack;
use crate::error::{Error, Result, code};
use crate::render::json::SCHEMA;
use crate::workspace;

pub async fn run(stack: &Stack, json: bool) -> Result<u8> {
    match workspace::open(stack).await {
        Ok(workspace) if json => {
            let document = json!({ "schema": SCHEMA, "valid": true, "diagnostics": [] });
            let _ = workspace;
            anstream::println!("{document:#}");
            Ok(0)
        }
        Ok(workspace) => {
            let manifest = &workspace.manifest;
            anstream::println!(
                "{}: valid; {} resources, cloud {}",
                manifest.source.path.display(),
                manifest.resources.len(),
                manifest.cloud
            );
            Ok(0)
        }
        Err(Error::Invalid(invalid)) if json => {
            let diagnostics: Vec<_> = invalid
                .diagnostics
                .iter()
                .map(|found| {
                    let (line, column) = invalid.source.position(found.span.start);
                    json!({
                        "severity": "error",
                        "message": found.message,
                        "file": invalid.source.path,
                        "line": line,
                        "column": column,
                        "help": found.help,
                    })
                })
                .collect();
            let document = json!({ "schema": SCHEMA, "valid": false, "diagnostics": diagnostics });
            anstream::println!("{document:#}");
            Ok(code::INVALID)
        }
        Err(error) => Err(error),
    }
}
