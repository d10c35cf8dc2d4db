//! `state list` and `state show`: from the files alone.

use serde_json::json;
use stackwright_engine::Address;
use stackwright_engine::state::Record;

use crate::cli::Stack;
use crate::error::Result;
use crate::print;
use crate::render::clean;
use crate::render::json::{self, SCHEMA};
use crate::workspace;

pub async fn list(stack: &Stack, json: bool) -> Result<u8> {
    let workspace = workspace::open_state(stack, None, "show").await?;
    let known = workspace.peek()?.unwrap_or_default().resources;
    if json {
        let ids: serde_json::Map<_, _> = known
            .iter()
            .map(|(address, record)| (address.to_string(), json!(id(record))))
            .collect();
        print::stdout!("{:#}", json!({ "schema": SCHEMA, "resources": ids }));
        return Ok(0);
    }
    let width = known.keys().map(|address| address.as_str().len()).max().unwrap_or(0);
    for (address, record) in &known {
        let id = id(record).unwrap_or("(no object)");
        print::stdout!("{:width$}  {}", address.as_str(), clean(id));
    }
    Ok(0)
}

fn id(record: &Record) -> Option<&str> {
    record.object.as_ref().map(|object| object.id.as_str())
}

pub async fn show(stack: &Stack, address: &Address) -> Result<u8> {
    let workspace = workspace::open_state(stack, None, "show").await?;
    let state = workspace.known()?;
    let address = workspace::known_address(&state, address)?;
    let mut document = json::state(&state)["resources"][address.as_str()].take();
    document["schema"] = SCHEMA.into();
    document["address"] = address.as_str().into();
    print::stdout!("{document:#}");
    Ok(0)
}
