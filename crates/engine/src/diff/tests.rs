use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::kind::{CreateIdempotency, Field, ResourceType, field};

/// A kind with a field for each way of comparing; text in `a` means the same in any case.
struct Sample;

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is read")]
struct Config {
    #[schemars(extend("default" = 3))]
    timeout: Option<u32>,
    #[schemars(extend("default" = ""))]
    description: Option<String>,
}

impl ResourceType for Sample {
    const NAME: &'static str = "sample";
    const OUTPUTS: &'static [&'static str] = &[];
    const CREATE: CreateIdempotency = CreateIdempotency::UniqueName;
    const FIELDS: &'static [Field] = &[
        field("image").replaces(),
        field("key").replaces(),
        field("code").write_only(),
        field("script").replaces().write_only(),
        field("routes").exclusive(),
        field("labels").exclusive_if("labels_exclusive"),
        field("power").ignored_when_unset(),
        field("disks").replaces().ignored_when_unset(),
        field("disks.*.size").grows_only(),
        field("origin").replaces().not_compared().computed_from("image"),
    ];
    type Config = Config;
    type Spec = Value;

    fn semantically_equal(path: &Path, one: &Value, other: &Value) -> bool {
        let small = |value: &Value| value.as_str().map(str::to_lowercase);
        path.field() == "a" && small(one) == small(other)
    }
}

type Recorded = BTreeMap<String, String>;

/// Desired, last applied, live.
type SidesOf<'a> = (&'a Value, Option<&'a Value>, &'a Value);

fn difference((desired, applied, live): SidesOf<'_>, lifecycle: &Lifecycle) -> Difference {
    let none = Recorded::new();
    witnessed((desired, applied, live), lifecycle, Fingerprints { recorded: &none, live: &none })
}

fn witnessed(
    (desired, applied, live): SidesOf<'_>,
    lifecycle: &Lifecycle,
    fingerprints: Fingerprints<'_>,
) -> Difference {
    let (kind, sealer) = (&Kind::of::<Sample>(), &Sealer::new("salt"));
    let unapplied = &BTreeMap::new();
    Compared { kind, sealer, applied, live, lifecycle, desired, fingerprints, unapplied }
        .difference()
}

/// Desired, last applied, live; the changes as `path: before -> after (reason, cost)`.
#[track_caller]
fn check(desired: Value, applied: Option<Value>, live: Value, expected: &[&str]) {
    let found = difference((&desired, applied.as_ref(), &live), &Lifecycle::default());
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
                c.reason,
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
            "key: \"k\" -> - (DefaultRestored, Replace)",
            "timeout: 30 -> 3 (DefaultRestored, InPlace)",
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
    check(
        disks(json!({ "a": { "size": 0, "sort": "x" } })),
        Some(two.clone()),
        two.clone(),
        &["disks.a.size: 1 -> 0 (Edited, GrowOnly)"],
    );
    // A part that is removed from the file is ignored from then on.
    check(disks(json!({ "a": { "size": 1, "sort": "x" } })), Some(two.clone()), two.clone(), &[]);
    check(json!({}), Some(two.clone()), two, &[]);
}

#[test]
fn a_field_that_is_not_compared_never_differs() {
    check(json!({ "origin": "a" }), Some(json!({ "origin": "b" })), json!({}), &[]);
    check(json!({ "origin": "a" }), None, json!({ "origin": "b" }), &[]);
    check(json!({}), Some(json!({ "origin": "b" })), json!({}), &[]);
}

#[test]
fn looking_up_again_is_no_edit() {
    let of = |image: &str, origin: &str| json!({ "image": image, "origin": origin });
    let one = of("1", "a");
    let refreshed = "image: \"1\" -> \"2\" (Refreshed, Replace)";
    check(of("2", "a"), Some(one.clone()), one.clone(), &[refreshed]);
    let edited = "image: \"1\" -> \"2\" (Edited, Replace)";
    check(of("2", "b"), Some(one.clone()), one.clone(), &[edited]);
    check(json!({ "image": "2" }), Some(one.clone()), one, &[edited]);
}

