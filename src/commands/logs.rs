//! `logs`: what a function of the stack has written.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use stackwright_aws::function::logs::{Since, tail};

use super::invoke::name;
use crate::cli::{Stack, quoted};
use crate::error::{Error, Result};
use crate::print;
use crate::progress::Progress;
use crate::render::clean;
use crate::workspace;

pub struct Options {
    /// The address of the function, or its key.
    pub function: String,
    /// Whether new lines are printed until the command is interrupted.
    pub follow: bool,
    /// The stack, by its name: the state is enough, and no file is read.
    pub of_stack: Option<String>,
}

pub async fn run(stack: &Stack, options: &Options, progress: &Progress) -> Result<u8> {
    let Options { function, follow, of_stack } = options;
    let command = format!("logs {}", quoted(function));
    let workspace = workspace::open_state(stack, of_stack.as_deref(), &command).await?;
    let name = name(workspace.peek()?.as_ref(), function)?;
    let connected = workspace.connect(progress).await?;
    let mut since = Since::default();
    loop {
        let reading = tail(&connected.clients, &name, &since);
        let read = progress.during("reading the log", reading).await;
        let what = format!("the log of {name} cannot be read");
        let (events, next) = read.map_err(|error| Error::cloud(what, error))?;
        for event in events {
            let at = Timestamp::from_millisecond(event.timestamp).unwrap_or_default();
            let message = event.message.trim_end();
            if progress.json {
                print::stdout!(
                    "{}",
                    json!({ "event": "logged", "at": format!("{at:.3}"), "message": message })
                );
            } else {
                print::stdout!("{at:.3}  {}", clean(message));
            }
        }
        if !*follow || print::is_unread() {
            return Ok(0);
        }
        since = next;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
