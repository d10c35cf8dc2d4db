//! Why a plan does something to one address: fields, reasons, references, loss, and a way around.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use stackwright_engine::Address;
use stackwright_engine::change::{Change, ChangeReason};
use stackwright_engine::diff::has_unknown;
use stackwright_engine::kind::UpdateCost;
use stackwright_engine::manifest::{self, Manifest, Resource};
use stackwright_engine::plan::{Action, ActionKind, Blocked, Plan, ReplaceReason, Step};
use stackwright_engine::reference::{self, Reference};
use stackwright_engine::registry::Registry;

use super::changes::{items, whole, written};
use super::value::{brief, is_own};
use super::{blocker, clean, human, json, note, reason};

/// One address in one plan.
pub struct Explanation<'a> {
    address: &'a Address,
    /// `None`: nothing happens to it.
    step: Option<&'a Step>,
    fields: Vec<Field<'a>>,
    /// What goes with the object; nothing where it stays.
    lost: Option<String>,
    /// Why it must not be done.
    blocked: Vec<&'a Blocked>,
    /// What the plan reports of it.
    notes: Vec<String>,
    /// What must be finished first, and what waits for it.
    after: BTreeSet<&'a Address>,
    before: BTreeSet<&'a Address>,
}

/// One field that differs.
struct Field<'a> {
    change: &'a Change,
    /// The field of the file, where that of the normal form has another name.
    written: Option<&'static str>,
    /// `stack.yaml:12:5`
    place: Option<String>,
    /// What is created or replaced, from the nearest to the first cause.
    through: Vec<String>,
    avoid: Option<String>,
    /// The object is replaced, because of this field or of another reason.
    is_replaced: bool,
}

impl<'a> Explanation<'a> {
    pub fn of(
        address: &'a Address,
        plan: &'a Plan,
        manifest: &'a Manifest,
        kinds: &'a Registry,
    ) -> Self {
        let on = Reading { plan, manifest, kinds };
        let step = on.step(address);
        let ends = step
            .is_some_and(|step| matches!(step.kind(), ActionKind::Replace | ActionKind::Delete));
        let lost = kinds.get(address.kind()).filter(|_| ends).map(|kind| kind.deletion_impact);
        let going = plan.steps.iter().filter(|step| step.address == *address);
        let with_it = going.flat_map(|step| step.action.lost().iter().map(String::as_str));
        let lost =
            lost.map(|lost| [lost].into_iter().chain(with_it).collect::<Vec<_>>().join("; "));
        let is_it = |other: &Step| step.is_some_and(|step| std::ptr::eq(step, other));
        let needs = |step: &'a Step| step.after.iter().map(|at| &plan.steps[*at]);
        let after = step.into_iter().flat_map(needs).map(|step| &step.address);
        // An old object that waits for it is no resource that does.
        let waiting =
            plan.steps.iter().filter(|other| !other.deletes_old() && needs(other).any(is_it));
        let (after, before) =
            (others(address, after), others(address, waiting.map(|s| &s.address)));
        let changes = step.map(|step| step.action.changes()).unwrap_or_default();
        let shown = changes.iter().filter(|change| !is_own_tag(change));
        let is_replaced = step.is_some_and(|step| step.kind() == ActionKind::Replace);
        let fields =
            shown.map(|change| Field { is_replaced, ..on.field(address, change) }).collect();
        let blocked = plan.blocked.iter().filter(|blocked| blocked.address == *address).collect();
        let noted = plan.notes.iter().filter(|noted| noted.address == *address);
        let notes = noted.map(note::sentence).collect();
        Self { address, step, fields, lost, blocked, notes, after, before }
    }

    pub fn human(&self) -> String {
        let mut text = match self.step {
            Some(step) => human::head(step),
            None if self.blocked.is_empty() => {
                return format!("{}: no changes; matches the file\n", self.address);
            }
            None => format!("{}\n", self.address),
        };
        if let Some(because) = self.step.and_then(reason::step) {
            let _ = writeln!(text, "  because {because}");
        }
        for field in &self.fields {
            field.human(&mut text);
        }
        let mut line = |what: &str, said: &str| {
            let _ = writeln!(text, "  {what:9} {said}");
        };
        if let Some(lost) = &self.lost {
            line("lost:", &clean(lost));
        }
        for blocked in &self.blocked {
            line("blocked:", &blocker::sentence(blocked));
            line("hint:", &blocker::hint(blocked));
        }
        for note in &self.notes {
            line("note:", note);
        }
        if self.step.is_some_and(|step| step.action.deletes_first()) {
            line("downtime:", "the old object is deleted before the new one is created");
        }
        let order =
            [("after the changes of", &self.after), ("before the changes of", &self.before)];
        let order: Vec<String> = order
            .iter()
            .filter(|(_, addresses)| !addresses.is_empty())
            .map(|(when, addresses)| {
                let names: Vec<&str> = addresses.iter().map(|address| address.as_str()).collect();
                format!("{when} {}", names.join(", "))
            })
            .collect();
        if !order.is_empty() {
            line("order:", &order.join("; "));
        }
        text
    }

