//! The invariants after an interrupted run, and after the run that finishes its work.
//!
//! The numbers are those of the list in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use stackwright_testkit::kinds::{KINDS, Kind, OwnerTags};
use stackwright_testkit::{Census, Counts, Emulator, counts};

use crate::secrets::nowhere_below;
use crate::support::{Ran, Sandbox, sample_counts, text};

/// A secret in the environment of the sample's function.
pub const SECRET: &str = "canary-4f1c-torture";

/// An address at which an object that existed before ours is imported and released.
pub const KEPT: &str = "instance.kept";

/// Checks the invariants on one emulator, in which others have objects too.
pub struct Witness<'a> {
    emulator: &'a Emulator,
    theirs: Census,
    /// What the stack has of each kind.
    expected: Counts,
    /// The last serial of each state, by its lineage.
    serial: Mutex<BTreeMap<String, u64>>,
}

impl<'a> Witness<'a> {
    /// Creates objects of others that look like ours.
    pub fn of(emulator: &'a Emulator) -> Self {
        emulator.aws(&[
            "ec2",
            "run-instances",
            "--image-id",
            "ami-1",
            "--instance-type",
            "t2.micro",
        ]);
        emulator.aws(&["apigateway", "create-rest-api", "--name", "EC2-Control-API"]);
        emulator.aws(&["logs", "create-log-group", "--log-group-name", "/aws/lambda/theirs"]);
        let trust = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let role = ["iam", "create-role", "--role-name", "theirs"];
        emulator.aws(&[&role[..], &["--assume-role-policy-document", trust]].concat());
        Self {
            emulator,
            theirs: emulator.census(),
            expected: sample_counts(),
            serial: Mutex::default(),
        }
    }

    /// Watches another stack than the sample.
    pub fn expecting(self, expected: Counts) -> Self {
        Self { expected, ..self }
    }

    /// The sample stack on that emulator, its function with a secret.
    pub fn sample(&self) -> Sandbox {
        let stack = Sandbox::sample(self.emulator).env("PASSWORD", SECRET);
        let id = "      INSTANCE_ID: ${instance.web.id}";
        stack.edit(id, &format!("{id}\n      PASSWORD: ${{env.PASSWORD}}"));
        stack
    }

    /// Checks what holds at any moment.
    #[track_caller]
    pub fn always(&self, stack: &Sandbox, when: &str) {
        let census = self.emulator.census();
        let ours = census.without(&self.theirs);
        let ran = stack.run(&["show", "--json"]);
        assert_eq!(ran.code, 0, "{when}: I3, the state is readable:\n{ran}");
        self.is_silent(&ran, when);
        let known = ran.json();
        self.grows(&known, when);
        is_known(&ours, &known["resources"], when);
        is_once(&census, when);
        self.is_theirs_untouched(&census, when);
        for api in ours.ids("api") {
            let (deployments, current) = self.emulator.deployed(&api, "prod");
            let is_there = current.as_ref().is_none_or(|current| deployments.contains(current));
            assert!(is_there, "{when}: I7, the stage: {current:?} of {deployments:?}");
        }
        let folder = stack.path(".stackwright");
        if folder.exists() {
            nowhere_below(&folder);
        }
    }

    /// I9: a secret is not printed.
    #[track_caller]
    pub fn is_silent(&self, ran: &Ran, when: &str) {
        let is_printed = ran.stdout.contains(SECRET) || ran.stderr.contains(SECRET);
        assert!(!is_printed, "{when}: I9:\n{ran}");
    }

    /// I3: the serial of a state only grows.
    fn grows(&self, state: &Value, when: &str) {
        let Some(serial) = state["serial"].as_u64() else { return };
        let mut serials = self.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let last = serials.entry(text(&state["lineage"]).to_owned()).or_default();
        assert!(serial >= *last, "{when}: I3, serial {serial} after {last}");
        *last = serial;
    }

