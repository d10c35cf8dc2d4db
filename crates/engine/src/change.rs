//! The three-way difference: what the file wants, what was last applied, what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::erased::AnyKind;
use crate::field::{Compare, Cost, Field};
use crate::manifest;
use crate::reference;
use crate::secret::Sealer;
use crate::terms::Terms;

/// A place in a spec: `environment.INSTANCE_ID`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Path(pub Vec<String>);

impl Path {
    /// The first key: the field's name.
    pub fn field(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// What stands there in a spec.
    pub fn within<'a>(&self, spec: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(spec, |value, key| value.get(key))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    pub path: Path,
    /// What exists (or, where it cannot be read, what was last applied). `None`: not there.
    pub before: Option<Value>,
    /// What shall be. `None`: the key goes away.
    pub after: Option<Value>,
    pub rule: Rule,
    pub cost: Cost,
}

/// Why a field differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The file was edited since the last run.
    Edited,
    /// The file was not; somebody changed the object.
    Drifted,
    /// The field was taken out of the file: the default is set again.
    Unset,
    /// The object has just been made or adopted and lacks it still.
    Missing,
    /// It depends on an output that is known only once what it refers to has been made.
    Unknown,
    /// What it refers to was made anew under the same name.
    Rebound,
    /// It was looked up anew, where the file says the same as before.
    Refreshed,
}

/// What a comparison needs to know of a kind.
pub struct Tables<'a> {
    pub fields: &'a [Field],
    /// What follows from what: [`Kind::FOLLOWS`](crate::kind::Kind::FOLLOWS).
    pub follows: &'a [(&'a str, &'a str)],
    /// AWS's own defaults, by top-level field.
    pub defaults: Map<String, Value>,
    /// [`Kind::alike`](crate::kind::Kind::alike).
    pub alike: Box<Alike<'a>>,
}

type Alike<'a> = dyn Fn(&Path, &Value, &Value) -> bool + 'a;

impl<'a> Tables<'a> {
    pub fn of(kind: &'a dyn AnyKind) -> Self {
        Self {
            fields: kind.fields(),
            follows: kind.follows(),
            defaults: manifest::defaults(kind),
            alike: Box::new(|path, this, that| kind.alike(path, this, that)),
        }
    }
}

/// What a comparison needs to know of one object.
pub struct Compared<'a> {
    pub kind: &'a Tables<'a>,
    pub sealer: &'a Sealer,
    /// Last applied; `None` after an adoption, where what is wanted counts as applied.
    pub applied: Option<&'a Value>,
    pub live: &'a Value,
    pub terms: &'a Terms,
    /// What is wanted.
    pub desired: &'a Value,
    /// Recorded pins and those seen now.
    pub pins: (&'a BTreeMap<String, String>, &'a BTreeMap<String, String>),
}

/// A field without a default that was taken out of the file and cannot be unset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotUnset(pub Path);

/// The difference, and what it could not be decided by looking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    pub changes: Vec<Change>,
    pub cannot_unset: Vec<CannotUnset>,
    /// Wanted fields that the endpoint does not report: compared with what was last applied.
    pub unreported: BTreeSet<String>,
    /// What the file says anew of what is left to others.
    pub in_vain: Vec<Path>,
    /// Wanted fields of which nobody can tell whether what was found has them: only a new object would.
    pub taken_on_trust: Vec<Path>,
}

