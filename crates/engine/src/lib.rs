//! What makes a cloud match a file, without knowing any cloud or any terminal.
//!
//! Data flows one way: text, [`manifest`], [`graph`], observation, [`plan`], execution, [`state`]
//! and [`event`]s.

pub mod address;
pub mod change;
pub mod config;
pub mod erased;
pub mod graph;
pub mod kind;
pub mod manifest;
pub mod reference;
pub mod secret;
pub mod state;

pub use address::Address;
