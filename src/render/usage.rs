//! What is said, for programs, of arguments that are no command. People read the words of clap.

use serde_json::{Value, json};

use super::json::SCHEMA;
use crate::exit::code;

/// The error as one document.
pub fn document(error: &clap::Error) -> Value {
    json!({ "schema": SCHEMA, "error": as_json(error) })
}

/// The error as an event.
pub fn event(error: &clap::Error) -> Value {
    let mut event = as_json(error);
    event["event"] = "error".into();
    event
}

/// The error in the shape of all others: its message, and all that people read of it.
fn as_json(error: &clap::Error) -> Value {
    let text = error.render().to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    json!({ "message": message, "exit_code": code::USAGE, "text": text.trim_end() })
}