impl Compared<'_> {
    /// Three ways: desired set: compared with live. Desired unset, last applied set: the default.
    /// Neither: ignored. Of what was found, not made, nobody knows what was last applied: it is taken
    /// for what is desired, and what cannot be read back is sent again, unless that costs the object.
    pub fn difference(&self) -> Difference {
        let mut found = Difference::default();
        let empty = Map::new();
        let fields = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
        let wanted = self.desired.as_object().unwrap_or(&empty);
        let is_found = self.applied.is_none();
        let applied = fields(self.applied).unwrap_or_else(|| wanted.clone());
        let names: BTreeSet<&String> = wanted.keys().chain(applied.keys()).collect();
        for name in names {
            let path = Path(vec![name.clone()]);
            let (cost, compare) = self.rule(&path);
            if compare == Compare::Noted {
                continue;
            }
            if is_found
                && (cost, compare) == (Cost::Replace, Compare::Recorded)
                && wanted.contains_key(name)
            {
                found.taken_on_trust.push(path.clone());
            }
            let is_sent_again = is_found && compare == Compare::Recorded && cost == Cost::InPlace;
            let live = self.live.get(name).filter(|_| compare != Compare::Recorded);
            if live.is_none() && compare != Compare::Recorded && wanted.contains_key(name) {
                found.unreported.insert(name.clone());
            }
            let default = self.kind.defaults.get(name);
            let applied = applied.get(name).filter(|_| !is_sent_again);
            let sides = Sides { desired: wanted.get(name), applied, live };
            match (sides.desired, sides.applied, default) {
                (None, Some(Value::Object(_)), _) => {
                    self.walk(&path, sides, live.is_some(), &mut found)
                }
                (None, Some(_), Some(default)) => {
                    let before = live.or(sides.applied);
                    if !before.is_some_and(|before| self.sealer.same(before, default)) {
                        found.changes.push(self.change(&path, before, Some(default), Rule::Unset));
                    }
                }
                (None, Some(_), None) => match self.rule(&path) {
                    (_, Compare::Released) => {}
                    (Cost::Replace, _) => {
                        found.changes.push(self.change(
                            &path,
                            live.or(sides.applied),
                            None,
                            Rule::Unset,
                        ));
                    }
                    _ => found.cannot_unset.push(CannotUnset(path)),
                },
                // Nobody asked for anything else so far, and nothing else is seen.
                (Some(desired), None, Some(default))
                    if live.is_none() && self.sealer.same(desired, default) => {}
                _ => self.walk(&path, sides, live.is_some(), &mut found),
            }
        }
        self.moved_pins(wanted, &mut found);
        self.refreshed(wanted, &applied, &mut found.changes);
        let is_ignored = |change: &mut Change| self.terms.ignored.covers(&change.path);
        let ignored = found.changes.extract_if(.., is_ignored);
        let edited = ignored.filter(|change| matches!(change.rule, Rule::Edited | Rule::Unset));
        found.in_vain = edited.map(|change| change.path).collect();
        found.cannot_unset.retain(|CannotUnset(path)| !self.terms.ignored.covers(path));
        found
    }

    fn walk(&self, path: &Path, sides: Sides<'_>, reported: bool, found: &mut Difference) {
        // An entry that comes or goes is one change, not one for each of its fields.
        let before = if reported { sides.live } else { sides.applied };
        let entry = path.0.len() > 1 && (sides.desired.is_none() || before.is_none());
        if sides.is_map() && !entry {
            let exclusive = self.rule(path).1 == Compare::Exclusive;
            for key in sides.keys(exclusive) {
                let mut path = path.clone();
                path.0.push(key.clone());
                self.walk(&path, sides.under(&key), reported, found);
            }
            return;
        }
        let Sides { desired, applied, .. } = sides;
        if desired.is_none() && self.rule(path).1 == Compare::Released {
            return;
        }
        let same = match (desired, before) {
            (Some(desired), Some(before)) => self.same(path, desired, before),
            (None, None) => true,
            _ => false,
        };
        // What neither the file nor the last run knew is somebody else's, unless the map is ours alone.
        let is_strange = desired.is_none() && applied.is_none();
        if same || (is_strange && (!self.is_ours_alone(path) || Terms::is_reserved(path))) {
            return;
        }
        let rule = match desired {
            Some(desired) if has_unknown(desired) => Rule::Unknown,
            _ => self.reason(path, desired, applied),
        };
        found.changes.push(self.change(path, before, desired, rule));
    }

    fn reason(&self, path: &Path, desired: Option<&Value>, applied: Option<&Value>) -> Rule {
        match (desired, applied) {
            _ if self.applied.is_none() => Rule::Missing,
            (Some(desired), Some(applied)) if self.same(path, desired, applied) => Rule::Drifted,
            (None, None) => Rule::Drifted,
            _ => Rule::Edited,
        }
    }

    /// Equal, or another spelling of the same.
    fn same(&self, path: &Path, this: &Value, that: &Value) -> bool {
        self.sealer.same(this, that) || (self.kind.alike)(path, this, that)
    }

    fn is_ours_alone(&self, path: &Path) -> bool {
        (1..path.0.len())
            .any(|length| self.rule(&Path(path.0[..length].to_vec())).1 == Compare::Exclusive)
    }

    /// What was looked up has changed, and what says where has not.
    fn refreshed(
        &self,
        wanted: &Map<String, Value>,
        applied: &Map<String, Value>,
        changes: &mut [Change],
    ) {
        for (noted, of) in self.kind.follows {
            let is_noted = self.rule(&Path(vec![(*noted).to_owned()])).1 == Compare::Noted;
            let stays = wanted.contains_key(*noted) && wanted.get(*noted) == applied.get(*noted);
            let edited = changes.iter_mut().filter(|change| change.rule == Rule::Edited);
            for change in edited.filter(|change| is_noted && stays && change.path.field() == *of) {
                change.rule = Rule::Refreshed;
            }
        }
    }

    /// A pin that moved: somebody else changed the field it witnesses.
    fn moved_pins(&self, wanted: &Map<String, Value>, found: &mut Difference) {
        let (recorded, seen) = self.pins;
        for (field, now) in seen {
            let moved = recorded.get(field).is_some_and(|then| then != now);
            let path = Path(vec![field.clone()]);
            if moved && !found.changes.iter().any(|change| change.path == path) {
                let before = Value::from(now.as_str());
                let change = self.change(&path, Some(&before), wanted.get(field), Rule::Drifted);
                found.changes.push(change);
            }
        }
    }

    fn change(
        &self,
        path: &Path,
        before: Option<&Value>,
        after: Option<&Value>,
        rule: Rule,
    ) -> Change {
        let number = |side: Option<&Value>| side.and_then(Value::as_f64);
        let cost = match self.rule(path).0 {
            Cost::NeverLess if number(after) >= number(before) => Cost::InPlace,
            cost => cost,
        };
        Change { path: path.clone(), before: before.cloned(), after: after.cloned(), rule, cost }
    }

    fn rule(&self, path: &Path) -> (Cost, Compare) {
        let (cost, compare) = rule(self.kind.fields, path);
        // By the kind's declaration, or because the file asks for it.
        let asked = match path.field() {
            "tags" => self.terms.tags_exclusive,
            field => self.desired[format!("{field}_exclusive")] == true,
        };
        (cost, if asked { Compare::Exclusive } else { compare })
    }
}

