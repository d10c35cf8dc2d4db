//! Snapshot and journal: what is folded, what is refused, what survives.

#![expect(clippy::disallowed_methods, reason = "tests look behind the trait")]

mod files;
mod fold;
mod rebuild;
mod support;
