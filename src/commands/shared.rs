//! What reconcile and destroy share: asking, executing, telling how it ended.

use std::io::{IsTerminal as _, Write as _};
use std::time::Instant;

use stackwright_aws::cloud::Calls;
use stackwright_engine::clock::Clock;
use stackwright_engine::event::Events;
use stackwright_engine::execute::{Options, Outcome, Run};
use stackwright_engine::session::Session;
use tokio::sync::watch;

use crate::environment;
use crate::error::{Error, Result, fault_code};
use crate::render::human;
use crate::workspace::{Connected, Workspace};

/// Asks on a terminal; elsewhere only `--yes` says yes.
pub fn confirm(yes: bool, what: &'static str) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Error::NeedsYes(what));
    }
    anstream::eprint!("This {what}. Go on? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Error::Declined),
    }
}

/// A run of this stack on that cloud.
pub fn session<'a>(
    workspace: &'a Workspace,
    connected: &'a Connected,
    events: &'a Events,
    (parallelism, stop): (usize, watch::Receiver<bool>),
    adopt: bool,
) -> Result<Session<'a>> {
    let settle = environment::settle()?.or(connected.settle);
    let run = Run {
        manifest: &workspace.manifest,
        kinds: &connected.kinds,
        scope: connected.scope.clone(),
        options: Options { parallelism, settle, clock: Clock::start(), stop },
        events,
    };
    Ok(Session { run, adopt })
}

/// The exit code of what was done; interruption goes before everything else.
pub fn exit_code(outcome: &Outcome, signal: u8) -> u8 {
    if outcome.interrupted {
        return signal;
    }
    let codes = outcome.failed.iter().map(|(_, error)| fault_code(&error.fault));
    codes.min().unwrap_or(if outcome.skipped.is_empty() { 0 } else { 1 })
}

/// What a user needs to know after a run that did not do everything.
pub fn how_to_go_on(outcome: &Outcome, command: &str) {
    let failed = outcome.failed.len();
    let skipped = outcome.skipped.len();
    if outcome.interrupted {
        anstream::eprintln!(
            "interrupted: {} done, {failed} cut short, {skipped} not begun; everything is recorded. Go on with: stackwright {command}",
            outcome.done
        );
    } else if failed > 0 {
        anstream::eprintln!(
            "{failed} failed, {skipped} not begun, {} done; everything is recorded. Mend the cause, then: \
             stackwright {command}",
            outcome.done
        );
    }
}

/// `11 calls, 0 of them writes, 120 ms`.
pub fn effort(calls: &Calls, since: Instant) -> String {
    human::effort(calls.total(), calls.writes(), since.elapsed())
}
