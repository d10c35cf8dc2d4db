//! The real binary is killed at its calls, at three points each: one more run finishes the work, with
//! one object for each address and nothing else.
//!
//! A few calls of each scenario by default; `STACKWRIGHT_TORTURE=all` takes every one.

use serde_json::json;
use stackwright_testkit::{Act, Builder, Counts, Dice, Emulator, Point, Proxy, figures};

use crate::invariants::{KEPT, Witness};
use crate::support::{LAMBDA_TRUST, Sandbox, takes_all, text};

const POINTS: [Point; 3] = [Point::Arrived, Point::Committed, Point::Replied];

/// The distance between the calls that are tested; coprime to the number of points, so that they mix.
fn stride() -> usize {
    if takes_all() { 1 } else { 17 }
}

pub const RECONCILE: &[&str] = &["reconcile", "--yes", "--no-check"];
pub const DESTROY: &[&str] = &["destroy", "--yes"];

/// Runs the command and kills it at its call `number`; `false` when it had fewer.
fn killed(
    emulator: &Emulator,
    stack: &mut Sandbox,
    command: &[&str],
    number: usize,
    point: Point,
) -> bool {
    let proxy =
        Proxy::before(
            emulator,
            move |call| {
                if call.number == number { Act::Pause(point) } else { Act::Pass }
            },
        );
    stack.go_through(proxy.port());
    let mut running = stack.start(command);
    let paused = running.is_paused(&proxy);
    stack.go_through(emulator.port());
    if paused {
        running.signal("KILL");
        let ran = running.wait();
        // With the reply of its last call, the program may end before the signal arrives.
        if point != Point::Replied || ran.code != 0 {
            ran.code(137);
        }
    } else {
        running.wait().code(0);
    }
    paused
}

/// Kills `command` at call after call; `finish` runs the next command and checks the result.
pub fn everywhere(
    name: &str,
    witness: (&Emulator, &Witness<'_>, &mut Sandbox),
    mut prepare: impl FnMut(&Sandbox),
    command: &[&str],
    mut finish: impl FnMut(&Sandbox, &str),
) {
    let (emulator, witness, stack) = witness;
    let (mut number, mut calls, mut kills) = (0, 0, 0);
    loop {
        let mut any = false;
        for point in POINTS {
            prepare(stack);
            let hit = killed(emulator, stack, command, number, point);
            let when = format!("{command:?} killed at call {number}, {point:?}");
            witness.always(stack, &when);
            finish(stack, &when);
            any |= hit;
            kills += usize::from(hit);
        }
        if !any {
            assert!(number > 0, "{command:?} made no call");
            break;
        }
        calls += 1;
        number += stride();
    }
    figures::note(
        "kills",
        json!({ "of": name, "calls": calls, "kills": kills, "lost": 0, "twice": 0 }),
    );
}

/// The stack of a kind, each of whose runs is killed at call after call.
pub struct Life {
    /// `security groups`
    pub of: &'static str,
    /// One whose creates are atomic, as they are on AWS: with their tags, and refused under a name that is taken.
    pub emulator: fn() -> Builder,
    pub stack: fn(&Emulator) -> Sandbox,
    pub objects: fn() -> Counts,
}

impl Life {
    fn witness<'a>(&self, emulator: &'a Emulator) -> Witness<'a> {
        Witness::of(emulator).expecting((self.objects)())
    }

    pub fn a_create_is_finished(&self) {
        let emulator = (self.emulator)().start();
        let witness = self.witness(&emulator);
        let mut stack = (self.stack)(&emulator);
        let finish = |stack: &Sandbox, when: &str| {
            witness.finishes(stack, &["create", "update"], when);
            witness.destroyed(stack, when);
        };
        let name = format!("create of {}", self.of);
        everywhere(&name, (&emulator, &witness, &mut stack), |_| {}, RECONCILE, finish);
    }

    pub fn a_destroy_is_finished(&self) {
        let emulator = (self.emulator)().start();
        let witness = self.witness(&emulator);
        let mut stack = (self.stack)(&emulator);
        let make = |stack: &Sandbox| {
            stack.ok(RECONCILE);
        };
        let finish = |stack: &Sandbox, when: &str| witness.destroyed(stack, when);
        let name = format!("destroy of {}", self.of);
        everywhere(&name, (&emulator, &witness, &mut stack), make, DESTROY, finish);
    }

    /// `edit` changes the file before each run. `steps`: by which the next run may finish it.
    pub fn an_update_is_finished(&self, steps: &[&str], edit: impl FnMut(&Sandbox)) {
        let emulator = (self.emulator)().start();
        let witness = self.witness(&emulator);
        let mut stack = (self.stack)(&emulator);
        stack.ok(RECONCILE);
        let finish = |stack: &Sandbox, when: &str| witness.finishes(stack, steps, when);
        let name = format!("update of {}", self.of);
        everywhere(&name, (&emulator, &witness, &mut stack), edit, RECONCILE, finish);
    }
}

