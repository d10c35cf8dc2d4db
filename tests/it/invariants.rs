//! What must hold after a run that was cut short, and after the one that finishes its job.
//!
//! The numbers are those of the list in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use stackwright_testkit::{Census, Emulator};

use crate::secrets::nowhere_below;
use crate::support::{Ran, Sandbox, text};

/// A secret that the sample's function gets.
pub const SECRET: &str = "canary-4f1c-torture";

/// An address at which an object that was there before us comes and goes.
pub const KEPT: &str = "instance.kept";

/// Watches one emulator, in which others have objects, too.
pub struct Witness<'a> {
    emulator: &'a Emulator,
    theirs: Census,
    /// Of the state, by its lineage: it only grows.
    serial: Mutex<BTreeMap<String, u64>>,
}

impl<'a> Witness<'a> {
    /// Makes objects like ours that are not ours.
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
        Self { emulator, theirs: emulator.census(), serial: Mutex::default() }
    }

    /// The sample stack on that emulator, its function with a secret.
    pub fn sample(&self) -> Sandbox {
        let stack = Sandbox::sample(self.emulator).env("PASSWORD", SECRET);
        let id = "      INSTANCE_ID: ${instance.web.id}";
        stack.edit(id, &format!("{id}\n      PASSWORD: ${{env.PASSWORD}}"));
        stack
    }

    /// At any moment, whatever has happened.
    #[track_caller]
    pub fn always(&self, stack: &Sandbox, when: &str) {
        let census = self.emulator.census();
        let ran = stack.run(&["show", "--json"]);
        assert_eq!(ran.code, 0, "{when}: I3, the state is readable:\n{ran}");
        self.is_silent(&ran, when);
        let known = ran.json();
        self.grows(&known, when);
        self.is_known(&census, &known["resources"], when);
        let once: BTreeSet<_> = census.tagged.iter().collect();
        assert_eq!(once.len(), census.tagged.len(), "{when}: I2, one a generation: {census:?}");
        self.is_theirs_untouched(&census, when);
        for api in of_ours(&census.apis, &self.theirs.apis) {
            let (deployments, current) = self.emulator.deployed(&api, "prod");
            let is_there = current.as_ref().is_none_or(|current| deployments.contains(current));
            assert!(is_there, "{when}: I7, the stage: {current:?} of {deployments:?}");
        }
        let folder = stack.path(".stackwright");
        if folder.exists() {
            nowhere_below(&folder);
        }
    }

    /// I9: a secret is told to nobody.
    #[track_caller]
    pub fn is_silent(&self, ran: &Ran, when: &str) {
        let is_told = ran.stdout.contains(SECRET) || ran.stderr.contains(SECRET);
        assert!(!is_told, "{when}: I9:\n{ran}");
    }

    /// I3.
    fn grows(&self, state: &Value, when: &str) {
        let Some(serial) = state["serial"].as_u64() else { return };
        let mut serials = self.serial.lock().unwrap_or_else(PoisonError::into_inner);
        let last = serials.entry(text(&state["lineage"]).to_owned()).or_default();
        assert!(serial >= *last, "{when}: I3, serial {serial} after {last}");
        *last = serial;
    }

    /// I1: what exists is in the state, or its create is open there.
    fn is_known(&self, census: &Census, resources: &Value, when: &str) {
        let records = || resources.as_object().into_iter().flatten();
        for (kind, all, theirs) in [
            ("instance", &census.instances, &self.theirs.instances),
            ("role", &census.roles, &self.theirs.roles),
            ("function", &census.functions, &self.theirs.functions),
            ("api", &census.apis, &self.theirs.apis),
        ] {
            let of_kind: Vec<&Value> = records()
                .filter(|(address, _)| address.starts_with(&format!("{kind}.")))
                .map(|(_, record)| record)
                .collect();
            let open = of_kind.iter().filter(|record| record["creating_since"].is_string()).count();
            let mut ids: BTreeSet<&str> = BTreeSet::new();
            for record in of_kind {
                ids.insert(text(&record["object"]["id"]));
                ids.extend(record["deposed"].as_array().into_iter().flatten().map(text));
            }
            let unknown =
                of_ours(all, theirs).filter(|id| !ids.contains(id.as_str())).collect::<Vec<_>>();
            assert!(unknown.len() <= open, "{when}: I1, {kind} {unknown:?}: {resources:#}");
        }
    }

    /// I5.
    fn is_theirs_untouched(&self, census: &Census, when: &str) {
        let theirs = &self.theirs;
        for (all, theirs) in [
            (&census.instances, &theirs.instances),
            (&census.apis, &theirs.apis),
            (&census.log_groups, &theirs.log_groups),
            (&census.roles, &theirs.roles),
        ] {
            assert!(theirs.iter().all(|id| all.contains(id)), "{when}: I5, {theirs:?} in {all:?}");
        }
        let ours = self.counts(census);
        let tagged = census.tagged.iter().filter(|(address, _)| address != KEPT).count();
        assert_eq!(tagged, ours[0] + ours[3], "{when}: I5, our tags: {census:?}");
        let power = |census: &Census, id: &String| {
            let mut all = census.instances.iter().zip(&census.power);
            all.find(|(known, _)| *known == id).map(|(_, power)| power.clone())
        };
        for id in &theirs.instances {
            assert_eq!(power(census, id), power(theirs, id), "{when}: I5, power");
        }
    }

    /// One more run finishes, does nothing but `may` (`update`, or `delete instance.web`), and the plan is empty: I4, I6, I8.
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
        assert_eq!(self.ours(), [1; 5], "{when}: I2, one of each");
        self.always(stack, when);
    }

    /// Nothing of ours is left.
    #[track_caller]
    pub fn destroyed(&self, stack: &Sandbox, when: &str) {
        let ran = stack.run(&["destroy", "--yes"]);
        assert_eq!(ran.code, 0, "{when}: destroy:\n{ran}");
        self.is_silent(&ran, when);
        let ours = self.ours();
        assert_eq!(ours, [0; 5], "{when}: left over");
        self.always(stack, when);
    }

    /// Whether an id was there before us.
    pub fn is_theirs(&self, id: &String) -> bool {
        let Census { instances, apis, roles, functions, .. } = &self.theirs;
        [instances, apis, roles, functions].iter().any(|all| all.contains(id))
    }

    /// How many of ours there are, in the order of [`Census::counts`].
    pub fn ours(&self) -> [usize; 5] {
        self.counts(&self.emulator.census())
    }

    fn counts(&self, census: &Census) -> [usize; 5] {
        let (all, theirs) = (census.counts(), self.theirs.counts());
        std::array::from_fn(|at| all[at].saturating_sub(theirs[at]))
    }

    /// Of our one instance.
    pub fn power(&self) -> String {
        let census = self.emulator.census();
        let ours = |(id, _): &(&String, &String)| !self.theirs.instances.contains(id);
        let mut powers = census.instances.iter().zip(&census.power).filter(ours);
        powers.next().map(|(_, power)| power.clone()).expect("an instance of ours")
    }
}

fn of_ours<'a>(all: &'a [String], theirs: &'a [String]) -> impl Iterator<Item = String> + 'a {
    all.iter().filter(|id| !theirs.contains(id)).cloned()
}