/// The longest declared prefix of a path decides; nothing declared: changed in place, managed.
pub fn rule(fields: &[Field], path: &Path) -> (Cost, Compare) {
    let covers = |prefix: &[&str]| {
        let mut pairs = prefix.iter().zip(&path.0);
        path.0.len() >= prefix.len() && pairs.all(|(part, key)| *part == "*" || part == key)
    };
    fields
        .iter()
        .filter(|Field(prefix, ..)| covers(&prefix.split('.').collect::<Vec<_>>()))
        .max_by_key(|Field(prefix, ..)| prefix.split('.').count())
        .map_or((Cost::InPlace, Compare::Managed), |Field(_, cost, compare)| (*cost, *compare))
}

/// True when a text in it waits for an output.
pub fn has_unknown(value: &Value) -> bool {
    reference::references(value).iter().any(|r| matches!(r, reference::Reference::Output(..)))
}

#[derive(Clone, Copy)]
struct Sides<'a> {
    desired: Option<&'a Value>,
    applied: Option<&'a Value>,
    live: Option<&'a Value>,
}

impl<'a> Sides<'a> {
    fn each(self) -> [Option<&'a Value>; 3] {
        [self.desired, self.applied, self.live]
    }

    /// Maps are compared key by key when every side that is there is a map.
    fn is_map(self) -> bool {
        let mut sides = self.each().into_iter().flatten().peekable();
        sides.peek().is_some() && sides.all(Value::is_object)
    }

    fn keys(self, with_live: bool) -> BTreeSet<String> {
        let live = self.live.filter(|_| with_live);
        [self.desired, self.applied, live]
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flat_map(|map| map.keys().cloned())
            .collect()
    }

    fn under(self, key: &str) -> Self {
        let [desired, applied, live] = self.each().map(|side| side.and_then(|side| side.get(key)));
        Self { desired, applied, live }
    }
}

#[cfg(test)]
mod tests;