#[test]
fn a_create_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    let finish = |stack: &Sandbox, when: &str| {
        // An object may be created and not complete: `update` completes it.
        witness.finishes(stack, &["create", "update"], when);
        witness.destroyed(stack, when);
    };
    everywhere("create", (&emulator, &witness, &mut stack), |_| {}, RECONCILE, finish);
}

#[test]
fn a_destroy_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    let make = |stack: &Sandbox| {
        stack.ok(RECONCILE);
    };
    let finish = |stack: &Sandbox, when: &str| witness.destroyed(stack, when);
    everywhere("destroy", (&emulator, &witness, &mut stack), make, DESTROY, finish);
}

/// Swaps two texts of the file at each call.
pub fn flip<'a>(one: &'a str, other: &'a str) -> impl FnMut(&Sandbox) + 'a {
    let mut turned = false;
    move |stack| {
        if turned {
            stack.edit(other, one)
        } else {
            stack.edit(one, other)
        }
        turned = !turned;
    }
}

/// Stops our instance, or starts it again.
fn turn_power(emulator: &Emulator, stack: &Sandbox) {
    let shown = stack.ok(&["show", "--live", "--json"]).json();
    let web = &shown["resources"]["instance.web"];
    let verb = if web["live"]["power"] == "running" { "stop" } else { "start" };
    let id = web["object"]["id"].as_str().expect("an id");
    emulator.form(
        "ec2",
        &format!(
            "Action={}&InstanceId.1={id}&Version=2016-11-15",
            match verb {
                "stop" => "StopInstances",
                _ => "StartInstances",
            }
        ),
    );
}

#[test]
fn an_update_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    stack.ok(RECONCILE);
    turn_power(&emulator, &stack);
    let mut timeout = flip("timeout: 30", "timeout: 60");
    let mut route = flip("POST /ec2:", "ANY /ec2/{id}:");
    let mut allow = flip("[ec2:StartInstances, ec2:StopInstances]", "[ec2:StartInstances]");
    let mut tag = flip("project: atelier", "project: workshop");
    let edit = |stack: &Sandbox| {
        timeout(stack);
        route(stack);
        allow(stack);
        tag(stack);
    };
    let finish = |stack: &Sandbox, when: &str| {
        witness.finishes(stack, &["update"], when);
        assert_eq!(witness.power(), "stopped", "{when}: I10, as somebody left it");
    };
    everywhere("update", (&emulator, &witness, &mut stack), edit, RECONCILE, finish);
}

/// Only moto changes an instance's type.
#[test]
fn a_restart_killed_anywhere_is_finished() {
    let emulator = Emulator::moto().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    stack.ok(RECONCILE);
    for power in ["running", "stopped"] {
        if power == "stopped" {
            turn_power(&emulator, &stack);
        }
        let edit = flip("type: t2.micro", "type: t2.small");
        let finish = |stack: &Sandbox, when: &str| {
            witness.finishes(stack, &["update", "restart"], when);
            assert_eq!(witness.power(), power, "{when}: I10, as it was before");
        };
        let name = format!("restart of what is {power}");
        everywhere(&name, (&emulator, &witness, &mut stack), edit, RECONCILE, finish);
        if stack.read("stack.yaml").contains("t2.small") {
            stack.edit("type: t2.small", "type: t2.micro");
            stack.ok(RECONCILE);
        }
    }
}

