//! The real binary against a cloud as strict as AWS: tokens, quotas, one writer, updates in progress,
//! new objects unseen for a while, new roles not yet assumable, deployments that are snapshots,
//! functions that let in whom they say, instances that take their time. First as it is, then with
//! faults drawn by seed.
//!
//! Eight seeds by default, `STACKWRIGHT_TORTURE=all` takes 200; `STACKWRIGHT_REPLAY=<log>` plays one
//! again that failed.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use stackwright_testkit::kinds::kind;
use stackwright_testkit::{
    Act, Call, Emulator, Entry, Point, Proxy, Rules, by_seed, counts, figures, read_log, replay,
    write_log,
};

use crate::support::{Sandbox, sample_counts, takes_all, text};

const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];
/// The first with faults, and the others until one exits with 0.
const RUNS: usize = 4;

/// All rules, in a time that runs twenty times faster.
fn strict(n: usize) -> Rules {
    Rules::all(n, 20.0)
}

/// A create that cannot be repeated waits five seconds for its outcome, longer than any rule delays.
fn sandbox(emulator: &Emulator, proxy: &Proxy) -> Sandbox {
    Sandbox::sample(emulator).env("STACKWRIGHT_CONSISTENCY_SECONDS", "5").through(proxy)
}

fn count(proxy: &Proxy, name: &str) -> usize {
    proxy.log().iter().filter(|call| call.operation.name == name).count()
}

fn rules_met(entries: &[Entry]) -> BTreeMap<String, usize> {
    tally(entries.iter().filter_map(|entry| entry.rule.clone()))
}

fn tally(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    names.fold(BTreeMap::new(), |mut counts, name| {
        *counts.entry(name).or_default() += 1;
        counts
    })
}

