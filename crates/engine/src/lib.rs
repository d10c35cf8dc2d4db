//! What makes a cloud match a file, without knowing any cloud or any terminal.
//!
//! Data flows one way: text, [`manifest`], [`graph`], observation, [`plan`], execution, [`state`]
//! and [`event`]s.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod address;
mod backoff;
pub mod change;
mod claim;
pub mod clock;
pub mod config;
pub mod erased;
pub mod event;
pub mod execute;
mod fault;
pub mod field;
pub mod graph;
pub mod guard;
pub mod ignore;
pub mod kind;
pub mod manifest;
pub mod observe;
pub mod plan;
pub mod prepare;
mod problem;
pub mod reference;
pub mod secret;
pub mod session;
pub mod state;
pub mod terms;
mod wait;

pub use address::Address;
