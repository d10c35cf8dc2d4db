//! `invoke`: a function of the stack, called directly.

use std::io::Read as _;

use serde_json::{Value, json};
use stackwright_aws::function::invoke::{Invoked, invoke};
use stackwright_engine::Address;
use stackwright_engine::manifest::nearest;
use stackwright_engine::state::State;

use crate::cli::{Stack, quoted};
use crate::error::{Error, Result};
use crate::exit::code;
use crate::print;
use crate::progress::Progress;
use crate::render::clean;
use crate::render::json::SCHEMA;
use crate::workspace;

pub struct Options {
    /// The address of the function, or its key.
    pub function: String,
    pub payload: String,
    /// The stack, by its name: the state is enough, and no file is read.
    pub of_stack: Option<String>,
    pub json: bool,
}

pub async fn run(stack: &Stack, options: Options, progress: &Progress) -> Result<u8> {
    let Options { function, payload, of_stack, json } = options;
    let command = format!("invoke {}", quoted(&function));
    let workspace = workspace::open_state(stack, of_stack.as_deref(), &command).await?;
    let name = name(workspace.peek()?.as_ref(), &function)?;
    let payload = match payload.as_str() {
        "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        _ => payload,
    };
    serde_json::from_str::<serde::de::IgnoredAny>(&payload)
        .map_err(|error| Error::Usage(format!("--payload is not JSON: {error}")))?;
    let connected = workspace.connect(progress).await?;
    let calling = invoke(&connected.clients, &name, payload.as_bytes());
    let called = progress.during(&format!("calling {name}"), calling).await;
    let invoked = called.map_err(|error| Error::cloud(format!("{name} was not called"), error))?;
    if json {
        print::stdout!("{:#}", document(&invoked));
        return Ok(if invoked.function_error.is_some() { code::OTHER } else { 0 });
    }
    print::stdout!("{}", clean(&String::from_utf8_lossy(&invoked.payload)));
    let Some(failed) = invoked.function_error else { return Ok(0) };
    if invoked.log_tail.trim().is_empty() {
        print::stderr!("error: the function failed ({failed})");
        print::stderr!("  hint: `stackwright logs {function}` may show why");
    } else {
        print::stderr!("error: the function failed ({failed}); the end of its log:");
        print::stderr!("{}", clean(&invoked.log_tail));
    }
    Ok(code::OTHER)
}

/// The error of an event that is given without its option.
pub fn without_option(function: &str, event: &str) -> Error {
    let hint = format!("write: stackwright invoke {function} --payload {}", quoted(event));
    Error::Usage("an event for the function is given with --payload".to_owned()).with_hint(hint)
}

/// What `invoke --json` prints. A payload that is not JSON is a string.
fn document(invoked: &Invoked) -> Value {
    let text = || String::from_utf8_lossy(&invoked.payload).into_owned().into();
    let payload: Value = serde_json::from_slice(&invoked.payload).unwrap_or_else(|_| text());
    json!({
        "schema": SCHEMA,
        "payload": payload,
        "function_error": invoked.function_error,
        "log_tail": invoked.log_tail,
    })
}

/// The cloud's name of a function that the state knows by `function.KEY` or its key.
pub fn name(state: Option<&State>, text: &str) -> Result<String> {
    let key = text.strip_prefix("function.").unwrap_or(text);
    let address = Address::new("function", key);
    let object = state.and_then(|state| state.object(&address));
    if let Some(object) = object {
        return Ok(object.id.clone());
    }
    let known = state.into_iter().flat_map(|state| state.resources.keys());
    let keys: Vec<&str> = known.filter(|a| a.kind() == "function").map(Address::key).collect();
    let hint = match nearest(key, keys.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if keys.is_empty() => "run `stackwright reconcile` first".into(),
        None => format!("there are: {}", keys.join(", ")),
    };
    Err(Error::Unknown(format!("the state has no function `{key}`"), Some(hint)))
}
