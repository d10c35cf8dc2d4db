//! The three-way difference: what the file wants, what was last applied, what exists.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::change::{Change, ChangeReason, Path};
use crate::kind::{Comparison, FieldRule, UpdateCost};
use crate::lifecycle::{Lifecycle, is_reserved_tag};
use crate::reference;
use crate::registry::Kind;
use crate::secret::Sealer;

/// What a comparison of one object reads.
pub struct Compared<'a> {
    pub kind: &'a Kind,
    pub sealer: &'a Sealer,
    /// What was last applied; `None` after an adoption, where what is desired counts as applied.
    pub applied: Option<&'a Value>,
    pub live: &'a Value,
    pub lifecycle: &'a Lifecycle,
    pub desired: &'a Value,
    pub fingerprints: Fingerprints<'a>,
    /// By path, the witness of a value that the endpoint keeps although it accepted another one.
    pub unapplied: &'a BTreeMap<String, String>,
}

/// Values that the cloud computes, by the field that they witness.
#[derive(Clone, Copy)]
pub struct Fingerprints<'a> {
    pub recorded: &'a BTreeMap<String, String>,
    pub live: &'a BTreeMap<String, String>,
}

/// A field without a default that was taken out of the file and cannot be unset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotUnset(pub Path);

/// The difference, and what observation could not decide.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    pub changes: Vec<Change>,
    pub cannot_unset: Vec<CannotUnset>,
    /// Desired fields that the endpoint does not report; they were compared with what was last applied.
    pub unreported: BTreeSet<String>,
    /// Edits of fields that the file ignores, so that they have no effect.
    pub ignored_edits: Vec<Path>,
    /// Desired write-only fields of an adopted object: nobody can see whether it has them, and only a
    /// new object certainly would.
    pub taken_on_trust: Vec<Path>,
    /// Paths that the endpoint keeps as they are. They are not sent again before the file changes them.
    pub unapplied: Vec<Path>,
}