    pub fn json(&self) -> Value {
        json!({
            "schema": json::SCHEMA,
            "address": self.address,
            "action": self.step.map(Step::kind),
            "id": self.step.and_then(|step| step.action.id()),
            "because": self.step.and_then(reason::step),
            "fields": self.fields.iter().map(Field::json).collect::<Vec<_>>(),
            "lost": self.lost,
            "blocked": self.blocked.iter().map(|blocked| blocker::json(blocked)).collect::<Vec<_>>(),
            "notes": self.notes,
            "delete_first": self.step.is_some_and(|step| step.action.deletes_first()),
            "after": self.after,
            "before": self.before,
        })
    }
}

impl Field<'_> {
    fn human(&self, text: &mut String) {
        let change = self.change;
        let side = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), brief);
        let (before, after) = (side(&change.before), side(&change.after));
        let name = match self.written {
            Some(written) => format!("{written} ({})", change.path),
            None => change.path.to_string(),
        };
        let whole = whole(change).filter(|_| change.before != change.after);
        let _ = if whole.is_some() {
            writeln!(text, "\n  {name}")
        } else if before == after {
            writeln!(text, "\n  {name}  {after}: another value")
        } else {
            writeln!(text, "\n  {name}  {before} -> {after}")
        };
        if let Some((before, after)) = whole {
            items(text, &before, &after);
        }
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let mut line = |what: &str, said: &str| {
            let _ = writeln!(text, "      {what:8} {said}");
        };
        line("reason:", &format!("{}{place}", reason::change(change)));
        for through in &self.through {
            line("through:", through);
        }
        if !self.is_replaced || change.cost == UpdateCost::Replace {
            line("cost:", reason::cost(change.cost));
        }
        if let Some(avoid) = &self.avoid {
            line("avoid:", avoid);
        }
    }

    fn json(&self) -> Value {
        let mut field = json::change(self.change);
        field["written"] = json!(self.written);
        field["place"] = json!(self.place);
        field["through"] = json!(self.through);
        field["avoid"] = json!(self.avoid);
        field
    }
}

/// Each once, but for the address itself.
fn others<'a>(
    address: &Address,
    addresses: impl Iterator<Item = &'a Address>,
) -> BTreeSet<&'a Address> {
    addresses.filter(|other| *other != address).collect()
}

/// What explanations are read from.
struct Reading<'a> {
    plan: &'a Plan,
    manifest: &'a Manifest,
    kinds: &'a Registry,
}

impl<'a> Reading<'a> {
    /// The step that creates or changes an address, or the one that removes it.
    fn step(&self, address: &Address) -> Option<&'a Step> {
        let all = || {
            let real = self.plan.steps.iter().filter(|step| step.kind() != ActionKind::Record);
            real.filter(|step| step.address == *address)
        };
        all().find(|step| !step.action.removes()).or_else(|| all().next())
    }

    fn field(&self, address: &Address, change: &'a Change) -> Field<'a> {
        let resource = self.manifest.resources.get(address);
        let kind = self.kinds.get(address.kind());
        let written = kind.and_then(|kind| written(kind, change));
        let name = written.unwrap_or(change.path.field());
        let span = resource.and_then(|resource| resource.fields.get(name));
        let place = span.map(|span| self.manifest.source.place(span.start));
        let refers =
            is_known_after_apply(change) || change.reason == ChangeReason::DependencyRecreated;
        let through = resource.filter(|_| refers).map(|resource| self.through(resource, change));
        let through = through.unwrap_or_default();
        let path = written.map_or_else(|| change.path.to_string(), str::to_owned);
        let may_ignore = kind.is_some_and(|kind| manifest::not_to_ignore(kind, &path).is_none());
        Field {
            change,
            written,
            place,
            through,
            avoid: Avoid { change, path: &path, is_derived: written.is_some(), may_ignore }
                .advice(),
            is_replaced: false,
        }
    }

    /// From what a field refers to down to the first cause of its change.
    fn through(&self, resource: &Resource, change: &Change) -> Vec<String> {
        // A field of the normal form may have another name than those of the file it follows from.
        let field = resource.config.get(change.path.field()).unwrap_or(&resource.config);
        let mut chain = Vec::new();
        for need in reference::references(field) {
            let Reference::Output(need, output) = need else { continue };
            match self.step(&need) {
                Some(step) if matches!(step.kind(), ActionKind::Create | ActionKind::Replace) => {
                    chain.push(format!("{need}.{output}: {need} {}", self.made(&need, step)));
                    let above = self.manifest.resources.get(&need).zip(costly(step));
                    let above = above.filter(|(_, costly)| is_known_after_apply(costly));
                    chain.extend(
                        above.into_iter().flat_map(|(of, costly)| self.through(of, costly)),
                    );
                }
                _ if change.reason == ChangeReason::DependencyRecreated => {
                    chain.push(format!("{need}: re-created outside, under the same name"));
                }
                _ => {}
            }
        }
        chain.dedup();
        chain
    }

    /// Why an object is created or replaced: completes its address.
    fn made(&self, address: &Address, step: &Step) -> String {
        let costly = costly(step).map(|change| {
            let place = self.field(address, change).place;
            let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
            format!("`{}` differs{place}", change.path)
        });
        match &step.action {
            Action::Replace { reason: ReplaceReason::Changes(paths), .. } => {
                let reason = ReplaceReason::Changes(paths.clone());
                let because = costly.unwrap_or_else(|| reason::replace(&reason));
                format!("is replaced, because {because}")
            }
            Action::Replace { reason, .. } => {
                format!("is replaced, because {}", reason::replace(reason))
            }
            _ => match reason::step(step) {
                Some(because) => format!("is created, because {because}"),
                None => "is created".to_owned(),
            },
        }
    }
}

