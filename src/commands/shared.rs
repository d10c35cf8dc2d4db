//! What commands share: a session, recovery, confirmation, and how a run ended.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stackwright_aws::call_tracker::CallTracker;
use stackwright_engine::Address;
use stackwright_engine::clock::Clock;
use stackwright_engine::event::{Event, Events};
use stackwright_engine::execute::{Options, Outcome, Run};
use stackwright_engine::plan::{Plan, Selection};
use stackwright_engine::session::{self, Goal, Session};
use stackwright_engine::state::{State, Store};
use tokio::sync::watch;

use crate::environment;
use crate::error::{Error, Result};
use crate::exit;
use crate::print;
use crate::progress::Progress;
use crate::render::unfinished::Unfinished;
use crate::render::{self, human};
use crate::signals::Signals;
use crate::workspace::{Connected, Workspace};

/// What a run that writes tells, and how it is told to stop.
pub struct Ends<'a> {
    pub progress: &'a Progress,
    pub signals: &'a Signals,
    /// The command that goes on.
    pub again: &'a str,
}

/// An error where a plan is blocked.
pub fn unless_blocked(plan: &Plan) -> Result<(), session::Error> {
    match plan.blocked.as_slice() {
        [] => Ok(()),
        blocked => Err(session::Error::Blocked(blocked.to_vec())),
    }
}

/// Asks on a terminal; elsewhere only `--yes` says yes. Returns how long the user took to answer.
pub async fn confirm(yes: bool, question: String) -> Result<Duration> {
    if yes {
        return Ok(Duration::ZERO);
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Error::NeedsYes(question));
    }
    print::err(&format!("{question} [y/N] "));
    let asked = Instant::now();
    // On a thread of its own: meanwhile, a signal ends the program.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    match answer.await.map_err(std::io::Error::other)??.trim() {
        "y" | "Y" | "yes" => Ok(asked.elapsed()),
        _ => Err(Error::Declined),
    }
}

/// What a plan is made with beside the file.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    pub adopt: bool,
    pub selection: Selection,
}

/// A session that starts nothing: for looks, and for changes of the state alone.
pub fn looking<'a>(
    workspace: &'a Workspace,
    connected: &'a Connected,
    progress: &'a Progress,
    options: PlanOptions,
) -> Result<Session<'a>> {
    // Nobody can ask it to stop.
    let stop = watch::channel(false).1;
    session(workspace, connected, &progress.events, 1, stop, options)
}

/// A run of this stack on that cloud.
pub fn session<'a>(
    workspace: &'a Workspace,
    connected: &'a Connected,
    events: &'a Events,
    parallelism: usize,
    stop: watch::Receiver<bool>,
    options: PlanOptions,
) -> Result<Session<'a>> {
    let consistency_window = environment::consistency_window()?.or(connected.consistency_window);
    connected.clients.stops_with(stop.clone());
    let run = Run {
        manifest: &workspace.manifest,
        providers: &connected.providers,
        scope: connected.scope.clone(),
        options: Options { parallelism, consistency_window, clock: Clock::start(), stop },
        events,
    };
    let PlanOptions { adopt, selection } = options;
    Ok(Session { run, adopt, selection })
}

/// The error of `--dry-run`.
pub fn dry_run(instead: &str) -> Error {
    Error::Usage("there is no --dry-run".to_owned()).with_hint(instead)
}

/// The state before the first run; the lineage is made when one writes.
pub fn nothing_yet(connected: &Connected) -> State {
    State { place: connected.place.clone(), ..State::default() }
}

/// Prints the document of a command, with the error that the command ends with, and returns the exit code.
pub fn print_document(mut document: Value, failed: Option<Error>, otherwise: u8) -> u8 {
    if let Some(error) = &failed {
        document["error"] = render::error::json(error);
    }
    print::stdout!("{document:#}");
    failed.as_ref().map_or(otherwise, exit::of)
}

/// The exit code of what was done; interruption goes before everything else.
pub fn exit_code(outcome: &Outcome, signal: u8) -> u8 {
    if outcome.interrupted {
        return signal;
    }
    let codes = outcome.failed.iter().map(|(_, failure)| exit::of_failure(failure));
    codes.min().unwrap_or(if outcome.skipped.is_empty() { 0 } else { 1 })
}

impl Ends<'_> {
    /// Recovers what an earlier run left open. Returns the exit code if a signal ended the recovery.
    pub async fn recover(
        &self,
        session: &Session<'_>,
        store: &mut Store,
        goal: Goal,
    ) -> Result<Option<u8>, session::Error> {
        let recovering = self.signals.ending(session.recover(store, goal));
        let stage = "recovering";
        let mut stop = self.signals.stop();
        let asked_to_stop = async {
            let _ = stop.wait_for(|stop| *stop).await;
            let _ = self.progress.events.send(Event::Stopping);
            std::future::pending().await
        };
        let recovering = async {
            tokio::select! {
                recovered = recovering => recovered,
                never = asked_to_stop => never,
            }
        };
        let recovered = self.progress.during(stage, recovering).await;
        self.progress.flush().await;
        match recovered {
            // What the signal cut short is as open as it was.
            Ok(()) | Err(session::Error::Recovery { .. }) if self.signals.code() != 0 => {
                if let Err(session::Error::Recovery { address, failure }) = &recovered {
                    let said = render::error::recovery(address, failure);
                    let event = || json!({ "event": "failed", "message": said });
                    self.progress.say(|| said.clone(), event);
                }
                let during = " during recovery";
                let outcome = Outcome { interrupted: true, ..Outcome::default() };
                self.tell(&outcome, store.state(), during);
                Ok(Some(self.signals.code()))
            }
            recovered => recovered.map(|()| None),
        }
    }

    /// What was done, or the error of a disk that could not record it, after what is open by then.
    pub fn written(
        &self,
        outcome: Result<Outcome, session::Error>,
        state: &State,
    ) -> Result<Outcome, session::Error> {
        if outcome.is_err() {
            let unfinished = Unfinished {
                is_interrupted: true,
                during: ", for the state cannot be written any more",
                is_broken: true,
                open: state.open(),
                resume: self.again.to_owned(),
                ..Unfinished::default()
            };
            self.progress.say(|| unfinished.human(), || unfinished.json());
        }
        outcome
    }

    /// What a user needs to know after a run that did not do everything. `during` completes
    /// "interrupted …".
    pub fn tell(&self, outcome: &Outcome, state: &State, during: &'static str) {
        let unfinished = Unfinished {
            is_interrupted: outcome.interrupted,
            during,
            is_broken: false,
            done: names(outcome.done.iter()),
            failed: names(outcome.failed.iter().map(|(address, _)| address)),
            not_started: names(outcome.skipped.iter()),
            open: state.open(),
            resume: self.again.to_owned(),
        };
        self.progress.say(|| unfinished.human(), || unfinished.json());
    }
}

/// Each once: a replacement is two steps of one address.
fn names<'a>(addresses: impl Iterator<Item = &'a Address>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for address in addresses {
        if !names.iter().any(|name| name == address.as_str()) {
            names.push(address.to_string());
        }
    }
    names
}

/// `11 API calls, 0 writes, 120 ms`.
pub fn effort(calls: &CallTracker, since: Instant) -> String {
    human::effort(calls.total(), calls.writes(), since.elapsed())
}
