//! The fields of a step that differ, as text.

use std::fmt::Write as _;

use serde_json::Value;
use stackwright_engine::change::{Change, ChangeReason};
use stackwright_engine::kind::tag;
use stackwright_engine::registry::Kind;

use super::human::{DIM, GREEN, RED, styled};
use super::reason;
use super::value::{brief, is_long, is_own, outline, shown};

/// The field of the file that a change follows from, where that of the normal form has another name.
pub fn written(kind: &Kind, change: &Change) -> Option<&'static str> {
    kind.fields.computed_from(&change.path)
}

/// `kind`: whose fields they are, as far as it is known.
pub fn changes(text: &mut String, changes: &[Change], kind: Option<&Kind>) {
    let own = changes.iter().filter(|change| change.path.field() == "tags");
    let own: Vec<&String> =
        own.filter_map(|change| change.path.0.get(1)).filter(|key| is_own(key)).collect();
    match own.as_slice() {
        [] => {}
        [key] if *key == tag::ADDRESS => {
            let _ = writeln!(text, "      address tag: it is known by this address from now on");
        }
        _ => {
            let _ = writeln!(text, "      ownership tags: it belongs to this state from now on");
        }
    }
    let shown = changes.iter().filter(|c| !c.path.0.get(1).is_some_and(|key| is_own(key)));
    let shown: Vec<(String, &Change)> = shown.map(|change| (name(kind, change), change)).collect();
    let short = shown.iter().filter(|(_, change)| whole(change).is_none());
    // One long name moves no other value to the right.
    let width = short.map(|(name, _)| name.len()).filter(|width| *width <= 32).max().unwrap_or(0);
    for (name, change) in shown {
        let because = styled(DIM, &reason::change_in_brief(change));
        if let Some((before, after)) = whole(change) {
            let _ = writeln!(text, "      {name}  {because}");
            items(text, &before, &after);
            continue;
        }
        let side = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), brief);
        let values = match change.reason {
            ChangeReason::DependencyRecreated => brief(&change.after.clone().unwrap_or_default()),
            // Told alike: a secret.
            _ if side(&change.before) == side(&change.after) => {
                format!("{}: another value", side(&change.after))
            }
            _ => format!("{} -> {}", side(&change.before), side(&change.after)),
        };
        let _ = writeln!(text, "      {name:width$}  {values}  {because}");
    }
}

/// `cors: routes.OPTIONS /a` for what no file has under that name.
fn name(kind: Option<&Kind>, change: &Change) -> String {
    let of = kind.and_then(|kind| written(kind, change));
    match of.filter(|field| *field != change.path.field()) {
        Some(field) => format!("{field}: {}", change.path),
        None => change.path.to_string(),
    }
}

/// Both sides as lists, where that says more than a line would: lists, maps that are long, and long
/// texts by their lines.
pub fn whole(change: &Change) -> Option<(Vec<Value>, Vec<Value>)> {
    let (before, after) = (&change.before, &change.after);
    let is_list = |side: &Option<Value>| side.as_ref().is_some_and(Value::is_array);
    let is_cut = |side: &Option<Value>| side.as_ref().is_some_and(is_long);
    // Shown as equal: a secret.
    let is_same = before.as_ref().map(shown) == after.as_ref().map(shown);
    let wanted = change.reason != ChangeReason::DependencyRecreated
        && !is_same
        && (is_list(before) && is_list(after) || is_cut(before) || is_cut(after));
    let items = |side: &Option<Value>| match side {
        Some(Value::Array(items)) => items.clone(),
        Some(text @ Value::String(_)) => shown(text).lines().map(Value::from).collect(),
        Some(other) => vec![other.clone()],
        None => Vec::new(),
    };
    wanted.then(|| (items(before), items(after)))
}

/// What leaves a list and what joins it.
pub fn items(text: &mut String, before: &[Value], after: &[Value]) {
    for (sign, color, these, those) in [("-", RED, before, after), ("+", GREEN, after, before)] {
        for item in these.iter().filter(|item| !those.contains(item)) {
            let _ = writeln!(text, "        {} {}", styled(color, sign), outline(item, 10));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stackwright_engine::change::Path;
    use stackwright_engine::kind::UpdateCost;

    use super::*;

    fn told(path: &[&str], before: Option<Value>, after: Option<Value>) -> String {
        let path = Path(path.iter().map(|&key| key.to_owned()).collect());
        let reason = ChangeReason::Edited;
        let change = Change { path, before, after, reason, cost: UpdateCost::InPlace };
        let mut text = String::new();
        changes(&mut text, &[change], None);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn what_is_short_is_a_line_and_what_a_line_would_cut_is_whole() {
        assert_eq!(
            told(&["timeout"], Some(json!(3)), Some(json!(30))),
            "      timeout  3 -> 30  (edited)\n"
        );
        assert_eq!(
            told(&["routes", "GET /a"], None, Some(json!({ "function": "f" }))),
            "      routes.GET /a  (none) -> function: f  (edited)\n"
        );
        let actions: Vec<String> =
            (0..9).map(|number| format!("ec2:DescribeNumber{number}")).collect();
        let statement = json!([{ "Effect": "Allow", "Action": actions }]);
        let text = told(&["policies", "p"], None, Some(json!({ "Statement": statement })));
        assert!(actions.iter().all(|action| text.contains(action)), "{text}");
        assert_eq!(
            told(&["actions"], Some(json!(["a", "b"])), Some(json!(["b", "c"]))),
            "      actions  (edited)\n        - a\n        + c\n"
        );
        let script = |second: &str| json!(format!("#!/bin/sh\n{second}\n{}", "# more ".repeat(20)));
        assert_eq!(
            told(&["user_data"], Some(script("echo one")), Some(script("echo two"))),
            "      user_data  (edited)\n        - echo one\n        + echo two\n"
        );
        let secret = Some(json!("same"));
        let text = told(&["key"], secret.clone(), secret);
        assert_eq!(text, "      key  same: another value  (edited)\n");
    }
}
