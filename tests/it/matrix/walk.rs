//! Tests the rows one after the other, on one emulator and one stack.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};
use stackwright_testkit::{Act, Checked, Deviation, Emulator, Proxy, Rules, figures};

use super::row::{Action, Hand, Lack, On, Removed, Row, Seen, Table, first_values};
use crate::support::{Sandbox, text};

/// A stack under test, and its emulator.
pub struct Bench {
    pub emulator: Emulator,
    on: On,
    proxy: Proxy,
    stack: Sandbox,
    table: Table,
    /// Placeholders in angle brackets, and their values.
    names: Vec<(String, String)>,
    /// The resource's fields in the file.
    fields: RefCell<Map<String, Value>>,
}

const OTHERWISE: &str = "created, but not with the requested `";
const UNCHANGED: &str = "update accepted but not applied";

/// What one edit must cause.
struct Expected<'a> {
    what: &'a str,
    reason: &'a str,
    /// A field of the spec.
    field: &'a str,
    action: Action,
    /// Steps for other resources.
    also: &'a [&'a str],
    /// `None` when it is not known beforehand.
    before: Option<Value>,
    after: Option<Value>,
}

/// Tests every row of a kind. All rows are tested, and those that failed are named at the end.
pub fn walk(table: Table, on: On) {
    let bench = Bench::new(table, on);
    bench.begin();
    bench.is_settled("made with every first value");
    let mut failed = Vec::new();
    for row in &bench.table.rows {
        if catch_unwind(AssertUnwindSafe(|| bench.row(row))).is_err() {
            failed.push(row.name);
            bench.begin();
        }
    }
    assert_eq!(failed, Vec::<&str>::new(), "{on:?}: see the failures above");
    bench.stack.ok(&["destroy", "--yes"]);
    let checked = bench.proxy.checked();
    let of = format!("{} on {on:?}", bench.table.kind());
    let operations = checked.operations.len();
    let breaches = checked.breaches.len();
    let row = json!({ "of": of, "requests": checked.requests, "operations": operations, "breaches": breaches });
    figures::note("models", row);
    note_replies(on, &checked);
}

/// Notes how the replies of an emulator differ from what AWS would send. It fails no test: code is for AWS.
fn note_replies(on: On, checked: &Checked) {
    let emulator = format!("{on:?}");
    let sums = json!({
        "of": emulator, "replies": checked.replies, "with_deviations": checked.deviating,
    });
    figures::note("replies", sums);
    for (of, Deviation { times, example }) in &checked.deviations {
        let row = json!({ "of": of, "on": emulator, "times": times, "value": example });
        figures::note("deviations", row);
    }
}

/// A change by hand of something unmanaged is not planned.
pub fn unmoved(table: Table, on: On, by_hand: fn(&Bench)) {
    let bench = Bench::new(table, on);
    bench.begin();
    by_hand(&bench);
    bench.is_settled("done by hand");
}

impl Bench {
    fn new(table: Table, on: On) -> Self {
        let emulator = match on {
            On::Moto => Emulator::moto().start(),
            On::Ministack => Emulator::ministack().start(),
        };
        let proxy = Proxy::strict(&emulator, Rules::recorded(), |_| Act::Pass);
        let stack = Sandbox::empty(emulator.port()).through(&proxy);
        for (name, text) in table.files {
            let path = stack.path(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            stack.write(name, text);
        }
        let mut names = (table.given)(&emulator);
        names.push(("account", emulator.account().to_owned()));
        names.push(("folder", stack.path("").to_string_lossy().into_owned()));
        let names = names.into_iter().map(|(name, value)| (format!("<{name}>"), value)).collect();
        let fields = RefCell::new(first_values(&table.rows));
        Self { emulator, on, proxy, stack, table, names, fields }
    }

    /// Gives every field its first value.
    fn begin(&self) {
        *self.fields.borrow_mut() = first_values(&self.table.rows);
        self.write();
        self.stack.reconcile(&[]);
    }

    /// Replaces the placeholders.
    pub fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        if filled.contains("<id>") {
            filled = filled.replace("<id>", text_of(&self.object()["id"]));
        }
        if filled.contains("<arn>") {
            filled = filled.replace("<arn>", text_of(&self.object()["outputs"]["arn"]));
        }
        self.names.iter().fold(filled, |text, (name, value)| text.replace(name, value))
    }