#[test]
fn a_life_under_all_rules_takes_one_run_for_each_change() {
    let emulator = Emulator::ministack().start();
    // In real time, so that a second deployment comes too early.
    let proxy = Proxy::strict(&emulator, Rules::all(2, 1.0), |_| Act::Pass);
    let stack = sandbox(&emulator, &proxy);
    let step = |what: &str| {
        let ran = stack.run(&["reconcile", "--yes"]);
        assert_eq!(ran.code, 0, "{what}:\n{ran}");
        stack.settled(&[]);
        assert_eq!(emulator.census().counts(), sample_counts(), "{what}");
    };
    step("made");
    let made = emulator.census();
    for name in sample_counts().into_keys() {
        let creates = if name == "function" { 3 } else { 1 };
        assert_eq!(count(&proxy, kind(name).create), creates, "{name}");
    }
    stack.edit("timeout: 30", "timeout: 31");
    stack.edit(", ec2:StopInstances]", "]");
    stack.edit("POST /ec2: function", "ANY /ec2/{id}: function");
    stack.edit("EC2-Control-API.url}/ec2\n    body", "EC2-Control-API.url}/ec2/web\n    body");
    let code = stack.read("handler/lambda_function.py");
    stack.write("handler/lambda_function.py", &format!("{code}\n# another text\n"));
    step("edited");
    assert_eq!(emulator.census(), made, "nothing was re-created");
    stack.edit("ami-ff0fea8310f3", "ami-ff0fea8310f4");
    step("replaced");
    assert_ne!(emulator.census().ids("instance"), made.ids("instance"));
    let ran = stack.run(&["destroy", "--yes"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(emulator.census().counts(), counts([]));

    let met = rules_met(&proxy.entries());
    figures::note("strict life", json!({ "calls": proxy.log().len(), "refusals": met }));
    // Quotas are met only where the machine is quick enough to ask too often.
    for rule in ["hidden", "in progress", "unassumable"] {
        assert!(met.contains_key(rule), "{rule} was never met: {met:?}");
    }
    for rule in MISTAKES {
        assert!(!met.contains_key(rule), "{rule}: {met:?}");
    }
}

/// Rules that a correct program never meets, however fast it is.
const MISTAKES: [&str; 3] = ["snapshot", "half built", "statement ids"];

/// Only moto changes an instance's type; by itself it changes a running one, and takes a statement
/// twice.
#[test]
fn a_restart_and_a_repaired_permission_under_all_rules() {
    let emulator = Emulator::moto().start();
    let proxy = Proxy::strict(&emulator, strict(2), |_| Act::Pass);
    let stack = sandbox(&emulator, &proxy);
    let by_hand = |arguments: &[&str]| {
        emulator.aws(&[arguments, &["--endpoint-url", &proxy.url()]].concat());
    };
    let id = |address: &str| {
        let shown = stack.ok(&["show", "--json"]).json();
        text(&shown["resources"][address]["object"]["id"]).to_owned()
    };
    let step = |what: &str, power: &str| {
        let ran = stack.run(RECONCILE);
        assert_eq!(ran.code, 0, "{what}:\n{ran}");
        stack.settled(&[]);
        assert_eq!(emulator.census().power(), [power], "{what}");
    };
    step("made", "running");
    stack.edit("type: t2.micro", "type: t2.small");
    step("another type", "running");
    by_hand(&["ec2", "stop-instances", "--instance-ids", &id("instance.web")]);
    stack.edit("type: t2.small", "type: t2.micro");
    step("another type of what is stopped", "stopped");
    stack.edit("type: t2.micro", "type: t2.micro\n    power: running");
    step("started", "running");

    let (api, function) = (id("api.EC2-Control-API"), ["--function-name", "ec2-control"]);
    let statement = format!("stackwright-{api}");
    let statement = [&function[..], &["--statement-id", &statement]].concat();
    by_hand(&[&["lambda", "remove-permission"], &statement[..]].concat());
    let what = ["--action", "lambda:InvokeFunction", "--principal", "apigateway.amazonaws.com"];
    by_hand(&[&["lambda", "add-permission"], &statement[..], &what].concat());
    step("a permission without a source", "running");
    let policy = emulator.aws(&[&["lambda", "get-policy"], &function[..]].concat());
    let policy = text(&policy["Policy"]).to_owned();
    assert_eq!(policy.matches(&format!("stackwright-{api}")).count(), 1, "{policy}");
    assert!(policy.contains(&format!("{api}/prod/*")), "{policy}");

    let met = rules_met(&proxy.entries());
    figures::note("strict restart", json!({ "calls": proxy.log().len(), "refusals": met }));
    assert!(met.contains_key("power"), "{met:?}");
    for rule in MISTAKES {
        assert!(!met.contains_key(rule), "{rule}: {met:?}");
    }
}

/// Reconciles through the proxy in one run; nothing is missing, nothing there twice.
#[track_caller]
fn one_run_makes_it(emulator: &Emulator, proxy: &Proxy, when: &str) {
    let stack = sandbox(emulator, proxy);
    let ran = stack.run(RECONCILE);
    assert_eq!(ran.code, 0, "{when}:\n{ran}");
    stack.settled(&[]);
    assert_eq!(emulator.census().counts(), sample_counts(), "{when}");
    let ran = stack.run(&["destroy", "--yes"]);
    assert_eq!(ran.code, 0, "{when}: destroy:\n{ran}");
    assert_eq!(emulator.census().counts(), counts([]), "{when}: left over");
}

/// The first call of that name meets `act`.
fn first(
    name: &'static str,
    rules: Rules,
    emulator: &Emulator,
    act: Act,
) -> (Proxy, Arc<AtomicBool>) {
    let hit = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&hit);
    let proxy = Proxy::strict(emulator, rules, move |call: &Call| {
        match call.operation.name == name && !seen.swap(true, Ordering::SeqCst) {
            true => act,
            false => Act::Pass,
        }
    });
    (proxy, hit)
}

#[test]
fn a_create_answered_with_nothing_is_not_repeated_blindly() {
    let emulator = Emulator::ministack().start();
    let cut = ["RunInstances", "CreateRole", "CreateFunction", "CreateRestApi", "CreateDeployment"];
    // The reply of CreateLogGroup is always empty.
    let lost = ("CreateLogGroup", Act::Drop(Point::Committed));
    for (name, act) in cut.map(|name| (name, Act::Cut(0))).into_iter().chain([lost]) {
        let rules = Rules { unassumable: 0, ..strict(2) };
        let (proxy, hit) = first(name, rules, &emulator, act);
        one_run_makes_it(&emulator, &proxy, &format!("{name} answered with nothing"));
        assert!(hit.load(Ordering::SeqCst), "{name} was never called");
    }
}

/// An empty body is not an empty list: objects that it does not list are not gone.
#[test]
fn a_read_answered_with_nothing_is_asked_again() {
    let emulator = Emulator::ministack().start();
    let mut stack = Sandbox::sample(&emulator);
    for name in ["ListTagsForResource", "DescribeLogGroups", "GetStages", "GetPolicy"] {
        stack.ok(RECONCILE);
        let asked = AtomicUsize::new(0);
        let proxy = Proxy::before(&emulator, move |call| {
            let cut = call.operation.name == name
                && asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
            if cut { Act::Cut(0) } else { Act::Pass }
        });
        stack.go_through(proxy.port());
        let ran = stack.run(RECONCILE);
        assert_eq!(ran.code, 0, "{name}: {ran}");
        let wrote = proxy.log().into_iter().find(|call| call.operation.writes);
        assert_eq!(wrote, None, "{name} answered with nothing: {ran}");
        let ran = stack.run(&["destroy", "--yes"]);
        assert_eq!(ran.code, 0, "{name}: {ran}");
        assert!(count(&proxy, name) > 1, "{name} was not asked again");
        stack.go_through(emulator.port());
        assert_eq!(
            emulator.census().counts(),
            counts([]),
            "{name} answered with nothing: left over"
        );
    }
}

#[test]
fn a_create_answered_late_or_in_part_creates_once() {
    let emulator = Emulator::ministack().start();
    for name in ["RunInstances", "CreateRestApi"] {
        for act in [Act::Delay(Duration::from_secs(2)), Act::Break(40)] {
            let (proxy, hit) = first(name, strict(1), &emulator, act);
            one_run_makes_it(&emulator, &proxy, &format!("{name}: {act:?}"));
            assert!(hit.load(Ordering::SeqCst), "{name} was never called");
        }
    }
}

#[test]
fn an_object_that_is_not_visible_yet_is_created_once() {
    let emulator = Emulator::ministack().start();
    for name in sample_counts().into_keys() {
        for n in [1, 5] {
            let proxy = Proxy::strict(&emulator, Rules::hiding(name, n), |_| Act::Pass);
            let when = format!("{name} unseen by {n} reads");
            one_run_makes_it(&emulator, &proxy, &when);
            assert_eq!(count(&proxy, kind(name).create), 1, "{when}");
            let met = rules_met(&proxy.entries());
            assert!(met.contains_key("hidden"), "{when}: it was looked for: {met:?}");
        }
    }
}

/// The result of a run with faults.
#[derive(Default)]
struct History {
    entries: Vec<Entry>,
    /// Runs after the first.
    again: usize,
    /// Objects too few and too many, when all was done.
    lost: usize,
    twice: usize,
}

/// Creates the stack with faults, checks it, and destroys it.
fn play(
    emulator: &Emulator,
    script: impl Fn(&Call) -> Act + Send + Sync + 'static,
) -> (History, Result<(), String>) {
    let is_faulty = Arc::new(AtomicBool::new(true));
    let faulty = Arc::clone(&is_faulty);
    let proxy = Proxy::strict(emulator, strict(2), move |call| {
        if faulty.load(Ordering::SeqCst) { script(call) } else { Act::Pass }
    });
    let mut history = History::default();
    let stack = sandbox(emulator, &proxy);
    let life = catch_unwind(AssertUnwindSafe(|| {
        let mut ran = stack.run(RECONCILE);
        is_faulty.store(false, Ordering::SeqCst);
        while ran.code != 0 && history.again + 1 < RUNS {
            history.again += 1;
            ran = stack.run(RECONCILE);
        }
        let found = emulator.census().counts();
        let expected = sample_counts();
        history.lost = expected.keys().filter(|kind| !found.contains_key(*kind)).count();
        let surplus = |(kind, count): (&&str, &usize)| count - expected.get(kind).unwrap_or(&0);
        history.twice = found.iter().map(surplus).sum();
        assert_eq!(ran.code, 0, "after {RUNS} runs:\n{ran}");
        assert_eq!(found, expected);
        stack.settled(&[]);
        let ran = stack.run(&["destroy", "--yes"]);
        assert_eq!(ran.code, 0, "destroy:\n{ran}");
        assert_eq!(emulator.census().counts(), counts([]), "left over");
    }));
    history.entries = proxy.entries();
    let why = life.map_err(|panic| match panic.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => panic.downcast_ref::<&str>().map(ToString::to_string).unwrap_or_default(),
    });
    (history, why)
}

