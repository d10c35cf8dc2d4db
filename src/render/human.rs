//! Plans, progress and states as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use stackwright_engine::Address;
use stackwright_engine::plan::{Action, ActionKind, CreateReason, Plan, Step};
use stackwright_engine::registry::{Kind, Registry};
use stackwright_engine::state::{Object, Operation, State};

use super::changes::{changes, items, whole};
use super::value::{brief, is_empty, outline, without_own};
use super::{clean, note, open, reason, time};

const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();

pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Symbol, word, past participle, colour.
pub(super) fn words(action: ActionKind) -> (&'static str, &'static str, &'static str, Style) {
    match action {
        ActionKind::Create => ("+", "create", "created", GREEN),
        ActionKind::Update => ("~", "update", "updated", YELLOW),
        ActionKind::Restart => ("~", "restart", "restarted", YELLOW),
        ActionKind::Replace => ("-/+", "replace", "replaced", RED),
        ActionKind::Delete => ("-", "delete", "deleted", RED),
        ActionKind::Gone => ("-", "remove from the state", "already gone", DIM),
        ActionKind::Release => (".", "release", "released", YELLOW),
        ActionKind::Record => (" ", "record", "recorded", DIM),
    }
}

/// What the selection leaves out, if anything.
pub fn skipped(plan: &Plan) -> Option<String> {
    let addresses: Vec<&str> = plan.skipped.iter().map(Address::as_str).collect();
    let is_some = !addresses.is_empty();
    is_some.then(|| format!("skipped (--target/--exclude): {}", addresses.join(", ")))
}

/// What differs in the cloud from what was last applied.
pub fn drift(plan: &Plan) -> String {
    let mut text = String::new();
    // The old object of one that failed is no drift of its own.
    for step in plan.shown().filter(|step| !step.action.removes()) {
        let address = styled(BOLD, step.address.as_str());
        if let Action::Create { reason: CreateReason::Gone(id), .. } = &step.action {
            let _ = writeln!(text, "{} {address}  {}\n", styled(RED.bold(), "- gone"), clean(id));
            continue;
        }
        let _ = writeln!(text, "{} {address}", styled(YELLOW.bold(), "~ changed"));
        if let Some(because) = reason::step(step) {
            let _ = writeln!(text, "      {because}");
        }
        let changes = step.action.changes();
        let width = changes.iter().map(|c| c.path.to_string().len()).max().unwrap_or(0);
        for change in changes {
            let side = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), brief);
            let path = change.path.to_string();
            if let Some((live, applied)) = whole(change) {
                let how = match (applied.is_empty(), live.is_empty()) {
                    (false, true) => "was (-), is gone",
                    (true, false) => "is new (+)",
                    _ => "was (-), is now (+)",
                };
                let _ = writeln!(text, "      {path}  {how}");
                items(&mut text, &applied, &live);
                continue;
            }
            let (applied, live) = (side(&change.after), side(&change.before));
            let _ = writeln!(text, "      {path:width$}  was {applied}, is now {live}");
        }
        text.push('\n');
    }
    notes(&mut text, plan);
    text
}

/// One block per resource: what, field by field, and why.
pub fn plan(plan: &Plan, kinds: &Registry) -> String {
    let mut text = String::new();
    for step in plan.shown() {
        block(&mut text, step, kinds.get(step.address.kind()).map(Arc::as_ref));
    }
    notes(&mut text, plan);
    for (kind, why) in &plan.unsearched {
        let _ = writeln!(text, "{} {}", styled(DIM, "note:"), note::unsearched(kind, why));
    }
    for (kind, fields) in &plan.unreported {
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "{} this endpoint does not report {} of {kind}; compared with what was last applied",
            styled(DIM, "note:"),
            fields.join(", ")
        );
    }
    text
}

fn notes(text: &mut String, plan: &Plan) {
    for noted in &plan.notes {
        let sentence = note::sentence(noted);
        let _ = writeln!(text, "{} {}: {sentence}", styled(DIM, "note:"), noted.address);
    }
}

/// What happens, to what: one line.
pub fn head(step: &Step) -> String {
    let (symbol, word, _, color) = words(step.kind());
    let head = styled(color.bold(), &format!("{symbol} {word}"));
    let id = step.action.id().map(|id| format!("  {}", styled(DIM, &clean(id))));
    format!("{head} {}{}\n", styled(BOLD, step.address.as_str()), id.unwrap_or_default())
}

fn block(text: &mut String, step: &Step, kind: Option<&Kind>) {
    text.push_str(&head(step));
    let because = reason::step(step);
    if let Some(because) = &because {
        let _ = writeln!(text, "      because {because}");
    }
    if step.action.deletes_first() {
        let _ = writeln!(
            text,
            "      downtime: the old object is deleted before the new one is created"
        );
    }
    let lost = step.action.lost();
    if !lost.is_empty() {
        let _ = writeln!(text, "      lost: {}", clean(&lost.join("; ")));
    }
    match &step.action {
        Action::Create { desired, .. } => fields(text, desired),
        // A head with nothing below it takes no blank line.
        other if other.changes().is_empty() && because.is_none() && lost.is_empty() => return,
        other => changes(text, other.changes(), kind),
    }
    text.push('\n');
}