    /// Runs one command of the AWS client, its words separated by spaces; its reply.
    #[track_caller]
    pub fn aws(&self, command: &str) -> Value {
        self.try_aws(command).unwrap_or_else(|said| panic!("aws {command}: {said}"))
    }

    fn try_aws(&self, command: &str) -> Result<Value, String> {
        let command = self.fill(command);
        self.emulator.try_aws(&command.split(' ').collect::<Vec<_>>())
    }

    fn filled(&self, value: &Value) -> Value {
        serde_json::from_str(&self.fill(&value.to_string())).expect("JSON")
    }

    /// The resource's object in the state.
    fn object(&self) -> Value {
        self.stack.ok(&["show", "--json"]).json()["resources"][self.table.address]["object"].take()
    }

    /// Writes stack.yaml with the current fields.
    fn write(&self) {
        let mut file = self.table.base.clone();
        let resource = &mut file[self.table.kind()][self.table.key()];
        let fields = resource.as_object_mut().expect("a map");
        fields.extend(self.fields.borrow().clone());
        self.stack.write("stack.yaml", &self.filled(&file).to_string());
    }

    /// Sets or removes the field in the file; its value before.
    fn edit(&self, row: &Row, value: Option<&Value>) -> Option<Value> {
        let old = match value {
            Some(value) => self.fields.borrow_mut().insert(row.field().to_owned(), value.clone()),
            None => self.fields.borrow_mut().remove(row.field()),
        };
        self.write();
        old
    }

    fn row(&self, row: &Row) {
        let [first, second] = row.known();
        self.fields.borrow_mut().extend(row.with.clone());
        let old = self.edit(row, Some(&row.values[0]));
        if old.as_ref() != Some(&row.values[0]) {
            self.stack.reconcile(&[]);
            self.is_settled(&format!("{}: set", row.name));
        }

        if let Some((_, still)) = row.spoils.filter(|(on, _)| *on == self.on) {
            return assert!(still(self), "{}: it can be changed there now", row.name);
        }

        let sent = self.proxy.log().len();
        let change = Expected {
            what: "changed",
            reason: "edited",
            field: row.spec(),
            action: row.action,
            also: row.also,
            before: first.clone(),
            after: second.clone(),
        };
        if self.converge(row, Some(&row.values[1]), &change) {
            let mut writes = self.writes(sent);
            let is_again = |(on, lack): &(On, Lack), call: &str| {
                let is = match lack {
                    Lack::Resets(again) => *again == call,
                    Lack::Imports(again) => again.contains(&call),
                    _ => false,
                };
                is && *on == self.on
            };
            writes.retain(|call| !row.lacks.iter().any(|lack| is_again(lack, call)));
            assert_eq!(writes, row.sends, "{}: the writes of the change", row.name);
            assert_eq!(self.stack.reconcile(&[]).writes, 0, "{}: a second run", row.name);
            self.by_hand(row, second.clone());
        } else if let (Hand::Runs(command), false) =
            (&row.hand, row.lacks.contains(&(self.on, Lack::Change)))
        {
            assert!(self.try_aws(command).is_err(), "{}: `{command}` is known there", row.name);
        }
        self.remove(row, second, first);
        if row.with.is_empty() {
            let is_other = self.edit(row, Some(&row.values[0])).as_ref() != Some(&row.values[0]);
            match is_other {
                true if row.never_less => self.made_smaller(&format!("{}: taken back", row.name)),
                true => drop(self.stack.reconcile(&[])),
                false => {}
            }
        } else {
            // It is removed in one edit with the fields that it needs.
            self.begin();
            self.is_settled(&format!("{}: taken out with what it needs", row.name));
        }
    }

