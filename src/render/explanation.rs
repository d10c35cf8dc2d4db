//! Why a plan does something to one address: field, rule, references, loss, and a way around.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};
use stackwright_engine::Address;
use stackwright_engine::change::{Change, Rule};
use stackwright_engine::kind::UpdateCost;
use stackwright_engine::manifest::{self, Manifest, Resource};
use stackwright_engine::plan::{Action, Hold, Plan, Step};
use stackwright_engine::reference::{self, Reference};
use stackwright_engine::registry::Registry;

use super::changes::{items, whole, written};
use super::value::{brief, is_own};
use super::{clean, human, json};

/// One address in one plan.
pub struct Explanation<'a> {
    address: &'a Address,
    /// `None`: nothing happens to it.
    step: Option<&'a Step>,
    fields: Vec<Field<'a>>,
    /// What goes with the object; nothing where it stays.
    lost: Option<String>,
    /// Guards that stand against it.
    held: Vec<&'a Hold>,
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
    /// What is made anew, from the nearest to the first cause.
    through: Vec<String>,
    avoid: Option<String>,
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
        let ends = step.is_some_and(|step| matches!(step.action, Action::Replace | Action::Delete));
        let lost = kinds.get(address.kind()).filter(|_| ends).map(|kind| kind.deletion_impact);
        let going = plan.steps.iter().filter(|step| step.address == *address);
        let with_it = going.flat_map(|step| step.lost.iter().map(String::as_str));
        let lost =
            lost.map(|lost| [lost].into_iter().chain(with_it).collect::<Vec<_>>().join("; "));
        let is_it = |other: &Step| step.is_some_and(|step| std::ptr::eq(step, other));
        let needs = |step: &'a Step| step.after.iter().map(|at| &plan.steps[*at]);
        let after = step.into_iter().flat_map(needs).map(|step| &step.address);
        // An old object that waits for it is no resource that does.
        let waiting = plan.steps.iter().filter(|other| !other.is_old && needs(other).any(is_it));
        let (after, before) =
            (others(address, after), others(address, waiting.map(|s| &s.address)));
        let changes = step.map(|step| step.changes.as_slice()).unwrap_or_default();
        let told = changes.iter().filter(|change| !is_own_tag(change));
        let fields = told.map(|change| on.field(address, change)).collect();
        let held = plan.held.iter().filter(|held| held.address == *address);
        let held = held.map(|held| &held.hold).collect();
        Self { address, step, fields, lost, held, after, before }
    }

    pub fn human(&self) -> String {
        let Some(step) = self.step else {
            return format!(
                "{}: nothing to do; every field that the file sets is as it shall be\n",
                self.address
            );
        };
        let mut text = human::head(step);
        if let Some(why) = &step.why {
            let _ = writeln!(text, "  because {}", clean(why));
        }
        for field in &self.fields {
            field.human(&mut text);
        }
        let mut line = |what: &str, told: &str| {
            let _ = writeln!(text, "  {what:7} {told}");
        };
        if let Some(lost) = &self.lost {
            line("lost:", &clean(lost));
        }
        for hold in &self.held {
            line("held:", &refused(hold));
        }
        if step.delete_first {
            line("gap:", "its name is unique, so the old one goes first");
        }
        for (what, addresses) in [("after:", &self.after), ("before:", &self.before)] {
            if !addresses.is_empty() {
                let names: Vec<&str> = addresses.iter().map(|address| address.as_str()).collect();
                line(what, &names.join(", "));
            }
        }
        text
    }

    pub fn json(&self) -> Value {
        json!({
            "schema": json::SCHEMA,
            "address": self.address,
            "action": self.step.map(|step| step.action),
            "id": self.step.and_then(|step| step.id.as_ref()),
            "because": self.step.and_then(|step| step.why.as_ref()),
            "fields": self.fields.iter().map(Field::json).collect::<Vec<_>>(),
            "lost": self.lost,
            "held": self.held.iter().map(|hold| refused(hold)).collect::<Vec<_>>(),
            "delete_first": self.step.is_some_and(|step| step.delete_first),
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
        let _ = match before == after {
            _ if whole.is_some() => writeln!(text, "\n  {name}"),
            true => writeln!(text, "\n  {name}  {after}: another value"),
            false => writeln!(text, "\n  {name}  {before} -> {after}"),
        };
        if let Some((before, after)) = whole {
            items(text, &before, &after);
        }
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        let mut line = |what: &str, told: &str| {
            let _ = writeln!(text, "      {what:8} {told}");
        };
        line("rule:", &format!("{}{place}", rule(change.rule)));
        for through in &self.through {
            line("through:", through);
        }
        line("cost:", cost(change.cost));
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

fn refused(hold: &Hold) -> String {
    match hold {
        Hold::CannotUnset(path) => format!("`{path}` has no default to return to"),
        Hold::NameKept(former) => format!("its name is that of {former}, which is retained"),
        Hold::Guarded { guard, .. } => format!("`{guard}` is set, so this is refused"),
        Hold::MadeOtherwise(path) => {
            format!("it was made, but not with `{path}` as it was asked for")
        }
        Hold::NeverLess { path, .. } => format!("`{path}` never gets smaller"),
        Hold::Refused { by, .. } => format!("`{by}` refuses it"),
        Hold::Locked { protection, .. } => {
            format!("{}, so this is refused", clean(&protection.reason))
        }
    }
}

fn rule(rule: Rule) -> &'static str {
    match rule {
        Rule::Edited => {
            "the file, or what it takes in (code, environment), is another than at the last run"
        }
        Rule::Drifted => "somebody changed it in the cloud; the file is as it was",
        Rule::Unset => "it was taken out of the file, so AWS's default is set again",
        Rule::Missing => "the object was just made or found, and has not been brought to this yet",
        Rule::Unknown => "it refers to what is known only once that has been made",
        Rule::Rebound => "what it refers to was made anew under the same name",
        Rule::Refreshed => "it was looked up anew, and is another one now",
    }
}

fn cost(cost: UpdateCost) -> &'static str {
    match cost {
        UpdateCost::InPlace => "changed in place",
        UpdateCost::Restart => "the object is stopped for it, and started again if it was running",
        UpdateCost::GrowOnly => {
            "it never gets smaller: only a new object does, and only `--replace` makes one"
        }
        UpdateCost::Replace => "it cannot be changed: the object is made anew",
        UpdateCost::Refuse => "the file says that it shall not be done",
    }
}

/// What explanations are read from.
struct Reading<'a> {
    plan: &'a Plan,
    manifest: &'a Manifest,
    kinds: &'a Registry,
}

