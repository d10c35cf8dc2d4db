//! A row of the matrix: one field, and what is expected when it is changed in every way.

use serde_json::{Map, Value, json};
use stackwright_testkit::Emulator;

use super::walk::Bench;

/// The rows of one kind, and the stack in which they are tested.
///
/// In every text of it `<id>` and `<arn>` are those of the resource, `<account>` is the emulator's,
/// and `<NAME>` is what `given` made under that name.
pub struct Table {
    /// `function.f`
    pub address: &'static str,
    /// The file without the fields that have rows.
    pub base: Value,
    /// Names and contents of the files beside it.
    pub files: &'static [(&'static str, &'static str)],
    /// What exists before the stack: placeholders and their values.
    pub given: fn(&Emulator) -> Vec<(&'static str, String)>,
    pub rows: Vec<Row>,
}

impl Table {
    pub fn kind(&self) -> &'static str {
        self.address.split_once('.').expect("an address").0
    }

    pub fn key(&self) -> &'static str {
        self.address.split_once('.').expect("an address").1
    }
}

/// Nothing exists before the stack.
pub fn nothing(_: &Emulator) -> Vec<(&'static str, String)> {
    Vec::new()
}

/// The emulator on which a row is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Moto,
    Ministack,
}

/// One field: its first value, its second, and what each change causes.
pub struct Row {
    /// As in the schema: `timeout`. `allow.effect` is a part of `allow`, whose whole values are given.
    pub name: &'static str,
    pub values: [Value; 2],
    pub seen: Seen,
    pub action: Action,
    /// The writes of that change, sorted.
    pub sends: &'static [&'static str],
    pub removed: Removed,
    pub hand: Hand,
    /// The field in which the plan shows a change by hand, where it is not this one.
    pub drifts_in: Option<&'static str>,
    /// Other fields of the spec in which the change also appears.
    pub also_in: &'static [&'static str],
    /// Other fields that the file needs while this one is tested.
    pub with: Map<String, Value>,
    /// Steps for other resources that the change causes: `update role.r`.
    pub also: &'static [&'static str],
    pub lacks: Vec<(On, Lack)>,
    /// Where a change makes the object unreadable, and a check that it still does.
    pub spoils: Option<(On, Still)>,
    /// Whether the number can only grow while the object stays.
    pub never_less: bool,
}

/// Checks whether an emulator still behaves as a row says.
pub type Still = fn(&Bench) -> bool;