    /// Makes one edit, checks its plan and run, and that nothing is left to do. `false` when the
    /// emulator lacks it and the run reported so.
    fn converge(&self, row: &Row, value: Option<&Value>, expected: &Expected<'_>) -> bool {
        let old = self.edit(row, value);
        let when = format!("{} {}", row.name, expected.what);
        let plan = self.stack.plan(&[]);
        let is_silent = matches!(row.seen, Seen::Not)
            || expected.before.is_some() && expected.before == expected.after;
        if is_silent {
            assert_eq!(steps(&plan), Vec::<String>::new(), "{when}: {plan:#}");
            assert_eq!(self.stack.reconcile(&[]).writes, 0, "{when}");
            self.is_settled(&when);
            return true;
        }
        self.plans(row, &plan, expected, &when);
        let lacks: Vec<&str> = self.lacking(row, expected).collect();
        if !lacks.is_empty() {
            let ran = self.stack.run(&["reconcile", "--yes"]).code(4);
            assert!(lacks.iter().any(|said| ran.stderr.contains(said)), "{when}: {lacks:?}\n{ran}");
            self.edit(row, old.as_ref());
            self.stack.reconcile(&[]);
            self.is_settled(&format!("{when}, and taken back"));
            return false;
        }
        let mut done = self.stack.reconcile(&[]).finished;
        let mut planned = steps(&plan);
        done.sort();
        planned.sort();
        assert_eq!(done, planned, "{when}: what was done, and what was planned");
        self.is_settled(&when);
        true
    }

