//! What a run reports while it goes on, a line each.

use std::time::Duration;

use stackwright_engine::Address;
use stackwright_engine::event::{Event, Recovery, SkipReason};
use stackwright_engine::execute::Failure;

use super::human::{DIM, RED, styled, words};
use super::{awaited, clean, failure, time};
use crate::progress::Silent;

/// A line of progress, if the event is worth one.
pub fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started { .. } | Event::Made { .. } => return None,
        // The report of an interrupted run lists them, and there may be thousands.
        Event::Skipped { reason: SkipReason::Interrupted, .. } => return None,
        Event::Recovered { address, id, outcome } => {
            let id = id.as_ref().map(|id| format!(" {}", clean(id))).unwrap_or_default();
            format!("recovered {address}{id}: {}", recovery(*outcome))
        }
        Event::Adopted { address, id } => {
            format!("adopted {address} {}", clean(id))
        }
        Event::Moved { address, former } => {
            format!("moved {former} to {address}")
        }
        Event::Waiting { address, awaited: what, because, elapsed, limit } => {
            let (what, because) = (Some(awaited::phrase(what)), because.clone());
            let (elapsed, limit) = (*elapsed, Some(*limit));
            waiting(&Silent { who: address.to_string(), what, because, elapsed, limit })
        }
        Event::Finished { address, action, elapsed } => {
            let (symbol, _, participle, color) = words(*action);
            let elapsed = styled(DIM, &time(*elapsed));
            format!("{} {address} {participle}  {elapsed}", styled(color, symbol))
        }
        Event::Failed { address, failure } if matches!(**failure, Failure::Interrupted(_)) => {
            format!("{} {address}: {}", styled(DIM, "."), clean(&failure::message(failure)))
        }
        Event::Failed { address, failure } => {
            let hint =
                failure::hint(address, failure).map(|hint| format!("\n    hint: {}", clean(&hint)));
            let message = clean(&failure::message(failure));
            format!("{} {address}: {message}{}", styled(RED, "x"), hint.unwrap_or_default())
        }
        Event::Skipped { address, reason } => {
            format!("{} {address} not started: {}", styled(DIM, "."), skip(address, reason))
        }
        Event::Stopping => {
            "stopping: calls in flight are finished first; press Ctrl-C again to stop at once"
                .into()
        }
    })
}

/// `… role.x: waiting for WHAT, 12 s of 60 s: BECAUSE`
pub fn waiting(silent: &Silent) -> String {
    let Silent { who, what, because, elapsed, limit } = silent;
    let (dots, time) = (styled(DIM, "…"), spent(*elapsed, *limit));
    let Some(what) = what else { return format!("{dots} {who}: in progress, {time}") };
    let because = because.as_ref().map(|because| format!(": {}", clean(because)));
    format!("{dots} {who}: waiting for {}, {time}{}", clean(what), because.unwrap_or_default())
}

/// What came of a create that an interrupted run left open.
fn recovery(outcome: Recovery) -> &'static str {
    match outcome {
        Recovery::Found => "the create had succeeded; its object was found",
        Recovery::SentAgain => "the create was sent again, with its token",
        Recovery::CreatedLater => "nothing shows that the create succeeded; it is repeated",
        Recovery::NeverHappened => "the create had not happened",
    }
}

/// Why a step is not started.
pub fn skip(address: &Address, reason: &SkipReason) -> String {
    match reason {
        SkipReason::Needs(other) if other == address => "its old object is still there".to_owned(),
        SkipReason::Needs(address) => format!("it depends on {address}"),
        SkipReason::DependencyFailed => "a resource that it depends on failed".to_owned(),
        SkipReason::Interrupted => "the run was interrupted".to_owned(),
        SkipReason::Halted => "the cloud cannot be reached, or rejects the credentials".to_owned(),
    }
}

/// `12 s of 60 s`
fn spent(elapsed: Duration, limit: Option<Duration>) -> String {
    let limit = limit.map(|limit| format!(" of {} s", limit.as_secs())).unwrap_or_default();
    format!("{} s{limit}", elapsed.as_secs())
}

/// What goes on while nothing happens, a line each; of many, the first.
pub fn silent(silent: &[Silent]) -> String {
    const SHOWN: usize = 4;
    let mut lines: Vec<String> = silent.iter().take(SHOWN).map(waiting).collect();
    if silent.len() > SHOWN {
        lines.push(format!("{} and {} more", styled(DIM, "…"), silent.len() - SHOWN));
    }
    lines.join("\n")
}