/// Keeps the log of a failed seed; the command that replays it.
fn keep(seed: u64, entries: &[Entry]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("strict-{seed}.jsonl"));
    write_log(&path, entries).expect("a log");
    let path = path.display();
    format!("STACKWRIGHT_REPLAY={path} cargo test --test it -- strict::faults")
}

#[test]
fn runs_converge_despite_seeded_faults() {
    if let Some(path) = std::env::var_os("STACKWRIGHT_REPLAY") {
        let emulator = Emulator::ministack().start();
        let log = read_log(Path::new(&path)).expect("a log");
        let (_, outcome) = play(&emulator, replay(&log));
        return outcome.unwrap_or_else(|why| panic!("{why}"));
    }
    let seeds: u64 = if takes_all() { 200 } else { 8 };
    let mut failures = Vec::new();
    let mut all: Vec<Entry> = Vec::new();
    let (mut again, mut lost, mut twice) = (0, 0, 0);
    let mut emulator = Emulator::ministack().start();
    for seed in 0..seeds {
        let (history, outcome) = play(&emulator, by_seed(seed, 10));
        if let Err(why) = outcome {
            failures.push(format!("seed {seed}: {why}\n{}", keep(seed, &history.entries)));
            // The next seed must not meet what this one left.
            emulator = Emulator::ministack().start();
        }
        (again, lost, twice) = (again + history.again, lost + history.lost, twice + history.twice);
        all.extend(history.entries);
    }
    let faults = all.iter().filter(|entry| entry.act != Act::Pass);
    let faults = tally(faults.map(|entry| entry.act.name().to_owned()));
    let calls = all.len();
    let figures = json!({
        "seeds": seeds, "calls": calls, "faults": faults, "refusals": rules_met(&all),
        "reruns": again, "lost": lost, "twice": twice, "failed": failures.len(),
    });
    println!("{figures}");
    figures::note("strict", figures);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(faults.values().sum::<usize>() as u64 > seeds, "the faults must be met: {faults:?}");
}