#[test]
fn a_replacement_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    stack.ok(RECONCILE);
    let edit = flip("image: ami-ff0fea8310f3", "image: ami-1234567890ab");
    let finish = |stack: &Sandbox, when: &str| {
        // The first plan had no more than this, and a run that continues it has less.
        let may = ["update", "replace instance.web", "delete instance.web"];
        witness.finishes(stack, &may, when);
    };
    everywhere("replacement", (&emulator, &witness, &mut stack), edit, RECONCILE, finish);
}

#[test]
fn a_rename_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    // Without the other cloud's `web`.
    let file = stack.read("stack.yaml");
    let (file, _) = file.split_once("\nclouds:").expect("the sample serves two clouds");
    let block =
        |key: &str, former: &str| format!("  {key}:\n    name: web\n    renamed_from: {former}\n");
    let (web, machine) = (block("web", "machine"), block("machine", "web"));
    stack.write("stack.yaml", &file.replace("  web:\n", &web));
    stack.ok(RECONCILE);
    let mut address = flip(&web, &machine);
    let mut references = flip("instance.web.", "instance.machine.");
    let edit = |stack: &Sandbox| {
        address(stack);
        references(stack);
    };
    let finish = |stack: &Sandbox, when: &str| witness.finishes(stack, &["update"], when);
    everywhere("rename", (&emulator, &witness, &mut stack), edit, RECONCILE, finish);
}

/// An instance and a role made by hand, and the lines with which the stack adopts them.
struct Kept<'a> {
    emulator: &'a Emulator,
    instance: String,
}

impl<'a> Kept<'a> {
    const INSTANCE: &'static str =
        "  kept:\n    image: ami-1\n    type: t2.micro\n    retain: true\n";
    const ROLE: &'static str = "  kept:\n    trust: lambda.amazonaws.com\n    retain: true\n";

    /// Before the witness, which so takes them for objects of others.
    fn made(emulator: &'a Emulator) -> Self {
        let launch = ["ec2", "run-instances", "--image-id", "ami-1", "--instance-type", "t2.micro"];
        let made = emulator.aws(&launch);
        let trust = ["--assume-role-policy-document", LAMBDA_TRUST];
        emulator.aws(&[&["iam", "create-role", "--role-name", "kept"], &trust[..]].concat());
        let instance = text(&made["Instances"][0]["InstanceId"]).to_owned();
        Self { emulator, instance }
    }

    fn comes(&self, stack: &Sandbox) {
        stack.edit("\ninstance:\n", &format!("\ninstance:\n{}", Self::INSTANCE));
        stack.edit("\nrole:\n", &format!("\nrole:\n{}", Self::ROLE));
    }

    fn goes(&self, stack: &Sandbox) {
        stack.edit(Self::INSTANCE, "");
        stack.edit(Self::ROLE, "");
    }

    fn is_imported(&self, stack: &Sandbox) {
        for (address, id) in [(KEPT, self.instance.as_str()), ("role.kept", "kept")] {
            let ran = stack.run(&["import", address, id]);
            // The killed run may have imported it already.
            let is_known = ran.code == 1 && ran.stderr.contains("already");
            assert!(ran.code == 0 || is_known, "{ran}");
        }
    }

    /// Checks whether the state has both, and whether both have our tags.
    #[track_caller]
    fn is(&self, ours: bool, stack: &Sandbox, when: &str) {
        let known = stack.ok(&["show", "--json"]).json();
        let role = "Action=ListRoleTags&RoleName=kept&Version=2010-05-08";
        let role = self.emulator.form("iam", role);
        let id = &self.instance;
        let instance = format!("Action=DescribeInstances&InstanceId.1={id}&Version=2016-11-15");
        let instance = self.emulator.form("ec2", &instance);
        assert!(instance.contains("<name>running</name>"), "{when}: {instance}");
        for (address, seen) in [(KEPT, instance), ("role.kept", role)] {
            assert_eq!(seen.contains("stackwright:"), ours, "{when}: {address}: {seen}");
            assert_eq!(known["resources"][address].is_object(), ours, "{when}: {address}");
        }
    }
}

#[test]
fn a_release_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let kept = Kept::made(&emulator);
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    let adopt = |stack: &Sandbox| {
        kept.comes(stack);
        kept.is_imported(stack);
        stack.ok(RECONCILE);
        kept.is(true, stack, "adopted");
        kept.goes(stack);
    };
    let finish = |stack: &Sandbox, when: &str| {
        witness.finishes(stack, &["release"], when);
        kept.is(false, stack, when);
    };
    everywhere("release", (&emulator, &witness, &mut stack), adopt, RECONCILE, finish);
}

