//! A row of the matrix: one field, and what is expected when it is changed in every way.

use serde_json::{Map, Value, json};
use stackwright_testkit::Emulator;

use super::walk::Bench;

/// The rows of one kind, and the stack they are tried in.
///
/// In every text of it `<id>` and `<arn>` are those of the resource, `<account>` is the emulator's,
/// and `<NAME>` is what `given` made under that name.
pub struct Table {
    /// `function.f`
    pub address: &'static str,
    /// The file, without those fields that rows name.
    pub base: Value,
    /// Name and text of what lies beside it.
    pub files: &'static [(&'static str, &'static str)],
    /// Made before by hand: names, and what they stand for.
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

/// Nothing is made before.
pub fn nothing(_: &Emulator) -> Vec<(&'static str, String)> {
    Vec::new()
}

/// Where a row is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    Moto,
    Ministack,
}

/// One field: a value from the start, another one, and what becomes of it.
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
    /// The field in which the plan shows what was done by hand, where it is another one.
    pub drifts_in: Option<&'static str>,
    /// Fields of the normal form in which it shows besides its own.
    pub also_in: &'static [&'static str],
    /// Other fields that it needs, for as long as it is tried.
    pub with: Map<String, Value>,
    /// Steps for other resources that the change brings: `update role.r`.
    pub also: &'static [&'static str],
    pub lacks: Vec<(On, Lack)>,
    /// Where a change, by whomever, leaves an object that nobody can read, and whether it still does.
    pub spoils: Option<(On, Still)>,
    /// A number that never gets smaller, though the object stays.
    pub never_less: bool,
}

/// Whether an endpoint still does what a row says of it.
pub type Still = fn(&Bench) -> bool;

/// How the plan names it.
pub enum Seen {
    /// Under its own name, with its values as they are written.
    Written,
    /// Under a field of the normal form, with the values there.
    As(&'static str, [Value; 2]),
    /// Under a field of the normal form, with values that no test knows, such as digests.
    Digest(&'static str),
    /// Not at all: it is no matter of the object.
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Update,
    Restart,
    Replace,
}

/// What the plan says when the field is taken out of the file.
pub enum Removed {
    /// AWS's default is sent (`unset`).
    Default(Value),
    /// The normal form has another value then (`edited`); `{}` where all entries of a map go.
    Becomes(Value),
    /// It has no default, and is made anew without it.
    Replaces,
    /// From then on somebody else's business: nothing to do.
    Nothing,
    /// `validate` refuses the file: the field is needed.
    Needed,
    /// `plan` refuses it: the field cannot be unset.
    Refused,
}

/// How somebody changes it behind the program's back.
pub enum Hand {
    /// One command of the AWS client, its words apart by blanks.
    Runs(&'static str),
    /// As above, where it takes more than one.
    Does(fn(&Bench)),
    /// It cannot be, and why.
    Cannot(&'static str),
}

/// What an emulator does not do. The run must say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It never answers with the field, which is compared with what was last applied.
    Report,
    /// It does not have the call: the run fails and names it.
    Call(&'static str),
    /// It says yes and changes nothing: the run fails and says so.
    Change,
    /// It makes something else than it was asked for: the run fails and says so.
    Launch,
    /// It says yes to another value in the place of one and keeps the former: the run fails and says so.
    Exchange,
    /// It says yes to the default and keeps the old value: the run fails and says so.
    Unset,
    /// It forgets other fields with this change, which are set again by this call.
    Forgets(&'static str),
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

    /// What every resource needs (`name`, `tags`, `depends_on`); other resources of the stack: `on`.
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

    /// Its normal form.
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

    /// There it is tried at the create alone. `still` tries the change on another object.
    pub fn spoils(mut self, on: On, still: Still) -> Self {
        self.spoils = Some((on, still));
        self
    }

    /// By hand it grows beyond its second value, and the second is above the first.
    pub fn never_less(mut self) -> Self {
        self.never_less = true;
        self
    }

    /// The key in the file.
    pub fn field(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// The field of the normal form.
    pub fn spec(&self) -> &'static str {
        match self.seen {
            Seen::As(field, _) | Seen::Digest(field) => field,
            Seen::Written | Seen::Not => self.field(),
        }
    }

    /// Both values as the plan has them; `None`: it is not known beforehand.
    pub fn known(&self) -> [Option<Value>; 2] {
        match &self.seen {
            Seen::Written | Seen::Not => self.values.clone().map(Some),
            Seen::As(_, values) => values.clone().map(Some),
            Seen::Digest(_) => [None, None],
        }
    }
}

impl Action {
    /// The steps of a plan, and of the run that carries it out.
    pub fn steps(self, address: &str) -> Vec<String> {
        match self {
            Self::Update => vec![format!("update {address}")],
            Self::Restart => vec![format!("restart {address}")],
            Self::Replace => vec![format!("replace {address}"), format!("delete {address}")],
        }
    }
}

/// The fields as they are to be from the start: of several rows for one field, those of the first.
/// Those that need others come when they are tried.
pub fn first_values(rows: &[Row]) -> Map<String, Value> {
    let mut fields = Map::new();
    for row in rows.iter().filter(|row| row.with.is_empty()) {
        fields.entry(row.field()).or_insert_with(|| row.values[0].clone());
    }
    fields
}
