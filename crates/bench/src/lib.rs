//! Measures the built program: `cargo run --release -p bench`.
//!
//! Each subset is one module. It runs the program as a process, as a user would, against a cloud in memory
//! ([`stackwright_testkit::Double`]) or against an emulator, and returns a [`report::Report`]. Nothing here
//! is a test of time, since the figures of a busy machine differ: what tests assert is which calls are made and
//! which objects exist afterwards ([`smoke`]).

pub mod binary;
pub mod build;
pub mod hot;
pub mod limit;
pub mod machine;
pub mod page;
pub mod process;
pub mod quotas;
pub mod report;
pub mod sample;
pub mod sandbox;
pub mod scale;
pub mod serve;
pub mod smoke;
pub mod stack;
pub mod startup;
pub mod task;

/// Why a measurement could not be made.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Error>;
