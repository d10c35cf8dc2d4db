//! `logs`: what a function of the stack has written.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use stackwright_aws::function::logs::{Since, tail};

use super::invoke::name;
use crate::cli::Stack;
use crate::error::{Error, Result};
use crate::print;
use crate::progress::Progress;
use crate::render::clean;
use crate::workspace;

pub async fn run(stack: &Stack, function: &str, follow: bool, progress: &Progress) -> Result<u8> {
    let workspace = workspace::open_to_look(stack).await?;
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
        if !follow || print::is_unread() {
            return Ok(0);
        }
        since = next;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
