//! Reads the log of a function.

use std::collections::BTreeSet;

use stackwright_engine::kind::{Error, Fault, Result};

use super::log_group::{self, CODES};
use crate::cloud::Cloud;
use crate::fault::{Explain as _, code};

/// A position in a log: first a time, later the end of what [`tail`] has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Since {
    /// Milliseconds since 1970, inclusive.
    time: i64,
    /// Events of exactly that time that were read already.
    seen: BTreeSet<String>,
}

impl Since {
    /// Returns the position of a time: `milliseconds` since 1970, inclusive.
    pub fn time(milliseconds: i64) -> Self {
        Self { time: milliseconds, seen: BTreeSet::new() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    /// As written; usually ends in a newline.
    pub message: String,
}

/// Returns all events from `since` on, oldest first, and the position behind them.
pub async fn tail(cloud: &Cloud, function: &str, since: &Since) -> Result<(Vec<Event>, Since)> {
    let logs: aws_sdk_cloudwatchlogs::Client = cloud.client();
    let mut events = Vec::new();
    let mut next = since.clone();
    let mut page = None;
    loop {
        let request = logs.filter_log_events().log_group_name(log_group::name(function));
        let reply = request.start_time(since.time).set_next_token(page.clone()).send().await;
        let reply = match reply {
            Err(error) if code(&error) == Some("ResourceNotFoundException") => {
                return Err(no_group(function));
            }
            reply => reply.explain("FilterLogEvents", CODES)?,
        };
        for event in reply.events.unwrap_or_default() {
            let timestamp = event.timestamp.unwrap_or_default();
            let id = event.event_id.unwrap_or_default();
            if timestamp == since.time && since.seen.contains(&id) {
                continue;
            }
            next.read(timestamp, id);
            events.push(Event { timestamp, message: event.message.unwrap_or_default() });
        }
        if reply.next_token.is_none() || reply.next_token == page {
            break;
        }
        page = reply.next_token;
    }
    events.sort_by_key(|event| event.timestamp);
    Ok((events, next))
}

impl Since {
    fn read(&mut self, timestamp: i64, id: String) {
        if timestamp > self.time {
            *self = Self::time(timestamp);
        }
        if timestamp == self.time {
            self.seen.insert(id);
        }
    }
}

fn no_group(function: &str) -> Error {
    let message = format!("the log group {} does not exist", log_group::name(function));
    Error::new(Fault::Terminal, message).with_hint(
        "`logs: true` at the function creates it; otherwise the first invocation does, if its role may",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_continues_behind_the_newest_event() {
        let mut since = Since::time(5);
        for (time, id) in [(7, "a"), (6, "b"), (7, "c")] {
            since.read(time, id.to_owned());
        }
        assert_eq!(since, Since { time: 7, seen: ["a", "c"].map(str::to_owned).into() });
    }
}
