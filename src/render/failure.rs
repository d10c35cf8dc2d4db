//! Why a step fails, and what to do about it.

use stackwright_engine::Address;
use stackwright_engine::change::Path;
use stackwright_engine::execute::Failure;
use stackwright_engine::kind::{Fault, UpdateCost};

use super::awaited;

/// What happened to the object, in one line.
pub fn message(failure: &Failure) -> String {
    match failure {
        Failure::Call(error) => error.message.clone(),
        Failure::NotPlanned { path, cost } => {
            let needs = match cost {
                UpdateCost::Refuse => "is refused by the file",
                UpdateCost::Replace => "needs a new object, which was not planned",
                _ => "needs a restart, which was not planned",
            };
            format!("changing `{path}` {needs}")
        }
        Failure::CreatedDifferently(path) => created_differently(path),
        Failure::NotApplied { paths, .. } => {
            format!("{}: update accepted but not applied", listed(paths))
        }
        Failure::NameTaken { kind, name } => {
            format!("a {kind} named `{name}` exists and does not belong to this stack")
        }
        Failure::Withdrawn { elder } => format!(
            "another copy of this stack created {elder} for it at the same time; this run deleted its own"
        ),
        Failure::Ambiguous(ids) => {
            format!("there are {} objects of it: {}", ids.len(), ids.join(", "))
        }
        Failure::NeverReady(why) => format!("will never be ready: {why}"),
        Failure::Ended(why) => format!("was created and ended at once: {why}"),
        Failure::TimedOut { awaited: what, limit } => {
            let what = awaited::phrase(what);
            format!("timed out after {} s waiting for {what}", limit.as_secs())
        }
        Failure::Interrupted(what) => {
            format!("interrupted while waiting for {}", awaited::phrase(what))
        }
    }
}

/// What to do about a failure of the resource at `address`.
pub fn hint(address: &Address, failure: &Failure) -> Option<String> {
    Some(match failure {
        Failure::Call(error) if error.hint.is_none() && error.fault == Fault::Unsupported => {
            format!(
                "the endpoint does not implement this call: undo the edit, have the object created again \
                 (`--replace {address}`), or use an endpoint that does"
            )
        }
        Failure::Call(error) => return error.hint.clone(),
        Failure::NotPlanned { .. } => "run again: the next plan shows the change".to_owned(),
        Failure::CreatedDifferently(_) => format!(
            "it may not be supported here: remove it from the file; `--replace {address}` tries again"
        ),
        Failure::NotApplied { paths, may_ignore, is_recorded } => {
            let ignore = format!(", or leave it to others (`ignore: [{}]`)", listed(paths));
            let ignore = if *may_ignore { ignore } else { String::new() };
            let next = if *is_recorded { "; the next run does not send it again" } else { "" };
            format!("it may not be supported here: undo the change{ignore}{next}")
        }
        Failure::NameTaken { kind, .. } => {
            format!("give this one another `name:`, or delete the other {kind}")
        }
        Failure::Withdrawn { .. } => "run a stack from one copy of its state at a time; \
                                      `reconcile --adopt` adopts the objects of the other copy"
            .to_owned(),
        Failure::Ambiguous(_) => "delete all but one, then run again".to_owned(),
        Failure::NeverReady(_) => "fix the cause; the next run replaces the object".to_owned(),
        Failure::Ended(_) => "fix the cause; the next run creates it again".to_owned(),
        Failure::TimedOut { .. } => "run again to go on waiting".to_owned(),
        Failure::Interrupted(_) => return None,
    })
}

/// Of an object that was just created, and of one that an earlier run created.
pub fn created_differently(path: &Path) -> String {
    format!("created, but not with the requested `{path}`")
}

fn listed(paths: &[Path]) -> String {
    paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use stackwright_engine::change::Path;
    use stackwright_engine::kind::Error;

    use super::*;

    #[test]
    fn an_option_that_a_hint_names_has_the_address() {
        let address = Address::new("instance", "web");
        let unsupported =
            Error::new(Fault::Unsupported, "ModifyInstanceAttribute: not implemented");
        let differs = Failure::CreatedDifferently(Path(vec!["monitoring".to_owned()]));
        for failure in [Failure::Call(unsupported), differs] {
            let hint = hint(&address, &failure).expect("a hint");
            assert!(hint.contains("`--replace instance.web`"), "{hint}");
        }
    }
}
