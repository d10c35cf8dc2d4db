//! The trust that other kinds need from a role of the stack.

use serde::Deserialize as _;
use stackwright_engine::Address;
use stackwright_engine::kind::{Problem, Severity, Siblings};

use super::check;
use super::config::{Config, NAME};
use crate::policy_document::Document;

/// Returns the role of the stack that a text means: `role.KEY`, `${role.KEY.arn}`, `${role.KEY.name}`.
pub fn of_stack(text: &str) -> Option<Address> {
    let inner = text.strip_prefix("${").and_then(|rest| rest.strip_suffix("}"));
    let address = match inner {
        Some(reference) => reference.rsplit_once('.')?.0,
        None => text,
    };
    address.parse().ok().filter(|address: &Address| address.kind() == NAME)
}

/// Returns the problem of `field` if its text names a role of the stack that trusts none of `who`,
/// whatever the references in its trust come to mean. The role should trust the first of `who`.
pub fn must_trust(
    who: &[&str],
    siblings: Siblings<'_>,
    field: &str,
    text: &str,
) -> Option<Problem> {
    let address = of_stack(text)?;
    let role = Config::deserialize(siblings(&address)?).ok()?;
    // A trust that is wrong in itself is a problem of the role.
    if check::trust(&role.trust).iter().any(|problem| problem.severity == Severity::Error) {
        return None;
    }
    let trust = Document::from(role.trust);
    let wanted = who.first().filter(|_| !who.iter().any(|who| trust.may_trust(who)))?;
    let mut problem = Problem::error(&[field], format!("`{address}` does not trust {wanted}"));
    problem.hint(format!("add {wanted} to the role's trust"));
    Some(problem)
}
