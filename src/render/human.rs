//! Plans, progress and states as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use stackwright_engine::Address;
use stackwright_engine::event::Event;
use stackwright_engine::plan::{Action, Plan, Step};
use stackwright_engine::registry::{Kind, Registry};
use stackwright_engine::state::{Object, Operation, State};

use super::changes::{changes, items, whole};
use super::value::{brief, is_empty, outline, without_own};
use super::{clean, open, time};
use crate::progress::Silent;

const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();

pub(super) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Symbol, word, past participle, colour.
fn words(action: Action) -> (&'static str, &'static str, &'static str, Style) {
    match action {
        Action::Create => ("+", "create", "created", GREEN),
        Action::Update => ("~", "update", "updated", YELLOW),
        Action::Restart => ("~", "restart", "restarted", YELLOW),
        Action::Replace => ("-/+", "replace", "replaced", RED),
        Action::Delete => ("-", "delete", "deleted", RED),
        Action::Forget => (".", "forget", "forgotten", YELLOW),
        Action::Record => (" ", "record", "recorded", DIM),
    }
}

/// What was not asked for, if anything.
pub fn left_out(plan: &Plan) -> Option<String> {
    let addresses: Vec<&str> = plan.left_out.iter().map(Address::as_str).collect();
    let is_some = !addresses.is_empty();
    is_some.then(|| format!("left out, as was asked for: {}", addresses.join(", ")))
}

/// What differs in the cloud from what was last applied.
pub fn drift(plan: &Plan) -> String {
    let mut text = String::new();
    for step in plan.steps.iter().filter(|step| !matches!(step.action, Action::Record)) {
        let address = styled(BOLD, step.address.as_str());
        if step.leaves() {
            continue; // the old half of what is broken
        }
        if step.gone {
            let id = step.id.as_deref().unwrap_or_default();
            let _ = writeln!(text, "{} {address}  {}\n", styled(RED.bold(), "- gone"), clean(id));
            continue;
        }
        let _ = writeln!(text, "{} {address}", styled(YELLOW.bold(), "~ changed"));
        if let Some(why) = &step.why {
            let _ = writeln!(text, "      {}", clean(why));
        }
        let width = step.changes.iter().map(|c| c.path.to_string().len()).max().unwrap_or(0);
        for change in &step.changes {
            let side = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), brief);
            let path = change.path.to_string();
            if let Some((live, applied)) = whole(change) {
                let _ = writeln!(text, "      {path}  was (-), is now (+)");
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
    for step in &plan.steps {
        let half = step.is_old && plan.replaces(&step.address);
        if !half && step.action != Action::Record {
            block(&mut text, step, kinds.get(step.address.kind()).map(Arc::as_ref));
        }
    }
    notes(&mut text, plan);
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
    for (address, note) in &plan.notes {
        let _ = writeln!(text, "{} {address}: {}", styled(DIM, "note:"), clean(note));
    }
}

/// What happens, to what: one line.
pub fn head(step: &Step) -> String {
    let (symbol, word, _, color) = words(step.action);
    let head = styled(color.bold(), &format!("{symbol} {word}"));
    let id = step.id.as_ref().map(|id| format!("  {}", styled(DIM, &clean(id))));
    format!("{head} {}{}\n", styled(BOLD, step.address.as_str()), id.unwrap_or_default())
}

fn block(text: &mut String, step: &Step, kind: Option<&Kind>) {
    text.push_str(&head(step));
    if let Some(why) = &step.why {
        let _ = writeln!(text, "      because {}", clean(why));
    }
    if step.delete_first {
        let _ = writeln!(
            text,
            "      its name is unique: the old one goes first, and for a moment there is none"
        );
    }
    if !step.lost.is_empty() {
        let _ = writeln!(text, "      lost: {}", clean(&step.lost.join("; ")));
    }
    match (&step.desired, step.action) {
        (Some(desired), Action::Create) => fields(text, desired),
        // Nothing is said of it below its head.
        _ if step.changes.is_empty() && step.why.is_none() && step.lost.is_empty() => return,
        _ => changes(text, &step.changes, kind),
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
pub fn counts(counts: &BTreeMap<Action, usize>, done: bool) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(action, count)| {
            let (_, word, participle, _) = words(*action);
            if done { format!("{count} {participle}") } else { format!("{count} to {word}") }
        })
        .collect();
    match parts.is_empty() {
        true => "nothing to do".into(),
        false => parts.join(", "),
    }
}

/// `11 calls, 0 of them writes, 120 ms`.
pub fn effort(calls: u64, writes: u64, elapsed: Duration) -> String {
    let calls = if calls == 1 { "1 call".into() } else { format!("{calls} calls") };
    format!(
        "{calls}, {writes} of them {}, {}",
        if writes == 1 { "a write" } else { "writes" },
        time(elapsed)
    )
}

/// A line of progress, if the event is worth one.
pub fn event(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started { .. } | Event::Made { .. } => return None,
        Event::Recovered { address, id, how } => {
            let id = id.as_ref().map(|id| format!(" {}", clean(id))).unwrap_or_default();
            format!("recovered {address}{id}: {how}")
        }
        Event::Adopted { address, id } => {
            format!("adopted {address} {}", clean(id))
        }
        Event::Moved { address, former } => {
            format!("{former} is known as {address} from now on")
        }
        Event::Waiting { address, what, because, elapsed, limit } => {
            waiting(address.as_str(), what, (*elapsed, Some(*limit)), because.as_deref())
        }
        Event::Finished { address, action, elapsed } => {
            let (symbol, _, participle, color) = words(*action);
            let elapsed = styled(DIM, &time(*elapsed));
            format!("{} {address} {participle}  {elapsed}", styled(color, symbol))
        }
        Event::Failed { address, message, hint } => {
            let hint = hint.as_ref().map(|hint| format!("\n    hint: {hint}")).unwrap_or_default();
            format!("{} {address}: {}{hint}", styled(RED, "x"), clean(message))
        }
        Event::Skipped { address, because } => {
            format!("{} {address} not begun: {because}", styled(DIM, "."))
        }
        Event::Stopping => {
            "stopping: what is under way ends first; once more to leave at once".into()
        }
    })
}

