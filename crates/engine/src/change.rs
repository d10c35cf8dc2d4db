//! The three-way difference: what the file wants, what was last applied, what exists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::field::{Compare, Cost, Field};
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

/// What a comparison needs to know of a kind and of one object.
pub struct Compared<'a> {
    pub fields: &'a [Field],
    /// What follows from what: `Kind::FOLLOWS`.
    pub follows: &'a [(&'a str, &'a str)],
    /// AWS's own defaults, by top-level field.
    pub defaults: &'a Map<String, Value>,
    pub sealer: &'a Sealer,
    /// Last applied; `None` after an adoption, where what is wanted counts as applied.
    pub applied: Option<&'a Value>,
    pub live: &'a Value,
    pub terms: &'a Terms,
    /// [`Kind::alike`](crate::kind::Kind::alike).
    pub alike: &'a dyn Fn(&Path, &Value, &Value) -> bool,
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
            let is_sent_again = is_found && compare == Compare::Recorded && cost == Cost::InPlace;
            let live = self.live.get(name).filter(|_| compare != Compare::Recorded);
            if live.is_none() && compare != Compare::Recorded && wanted.contains_key(name) {
                found.unreported.insert(name.clone());
            }
            let default = self.defaults.get(name);
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
        self.sealer.same(this, that) || (self.alike)(path, this, that)
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
        for (noted, of) in self.follows {
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
        let cost = self.rule(path).0;
        Change { path: path.clone(), before: before.cloned(), after: after.cloned(), rule, cost }
    }

    fn rule(&self, path: &Path) -> (Cost, Compare) {
        let (cost, compare) = rule(self.fields, path);
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
mod tests {
    use super::*;
    use serde_json::json;

    const FIELDS: &[Field] = &[
        Field("image", Cost::Replace, Compare::Managed),
        Field("key", Cost::Replace, Compare::Managed),
        Field("code", Cost::InPlace, Compare::Recorded),
        Field("script", Cost::Replace, Compare::Recorded),
        Field("routes", Cost::InPlace, Compare::Exclusive),
        Field("power", Cost::InPlace, Compare::Released),
        Field("disks", Cost::Replace, Compare::Released),
        Field("disks.*.size", Cost::InPlace, Compare::Released),
        Field("origin", Cost::Replace, Compare::Noted),
    ];

    /// Desired, last applied, live; the changes as `path: before -> after (rule, cost)`.
    #[track_caller]
    fn check(desired: Value, applied: Option<Value>, live: Value, expected: &[&str]) {
        let defaults = json!({ "timeout": 3, "description": "" });
        let compared = Compared {
            fields: FIELDS,
            follows: &[("origin", "image")],
            defaults: defaults.as_object().expect("a map"),
            sealer: &Sealer::new("salt"),
            applied: applied.as_ref(),
            live: &live,
            terms: &Terms::default(),
            alike: &|_, _, _| false,
            desired: &desired,
            pins: (&BTreeMap::new(), &BTreeMap::new()),
        };
        let found = compared.difference();
        let text = |side: &Option<Value>| side.as_ref().map_or("-".to_owned(), Value::to_string);
        let mut lines: Vec<String> = found
            .changes
            .iter()
            .map(|c| {
                format!(
                    "{}: {} -> {} ({:?}, {:?})",
                    c.path,
                    text(&c.before),
                    text(&c.after),
                    c.rule,
                    c.cost
                )
            })
            .collect();
        lines.extend(found.cannot_unset.iter().map(|CannotUnset(path)| format!("{path}: stuck")));
        assert_eq!(lines, expected);
    }

    #[test]
    fn equal_is_no_change() {
        let all = json!({ "timeout": 30, "tags": { "a": "1" } });
        check(all.clone(), Some(all.clone()), all, &[]);
    }

    #[test]
    fn an_edit_and_a_drift_differ_in_their_reason() {
        let applied = Some(json!({ "timeout": 30 }));
        check(
            json!({ "timeout": 31 }),
            applied.clone(),
            json!({ "timeout": 30 }),
            &["timeout: 30 -> 31 (Edited, InPlace)"],
        );
        check(
            json!({ "timeout": 30 }),
            applied,
            json!({ "timeout": 9 }),
            &["timeout: 9 -> 30 (Drifted, InPlace)"],
        );
    }

    #[test]
    fn a_removed_field_returns_to_its_default() {
        let applied = Some(json!({ "timeout": 30, "key": "k", "memory": 1 }));
        let live = json!({ "timeout": 30, "key": "k", "memory": 1 });
        check(
            json!({}),
            applied,
            live,
            &[
                "key: \"k\" -> - (Unset, Replace)",
                "timeout: 30 -> 3 (Unset, InPlace)",
                "memory: stuck",
            ],
        );
        check(json!({}), Some(json!({ "timeout": 3 })), json!({ "timeout": 3 }), &[]);
        check(json!({}), Some(json!({ "power": "running" })), json!({ "power": "stopped" }), &[]);
    }

    #[test]
    fn a_part_of_every_entry_may_cost_less_than_the_entry() {
        let disks = |of: Value| json!({ "disks": of });
        let two = disks(json!({ "a": { "size": 1, "sort": "x" }, "b": { "size": 1 } }));
        check(
            disks(json!({ "a": { "size": 2, "sort": "y" }, "c": { "size": 1 } })),
            Some(two.clone()),
            two.clone(),
            &[
                "disks.a.size: 1 -> 2 (Edited, InPlace)",
                "disks.a.sort: \"x\" -> \"y\" (Edited, Replace)",
                "disks.c: - -> {\"size\":1} (Edited, Replace)",
            ],
        );
        // What leaves the file is from then on somebody else's business.
        check(
            disks(json!({ "a": { "size": 1, "sort": "x" } })),
            Some(two.clone()),
            two.clone(),
            &[],
        );
        check(json!({}), Some(two.clone()), two, &[]);
    }

    #[test]
    fn what_is_only_recorded_never_differs() {
        check(json!({ "origin": "a" }), Some(json!({ "origin": "b" })), json!({}), &[]);
        check(json!({ "origin": "a" }), None, json!({ "origin": "b" }), &[]);
        check(json!({}), Some(json!({ "origin": "b" })), json!({}), &[]);
    }

    #[test]
    fn what_is_looked_up_anew_was_not_edited() {
        let of = |image: &str, origin: &str| json!({ "image": image, "origin": origin });
        let one = of("1", "a");
        let anew = "image: \"1\" -> \"2\" (Refreshed, Replace)";
        check(of("2", "a"), Some(one.clone()), one.clone(), &[anew]);
        let edited = "image: \"1\" -> \"2\" (Edited, Replace)";
        check(of("2", "b"), Some(one.clone()), one.clone(), &[edited]);
        check(json!({ "image": "2" }), Some(one.clone()), one, &[edited]);
    }

    #[test]
    fn foreign_keys_stay_unless_the_map_is_ours_alone() {
        let live = json!({ "tags": { "a": "1", "theirs": "x" }, "routes": { "GET /a": {"f": 1}, "GET /b": {"f": 2} } });
        let desired = json!({ "tags": { "a": "1" }, "routes": { "GET /a": {"f": 1} } });
        check(
            desired.clone(),
            Some(desired),
            live,
            &["routes.GET /b: {\"f\":2} -> - (Drifted, InPlace)"],
        );
        let exclusive = |labels: Value| json!({ "labels": labels, "labels_exclusive": true });
        check(
            exclusive(json!({ "a": "1" })),
            Some(exclusive(json!({ "a": "1" }))),
            exclusive(json!({ "a": "1", "theirs": "x" })),
            &["labels.theirs: \"x\" -> - (Drifted, InPlace)"],
        );
        let applied = json!({ "tags": { "a": "1", "b": "2" } });
        check(
            json!({ "tags": { "a": "1" } }),
            Some(applied.clone()),
            applied.clone(),
            &["tags.b: \"2\" -> - (Edited, InPlace)"],
        );
        check(
            json!({}),
            Some(json!({ "tags": { "a": "1" } })),
            applied,
            &["tags.a: \"1\" -> - (Edited, InPlace)"],
        );
    }

    #[test]
    fn what_cannot_be_read_back_is_compared_with_what_was_applied() {
        check(
            json!({ "code": "b" }),
            Some(json!({ "code": "a" })),
            json!({}),
            &["code: \"a\" -> \"b\" (Edited, InPlace)"],
        );
        check(json!({ "timeout": 3 }), Some(json!({})), json!({}), &[]);
        check(
            json!({ "timeout": 4 }),
            Some(json!({})),
            json!({}),
            &["timeout: - -> 4 (Edited, InPlace)"],
        );
        check(json!({ "code": "a" }), None, json!({}), &["code: - -> \"a\" (Missing, InPlace)"]);
        check(json!({ "script": "a" }), None, json!({}), &[]);
        check(
            json!({ "user_data": "b" }),
            Some(json!({ "user_data": "a" })),
            json!({}),
            &["user_data: \"a\" -> \"b\" (Edited, InPlace)"],
        );
    }

    #[test]
    fn what_is_not_known_yet_is_a_change_for_now() {
        let desired = json!({ "image": "\u{1}instance.web.id\u{1}" });
        let old = json!({ "image": "i-1" });
        check(
            desired,
            Some(old.clone()),
            old,
            &["image: \"i-1\" -> \"\\u0001instance.web.id\\u0001\" (Unknown, Replace)"],
        );
    }

    #[test]
    fn another_spelling_is_no_difference_whoever_wrote_it() {
        let compare = |desired: &str, applied: &str, live: &str| {
            let [desired, applied, live] =
                [desired, applied, live].map(|text| json!({ "a": text }));
            let compared = Compared {
                fields: FIELDS,
                follows: &[("origin", "image")],
                defaults: &Map::new(),
                sealer: &Sealer::default(),
                applied: Some(&applied),
                live: &live,
                terms: &Terms::default(),
                alike: &|_, this, that| {
                    let small = |value: &Value| value.as_str().map(str::to_lowercase);
                    small(this) == small(that)
                },
                desired: &desired,
                pins: (&BTreeMap::new(), &BTreeMap::new()),
            };
            compared.difference().changes.first().map(|change| change.rule)
        };
        assert_eq!(compare("WORD", "word", "word"), None, "the file");
        assert_eq!(compare("word", "word", "WORD"), None, "somebody else");
        assert_eq!(compare("WORD", "word", "other"), Some(Rule::Drifted), "not the edit");
        assert_eq!(compare("other", "word", "WORD"), Some(Rule::Edited));
    }

    #[test]
    fn an_edit_of_what_is_ignored_is_known() {
        let ignored = crate::ignore::Ignored::new(vec!["timeout".into(), "labels".into()]);
        let defaults = json!({ "timeout": 3 });
        let compared = Compared {
            fields: FIELDS,
            follows: &[("origin", "image")],
            defaults: defaults.as_object().expect("a map"),
            sealer: &Sealer::default(),
            applied: Some(&json!({ "timeout": 9, "labels": { "a": "x", "b": "y" } })),
            live: &json!({ "timeout": 7, "labels": { "a": "theirs", "b": "theirs" } }),
            terms: &Terms { ignored, ..Terms::default() },
            alike: &|_, _, _| false,
            desired: &json!({ "labels": { "a": "z", "b": "y" } }),
            pins: (&BTreeMap::new(), &BTreeMap::new()),
        };
        let found = compared.difference();
        assert_eq!(found.changes, []);
        let paths: Vec<String> = found.in_vain.iter().map(Path::to_string).collect();
        assert_eq!(paths, ["labels.a", "timeout"], "not what somebody else did");
    }

    #[test]
    fn a_moved_pin_is_drift_of_its_field() {
        let (recorded, seen) = (
            BTreeMap::from([("code".into(), "x".into())]),
            BTreeMap::from([("code".into(), "y".into())]),
        );
        let value = json!({ "code": "digest" });
        let compared = Compared {
            fields: FIELDS,
            follows: &[("origin", "image")],
            defaults: &Map::new(),
            sealer: &Sealer::default(),
            applied: Some(&value),
            live: &json!({}),
            terms: &Terms::default(),
            alike: &|_, _, _| false,
            desired: &value,
            pins: (&recorded, &seen),
        };
        let found = compared.difference();
        assert_eq!(found.changes[0].path.to_string(), "code");
        assert_eq!(found.changes[0].rule, Rule::Drifted);
    }
}
