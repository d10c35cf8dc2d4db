//! Why a plan is blocked, and what unblocks it: a sentence and a hint for each blocker.

use serde_json::{Value, json};
use stackwright_engine::lifecycle::GuardKind;
use stackwright_engine::plan::{Blocked, Blocker, Removal};

use super::{clean, failure, reason};

/// What stops the step, with its address for a subject.
pub fn sentence(blocked: &Blocked) -> String {
    let Blocked { address, blocker } = blocked;
    match blocker {
        Blocker::CannotUnset(path) => {
            format!(
                "`{path}` of {address} was removed from the file, and there is no default to restore"
            )
        }
        Blocker::NameRetained(former) => {
            format!("{address} needs the name of {former}, which `retain` keeps in the cloud")
        }
        Blocker::NameInUse { former, by } if former == address => format!(
            "{address} cannot be replaced under its own name, since it is not deleted while {by} uses it"
        ),
        Blocker::NameInUse { former, by } => {
            format!("{address} needs the name of {former}, which is not deleted while {by} uses it")
        }
        Blocker::Guarded { guard, removal } => {
            format!("{address} is {}; this plan would {}", guarded(*guard), removes(removal))
        }
        Blocker::CannotShrink { path, now } => {
            format!("`{path}` of {address} is {now} and cannot become smaller")
        }
        Blocker::CreatedDifferently(path) => {
            format!("{address} was {}", failure::created_differently(path))
        }
        Blocker::Refused { path, by } => {
            format!("`{path}` of {address} differs, and `{by}` refuses the change")
        }
        Blocker::PartTaken { field, reason, .. } => {
            format!("`{field}` of {address}: {}", clean(reason))
        }
        Blocker::Locked { protection, removal } => {
            format!(
                "{address}: {}; this plan would {}",
                clean(&protection.reason),
                removes(removal)
            )
        }
    }
}

/// How to go on.
pub fn hint(blocked: &Blocked) -> String {
    let Blocked { address, blocker } = blocked;
    match blocker {
        Blocker::CannotUnset(path) => format!(
            "write the value of `{path}` that you want; or leave it as it is: `ignore: [{path}]`"
        ),
        Blocker::NameRetained(former) => {
            format!("another `name:`; or `renamed_from: {}` for the same object", former.key())
        }
        Blocker::NameInUse { former, .. } if former == address => {
            "give it another `name:`; the new one is then created before the old one is deleted"
                .to_owned()
        }
        Blocker::NameInUse { former, .. } => {
            format!("another `name:`; or `renamed_from: {}` for the same object", former.key())
        }
        Blocker::Guarded { guard, removal: Removal::Delete } => {
            format!("set `{}: false`, run `reconcile`, then delete it", name(*guard))
        }
        Blocker::Guarded { guard, removal: Removal::Replace(_) } => format!(
            "undo the change; or, if it may be replaced, first run `reconcile` with `{}: false` alone",
            name(*guard)
        ),
        Blocker::CannotShrink { now, .. } => format!(
            "write {now} or more; or `--replace {address}`, which creates another one and deletes \
             this one"
        ),
        Blocker::CreatedDifferently(_) => format!(
            "it may not be supported here: remove it from the file; or `--replace {address}`, which \
             creates another one"
        ),
        Blocker::Refused { path, by } => {
            format!("write the former `{path}` again, or another `{by}`")
        }
        Blocker::PartTaken { hint, .. } => clean(hint),
        Blocker::Locked { protection, .. } => clean(&protection.hint),
    }
}

/// For programs: which blocker, its data, and the sentence.
pub fn json(blocked: &Blocked) -> Value {
    let mut document = match &blocked.blocker {
        Blocker::CannotUnset(path) => json!({ "blocker": "cannot_unset", "path": path }),
        Blocker::NameRetained(former) => json!({ "blocker": "name_retained", "former": former }),
        Blocker::NameInUse { former, by } => {
            json!({ "blocker": "name_in_use", "former": former, "by": by })
        }
        Blocker::Guarded { guard, removal } => {
            json!({ "blocker": "guarded", "guard": guard, "action": action(removal) })
        }
        Blocker::CannotShrink { path, now } => {
            json!({ "blocker": "cannot_shrink", "path": path, "now": now })
        }
        Blocker::CreatedDifferently(path) => {
            json!({ "blocker": "created_differently", "path": path })
        }
        Blocker::Refused { path, by } => json!({ "blocker": "refused", "path": path, "by": by }),
        Blocker::PartTaken { field, .. } => json!({ "blocker": "part_taken", "field": field }),
        Blocker::Locked { removal, .. } => {
            json!({ "blocker": "locked", "action": action(removal) })
        }
    };
    document["address"] = json!(blocked.address);
    document["message"] = json!(sentence(blocked));
    document
}

/// The key of the file.
pub fn name(guard: GuardKind) -> &'static str {
    match guard {
        GuardKind::Protect => "protect",
        GuardKind::Retain => "retain",
    }
}

fn guarded(guard: GuardKind) -> &'static str {
    match guard {
        GuardKind::Protect => "protected",
        GuardKind::Retain => "retained",
    }
}

fn action(removal: &Removal) -> &'static str {
    match removal {
        Removal::Delete => "delete",
        Removal::Replace(_) => "replace",
    }
}

/// Completes "this plan would".
fn removes(removal: &Removal) -> String {
    match removal {
        Removal::Delete => "delete it".to_owned(),
        Removal::Replace(reason) => format!("replace it, because {}", reason::replace(reason)),
    }
}