impl Compared<'_> {
    /// Compares three ways. A field that is desired is compared with what exists. One that was applied
    /// and is not desired any more returns to its default. One that is neither is ignored. Of an
    /// adopted object nobody knows what was last applied: what is desired counts as applied, and
    /// write-only fields are sent again unless that would replace the object.
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
            let FieldRule { update, compare } = self.rule(&path);
            if compare == Comparison::NotCompared {
                continue;
            }
            let is_write_only = compare == Comparison::WriteOnly;
            let is_wanted = wanted.contains_key(name);
            if is_found && is_write_only && update == UpdateCost::Replace && is_wanted {
                found.taken_on_trust.push(path.clone());
            }
            let is_sent_again = is_found && is_write_only && update == UpdateCost::InPlace;
            let live = self.live.get(name).filter(|_| !is_write_only);
            if live.is_none() && !is_write_only && is_wanted {
                found.unreported.insert(name.clone());
            }
            let default = self.kind.fields.default(name);
            let applied = applied.get(name).filter(|_| !is_sent_again);
            let sides = Sides { desired: wanted.get(name), applied, live };
            match (sides.desired, sides.applied, default) {
                (None, Some(Value::Object(_)), _) => {
                    self.walk(&path, sides, live.is_some(), &mut found)
                }
                (None, Some(_), Some(default)) => {
                    let before = live.or(sides.applied);
                    let is_unset =
                        |value: &Value| value.is_null() || self.sealer.same(value, default);
                    if !before.is_some_and(is_unset) {
                        found.changes.push(self.change(
                            &path,
                            before,
                            Some(default),
                            ChangeReason::DefaultRestored,
                        ));
                    }
                }
                (None, Some(_), None) => match (update, compare) {
                    (_, Comparison::IgnoredWhenUnset) => {}
                    (UpdateCost::Replace, _) => {
                        found.changes.push(self.change(
                            &path,
                            live.or(sides.applied),
                            None,
                            ChangeReason::DefaultRestored,
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
        self.moved_fingerprints(wanted, &mut found);
        self.refreshed(wanted, &applied, &mut found.changes);
        let is_ignored = |change: &mut Change| self.lifecycle.ignored.covers(&change.path);
        let ignored = found.changes.extract_if(.., is_ignored);
        let edited = ignored.filter(|change| {
            matches!(change.reason, ChangeReason::Edited | ChangeReason::DefaultRestored)
        });
        found.ignored_edits = edited.map(|change| change.path).collect();
        let unapplied = found.changes.extract_if(.., |change| self.is_unapplied(change));
        found.unapplied = unapplied.map(|change| change.path).collect();
        found.cannot_unset.retain(|CannotUnset(path)| !self.lifecycle.ignored.covers(path));
        found
    }

    /// Tells whether a change was accepted before, and the endpoint still has the value that it had then.
    fn is_unapplied(&self, change: &Change) -> bool {
        let is_old = matches!(change.reason, ChangeReason::Drifted | ChangeReason::DefaultRestored);
        let kept = self.unapplied.get(&change.path.to_string()).filter(|_| is_old);
        kept.is_some_and(|kept| *kept == self.sealer.witness(&json!(change.before)))
    }

    fn walk(&self, path: &Path, sides: Sides<'_>, reported: bool, found: &mut Difference) {
        // An entry that comes or goes is one change, not one for each of its fields.
        let before = if reported { sides.live } else { sides.applied };
        let entry = path.0.len() > 1 && (sides.desired.is_none() || before.is_none());
        if sides.is_map() && !entry {
            let exclusive = self.rule(path).compare == Comparison::Exclusive;
            for key in sides.keys(exclusive) {
                let mut path = path.clone();
                path.0.push(key.clone());
                self.walk(&path, sides.under(&key), reported, found);
            }
            return;
        }
        let Sides { desired, applied, .. } = sides;
        if desired.is_none() && self.rule(path).compare == Comparison::IgnoredWhenUnset {
            return;
        }
        let same = match (desired, before) {
            (Some(desired), Some(before)) => self.same(path, desired, before),
            (None, None) => true,
            _ => false,
        };
        // A key that neither the file nor the last run knew is unmanaged, unless the map is exclusive.
        let is_unmanaged = desired.is_none() && applied.is_none();
        if same || (is_unmanaged && (!self.is_exclusive(path) || is_reserved_tag(path))) {
            return;
        }
        // A key of a map may be an output, too: the ARN of a policy.
        let is_unknown = |desired: &Value| {
            has_unknown(desired)
                || path.0.iter().any(|key| reference::markers(key).next().is_some())
        };
        let reason = if desired.is_some_and(is_unknown) {
            ChangeReason::DependencyReplaced
        } else {
            self.reason(path, desired, applied)
        };
        found.changes.push(self.change(path, before, desired, reason));
    }

    fn reason(
        &self,
        path: &Path,
        desired: Option<&Value>,
        applied: Option<&Value>,
    ) -> ChangeReason {
        match (desired, applied) {
            _ if self.applied.is_none() => ChangeReason::NotApplied,
            (Some(desired), Some(applied)) if self.same(path, desired, applied) => {
                ChangeReason::Drifted
            }
            (None, None) => ChangeReason::Drifted,
            _ => ChangeReason::Edited,
        }
    }

    /// Equal, or semantically equal.
    fn same(&self, path: &Path, one: &Value, other: &Value) -> bool {
        self.sealer.same(one, other) || self.kind.semantically_equal(path, one, other)
    }

    /// Tells whether the path lies in a map of which every key is this stack's.
    fn is_exclusive(&self, path: &Path) -> bool {
        let above = |length| Path(path.0[..length].to_vec());
        (1..path.0.len()).any(|length| self.rule(&above(length)).compare == Comparison::Exclusive)
    }

    /// A field that was looked up again has changed although the file has not.
    fn refreshed(
        &self,
        wanted: &Map<String, Value>,
        applied: &Map<String, Value>,
        changes: &mut [Change],
    ) {
        for (source, of) in self.kind.fields.computed() {
            let rule = self.rule(&Path(vec![source.to_owned()]));
            let is_source = rule.compare == Comparison::NotCompared;
            let stays = wanted.contains_key(source) && wanted.get(source) == applied.get(source);
            let edited = changes.iter_mut().filter(|change| change.reason == ChangeReason::Edited);
            for change in edited.filter(|change| is_source && stays && change.path.field() == of) {
                change.reason = ChangeReason::Refreshed;
            }
        }
    }

    /// A fingerprint that has changed: somebody else changed the field that it witnesses.
    fn moved_fingerprints(&self, wanted: &Map<String, Value>, found: &mut Difference) {
        let Fingerprints { recorded, live } = self.fingerprints;
        for (field, now) in live {
            let moved = recorded.get(field).is_some_and(|then| then != now);
            let path = Path(vec![field.clone()]);
            if moved && !found.changes.iter().any(|change| change.path == path) {
                let before = Value::from(now.as_str());
                let change =
                    self.change(&path, Some(&before), wanted.get(field), ChangeReason::Drifted);
                found.changes.push(change);
            }
        }
    }

    fn change(
        &self,
        path: &Path,
        before: Option<&Value>,
        after: Option<&Value>,
        reason: ChangeReason,
    ) -> Change {
        let number = |side: Option<&Value>| side.and_then(Value::as_f64);
        let cost = match self.rule(path).update {
            UpdateCost::GrowOnly if number(after) >= number(before) => UpdateCost::InPlace,
            cost => cost,
        };
        let before = before.filter(|before| !before.is_null()).cloned();
        Change { path: path.clone(), before, after: after.cloned(), reason, cost }
    }

    /// The kind's rule for a path, or an exclusive comparison where the file asks for one.
    fn rule(&self, path: &Path) -> FieldRule {
        let rule = self.kind.fields.rule(path);
        let switched = match path.field() {
            "tags" => self.lifecycle.tags_exclusive,
            field => {
                let switch = self.kind.fields.exclusive_switch(field);
                switch.is_some_and(|switch| self.desired[switch] == true)
            }
        };
        if switched { FieldRule { compare: Comparison::Exclusive, ..rule } } else { rule }
    }
}

/// Tells whether a text in a value refers to an output that is known after apply.
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
