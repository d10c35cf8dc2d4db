//! What is said of an address that the stack does not have.

use super::diagnostic::{Diagnostic, nearest};
use super::source::Span;
use crate::address::Address;

/// How many addresses a help lists.
pub(super) const LISTED: usize = 8;

/// Reports that the stack does not have an address. `known` are those that it has, `kinds` all that there are.
pub(super) fn missing<'a>(
    address: &Address,
    known: impl Iterator<Item = &'a Address> + Clone,
    kinds: &[&str],
    span: &Span,
) -> Diagnostic {
    let message = format!("there is no `{address}` in this stack");
    Diagnostic::error(span.clone(), message).help(instead_of(address, known, kinds))
}

/// What may be meant.
fn instead_of<'a>(
    address: &Address,
    known: impl Iterator<Item = &'a Address> + Clone,
    kinds: &[&str],
) -> String {
    if let Some(near) = nearest(address.as_str(), known.clone().map(Address::as_str)) {
        return format!("did you mean `{near}`?");
    }
    let kind = address.kind();
    if !kinds.contains(&kind) {
        return match nearest(kind, kinds.iter().copied()) {
            Some(near) => format!("did you mean the kind `{near}`?"),
            None => format!("`{kind}` is no kind; the kinds are: {}", kinds.join(", ")),
        };
    }
    let of_kind = known.filter(|one| one.kind() == kind);
    let of_kind: Vec<&str> = of_kind.map(Address::as_str).take(LISTED).collect();
    if of_kind.is_empty() {
        format!("add it to the file: `{kind}:` with the key `{}`", address.key())
    } else {
        format!("there are: {}", of_kind.join(", "))
    }
}
