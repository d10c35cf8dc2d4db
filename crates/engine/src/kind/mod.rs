//! The contract of a kind: what the engine asks of one sort of object in a cloud, and what it may
//! rely on.
//!
//! A kind (`instance`, `role`…) is described twice. A [`ResourceType`] is what it *is*: names,
//! fields, checks; it needs no cloud, so `validate` and `show` open no connection. A [`Provider`] is
//! how it is *reached*: six asynchronous verbs. [`Ownership`] is what surrounds them where an object
//! has parts beside it or a cloud protects it from deletion; its defaults do nothing.
//!
//! A kind translates and decides nothing. The engine computes differences, orders steps, waits,
//! retries and records. So a kind never sleeps, never retries and never keeps state.

mod fault;
pub mod field;
mod field_table;
mod files;
mod object;
mod ownership;
mod problem;
mod provider;
mod resource_type;
pub mod tag;

pub use self::fault::{Error, Fault, Result};
pub use self::field::{Comparison, Field, UpdateCost, field};
pub use self::field_table::{FieldRule, FieldTable};
pub use self::files::Files;
pub use self::object::{
    Context, Created, DeletionProtection, ExistingPart, Found, Handle, Intent, Live, Memo, Owner,
    PriorState, Readiness, Sought,
};
pub use self::ownership::Ownership;
pub use self::problem::{Problem, Problems, Severity};
pub use self::provider::{Provider, SpecOf};
pub use self::resource_type::{
    CheckContext, Contribution, CreateIdempotency, Milestone, ResourceType, Siblings,
};
