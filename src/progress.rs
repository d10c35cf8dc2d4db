//! Prints the events of a run as they happen. While nothing happens, prints what the run waits for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use stackwright_aws::call_tracker::{Awaited, CallTracker};
use stackwright_engine::Address;
use stackwright_engine::event::{Event, Events};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::print;
use crate::render::{event, json, wrap};

/// After this time without a line, the operations in progress are printed. It is a little longer than
/// the interval in which a wait reports itself.
const SILENCE: Duration = Duration::from_secs(7);

/// The stage in which everything is observed and planned.
pub const LOOKING: &str = "refreshing";

/// The printer of a run: text on stderr, or JSON lines on stdout.
pub struct Progress {
    pub events: Events,
    pub json: bool,
    now: Arc<Mutex<Now>>,
    flush: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

/// An operation in progress that has printed nothing for some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// The address of a resource, or the stage that the program is in.
    pub who: String,
    /// What the operation waits for; completes "waiting for …".
    pub what: Option<String>,
    pub because: Option<String>,
    pub elapsed: Duration,
    /// The timeout of the wait.
    pub limit: Option<Duration>,
}

/// The operations in progress. There is no stage while a prompt waits for the user.
struct Now {
    /// When the last line was printed.
    printed: Instant,
    stage: Option<(String, Instant)>,
    steps: Vec<(Address, Instant)>,
    calls: CallTracker,
}

impl Progress {
    pub fn start(json: bool) -> Self {
        let (events, heard) = mpsc::unbounded_channel();
        let (flush, flushes) = mpsc::unbounded_channel();
        let now = Arc::new(Mutex::new(Now::new()));
        tokio::spawn(print(json, heard, flushes, now.clone()));
        Self { events, json, now, flush }
    }

    /// Waits until every event that was sent is printed.
    pub async fn flush(&self) {
        let (done, is_done) = oneshot::channel();
        if self.flush.send(done).is_ok() {
            let _ = is_done.await;
        }
    }

    /// Sets the calls to the cloud that are reported as waits from now on.
    pub fn watch(&self, calls: &CallTracker) {
        lock(&self.now).calls = calls.clone();
    }

    /// Runs `work`, which may take long without an event. `stage` describes it to the user.
    pub async fn during<T>(&self, stage: &str, work: impl Future<Output = T>) -> T {
        lock(&self.now).begin(Some(stage.to_owned()));
        let _end = End(&self.now);
        work.await
    }

    /// Prints a line that is not an event of a run.
    pub fn say(&self, human: impl FnOnce() -> String, json: impl FnOnce() -> Value) {
        lock(&self.now).printed = Instant::now();
        let line = if self.json { json().to_string() } else { human() };
        show(&line, self.json);
    }
}

/// Ends a stage when it is dropped.
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
        let due = lock(&now).printed + SILENCE;
        tokio::select! {
            biased;
            Some(event) = heard.recv() => {
                let line = if json { Some(json::event(&event).to_string()) } else { event::line(&event) };
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
                        if json { json::silent(&silent).to_string() } else { event::silent(&silent) };
                    show(&line, json);
                }
            }
            else => break,
        }
    }
}

/// Prints JSON events to stdout and text to stderr.
pub fn show(line: &str, json: bool) {
    if json {
        print::stdout!("{line}");
    } else {
        wrap::err(line);
    }
}

impl Now {
    fn new() -> Self {
        Self {
            printed: Instant::now(),
            stage: None,
            steps: Vec::new(),
            calls: CallTracker::default(),
        }
    }

    /// Starts or ends a stage, and restarts the timer for silence.
    fn begin(&mut self, stage: Option<String>) {
        self.printed = Instant::now();
        self.steps.clear();
        self.stage = stage.map(|stage| (stage, self.printed));
    }

    fn note(&mut self, event: &Event, is_shown: bool) {
        if is_shown {
            self.printed = Instant::now();
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

    /// Returns the operations in progress, the longest wait first. Returns nothing if a line was printed
    /// recently.
    fn silent(&mut self) -> Vec<Silent> {
        let now = Instant::now();
        if now < self.printed + SILENCE {
            return Vec::new();
        }
        self.printed = now;
        let Some((stage, since)) = &self.stage else { return Vec::new() };
        let mut silent = Vec::new();
        let calls = self.calls.awaited();
        for (step, since) in &self.steps {
            silent.push(match calls.iter().find(|call| call.address.as_ref() == Some(step)) {
                Some(call) => Silent::of(step.to_string(), call),
                None => Silent::working(step.to_string(), *since),
            });
        }
        let is_listed = |call: &Awaited| {
            let steps = &mut self.steps.iter();
            call.address.as_ref().is_some_and(|address| steps.any(|(step, _)| step == address))
        };
        silent.extend(calls.iter().filter(|call| !is_listed(call)).map(|call| {
            let who = call.address.as_ref().map_or_else(|| stage.clone(), ToString::to_string);
            Silent::of(who, call)
        }));
        if silent.is_empty() {
            silent.push(Silent::working(stage.clone(), *since));
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

    fn working(who: String, since: Instant) -> Self {
        Self { who, what: None, because: None, elapsed: since.elapsed(), limit: None }
    }
}

#[cfg(test)]
mod tests {
    use stackwright_engine::plan::ActionKind;

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn printed(now: &mut Now) -> String {
        let silent = now.silent();
        let text = if silent.is_empty() { String::new() } else { event::silent(&silent) };
        anstream::adapter::strip_str(&text).to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_reported_only_during_a_stage() {
        let mut now = Now::new();
        tokio::time::advance(seconds(60)).await;
        assert_eq!(printed(&mut now), "", "there is no stage while a prompt waits");
        now.begin(Some("refreshing".to_owned()));
        tokio::time::advance(seconds(6)).await;
        assert_eq!(printed(&mut now), "", "the silence is too short");
        tokio::time::advance(seconds(1)).await;
        assert_eq!(printed(&mut now), "… refreshing: in progress, 7 s");
        assert_eq!(printed(&mut now), "", "a line was just printed");
        now.begin(None);
        tokio::time::advance(seconds(60)).await;
        assert_eq!(printed(&mut now), "");
    }

    #[tokio::test(start_paused = true)]
    async fn each_step_reports_its_wait_and_the_longest_wait_comes_first() {
        let mut now = Now::new();
        now.begin(Some("working".to_owned()));
        let _call = now.calls.awaits("EC2 to answer DescribeInstances", seconds(60));
        tokio::time::advance(seconds(4)).await;
        for key in ["a", "b", "c", "d", "e"] {
            let (address, action) = (Address::new("role", key), ActionKind::Create);
            now.note(&Event::Started { address, action }, false);
        }
        let (address, action) = (Address::new("role", "b"), ActionKind::Create);
        now.note(&Event::Finished { address, action, elapsed: seconds(0) }, false);
        tokio::time::advance(seconds(5)).await;
        assert_eq!(
            printed(&mut now),
            "… working: waiting for EC2 to answer DescribeInstances, 9 s of 60 s\n\
             … role.a: in progress, 5 s\n… role.c: in progress, 5 s\n… role.d: in progress, 5 s\n\
             … and 1 more"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_flush_returns_after_all_events_are_printed() {
        let progress = Progress::start(true);
        let (address, action) = (Address::new("role", "a"), ActionKind::Create);
        progress.events.send(Event::Started { address, action }).expect("a running printer");
        progress.flush().await;
        assert_eq!(lock(&progress.now).steps.len(), 1);
    }
}
