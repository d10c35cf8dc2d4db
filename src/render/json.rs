//! Plans, events and states for programs: numbered documents, one object a line for events.
//!
//! A document's `schema` goes up when a field changes its meaning or goes away.

use serde_json::{Value, json};
use stackwright_engine::change::Change;
use stackwright_engine::event::Event;
use stackwright_engine::plan::{ActionKind, Noted, Plan, Step};
use stackwright_engine::reference;
use stackwright_engine::secret;
use stackwright_engine::state::{Object, Phase, State};

use super::{awaited, blocker, failure, note, open, reason};
use crate::progress::Silent;

pub const SCHEMA: u32 = 1;

/// References instead of markers, no value of a secret.
fn shown(value: &Value) -> Value {
    let readable = reference::map_texts(value, &mut |text| match secret::template(text) {
        Some(template) => template.to_owned(),
        None => reference::readable(text),
    });
    reference::with_readable_keys(readable)
}

pub fn plan(plan: &Plan) -> Value {
    let real = plan.steps.iter().filter(|step| step.kind() != ActionKind::Record);
    let steps: Vec<Value> = real.map(step).collect();
    let counts: Value = plan
        .counts()
        .iter()
        .map(|(action, count)| {
            (json!(action).as_str().unwrap_or_default().to_owned(), json!(count))
        })
        .collect();
    let noted = |noted: &Noted| json!({ "address": noted.address, "note": note::sentence(noted) });
    json!({
        "schema": SCHEMA,
        "changes": !plan.is_empty(),
        "counts": counts,
        "steps": steps,
        "unchanged": plan.unchanged,
        "notes": plan.notes.iter().map(noted).collect::<Vec<_>>(),
        "unreported": plan.unreported,
        "unsearched": plan.unsearched,
        "skipped": plan.skipped,
        "blocked": plan.blocked.iter().map(blocker::json).collect::<Vec<_>>(),
    })
}

fn step(step: &Step) -> Value {
    json!({
        "address": step.address,
        "action": step.kind(),
        "id": step.action.id(),
        "generation": step.generation,
        "because": reason::step(step),
        "lost": step.action.lost(),
        "replaced": step.deletes_old(),
        "delete_first": step.action.deletes_first(),
        "desired": step.action.desired().map(shown),
        "changes": step.action.changes().iter().map(change).collect::<Vec<_>>(),
    })
}

pub fn change(change: &Change) -> Value {
    json!({
        "path": change.path,
        "before": change.before.as_ref().map(shown),
        "after": change.after.as_ref().map(shown),
        "reason": change.reason,
        "cost": change.cost,
    })
}

/// One line of `reconcile --json` and `destroy --json`.
pub fn event(event: &Event) -> Value {
    let ms = |duration: &std::time::Duration| duration.as_millis() as u64;
    match event {
        Event::Recovered { address, id, outcome } => {
            json!({ "event": "recovered", "address": address, "id": id, "outcome": outcome })
        }
        Event::Adopted { address, id } => {
            json!({ "event": "adopted", "address": address, "id": id })
        }
        Event::Moved { address, former } => {
            json!({ "event": "moved", "address": address, "former": former })
        }
        Event::Started { address, action } => {
            json!({ "event": "started", "address": address, "action": action })
        }
        Event::Made { address, id } => json!({ "event": "made", "address": address, "id": id }),
        Event::Waiting { address, awaited: what, because, elapsed, limit } => json!({
            "event": "waiting", "address": address, "for": awaited::phrase(what), "because": because,
            "elapsed_ms": ms(elapsed), "limit_ms": ms(limit),
        }),
        Event::Finished { address, action, elapsed } => json!({
            "event": "finished", "address": address, "action": action, "elapsed_ms": ms(elapsed),
        }),
        Event::Failed { address, failure } => {
            let (message, hint) = (failure::message(failure), failure::hint(address, failure));
            json!({ "event": "failed", "address": address, "message": message, "hint": hint })
        }
        Event::Skipped { address, reason } => {
            let because = super::event::skip(address, reason);
            json!({ "event": "skipped", "address": address, "because": because })
        }
        Event::Stopping => json!({ "event": "stopping" }),
    }
}

/// What goes on while nothing happens.
pub fn silent(silent: &[Silent]) -> Value {
    let ms = |duration: std::time::Duration| duration.as_millis() as u64;
    let each = |silent: &Silent| {
        json!({
            "who": silent.who, "for": silent.what, "because": silent.because,
            "elapsed_ms": ms(silent.elapsed), "limit_ms": silent.limit.map(ms),
        })
    };
    json!({ "event": "silent", "under_way": silent.iter().map(each).collect::<Vec<_>>() })
}

/// `show --json`.
pub fn state(state: &State) -> Value {
    let resources: Value = state
        .resources
        .iter()
        .map(|(address, record)| {
            let value = json!({
                "object": record.object.as_ref().map(object),
                "creating_since": record.creating.as_ref().map(|creating| &creating.at),
                "deposed": record.deposed.iter().map(|old| &old.id).collect::<Vec<_>>(),
            });
            (address.to_string(), value)
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "stack": state.place.stack,
        "cloud": state.place.cloud,
        "region": state.place.region,
        "account": state.place.account,
        "serial": state.serial,
        "lineage": state.lineage,
        "resources": resources,
        "open": open::sentences(&state.open()),
    })
}

pub fn object(object: &Object) -> Value {
    json!({
        "id": object.id,
        "generation": object.generation,
        "created": object.created,
        "complete": object.phase == Phase::Done,
        "protect": object.guard.protect,
        "retain": object.guard.retain,
        "outputs": object.outputs,
        "needs": object.dependencies.keys().collect::<Vec<_>>(),
        "applied": object.spec.as_ref().map(shown),
    })
}
