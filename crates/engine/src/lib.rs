//! What makes a cloud match a file, without knowing any cloud or any terminal.
//!
//! Data flows one way: text, [`manifest`], [`graph`], observation, [`plan`], execution, [`state`]
//! and [`event`]s.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod address;
pub mod at_once;
pub mod awaited;
mod backoff;
pub mod change;
mod claim;
pub mod clock;
pub mod config;
pub mod diff;
pub mod digest;
pub mod event;
pub mod execute;
pub mod graph;
pub mod kind;
pub mod lifecycle;
pub mod manifest;
pub mod observe;
pub mod partition;
pub mod plan;
pub mod prepare;
pub mod providers;
mod redact;
pub mod reference;
pub mod registry;
pub mod secret;
pub mod session;
pub mod state;
mod wait;
pub mod work;

pub use address::Address;
