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
    Field("disks.*.size", Cost::NeverLess, Compare::Released),
    Field("origin", Cost::Replace, Compare::Noted),
];

fn tables(defaults: Value) -> Tables<'static> {
    Tables {
        fields: FIELDS,
        follows: &[("origin", "image")],
        defaults: defaults.as_object().expect("a map").clone(),
        alike: Box::new(|_, _, _| false),
    }
}

type Pins = BTreeMap<String, String>;

/// Desired, last applied, live.
fn difference(
    kind: &Tables<'_>,
    (desired, applied, live): (&Value, Option<&Value>, &Value),
    terms: &Terms,
    (then, now): (&Pins, &Pins),
) -> Difference {
    let sealer = &Sealer::new("salt");
    Compared { kind, sealer, applied, live, terms, desired, pins: (then, now) }.difference()
}

/// Desired, last applied, live; the changes as `path: before -> after (rule, cost)`.
#[track_caller]
fn check(desired: Value, applied: Option<Value>, live: Value, expected: &[&str]) {
    let kind = tables(json!({ "timeout": 3, "description": "" }));
    let sides = (&desired, applied.as_ref(), &live);
    let found = difference(&kind, sides, &Terms::default(), (&Pins::new(), &Pins::new()));
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
        &["key: \"k\" -> - (Unset, Replace)", "timeout: 30 -> 3 (Unset, InPlace)", "memory: stuck"],
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
    check(
        disks(json!({ "a": { "size": 0, "sort": "x" } })),
        Some(two.clone()),
        two.clone(),
        &["disks.a.size: 1 -> 0 (Edited, NeverLess)"],
    );
    // What leaves the file is from then on somebody else's business.
    check(disks(json!({ "a": { "size": 1, "sort": "x" } })), Some(two.clone()), two.clone(), &[]);
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
fn what_was_found_may_be_without_what_nobody_can_read() {
    let trusted = |applied: Option<Value>| {
        let (desired, live) = (json!({ "script": "a", "code": "b", "key": "c" }), json!({}));
        let sides = (&desired, applied.as_ref(), &live);
        let none = Pins::new();
        let found = difference(&tables(json!({})), sides, &Terms::default(), (&none, &none));
        found.taken_on_trust.iter().map(Path::to_string).collect::<Vec<_>>()
    };
    assert_eq!(trusted(None), ["script"], "what is sent again is no matter of trust");
    assert_eq!(trusted(Some(json!({ "script": "z" }))), [""; 0]);
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
        let [desired, applied, live] = [desired, applied, live].map(|text| json!({ "a": text }));
        let alike = |_: &Path, this: &Value, that: &Value| {
            let small = |value: &Value| value.as_str().map(str::to_lowercase);
            small(this) == small(that)
        };
        let kind = Tables { alike: Box::new(alike), ..tables(json!({})) };
        let sides = (&desired, Some(&applied), &live);
        let found = difference(&kind, sides, &Terms::default(), (&Pins::new(), &Pins::new()));
        found.changes.first().map(|change| change.rule)
    };
    assert_eq!(compare("WORD", "word", "word"), None, "the file");
    assert_eq!(compare("word", "word", "WORD"), None, "somebody else");
    assert_eq!(compare("WORD", "word", "other"), Some(Rule::Drifted), "not the edit");
    assert_eq!(compare("other", "word", "WORD"), Some(Rule::Edited));
}

#[test]
fn an_edit_of_what_is_ignored_is_known() {
    let ignored = crate::ignore::Ignored::new(vec!["timeout".into(), "labels".into()]);
    let applied = json!({ "timeout": 9, "labels": { "a": "x", "b": "y" } });
    let live = json!({ "timeout": 7, "labels": { "a": "theirs", "b": "theirs" } });
    let desired = json!({ "labels": { "a": "z", "b": "y" } });
    let terms = Terms { ignored, ..Terms::default() };
    let sides = (&desired, Some(&applied), &live);
    let none = Pins::new();
    let found = difference(&tables(json!({ "timeout": 3 })), sides, &terms, (&none, &none));
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
    let sides = (&value, Some(&value), &json!({}));
    let found = difference(&tables(json!({})), sides, &Terms::default(), (&recorded, &seen));
    assert_eq!(found.changes[0].path.to_string(), "code");
    assert_eq!(found.changes[0].rule, Rule::Drifted);
}