impl<'a> Reading<'a> {
    /// The step that makes or changes an address, or the one by which it goes.
    fn step(&self, address: &Address) -> Option<&'a Step> {
        let all = || {
            let real = self.plan.steps.iter().filter(|step| step.action != Action::Record);
            real.filter(|step| step.address == *address)
        };
        all().find(|step| !step.leaves()).or_else(|| all().next())
    }

    fn field(&self, address: &Address, change: &'a Change) -> Field<'a> {
        let resource = self.manifest.resources.get(address);
        let kind = self.kinds.get(address.kind());
        let written = kind.and_then(|kind| written(kind, change));
        let name = written.unwrap_or(change.path.field());
        let span = resource.and_then(|resource| resource.fields.get(name));
        let place = span.map(|span| self.manifest.source.place(span.start));
        let through = match (change.rule, resource) {
            (Rule::Unknown | Rule::Rebound, Some(resource)) => self.through(resource, change),
            _ => Vec::new(),
        };
        let path = written.map_or_else(|| change.path.to_string(), str::to_owned);
        let may_ignore = kind.is_some_and(|kind| manifest::not_to_ignore(kind, &path).is_none());
        Field {
            change,
            written,
            place,
            through,
            avoid: avoid(change, (&path, written.is_some()), may_ignore),
        }
    }

    /// From what a field refers to down to the first cause.
    fn through(&self, resource: &Resource, change: &Change) -> Vec<String> {
        // A field of the normal form may have another name than those of the file it follows from.
        let field = resource.config.get(change.path.field()).unwrap_or(&resource.config);
        let mut chain = Vec::new();
        for need in reference::references(field) {
            let Reference::Output(need, output) = need else { continue };
            match self.step(&need) {
                Some(step) if matches!(step.action, Action::Create | Action::Replace) => {
                    chain.push(format!("{need}.{output}: {need} {}", self.made(&need, step)));
                    let costly = step.changes.iter().find(|c| c.cost == UpdateCost::Replace);
                    let above = self.manifest.resources.get(&need).zip(costly);
                    let above = above.filter(|(_, costly)| costly.rule == Rule::Unknown);
                    chain.extend(
                        above.into_iter().flat_map(|(of, costly)| self.through(of, costly)),
                    );
                }
                _ if change.rule == Rule::Rebound => {
                    chain.push(format!("{need}: it was made anew outside, under the same name"));
                }
                _ => {}
            }
        }
        chain.dedup();
        chain
    }

    /// Why something is made: completes its address.
    fn made(&self, address: &Address, step: &Step) -> String {
        if step.action == Action::Create {
            return match &step.why {
                Some(why) => format!("is created, because {}", clean(why)),
                None => "is created".to_owned(),
            };
        }
        let costly = step.changes.iter().find(|change| change.cost == UpdateCost::Replace);
        let because = match (costly, &step.why) {
            (_, Some(why)) => clean(why),
            (Some(change), None) => {
                let place = self.field(address, change).place;
                let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
                format!("`{}` differs{place}", change.path)
            }
            (None, None) => "it must be".to_owned(),
        };
        format!("is replaced, because {because}")
    }
}

fn is_own_tag(change: &Change) -> bool {
    let key = change.path.0.get(1).filter(|_| change.path.field() == "tags");
    key.is_some_and(|key| is_own(key))
}

fn avoid(change: &Change, (path, is_derived): (&str, bool), may_ignore: bool) -> Option<String> {
    // Told alike: a secret.
    if change.before.as_ref().map(brief) == change.after.as_ref().map(brief) {
        return None;
    }
    // What follows from another field stands in no file.
    let now = change.before.as_ref().filter(|_| !is_derived).and_then(as_written);
    let now = now.map(|value| format!("`{}: {value}`", last(change)));
    Some(match (change.rule, now) {
        (Rule::Edited, Some(now)) => format!("undo the edit: what is there is {now}"),
        (Rule::Edited, None) => "undo the edit".to_owned(),
        (Rule::Drifted, _) if !may_ignore => return None,
        (Rule::Drifted, _) => {
            format!("write what is there into the file; or leave it to others: `ignore: [{path}]`")
        }
        (Rule::Unset, Some(now)) => format!("write {now}, which is what is there"),
        (Rule::Unset, None) => "write the value that it shall keep".to_owned(),
        (Rule::Refreshed, _) => "leave `--refresh-image` out".to_owned(),
        (Rule::Missing | Rule::Unknown | Rule::Rebound, _) => return None,
    })
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
