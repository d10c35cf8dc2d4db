//! `validate`: everything that is wrong in the file and in the files that it names, in one run, without a call.

use serde_json::{Value, json};

use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::exit::code;
use crate::print;
use crate::render::diagnostics::{as_json, counted};
use crate::render::json::SCHEMA;
use crate::render::wrap;
use crate::workspace;

pub async fn run(stack: &Stack, json: bool) -> Result<u8> {
    let workspace = match workspace::open_to_check(stack).await {
        Err(Error::Invalid(invalid)) if json => {
            document(false, &as_json(&invalid.diagnostics, &invalid.source));
            return Ok(code::INVALID);
        }
        opened => opened?,
    };
    let manifest = &workspace.manifest;
    if json {
        document(true, &as_json(&manifest.warnings, &manifest.source));
        return Ok(0);
    }
    let warnings = match workspace.warn() {
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

fn document(is_valid: bool, diagnostics: &[Value]) {
    let document = json!({ "schema": SCHEMA, "valid": is_valid, "diagnostics": diagnostics });
    print::stdout!("{document:#}");
}