/// How the plan shows the field.
pub enum Seen {
    /// Under its own name, with the values of the file.
    Written,
    /// Under a field of the spec, with the values there.
    As(&'static str, [Value; 2]),
    /// Under a field of the spec, with values that the test does not know, such as digests.
    Digest(&'static str),
    /// Not at all, because it is not a property of the object.
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Update,
    Restart,
    Replace,
}

/// What the plan shows when the field is removed from the file.
pub enum Removed {
    /// AWS's default is sent (`unset`).
    Default(Value),
    /// The spec gets another value (`edited`); `{}` where all entries of a map are removed.
    Becomes(Value),
    /// The field has no default: the object is replaced by one without it.
    Replaces,
    /// The field becomes unmanaged, and there is nothing to do.
    Nothing,
    /// `validate` refuses the file, because the field is required.
    Needed,
    /// `plan` refuses it, because the field cannot be unset.
    Refused,
}

/// How the field is changed by hand, to cause drift.
pub enum Hand {
    /// One command of the AWS client, its words separated by spaces.
    Runs(&'static str),
    /// Several commands.
    Does(fn(&Bench)),
    /// The field cannot be changed by hand, for this reason.
    Cannot(&'static str),
}

/// What an emulator does not do. The run must report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It does not report the field, which is then compared with what was last applied.
    Report,
    /// It does not implement the call: the run fails and names it.
    Call(&'static str),
    /// It accepts the call and changes nothing: the run fails and reports it.
    Change,
    /// It creates the object with another value: the run fails and reports it.
    Launch,
    /// It accepts a new value and keeps the old one: the run fails and reports it.
    Exchange,
    /// It accepts the default and keeps the old value: the run fails and reports it.
    Unset,
    /// It resets other fields with this change, and this call sets them again.
    Resets(&'static str),
    /// It does not import an API as AWS does; these calls do what it leaves.
    Imports(&'static [&'static str]),
}

impl Row {
    pub fn new(name: &'static str, first: impl Into<Value>, second: impl Into<Value>) -> Self {
        Self {
            name,
            values: [first.into(), second.into()],
            seen: Seen::Written,
            action: Action::Update,
            sends: &[],
            removed: Removed::Needed,
            hand: Hand::Cannot("not said"),
            drifts_in: None,
            also_in: &[],
            with: Map::new(),
            also: &[],
            lacks: Vec::new(),
            spoils: None,
            never_less: false,
        }
    }

    /// The rows that every kind has (`name`, `tags`, `depends_on`); `on` are other resources of the stack.
    pub fn header(key: &'static str, on: [&'static str; 2], rename: Action) -> [Self; 3] {
        let name = Self::new("name", "matrix-a", "matrix-b").removed(Removed::Becomes(json!(key)));
        let tags = Self::new("tags", json!({ "a": "1", "b": "2" }), json!({ "a": "3", "c": "4" }))
            .removed(Removed::Becomes(json!({})));
        let needs = Self::new("depends_on", json!([on[0]]), json!([on[1]]))
            .seen(Seen::Not)
            .removed(Removed::Nothing)
            .cannot("it is the order of this program's own steps");
        [Self { action: rename, ..name }, tags, needs]
    }

    pub fn seen(mut self, seen: Seen) -> Self {
        self.seen = seen;
        self
    }

    /// The field of the spec with both values.
    pub fn means(self, field: &'static str, first: Value, second: Value) -> Self {
        self.seen(Seen::As(field, [first, second]))
    }

    pub fn action(mut self, action: Action) -> Self {
        self.action = action;
        self
    }

    pub fn sends(mut self, calls: &'static [&'static str]) -> Self {
        self.sends = calls;
        self
    }

    pub fn removed(mut self, removed: Removed) -> Self {
        self.removed = removed;
        self
    }

    pub fn hand(mut self, command: &'static str) -> Self {
        self.hand = Hand::Runs(command);
        self
    }

    pub fn hands(mut self, commands: fn(&Bench)) -> Self {
        self.hand = Hand::Does(commands);
        self
    }

    pub fn cannot(mut self, why: &'static str) -> Self {
        self.hand = Hand::Cannot(why);
        self
    }

    pub fn drifts_in(mut self, field: &'static str) -> Self {
        self.drifts_in = Some(field);
        self
    }

    pub fn also_in(mut self, fields: &'static [&'static str]) -> Self {
        self.also_in = fields;
        self
    }

    /// `fields` is a map.
    pub fn with(mut self, fields: Value) -> Self {
        self.with = fields.as_object().expect("a map").clone();
        self
    }

    pub fn also(mut self, steps: &'static [&'static str]) -> Self {
        self.also = steps;
        self
    }

    pub fn lacks(mut self, on: On, lack: Lack) -> Self {
        self.lacks.push((on, lack));
        self
    }

    /// On that emulator the field is tested at the create alone; `still` tests the change on another
    /// object.
    pub fn spoils(mut self, on: On, still: Still) -> Self {
        self.spoils = Some((on, still));
        self
    }

    /// The second value is greater than the first, and the value by hand is greater than both.
    pub fn never_less(mut self) -> Self {
        self.never_less = true;
        self
    }

    /// The key in the file.
    pub fn field(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// The field of the spec.
    pub fn spec(&self) -> &'static str {
        match self.seen {
            Seen::As(field, _) | Seen::Digest(field) => field,
            Seen::Written | Seen::Not => self.field(),
        }
    }

    /// Both values as the plan shows them; `None` when they are not known beforehand.
    pub fn known(&self) -> [Option<Value>; 2] {
        match &self.seen {
            Seen::Written | Seen::Not => self.values.clone().map(Some),
            Seen::As(_, values) => values.clone().map(Some),
            Seen::Digest(_) => [None, None],
        }
    }
}

impl Action {
    /// The steps of the plan and of the run that applies it.
    pub fn steps(self, address: &str) -> Vec<String> {
        match self {
            Self::Update => vec![format!("update {address}")],
            Self::Restart => vec![format!("restart {address}")],
            Self::Replace => vec![format!("replace {address}"), format!("delete {address}")],
        }
    }
}

/// The fields with their first values: of several rows for one field, those of the first row. Fields
/// that need others are added when they are tested.
pub fn first_values(rows: &[Row]) -> Map<String, Value> {
    let mut fields = Map::new();
    for row in rows.iter().filter(|row| row.with.is_empty()) {
        fields.entry(row.field()).or_insert_with(|| row.values[0].clone());
    }
    fields
}
