//! What a run tells, printed as it happens; and where nothing happens, what is awaited.

use std::io::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use stackwright_aws::calls::{Awaited, Calls};
use stackwright_engine::Address;
use stackwright_engine::event::{Event, Events};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::render::{human, json};

/// After so long without a line it is told what is going on. A little longer than the pauses
/// between two lines of a wait that tells of itself.
const SILENCE: Duration = Duration::from_secs(7);

/// Prints human lines on stderr, or JSON lines on stdout.
pub struct Progress {
    pub events: Events,
    pub json: bool,
    now: Arc<Mutex<Now>>,
    flush: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

/// Something that goes on without a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// An address, or what the program is at.
    pub who: String,
    /// Completes "waiting for …".
    pub what: Option<String>,
    pub because: Option<String>,
    pub elapsed: Duration,
    /// It is given up after so long.
    pub limit: Option<Duration>,
}

/// What goes on, as far as it is known. Nothing goes on while a question waits for its answer.
struct Now {
    told: Instant,
    stage: Option<(String, Instant)>,
    steps: Vec<(Address, Instant)>,
    calls: Calls,
}

impl Progress {
    pub fn start(json: bool) -> Self {
        let (events, heard) = mpsc::unbounded_channel();
        let (flush, flushes) = mpsc::unbounded_channel();
        let now = Arc::new(Mutex::new(Now::new()));
        tokio::spawn(print(json, heard, flushes, now.clone()));
        Self { events, json, now, flush }
    }

    /// Returns when everything that was sent is printed.
    pub async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.flush.send(done).is_ok() {
            let _ = is_done.await;
        }
    }

    /// The calls that a silence is explained by from now on.
    pub fn watch(&self, calls: &Calls) {
        lock(&self.now).calls = calls.clone();
    }

    /// `work`, which may be silent for long; `stage` says what the program is at meanwhile.
    pub async fn during<T>(&self, stage: &str, work: impl Future<Output = T>) -> T {
        lock(&self.now).begin(Some(stage.to_owned()));
        let _end = End(&self.now);
        work.await
    }

    /// A line that is no event of a run.
    pub fn say(&self, human: impl FnOnce() -> String, json: impl FnOnce() -> Value) {
        lock(&self.now).told = Instant::now();
        let line = if self.json { json().to_string() } else { human() };
        show(&line, self.json);
    }
}

/// The end of a stage, also of one that is dropped.
struct End<'a>(&'a Mutex<Now>);

impl Drop for End<'_> {
    fn drop(&mut self) {
        lock(self.0).begin(None);
    }
}

fn lock(now: &Mutex<Now>) -> MutexGuard<'_, Now> {
    now.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn print(
    json: bool,
    mut heard: mpsc::UnboundedReceiver<Event>,
    mut flushes: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    now: Arc<Mutex<Now>>,
) {
    loop {
        let due = lock(&now).told + SILENCE;
        tokio::select! {
            biased;
            Some(event) = heard.recv() => {
                let line = if json { Some(json::event(&event).to_string()) } else { human::event(&event) };
                lock(&now).note(&event, line.is_some());
                if let Some(line) = line {
                    show(&line, json);
                }
            }
            Some(done) = flushes.recv() => {
                let _ = done.send(());
            }
            () = sleep_until(due) => {
                let silent = lock(&now).silent();
                if !silent.is_empty() {
                    let line =
                        if json { json::silent(&silent).to_string() } else { human::silent(&silent) };
                    show(&line, json);
                }
            }
            else => break,
        }
    }
}

/// Events go to stdout, lines for people to stderr. A run goes on though nobody can be told: what
/// counts is on disk.
pub fn show(line: &str, json: bool) {
    let _ = match json {
        true => writeln!(anstream::stdout(), "{line}"),
        false => writeln!(anstream::stderr(), "{line}"),
    };
}

impl Now {
    fn new() -> Self {
        Self { told: Instant::now(), stage: None, steps: Vec::new(), calls: Calls::default() }
    }

    /// Another stage; what is told at its border is news enough.
    fn begin(&mut self, stage: Option<String>) {
        self.told = Instant::now();
        self.steps.clear();
        self.stage = stage.map(|stage| (stage, self.told));
    }