#[test]
fn an_import_killed_anywhere_is_finished() {
    let emulator = Emulator::ministack().start();
    let kept = Kept::made(&emulator);
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    stack.ok(RECONCILE);
    kept.comes(&stack);
    let import = ["import", KEPT, &kept.instance];
    let release = |stack: &Sandbox| {
        stack.ok(&["state", "rm", KEPT]);
        stack.ok(&["state", "rm", "role.kept"]);
        kept.is(false, stack, "removed from the state");
    };
    let finish = |stack: &Sandbox, when: &str| {
        kept.is_imported(stack);
        witness.finishes(stack, &["update"], when);
        kept.is(true, stack, when);
        release(stack);
    };
    everywhere("import", (&emulator, &witness, &mut stack), |_| {}, &import, finish);
    let imported = |stack: &Sandbox| kept.is_imported(stack);
    let name = "the run after an import";
    everywhere(name, (&emulator, &witness, &mut stack), imported, RECONCILE, finish);
}

/// An instance profile beside a role; preflights and answers of API Gateway beside an API's routes.
#[test]
fn parts_of_a_resource_killed_anywhere_are_finished() {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    stack.ok(RECONCILE);
    let both = "trust: [lambda.amazonaws.com, ec2.amazonaws.com]";
    let mut trust = flip("trust: lambda.amazonaws.com", both);
    let mut cors = flip("    stage: prod\n", "    stage: prod\n    cors: true\n");
    let edit = |stack: &Sandbox| {
        trust(stack);
        cors(stack);
    };
    let finish = |stack: &Sandbox, when: &str| {
        witness.finishes(stack, &["update"], when);
        let is_there = usize::from(stack.read("stack.yaml").contains(both));
        let list = "Action=ListInstanceProfiles&Version=2010-05-08";
        let profiles = emulator.form("iam", list);
        let with_role = profiles.matches("<RoleName>lambda-ec2-role<").count();
        let all = profiles.matches("<InstanceProfileName>").count();
        assert_eq!((all, with_role), (is_there, is_there), "{when}: {profiles}");
    };
    everywhere("parts", (&emulator, &witness, &mut stack), edit, RECONCILE, finish);
}

/// Two kills in a row and then a complete run, of creates and destroys in turn, at calls chosen by a
/// seed: 60 pairs, or 200 with `STACKWRIGHT_TORTURE=all`.
#[test]
fn runs_converge_after_two_kills_in_a_row() {
    let pairs: u64 = if takes_all() { 200 } else { 60 };
    std::thread::scope(|scope| {
        for half in 0..2 {
            scope.spawn(move || pairs_of_kills((half..pairs).step_by(2)));
        }
    });
    figures::note(
        "pairs of kills",
        json!({ "pairs": pairs, "kills": 2 * pairs, "lost": 0, "twice": 0 }),
    );
}

fn pairs_of_kills(seeds: impl Iterator<Item = u64>) {
    let emulator = Emulator::ministack().start();
    let witness = Witness::of(&emulator);
    let mut stack = witness.sample();
    for (turn, seed) in seeds.enumerate() {
        let makes = turn % 2 == 0;
        let command = if makes { RECONCILE } else { DESTROY };
        let mut dice = Dice::new(seed);
        let mut when = format!("seed {seed}, {command:?} killed at");
        for calls in [if makes { 48 } else { 30 }, 16] {
            // A run with fewer calls is killed at an earlier one.
            let mut number = dice.below(calls);
            let point = POINTS[dice.below(3)];
            while !killed(&emulator, &mut stack, command, number, point) {
                assert!(number > 0, "{when}: it makes no call");
                stack.ok(if makes { DESTROY } else { RECONCILE });
                number /= 2;
            }
            when.push_str(&format!(" {:?}", (number, point)));
            witness.always(&stack, &when);
        }
        if makes {
            witness.finishes(&stack, &["create", "update"], &when);
        } else {
            witness.destroyed(&stack, &when);
        }
    }
    witness.destroyed(&stack, "at the end");
}