    /// What the run may report where the emulator cannot change the field.
    fn lacking(&self, row: &Row, expected: &Expected<'_>) -> impl Iterator<Item = &'static str> {
        let here = row.lacks.iter().filter(|(on, _)| *on == self.on);
        let is_unset = expected.reason == "default_restored";
        let is_value = |side: &Option<Value>| side.as_ref().is_some_and(|value| value != "");
        let is_exchange = is_value(&expected.before) && is_value(&expected.after);
        here.filter_map(move |(_, lack)| match lack {
            Lack::Call(call) => Some(*call),
            Lack::Launch => Some(OTHERWISE),
            Lack::Change => Some(UNCHANGED),
            Lack::Unset => Some(UNCHANGED).filter(|_| is_unset),
            Lack::Exchange => Some(UNCHANGED).filter(|_| is_exchange),
            Lack::Report | Lack::Resets(_) | Lack::Imports(_) => None,
        })
    }

    /// Checks that the plan has the expected steps and names the field.
    fn plans(&self, row: &Row, plan: &Value, expected: &Expected<'_>, when: &str) {
        let mut wanted = expected.action.steps(self.table.address);
        wanted.extend(expected.also.iter().map(|&step| step.to_owned()));
        let mut planned = steps(plan);
        wanted.sort();
        planned.sort();
        assert_eq!(planned, wanted, "{when}: {plan:#}");
        let all = plan["steps"].as_array().expect("a list");
        let step = all.iter().find(|step| step["address"] == self.table.address);
        let changes = step.expect("a step")["changes"].as_array().expect("a list");
        let is_named = changes.iter().any(|change| change["path"][0] == expected.field);
        assert!(is_named, "{when}: {plan:#}");
        for change in changes {
            let path: Vec<&str> =
                change["path"].as_array().expect("a path").iter().map(text).collect();
            assert_eq!(change["reason"], expected.reason, "{when}: {change:#}");
            assert_ne!(change["before"], change["after"], "{when}: {change:#}");
            if row.also_in.contains(&path[0]) {
                continue;
            }
            assert_eq!(path[0], expected.field, "{when}: {change:#}");
            for (side, value) in [("before", &expected.before), ("after", &expected.after)] {
                if let Some(value) = value {
                    let at = path[1..]
                        .iter()
                        .fold(&self.filled(value), |value, key| &value[*key])
                        .clone();
                    assert_eq!(change[side], at, "{when}: {side}: {change:#}");
                }
            }
        }
        let is_unreported = row.lacks.contains(&(self.on, Lack::Report));
        let unreported = plan["unreported"][self.table.kind()].as_array();
        let named = unreported.is_some_and(|fields| fields.iter().any(|field| field == row.spec()));
        // A field that is not wanted any more is not missed.
        let is_missed =
            is_unreported && expected.after.as_ref().is_none_or(|after| !after.is_null());
        let is_named = is_missed && expected.reason != "default_restored";
        assert_eq!(named, is_named, "{when}: {plan:#}");
    }

    /// Changes the field by hand: the plan shows drift, and the next run repairs it.
    fn by_hand(&self, row: &Row, now: Option<Value>) {
        match row.hand {
            Hand::Cannot(why) => return assert_ne!(why, "not said", "{}", row.name),
            Hand::Runs(command) => drop(self.aws(command)),
            Hand::Does(commands) => commands(self),
        }
        let when = format!("{} changed by hand", row.name);
        if row.never_less {
            return self.made_smaller(&when);
        }
        let plan = self.stack.plan(&[]);
        if row.lacks.contains(&(self.on, Lack::Report)) {
            assert_eq!(steps(&plan), Vec::<String>::new(), "{when}: {plan:#}");
            return;
        }
        let drifted = Expected {
            what: "changed by hand",
            reason: "drifted",
            field: row.drifts_in.unwrap_or(row.spec()),
            action: row.action,
            also: &[],
            before: None,
            after: if row.drifts_in.is_some() { None } else { now },
        };
        self.plans(row, &plan, &drifted, &when);
        self.stack.reconcile(&[]);
        self.is_settled(&when);
    }

    /// Removes the field from the file and adds it again. `now` and `first` are its values in the plan.
    fn remove(&self, row: &Row, now: Option<Value>, first: Option<Value>) {
        let refused = |code: i32, says: &str, command: &[&str]| {
            let old = self.edit(row, None);
            self.stack.run(command).code(code).says(says);
            self.edit(row, old.as_ref());
        };
        let (reason, action, left) = match &row.removed {
            Removed::Needed => {
                return refused(65, &format!("needs `{}`", row.field()), &["validate"]);
            }
            Removed::Refused => {
                let (field, of) = (row.spec(), self.table.address);
                let says = format!(
                    "`{field}` of {of} was removed from the file, and there is no default to restore"
                );
                return refused(1, &says, &["plan"]);
            }
            Removed::Nothing => {
                let nothing = now.clone();
                let expected = Expected {
                    what: "taken out",
                    reason: "",
                    field: row.spec(),
                    action: row.action,
                    also: row.also,
                    before: now,
                    after: nothing,
                };
                self.converge(row, None, &expected);
                return;
            }
            Removed::Default(value) => ("default_restored", row.action, value.clone()),
            Removed::Becomes(value) => ("edited", row.action, value.clone()),
            Removed::Replaces => ("default_restored", Action::Replace, Value::Null),
        };
        // Where the change was not possible, the field still has its first value.
        let now =
            if row.values[0] == self.fields.borrow()[row.field()] { first.clone() } else { now };
        let also = row.also;
        let after = Some(left.clone());
        let field = row.spec();
        let out =
            Expected { what: "taken out", reason, field, action, also, before: now.clone(), after };
        if self.converge(row, None, &out) {
            let left = Some(left).filter(|left| !left.is_null() && *left != json!({}));
            let again = Expected {
                what: "put in again",
                reason: "edited",
                field,
                action,
                also,
                before: left,
                after: first,
            };
            self.converge(row, Some(&row.values[0]), &again);
        }
    }

    /// Making the value smaller is refused, and replaces the object only on request.
    #[track_caller]
    fn made_smaller(&self, when: &str) {
        let refused = self.stack.run(&["reconcile", "--yes"]).code(1);
        assert!(refused.stderr.contains("cannot become smaller"), "{when}: {refused}");
        let done = self.stack.reconcile(&["--replace", self.table.address]).finished;
        assert!(done.contains(&format!("replace {}", self.table.address)), "{when}: {done:?}");
        self.is_settled(when);
    }

    #[track_caller]
    fn is_settled(&self, when: &str) {
        let ran = self.stack.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(ran.code, 0, "{when}: the plan is not empty:\n{ran}");
    }

    /// The names of the writing calls since then, sorted.
    fn writes(&self, since: usize) -> Vec<String> {
        let log = self.proxy.log();
        let writes = log[since..].iter().filter(|call| call.operation.writes);
        let names: BTreeSet<String> = writes.map(|call| call.operation.name.clone()).collect();
        names.into_iter().collect()
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// `update role.r` for each step.
fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["steps"].as_array().expect("a list");
    steps.iter().map(|s| format!("{} {}", text(&s["action"]), text(&s["address"]))).collect()
}