/// The change that a new object is needed for.
fn costly(step: &Step) -> Option<&Change> {
    step.action.changes().iter().find(|change| change.cost == UpdateCost::Replace)
}

fn is_known_after_apply(change: &Change) -> bool {
    change.after.as_ref().is_some_and(has_unknown)
}

fn is_own_tag(change: &Change) -> bool {
    let key = change.path.0.get(1).filter(|_| change.path.field() == "tags");
    key.is_some_and(|key| is_own(key))
}

/// How a change can be avoided.
struct Avoid<'a> {
    change: &'a Change,
    /// Of the file, where the field of the normal form has another name there.
    path: &'a str,
    /// It follows from another field, and stands in no file.
    is_derived: bool,
    may_ignore: bool,
}

impl Avoid<'_> {
    fn advice(&self) -> Option<String> {
        let Self { change, path, .. } = self;
        // Shown as equal: a secret.
        if change.before.as_ref().map(brief) == change.after.as_ref().map(brief) {
            return None;
        }
        let now = change.before.as_ref().filter(|_| !self.is_derived).and_then(as_written);
        let now = now.map(|value| format!("`{}: {value}`", last(change)));
        Some(match (change.reason, now) {
            (ChangeReason::Edited, Some(now)) => format!("undo the edit: the object has {now}"),
            (ChangeReason::Edited, None) => "undo the edit".to_owned(),
            (ChangeReason::Drifted, _) if !self.may_ignore => return None,
            (ChangeReason::Drifted, _) => format!(
                "write what the object has into the file; or leave it to others: `ignore: [{path}]`"
            ),
            (ChangeReason::DefaultRestored, Some(now)) => {
                format!("write {now}, which the object has")
            }
            (ChangeReason::DefaultRestored, None) => "write the value to keep".to_owned(),
            (ChangeReason::Refreshed, _) => "leave `--refresh-image` out".to_owned(),
            (
                ChangeReason::NotApplied
                | ChangeReason::AdoptedDifferently
                | ChangeReason::DependencyReplaced
                | ChangeReason::DependencyRecreated,
                _,
            ) => return None,
        })
    }
}

/// A value as it can be copied into a file; nothing that would have to be quoted there.
fn as_written(value: &Value) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match value {
        Value::String(text) => {
            let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
            (is_word && text.chars().all(is_plain)).then(|| text.clone())
        }
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

fn last(change: &Change) -> &str {
    change.path.0.last().map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_copied_as_it_stands_is_quoted() {
        for (value, text) in [
            (json!("t2.micro"), Some("t2.micro")),
            (json!("/ec2"), Some("/ec2")),
            (json!(30), Some("30")),
            (json!(true), Some("true")),
            (json!("#!/bin/sh\necho hi\n"), None),
            (json!("${env.SECRET} (secret)"), None),
            (json!("- a"), None),
            (json!("007"), None),
            (json!(["a"]), None),
        ] {
            assert_eq!(as_written(&value).as_deref(), text, "{value}");
        }
    }
}