    /// I5: what others have exists as before, and no object carries our tags but ours.
    fn is_theirs_untouched(&self, census: &Census, when: &str) {
        let ours = census.without(&self.theirs);
        for kind in KINDS {
            let (all, theirs) = (census.objects(kind.name), self.theirs.objects(kind.name));
            for object in theirs {
                let found = all.iter().find(|found| found.id == object.id);
                let found = found.unwrap_or_else(|| panic!("{when}: I5, {object:?} is gone"));
                assert_eq!(found.power, object.power, "{when}: I5, the power of {object:?}");
            }
            if kind.list.has_tags {
                let tagged = owners(census, kind).filter(|owner| owner.address != KEPT).count();
                assert_eq!(tagged, ours.count(kind.name), "{when}: I5, our tags: {census:?}");
            }
        }
    }

    /// I4, I6, I8: one more run finishes, does nothing but `may` (`update`, or `delete instance.web`),
    /// and then the plan is empty.
    #[track_caller]
    pub fn finishes(&self, stack: &Sandbox, may: &[&str], when: &str) {
        let ran = stack.run(&["reconcile", "--yes", "--no-check", "--json"]);
        assert_eq!(ran.code, 0, "{when}: I4, the next run:\n{ran}");
        self.is_silent(&ran, when);
        for line in ran.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            if line["event"] == "finished" {
                let (action, address) = (text(&line["action"]), text(&line["address"]));
                let is_allowed =
                    [action, &format!("{action} {address}")].map(|done| may.contains(&done));
                assert!(is_allowed.contains(&true), "{when}: I6, it did {line}:\n{ran}");
            }
        }
        let ran = stack.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(ran.code, 0, "{when}: I4, the plan is not empty:\n{ran}");
        assert_eq!(self.ours().counts(), self.expected, "{when}: I2, one of each");
        self.always(stack, when);
    }

    /// Destroys the stack; nothing of ours is left.
    #[track_caller]
    pub fn destroyed(&self, stack: &Sandbox, when: &str) {
        let ran = stack.run(&["destroy", "--yes"]);
        assert_eq!(ran.code, 0, "{when}: destroy:\n{ran}");
        self.is_silent(&ran, when);
        assert_eq!(self.ours().counts(), counts([]), "{when}: left over");
        self.always(stack, when);
    }

    /// Whether an object existed before ours.
    pub fn is_theirs(&self, kind: &Kind, id: &String) -> bool {
        self.theirs.ids(kind.name).contains(id)
    }

    /// Everything that did not exist before ours.
    fn ours(&self) -> Census {
        self.emulator.census().without(&self.theirs)
    }

    /// The power state of our one instance.
    pub fn power(&self) -> String {
        self.ours().power().into_iter().next().expect("an instance of ours")
    }
}

/// I1: what exists is in the state, or its create is open there.
fn is_known(ours: &Census, resources: &Value, when: &str) {
    for kind in KINDS.iter().filter(|kind| kind.is_declared) {
        let section = format!("{}.", kind.name);
        let records = resources.as_object().into_iter().flatten();
        let records: Vec<&Value> = records
            .filter(|(address, _)| address.starts_with(&section))
            .map(|(_, record)| record)
            .collect();
        let open = records.iter().filter(|record| record["creating_since"].is_string()).count();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for record in records {
            known.insert(text(&record["object"]["id"]));
            known.extend(record["deposed"].as_array().into_iter().flatten().map(text));
        }
        let mut unknown = ours.ids(kind.name);
        unknown.retain(|id| !known.contains(id.as_str()));
        assert!(unknown.len() <= open, "{when}: I1, {} {unknown:?}: {resources:#}", kind.name);
    }
}

/// I2: there is one object at most for an address and a generation.
fn is_once(census: &Census, when: &str) {
    for kind in KINDS {
        let all: Vec<&OwnerTags> = owners(census, kind).collect();
        let once: BTreeSet<&OwnerTags> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len(), "{when}: I2, one a generation: {census:?}");
    }
}

/// The tags that make objects of a kind ours.
fn owners<'a>(census: &'a Census, kind: &Kind) -> impl Iterator<Item = &'a OwnerTags> {
    census.objects(kind.name).iter().filter_map(|object| object.owner.as_ref())
}
