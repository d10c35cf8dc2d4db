//! What makes a cloud match a file, without knowing any cloud or any terminal.
//!
//! Data flows one way: text, [`manifest`], [`graph`], observation, [`plan`], execution, [`state`]
//! and [`event`]s.

pub mod address;
pub mod change;
pub mod config;
pub mod kind;

pub use address::Address;
