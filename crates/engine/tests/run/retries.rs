//! What a run reports while it waits, and how often it repeats failed calls.

use std::sync::Arc;
use std::time::Duration;

use stackwright_engine::awaited::Awaited;
use stackwright_engine::event::{Event, Recovery};
use stackwright_engine::execute::{Failure, Options, Outcome, Run};
use stackwright_engine::kind::Fault;
use stackwright_engine::manifest::{Manifest, Request, Source};
use stackwright_engine::session::{Error, Goal, Session};
use stackwright_engine::state::Store;
use stackwright_testkit::world::Fate;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::support::{Ended, Stack, place};

/// Runs to the end with `${env.PW}` as `script says`, which the world's errors quote.
async fn run_with_events(stack: &Stack) -> (Outcome, Vec<Event>) {
    let source = Source::new("stack.yaml", stack.file.as_str());
    let env = |name: &str| (name == "PW").then(|| "script says".to_owned());
    let request = Request { cloud: None, region: None, env: &env, needs_env: true, files: None };
    let providers = stack.world.providers();
    let manifest = Manifest::load(source, &request, providers.kinds()).expect("a manifest");
    let mut store = Store::open(Box::new(stack.disk.clone()), &place(), "test").expect("a store");
    let (events, mut heard) = mpsc::unbounded_channel();
    let scope = manifest.scope("000000000000");
    let (clock, stop) = (stack.clock, stack.stop.subscribe());
    let options =
        Options { parallelism: 4, consistency_window: Some(stack.consistency_window), clock, stop };
    let run = Run { manifest: &manifest, providers: &providers, scope, options, events: &events };
    let session = Session { run, adopt: false, selection: <_>::default() };
    session.recover(&mut store, Goal::File).await.expect("settled");
    let surveyed = session.survey(store.state()).await.expect("a plan");
    let outcome = session.execute(&surveyed, &mut store).await.expect("it ran");
    drop(session);
    drop(events);
    let mut all = Vec::new();
    while let Some(event) = heard.recv().await {
        all.push(event);
    }
    (outcome, all)
}

/// So many independent resources.
fn many(count: usize) -> Stack {
    let tokens: String = (0..count).map(|number| format!("  t{number}: {{}}\n")).collect();
    Stack::new(&format!("token:\n{tokens}"))
}

#[tokio::test(start_paused = true)]
async fn a_run_without_any_success_ends_early_with_the_cause() {
    let stack = many(200);
    for fault in [Fault::Transient, Fault::Conflict, Fault::Unknown] {
        let fails = fault.clone();
        stack.world.script(move |deed| match deed.verb {
            "create" => Fate::Fails(fails.clone()),
            _ => Fate::Happens,
        });
        let since = Instant::now();
        let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
        // It would be fifty times two minutes if each waited for itself.
        assert!(since.elapsed() < Duration::from_secs(600), "{fault:?}: {:?}", since.elapsed());
        assert_eq!(outcome.failed.len(), 200, "{fault:?}");
        let said = |(_, failure): &(_, Arc<Failure>)| match &**failure {
            Failure::Call(error) => {
                error.hint.as_ref().is_some_and(|hint| hint.contains("run again to go on"))
            }
            _ => false,
        };
        assert!(outcome.failed.iter().filter(|failed| said(failed)).count() > 100, "{fault:?}");
        // 64 for each of four at once, and one attempt for each.
        let tried = stack.world.writes();
        assert!((400..=256 + 200).contains(&tried), "{fault:?}: {tried}");
    }
    stack.world.script(|_| Fate::Happens);
    stack.reconcile().await;
    stack.holds("gone on").await;
}

