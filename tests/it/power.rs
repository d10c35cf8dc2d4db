//! The power state is not drift: after a start, stop or reboot by anybody, the plan is empty.
//!
//! 40 interleavings by default, `STACKWRIGHT_TORTURE=all` takes 1,000.

use std::collections::BTreeMap;

use serde_json::json;
use stackwright_testkit::{Dice, Emulator, figures};

use crate::support::{Sandbox, post, takes_all, text};

/// What others may do to an instance at any time.
const ACTS: [&str; 6] = ["start", "stop", "status", "StartInstances", "StopInstances", "Reboot"];

/// At most so many acts before a plan, and so many while it refreshes.
const ACTS_EACH: usize = 4;

/// The sample on MiniStack, and its instance.
struct Machine<'a> {
    emulator: &'a Emulator,
    stack: Sandbox,
    url: String,
    id: String,
}

impl<'a> Machine<'a> {
    fn of(emulator: &'a Emulator) -> Self {
        let stack = Sandbox::sample(emulator);
        stack.ok(&["reconcile"]);
        let url = stack.ok(&["output", "url"]).stdout.trim().to_owned();
        let shown = stack.ok(&["show", "--json"]).json();
        let id = text(&shown["resources"]["instance.web"]["object"]["id"]).to_owned();
        Self { emulator, stack, url, id }
    }

    /// Through the deployed API, in lower case, or by EC2's own.
    #[track_caller]
    fn act(&self, act: &str) {
        if ACTS[..3].contains(&act) {
            let (status, answer) = post(&self.url, &json!({ "action": act }).to_string());
            assert_eq!(status, 200, "{act}: {answer}");
            return;
        }
        let action = if act == "Reboot" { "RebootInstances" } else { act };
        let form = format!("Action={action}&InstanceId.1={}&Version=2016-11-15", self.id);
        self.emulator.form("ec2", &form);
    }
}

#[test]
fn power_changes_by_others_are_not_drift() {
    let interleavings: u64 = if takes_all() { 1000 } else { 40 };
    let emulator = Emulator::ministack().start();
    let machine = Machine::of(&emulator);
    let (mut acts, mut powers) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..interleavings {
        let mut dice = Dice::new(seed);
        let mut done = Vec::new();
        let mut some = |dice: &mut Dice| {
            for _ in 0..dice.below(ACTS_EACH + 1) {
                let act = ACTS[dice.below(ACTS.len())];
                done.push(act);
                machine.act(act);
            }
        };
        some(&mut dice);
        let planning = machine.stack.start(&["plan", "--detailed-exitcode"]);
        some(&mut dice);
        let ran = planning.wait();
        assert_eq!(ran.code, 0, "seed {seed}: planned after {done:?}:\n{ran}");
        for act in done {
            *acts.entry(act).or_insert(0) += 1;
        }
        *powers.entry(emulator.census().power().join(" ")).or_insert(0) += 1;
    }
    let figures = json!({
        "interleavings": interleavings, "acts": acts, "left": powers, "planned": 0,
    });
    println!("{figures}");
    figures::note("power", figures);
    assert_eq!(acts.len(), ACTS.len(), "each was done: {acts:?}");
    assert_eq!(powers.len(), 2, "it was left running and stopped: {powers:?}");
    assert_eq!(
        emulator.census().ids("instance"),
        [machine.id.as_str()],
        "it is the same one still"
    );
}

#[test]
fn a_terminated_instance_is_created_again() {
    let emulator = Emulator::ministack().start();
    let machine = Machine::of(&emulator);
    machine.act("TerminateInstances");
    let plan = machine.stack.plan(&[]);
    let step = &plan["steps"][0];
    assert_eq!((&step["action"], &step["address"]), (&json!("create"), &json!("instance.web")));
    assert!(text(&step["because"]).contains("no longer exists"), "{plan:#}");
    let done = machine.stack.reconcile(&[]);
    assert_eq!(done.finished[0], "create instance.web", "{done:?}");
    assert_eq!(done.checks, 1, "the function controls the new one: {done:?}");
    let now = emulator.census().ids("instance");
    assert!(now.len() == 1 && now[0] != machine.id, "{now:?} after {}", machine.id);
    machine.stack.settled(&[]);
}
