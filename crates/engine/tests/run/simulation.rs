//! Random histories of small stacks: edits, drift, faults, kills, power cuts, runs beside each other,
//! lost and damaged states. After each history one undisturbed run, and everything holds. One seed is
//! one history, exactly.
//!
//! `STACKWRIGHT_WORLDS=10000` says how many, `STACKWRIGHT_SECONDS=90` for how long at most;
//! `STACKWRIGHT_SEED=7` plays one and prints it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;
use stackwright_engine::execute::Failure;
use stackwright_engine::kind::UpdateCost;
use stackwright_engine::state::{self, Store};
use stackwright_testkit::world::{Deed, Fate, MemoryDisk, Thing};
use stackwright_testkit::{Dice, figures};
use tokio::time::Instant;

use crate::history::{File, Move, history, is_retained, text};
use crate::support::{Ended, Stack, place};

fn foreign(now: Instant) -> Thing {
    Thing {
        kind: "plain",
        id: "theirs".into(),
        token: String::new(),
        spec: serde_json::json!({ "name": "r0", "tags": {}, "size": 7 }),
        visible: now,
        settled: now,
        created: "2026-03-01T12:00:00Z".into(),
        alive: true,
        found_until: None,
    }
}

/// How many faults the history met.
async fn play(moves: &[Move], loud: bool) -> usize {
    let mut stack = Stack::new("");
    stack.consistency_window = Duration::from_secs(60);
    let theirs = foreign(Instant::now());
    stack.world.meddle(|things| things.push(theirs.clone()));
    let (mut met, mut lost) = (0, false);
    let mut copies: Vec<BTreeMap<String, Vec<u8>>> = Vec::new();
    let mut restored = false;
    for step in moves {
        match step {
            Move::Edit(file) => stack.file = text(file),
            Move::Late(hidden, settling) => {
                let [hidden, settling] = [*hidden, *settling].map(Duration::from_secs);
                stack.world.late(hidden, settling);
            }
            Move::Meddle { which, ends } => stack.world.meddle(|things| {
                let mut ours = things.iter_mut().filter(|t| t.alive && t.id != "theirs");
                if let Some(thing) = ours.nth(*which) {
                    if *ends { thing.alive = false } else { thing.spec["size"] = 99.into() }
                }
            }),
            // Nothing but the state knows an object between its create and its tags.
            Move::LoseState | Move::Damage(_) | Move::RestoreState(_) if has_untagged(&stack) => {}
            // A copy may know an object that was released since, beside its successor: such a run is refused.
            Move::RestoreState(_) if copies.is_empty() || has_retained(moves) => {}
            Move::RestoreState(which) => {
                tokio::time::sleep(Duration::from_secs(300)).await;
                restored |= restore(&stack, &copies[which % copies.len()]);
            }
            Move::LoseState => {
                // Long after the last run, everything is visible.
                tokio::time::sleep(Duration::from_secs(300)).await;
                stack.disk = Default::default();
                lost = true;
                stack.adopt = true;
            }
            Move::Damage(seed) => {
                tokio::time::sleep(Duration::from_secs(300)).await;
                if damage(&stack, *seed) {
                    let knows_lineage = stack.rebuild().await;
                    lost |= !knows_lineage;
                    stack.adopt |= !knows_lineage;
                }
            }
            Move::Run { destroys, part, fates, disk, beside } => {
                let part = part.iter().map(|address| address.parse().expect("an address"));
                stack.selection.targets = part.collect();
                let (script, beside, folder) = (fates.clone(), *beside, stack.disk.clone());
                stack.world.script(move |deed| {
                    if beside == Some(deed.number) {
                        is_locked_out(&folder);
                    }
                    script.get(&deed.number).cloned().unwrap_or(Fate::Happens)
                });
                if let Some((number, fault)) = disk {
                    stack.disk.fail(*number, *fault);
                }
                let ended = stack.run(*destroys).await;
                let is_whole = !stack.selection.is_narrow();
                stack.selection.targets.clear();
                if loud {
                    println!("{step:?} ended as {ended:?}\n{}", stack.description());
                }
                stack.disk.reboot();
                copies.push(stack.disk.contents());
                let deeds = stack.world.deeds().len();
                met += fates.keys().filter(|number| **number < deeds).count();
                always(&stack);
                if let Ended::Done(outcome) = &ended
                    && outcome.failed.is_empty()
                    && outcome.skipped.is_empty()
                    && is_whole
                {
                    lost &= *destroys;
                    let may_leave = lost || restored && is_blind(&stack, fates);
                    assert!(
                        !*destroys || may_leave || ours(&stack).is_empty(),
                        "left by a destroy"
                    );
                }
            }
        }
    }
    // A state that was lost halfway through a run may not know what this stack made: adopt.
    stack.world.script(|_| Fate::Happens);
    if restored {
        // Nothing points at an object that an older copy does not know, nor the file any more. A destroy
        // searches everything.
        let ended = stack.run(true).await;
        let is_clean = matches!(&ended, Ended::Done(outcome) if outcome.failed.is_empty());
        assert!(is_clean && ours(&stack).is_empty(), "left by a destroy that ended as {ended:?}");
    }
    let mut ended = stack.run(false).await;
    // A late object of a former shape is met only where its name is taken: the run says so, and the
    // next one's plan has its replacement.
    if is_beyond_the_plan(&ended) {
        ended = stack.run(false).await;
    }
    if loud {
        println!("the last run ended as {ended:?}\n{}", stack.description());
    }
    match ended {
        Ended::Done(outcome) if outcome.failed.is_empty() && outcome.skipped.is_empty() => {}
        other => panic!("the run that should finish it: {other:?}"),
    }
    stack.holds("at the end").await;
    let (touched, let_go): (Vec<Thing>, Vec<Thing>) =
        others(&stack).into_iter().partition(|thing| thing.id == theirs.id);
    assert_eq!(touched, [theirs], "what is not ours was touched");
    for thing in let_go {
        assert!(retained(moves, thing.name()), "nobody knows {thing:?}");
    }
    met
}