#[tokio::test(start_paused = true)]
async fn an_update_that_stays_refused_is_given_up_once_its_time_is_over() {
    let awaiting = Fault::Awaiting { what: "the role".to_owned(), within: Duration::from_secs(60) };
    for (fault, limit) in [(Fault::Transient, 120), (awaiting, 60), (Fault::Conflict, 120)] {
        let stack = Stack::new("token:\n  a: {size: 1}\n");
        stack.reconcile().await;
        let file = stack.file.replace("size: 1", "size: 2");
        let stack = Stack { file, ..stack };
        let fails = fault.clone();
        stack.world.script(move |deed| match deed.verb {
            "update" => Fate::Fails(fails.clone()),
            _ => Fate::Happens,
        });
        let since = Instant::now();
        let Ended::Done(outcome) = stack.run(false).await else { panic!("it ran") };
        assert_eq!(outcome.failed.len(), 1, "{fault:?}");
        let seconds = since.elapsed().as_secs();
        assert!((limit..limit + 30).contains(&seconds), "{fault:?}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_large_throttled_run_completes() {
    let stack = Stack { parallelism: 32, ..many(300) };
    let mut last = Instant::now();
    stack.world.script(move |deed| match deed.verb {
        "create" if last.elapsed() < Duration::from_millis(1500) => Fate::Fails(Fault::Transient),
        "create" => {
            last = Instant::now();
            Fate::Happens
        }
        _ => Fate::Happens,
    });
    stack.reconcile().await;
    assert!(stack.world.writes() > 64 * 32 + 300, "{} creates", stack.world.writes());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_readiness_spends_no_retry_budget() {
    let stack = many(60);
    let since = Instant::now();
    stack.world.script(move |deed| match deed.verb {
        "create" if since.elapsed() < Duration::from_secs(50) => {
            let what = "the role to be assumable".to_owned();
            Fate::Fails(Fault::Awaiting { what, within: Duration::from_secs(60) })
        }
        _ => Fate::Happens,
    });
    let stack = Stack { parallelism: 60, ..stack };
    stack.reconcile().await;
    stack.holds("assumable").await;
}

#[tokio::test(start_paused = true)]
async fn a_wait_reports_its_subject_time_and_reason_without_secrets() {
    let stack = Stack::new("token:\n  a: {word: '${env.PW}'}\n");
    let since = Instant::now();
    stack.world.script(move |deed| match deed.verb {
        "create" if since.elapsed() < Duration::from_secs(20) => Fate::Fails(Fault::Transient),
        _ => Fate::Happens,
    });
    let (outcome, events) = run_with_events(&stack).await;
    assert_eq!(outcome.done.iter().map(ToString::to_string).collect::<Vec<_>>(), ["token.a"]);
    let waits: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Waiting { awaited, because, limit, .. } => {
                Some((awaited, because, limit.as_secs()))
            }
            _ => None,
        })
        .collect();
    assert!(waits.len() > 3, "{events:?}");
    for (number, (awaited, because, limit)) in waits.into_iter().enumerate() {
        assert_eq!((awaited, limit), (&Awaited::Capacity, 120));
        // The same reason is told once.
        assert_eq!(because.as_deref(), Some("as the ${env.PW}").filter(|_| number == 0));
    }
}

#[tokio::test(start_paused = true)]
async fn observing_a_new_object_reports_its_wait() {
    let stack =
        Stack { consistency_window: Duration::from_secs(60), ..Stack::new("token:\n  a: {}\n") };
    stack.reconcile().await;
    let hidden = Instant::now() + Duration::from_secs(20);
    stack.world.meddle(|things| things[0].visible = hidden);
    let (outcome, events) = run_with_events(&stack).await;
    assert!(outcome.done.is_empty(), "{events:?}");
    let id = stack.world.things()[0].id.clone();
    let is_told = events.iter().any(
        |event| matches!(event, Event::Waiting { awaited: Awaited::Visible(of), .. } if *of == id),
    );
    assert!(is_told, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_ends_retries() {
    let mut stack = many(3);
    for verb in ["create", "update", "delete"] {
        let (stop, since) = (stack.stop.clone(), Instant::now());
        stack.world.script(move |deed| {
            if deed.verb != verb {
                return Fate::Happens;
            }
            if since.elapsed() > Duration::from_secs(10) {
                stop.send_replace(true);
            }
            Fate::Fails(Fault::Transient)
        });
        let Ended::Done(outcome) = stack.run(verb == "delete").await else { panic!("it ran") };
        assert!(outcome.interrupted && outcome.failed.len() == 3, "{verb}: {outcome:?}");
        assert!(since.elapsed() < Duration::from_secs(20), "{verb}: {:?}", since.elapsed());
        stack.stop.send_replace(false);
        stack.world.script(|_| Fate::Happens);
        stack.reconcile().await;
        stack.file = stack.file.replace("{}", "{size: 2}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_an_open_create_is_reported_with_its_object() {
    for (kind, fate, wanted) in [
        ("token", Fate::KillsAfter, Recovery::Found),
        ("token", Fate::KillsBefore, Recovery::SentAgain),
        ("named", Fate::KillsAfter, Recovery::Found),
        ("named", Fate::KillsBefore, Recovery::CreatedLater),
        ("plain", Fate::KillsBefore, Recovery::NeverHappened),
    ] {
        let stack = Stack::new(&format!("{kind}:\n  a: {{}}\n"));
        let dies = fate.clone();
        stack.world.script(move |deed| match deed.verb {
            "create" => dies.clone(),
            _ => Fate::Happens,
        });
        assert!(matches!(stack.run(false).await, Ended::Killed));
        stack.world.script(|_| Fate::Happens);
        let (_, events) = run_with_events(&stack).await;
        let recovered = events.iter().find_map(|event| match event {
            Event::Recovered { id, outcome, .. } => Some((id.clone(), *outcome)),
            _ => None,
        });
        let (id, outcome) = recovered.unwrap_or_else(|| panic!("{kind} {fate:?}: {events:?}"));
        assert_eq!(outcome, wanted, "{kind} {fate:?}");
        let is_there = matches!(outcome, Recovery::Found | Recovery::SentAgain);
        assert_eq!(id.is_some(), is_there, "{kind} {fate:?}: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_reply_is_not_reported_as_throttling() {
    let stack = Stack::new("token:\n  a: {}\n");
    let since = Instant::now();
    // Only an object in transition is observed after its create.
    stack.world.late(Duration::ZERO, Duration::from_secs(1));
    stack.world.script(move |deed| match deed.verb {
        "observe" if since.elapsed() < Duration::from_secs(20) => Fate::ReplyIsLost,
        _ => Fate::Happens,
    });
    let (outcome, events) = run_with_events(&stack).await;
    assert_eq!(outcome.done.len(), 1, "{outcome:?}");
    let waits = events.iter().filter_map(|event| match event {
        Event::Waiting { awaited, because: Some(_), limit, .. } => {
            Some((awaited.clone(), limit.as_secs()))
        }
        _ => None,
    });
    assert_eq!(waits.collect::<Vec<_>>(), [(Awaited::ReadableAnswer, 60)]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_search_is_repeated() {
    let stack = many(3);
    let since = Instant::now();
    stack.world.script(move |deed| match deed.verb {
        "find" if since.elapsed() < Duration::from_secs(30) => Fate::Fails(Fault::Transient),
        _ => Fate::Happens,
    });
    stack.reconcile().await;
    assert_eq!(stack.world.things().len(), 3);
}

/// A stack of many objects may exceed a quota of reads.
#[tokio::test(start_paused = true)]
async fn a_throttled_look_is_repeated() {
    let stack = many(40);
    stack.reconcile().await;
    let since = Instant::now();
    stack.world.script(move |deed| match deed.verb {
        "observe" if since.elapsed() < Duration::from_secs(30) => Fate::Fails(Fault::Transient),
        _ => Fate::Happens,
    });
    assert_eq!(stack.plan().await, [""; 0], "all are seen, and nothing is to be done");
    stack.world.fail(Fate::Fails(Fault::Transient), |deed| deed.verb == "observe");
    let since = Instant::now();
    let Ended::Refused(error) = stack.run(false).await else { panic!("nothing is seen") };
    assert!(matches!(&error, Error::Unseen(unseen) if unseen.len() == 40), "{error:?}");
    assert!((60..90).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
}