/// `… role.x: waiting for WHAT, 12 s of 60 s: BECAUSE`
pub fn waiting(
    who: &str,
    what: &str,
    (elapsed, limit): (Duration, Option<Duration>),
    because: Option<&str>,
) -> String {
    let dots = styled(DIM, "…");
    let because = because.map(|because| format!(": {}", clean(because))).unwrap_or_default();
    let time = spent(elapsed, limit);
    format!("{dots} {who}: waiting for {}, {time}{because}", clean(what))
}

/// `12 s of 60 s`
fn spent(elapsed: Duration, limit: Option<Duration>) -> String {
    let limit = limit.map(|limit| format!(" of {} s", limit.as_secs())).unwrap_or_default();
    format!("{} s{limit}", elapsed.as_secs())
}

/// What goes on while nothing happens, a line each; of many, the first.
pub fn silent(silent: &[Silent]) -> String {
    const SHOWN: usize = 4;
    let each = |silent: &Silent| {
        let Silent { who, what, because, elapsed, limit } = silent;
        match what {
            Some(what) => waiting(who, what, (*elapsed, *limit), because.as_deref()),
            None => format!("{} {who}: at work, {}", styled(DIM, "…"), spent(*elapsed, *limit)),
        }
    };
    let mut lines: Vec<String> = silent.iter().take(SHOWN).map(each).collect();
    if silent.len() > SHOWN {
        lines.push(format!("{} and {} more", styled(DIM, "…"), silent.len() - SHOWN));
    }
    lines.join("\n")
}

/// Everything the state holds, or one resource of it.
pub fn state(
    state: &State,
    only: Option<&Address>,
    facts: &BTreeMap<Address, BTreeMap<String, String>>,
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
            (Some(object), _) => resource(&mut text, object, facts.get(address)),
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
            "\nnot finished by an earlier run; the next one (`reconcile` or `destroy`) goes on from there:"
        );
        open.iter().for_each(|line| {
            let _ = writeln!(text, "  {line}");
        });
    }
    text
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
        let needs: Vec<&str> = object.dependencies.keys().map(Address::as_str).collect();
        line("needs", &needs.join(", "));
    }
    if object.generation > 1 {
        line("generation", &object.generation.to_string());
    }
    for (fact, value) in facts.into_iter().flatten() {
        line(fact, value);
    }
}