/// Whether an object of that name may have been released.
fn retained(moves: &[Move], name: &str) -> bool {
    moves.iter().any(|step| matches!(step, Move::Edit(file) if is_retained(file, name)))
}

fn has_retained(moves: &[Move]) -> bool {
    let retains = |file: &File| file.keys().any(|at| is_retained(file, &format!("r{at}")));
    moves.iter().any(|step| matches!(step, Move::Edit(file) if retains(file)))
}

/// Whether an object exists whose create took no tags, and that has none yet.
fn has_untagged(stack: &Stack) -> bool {
    stack.world.things().iter().any(|thing| thing.kind == "untagged" && thing.address().is_none())
}

/// Puts an earlier copy of the state's files in the place of the present ones. `false`: the copy is from before
/// the first write of this state.
fn restore(stack: &Stack, copy: &BTreeMap<String, Vec<u8>>) -> bool {
    let snapshot = copy.get("state.json").map(|bytes| String::from_utf8_lossy(bytes));
    let lineage = stack.state().lineage;
    if lineage.is_empty() || !snapshot.is_some_and(|snapshot| snapshot.contains(&lineage)) {
        return false;
    }
    for name in stack.disk.contents().keys().filter(|name| !copy.contains_key(*name)) {
        stack.disk.meddle(name, None);
    }
    for (name, bytes) in copy {
        stack.disk.meddle(name, Some(bytes.clone()));
    }
    true
}

/// `false` when there is nothing to damage.
fn damage(stack: &Stack, seed: u64) -> bool {
    let mut dice = Dice::new(seed);
    let files = stack.disk.contents();
    let whole = |name: &str| files.get(name).filter(|bytes| !bytes.is_empty()).cloned();
    let (snapshot, journal) = (whole("state.json"), whole("journal.jsonl"));
    let Some(mut snapshot) = snapshot else { return false };
    let before_last = journal.iter().flatten().rev().skip(1).position(|byte| *byte == b'\n');
    match (dice.below(3), journal, before_last) {
        (0, _, _) => stack.disk.meddle("state.json", None),
        (1, Some(mut journal), Some(last)) => {
            let at = dice.below(journal.len() - last - 2);
            journal[at] ^= 1 << dice.below(7);
            stack.disk.meddle("journal.jsonl", Some(journal));
        }
        _ => {
            let at = dice.below(snapshot.len());
            snapshot[at] ^= 1 << dice.below(7);
            stack.disk.meddle("state.json", Some(snapshot));
        }
    }
    true
}

/// A second run is refused, and a command that only reads is not.
fn is_locked_out(folder: &MemoryDisk) {
    let second = Store::open(Box::new(folder.clone()), &place(), "beside");
    assert!(matches!(second.err(), Some(state::Error::Locked { .. })), "two runs at once");
    Store::peek(folder, &place()).expect("readable beside a run");
}