    fn note(&mut self, event: &Event, is_shown: bool) {
        if is_shown {
            self.told = Instant::now();
        }
        match event {
            Event::Started { address, .. } => self.steps.push((address.clone(), Instant::now())),
            Event::Finished { address, .. } | Event::Failed { address, .. } => {
                if let Some(at) = self.steps.iter().position(|(step, _)| step == address) {
                    self.steps.remove(at);
                }
            }
            _ => {}
        }
    }

    /// What goes on, the longest wait first; nothing when the last line is not long ago.
    fn silent(&mut self) -> Vec<Silent> {
        let now = Instant::now();
        if now < self.told + SILENCE {
            return Vec::new();
        }
        self.told = now;
        let Some((stage, since)) = &self.stage else { return Vec::new() };
        let mut silent = Vec::new();
        let calls = self.calls.awaited();
        for (step, since) in &self.steps {
            silent.push(match calls.iter().find(|call| call.address.as_ref() == Some(step)) {
                Some(call) => Silent::of(step.to_string(), call),
                None => Silent::at_work(step.to_string(), *since),
            });
        }
        let is_told = |call: &Awaited| {
            let steps = &mut self.steps.iter();
            call.address.as_ref().is_some_and(|address| steps.any(|(step, _)| step == address))
        };
        silent.extend(calls.iter().filter(|call| !is_told(call)).map(|call| {
            let who = call.address.as_ref().map_or_else(|| stage.clone(), ToString::to_string);
            Silent::of(who, call)
        }));
        if silent.is_empty() {
            silent.push(Silent::at_work(stage.clone(), *since));
        }
        silent.sort_by_key(|one| std::cmp::Reverse(one.elapsed));
        silent
    }
}

impl Silent {
    fn of(who: String, call: &Awaited) -> Self {
        let limit = Some(call.limit).filter(|limit| *limit < Duration::MAX);
        let (what, because) = (Some(call.what.clone()), call.because.clone());
        Self { who, what, because, elapsed: call.since.elapsed(), limit }
    }

    fn at_work(who: String, since: Instant) -> Self {
        Self { who, what: None, because: None, elapsed: since.elapsed(), limit: None }
    }
}

#[cfg(test)]
mod tests {
    use stackwright_engine::plan::Action;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn told(now: &mut Now) -> String {
        let silent = now.silent();
        let told = if silent.is_empty() { String::new() } else { human::silent(&silent) };
        anstream::adapter::strip_str(&told).to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_only_while_something_goes_on() {
        let mut now = Now::new();
        tokio::time::advance(seconds(60)).await;
        assert_eq!(told(&mut now), "", "a question waits for its answer");
        now.begin(Some("looking at what exists".to_owned()));
        tokio::time::advance(seconds(6)).await;
        assert_eq!(told(&mut now), "", "not long enough");
        tokio::time::advance(seconds(1)).await;
        assert_eq!(told(&mut now), "… looking at what exists: at work, 7 s");
        assert_eq!(told(&mut now), "", "just told");
        now.begin(None);
        tokio::time::advance(seconds(60)).await;
        assert_eq!(told(&mut now), "");
    }

    #[tokio::test(start_paused = true)]
    async fn each_step_tells_what_it_waits_for_and_the_longest_wait_comes_first() {
        let mut now = Now::new();
        now.begin(Some("working".to_owned()));
        let _call = now.calls.awaits("EC2 to answer DescribeInstances", seconds(60));
        tokio::time::advance(seconds(4)).await;
        for key in ["a", "b", "c", "d", "e"] {
            let (address, action) = (Address::new("role", key), Action::Create);
            now.note(&Event::Started { address, action }, false);
        }
        let (address, action) = (Address::new("role", "b"), Action::Create);
        now.note(&Event::Finished { address, action, elapsed: seconds(0) }, false);
        tokio::time::advance(seconds(5)).await;
        assert_eq!(
            told(&mut now),
            "… working: waiting for EC2 to answer DescribeInstances, 9 s of 60 s\n\
             … role.a: at work, 5 s\n… role.c: at work, 5 s\n… role.d: at work, 5 s\n\
             … and 1 more"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_is_printed_before_a_flush_returns() {
        let progress = Progress::start(true);
        let (address, action) = (Address::new("role", "a"), Action::Create);
        progress.events.send(Event::Started { address, action }).expect("a printer");
        progress.flush().await;
        assert_eq!(lock(&progress.now).steps.len(), 1);
    }
}