#[test]
fn unmanaged_keys_stay_unless_the_map_is_exclusive() {
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
fn a_write_only_field_is_compared_with_what_was_applied() {
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
    check(json!({ "code": "a" }), None, json!({}), &["code: - -> \"a\" (NotApplied, InPlace)"]);
    check(json!({ "script": "a" }), None, json!({}), &[]);
    check(
        json!({ "user_data": "b" }),
        Some(json!({ "user_data": "a" })),
        json!({}),
        &["user_data: \"a\" -> \"b\" (Edited, InPlace)"],
    );
}

#[test]
fn an_adopted_object_may_lack_a_write_only_field() {
    let trusted = |applied: Option<Value>| {
        let (desired, live) = (json!({ "script": "a", "code": "b", "key": "c" }), json!({}));
        let sides = (&desired, applied.as_ref(), &live);
        let found = difference(sides, &Lifecycle::default());
        found.taken_on_trust.iter().map(Path::to_string).collect::<Vec<_>>()
    };
    assert_eq!(trusted(None), ["script"], "what is sent again is no matter of trust");
    assert_eq!(trusted(Some(json!({ "script": "z" }))), [""; 0]);
}

#[test]
fn a_value_known_after_apply_is_a_change() {
    let desired = json!({ "image": "\u{1}instance.web.id\u{1}" });
    let old = json!({ "image": "i-1" });
    check(
        desired,
        Some(old.clone()),
        old,
        &["image: \"i-1\" -> \"\\u0001instance.web.id\\u0001\" (DependencyReplaced, Replace)"],
    );
}

#[test]
fn a_semantically_equal_value_is_no_difference_whoever_wrote_it() {
    let compare = |desired: &str, applied: &str, live: &str| {
        let [desired, applied, live] = [desired, applied, live].map(|text| json!({ "a": text }));
        let found = difference((&desired, Some(&applied), &live), &Lifecycle::default());
        found.changes.first().map(|change| change.reason)
    };
    assert_eq!(compare("WORD", "word", "word"), None, "the file");
    assert_eq!(compare("word", "word", "WORD"), None, "somebody else");
    assert_eq!(compare("WORD", "word", "other"), Some(ChangeReason::Drifted), "not the edit");
    assert_eq!(compare("other", "word", "WORD"), Some(ChangeReason::Edited));
}

#[test]
fn an_edit_of_an_ignored_field_is_reported() {
    let ignored = crate::lifecycle::Ignored::new(vec!["timeout".into(), "labels".into()]);
    let applied = json!({ "timeout": 9, "labels": { "a": "x", "b": "y" } });
    let live = json!({ "timeout": 7, "labels": { "a": "theirs", "b": "theirs" } });
    let desired = json!({ "labels": { "a": "z", "b": "y" } });
    let lifecycle = Lifecycle { ignored, ..Lifecycle::default() };
    let sides = (&desired, Some(&applied), &live);
    let found = difference(sides, &lifecycle);
    assert_eq!(found.changes, []);
    let paths: Vec<String> = found.ignored_edits.iter().map(Path::to_string).collect();
    assert_eq!(paths, ["labels.a", "timeout"], "not what somebody else did");
}

#[test]
fn a_fingerprint_that_changed_is_drift_of_its_field() {
    let of = |value: &str| Recorded::from([("code".to_owned(), value.to_owned())]);
    let (recorded, live) = (&of("x"), &of("y"));
    let value = json!({ "code": "digest" });
    let sides = (&value, Some(&value), &json!({}));
    let found = witnessed(sides, &Lifecycle::default(), Fingerprints { recorded, live });
    assert_eq!(found.changes[0].path.to_string(), "code");
    assert_eq!(found.changes[0].reason, ChangeReason::Drifted);
}