fn is_beyond_the_plan(ended: &Ended) -> bool {
    let beyond = |failure: &Failure| {
        matches!(failure, Failure::NotPlanned { cost: UpdateCost::Replace, .. })
    };
    matches!(ended, Ended::Done(outcome)
        if !outcome.failed.is_empty()
            && outcome.failed.iter().all(|(_, failure)| beyond(failure)))
}

/// Tells whether the last run could not search the objects of some kind.
fn is_blind(stack: &Stack, fates: &BTreeMap<usize, Fate>) -> bool {
    let failed =
        |deed: &Deed| matches!(fates.get(&deed.number), Some(Fate::Fails(_) | Fate::ReplyIsLost));
    stack.world.deeds().iter().any(|deed| deed.verb == "find" && failed(deed))
}

fn others(stack: &Stack) -> Vec<Thing> {
    stack.world.things().into_iter().filter(|thing| thing.address().is_none()).collect()
}

fn ours(stack: &Stack) -> Vec<Thing> {
    stack.world.things().into_iter().filter(|thing| thing.address().is_some()).collect()
}

/// The invariants after every run, however it ended.
fn always(stack: &Stack) {
    let mut seen = BTreeSet::new();
    for thing in stack.world.things() {
        if let Some(address) = thing.address() {
            let generation = thing.spec["tags"]["stackwright:generation"].to_string();
            let one = (address.to_owned(), generation);
            assert!(seen.insert(one), "two of {address} in one generation");
        }
    }
    let _readable = stack.state();
}

/// Plays in a runtime of its own; the panic's text when an invariant is broken.
fn outcome(moves: &[Move], loud: bool) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(AssertUnwindSafe(play(moves, loud)).catch_unwind()).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned())).unwrap_or_default()
    })
}

/// The shortest part of the history that still fails.
fn shortest(mut moves: Vec<Move>) -> Vec<Move> {
    let mut at = 0;
    while at < moves.len() {
        let mut fewer = moves.clone();
        fewer.remove(at);
        if outcome(&fewer, false).is_err() {
            moves = fewer;
            at = 0;
        } else {
            at += 1;
        }
    }
    moves
}

fn describe(moves: &[Move]) -> String {
    moves.iter().fold(String::new(), |mut text_so_far, step| {
        let _ = match step {
            Move::Edit(file) => writeln!(text_so_far, "- the file becomes\n{}", text(file)),
            other => writeln!(text_so_far, "- {other:?}"),
        };
        text_so_far
    })
}

#[expect(clippy::disallowed_methods, reason = "the environment says how much to test")]
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The figures of many histories.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    worlds: u64,
    moves: usize,
    faults: usize,
}

/// Plays seed after seed until they are used up or the time is; a panic shows the shortest failure.
fn many(next: &AtomicU64, end: u64, until: std::time::Instant) -> Tally {
    let mut tally = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end || std::time::Instant::now() >= until {
            return tally;
        }
        let moves = history(seed);
        tally.worlds += 1;
        tally.moves += moves.len();
        match outcome(&moves, false) {
            Ok(faults) => tally.faults += faults,
            Err(why) => panic!("seed {seed}: {why}\n\nshortest:\n{}", describe(&shortest(moves))),
        }
    }
}

#[test]
fn every_history_converges() {
    if let Some(seed) = number("STACKWRIGHT_SEED") {
        let moves = history(seed);
        println!("{}", describe(&moves));
        outcome(&moves, true)
            .unwrap_or_else(|why| panic!("{why}\n\nshortest:\n{}", describe(&shortest(moves))));
        return;
    }
    let worlds = number("STACKWRIGHT_WORLDS").unwrap_or(10_000);
    let seconds = Duration::from_secs(number("STACKWRIGHT_SECONDS").unwrap_or(90));
    let (next, until) = (AtomicU64::new(0), std::time::Instant::now() + seconds);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let total = std::thread::scope(|scope| {
        let play = || scope.spawn(|| many(&next, worlds, until));
        let threads: Vec<_> = (0..threads).map(|_| play()).collect();
        threads.into_iter().fold(Tally::default(), |total, thread| {
            let more = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Tally {
                worlds: total.worlds + more.worlds,
                moves: total.moves + more.moves,
                faults: total.faults + more.faults,
            }
        })
    });
    let Tally { worlds, moves, faults } = total;
    println!("{worlds} worlds, {moves} moves, {faults} faults met, nothing lost, nothing twice");
    figures::note(
        "simulation",
        json!({ "worlds": worlds, "moves": moves, "faults": faults, "lost": 0, "twice": 0 }),
    );
    assert!(worlds > 0 && faults as u64 > worlds / 2, "the faults must be met: {total:?}");
}