fn fields(text: &mut String, desired: &Value) {
    let fields: Vec<(&String, Value)> = desired
        .as_object()
        .into_iter()
        .flatten()
        .map(|(field, value)| (field, without_own(value)))
        .filter(|(_, value)| !is_empty(value))
        .collect();
    let width = fields.iter().map(|(field, _)| field.len()).max().unwrap_or(0);
    for (field, value) in fields {
        let _ = writeln!(text, "      {field:width$}  {}", outline(&value, width + 8));
    }
}

/// `2 to create, 1 to update`, or that there is nothing to do.
pub fn counts(counts: &BTreeMap<ActionKind, usize>, done: bool) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(action, count)| {
            let (_, word, participle, _) = words(*action);
            if done { format!("{count} {participle}") } else { format!("{count} to {word}") }
        })
        .collect();
    if parts.is_empty() { "nothing to do".into() } else { parts.join(", ") }
}

/// What a person is asked before objects go: `Delete 1, replace 1 on local?`.
pub fn question(plan: &Plan, cloud: &str) -> String {
    let counts = plan.counts();
    let going = [ActionKind::Delete, ActionKind::Replace, ActionKind::Gone, ActionKind::Release];
    let parts = going.iter().filter_map(|action| {
        let (_, word, ..) = words(*action);
        counts.get(action).map(|count| format!("{word} {count}"))
    });
    let text = parts.collect::<Vec<_>>().join(", ");
    let first = text.chars().next().map(|first| first.to_ascii_uppercase());
    let rest: String = text.chars().skip(1).collect();
    format!("{}{rest} on {cloud}?", first.map(String::from).unwrap_or_default())
}

/// `11 API calls, 0 writes, 120 ms`.
pub fn effort(calls: u64, writes: u64, elapsed: Duration) -> String {
    let calls = if calls == 1 { "1 API call".into() } else { format!("{calls} API calls") };
    let writes = if writes == 1 { "1 write".into() } else { format!("{writes} writes") };
    format!("{calls}, {writes}, {}", time(elapsed))
}

/// Everything the state holds, or one resource of it.
pub fn state(
    state: &State,
    only: Option<&Address>,
    facts: &BTreeMap<Address, BTreeMap<String, String>>,
    kinds: &Registry,
) -> String {
    let place = &state.place;
    let mut text = format!(
        "{} on {} ({}, account {}), serial {}\n",
        styled(BOLD, &place.stack),
        place.cloud,
        place.region,
        place.account,
        state.serial
    );
    for (address, record) in &state.resources {
        if only.is_some_and(|only| only != address) {
            continue;
        }
        let _ = writeln!(text, "\n{}", styled(BOLD, address.as_str()));
        match (&record.object, &record.creating) {
            (Some(object), _) => {
                resource(&mut text, object, facts.get(address));
                if let (Some(_), Some(spec)) = (only, &object.spec) {
                    text.push_str("  configuration, as last applied:\n");
                    fields(&mut text, &written(spec, kinds.get(address.kind())));
                }
            }
            (None, Some(creating)) => {
                let create = Operation::Create { sent: creating.at.clone() };
                let _ = writeln!(text, "  {}", open::words(&create));
            }
            (None, None) => {}
        }
        for old in &record.deposed {
            let delete = Operation::DeleteReplaced(old.id.clone());
            let _ = writeln!(text, "  {}", open::words(&delete));
        }
    }
    if state.resources.is_empty() {
        text.push_str("\nno resources\n");
    }
    let open = open::sentences(&state.open());
    if !open.is_empty() {
        let _ = writeln!(
            text,
            "\nleft incomplete by an earlier run; the next `reconcile` or `destroy` continues it:"
        );
        open.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    text
}

/// The part of a spec that a user writes, besides name and tags.
fn written(spec: &Value, kind: Option<&Arc<Kind>>) -> Value {
    let is_written = |field: &str| {
        matches!(field, "name" | "tags") || kind.is_none_or(|kind| kind.fields.is_of_config(field))
    };
    let fields = spec.as_object().into_iter().flatten();
    fields.filter(|(field, _)| is_written(field)).map(|(f, v)| (f.clone(), v.clone())).collect()
}

fn resource(text: &mut String, object: &Object, facts: Option<&BTreeMap<String, String>>) {
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "  {key:13}  {}", clean(value));
    };
    if object.outputs.get("id") != Some(&object.id)
        && object.outputs.get("name") != Some(&object.id)
    {
        line("id", &object.id);
    }
    for (output, value) in &object.outputs {
        line(output, value);
    }
    if !object.dependencies.is_empty() {
        let dependencies: Vec<&str> = object.dependencies.keys().map(Address::as_str).collect();
        line("depends on", &dependencies.join(", "));
    }
    if object.generation > 1 {
        line("generation", &object.generation.to_string());
    }
    for (fact, value) in facts.into_iter().flatten() {
        line(fact, value);
    }
}
