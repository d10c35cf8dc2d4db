//! Real emulators for tests: each test has its own, and none outlives it.
//!
//! ```no_run
//! use stackwright_testkit::Emulator;
//!
//! let cloud = Emulator::ministack().start();
//! let reply = cloud.aws(&["ec2", "describe-instances"]);
//! assert_eq!(reply["Reservations"].as_array().map(Vec::len), Some(0));
//! ```
//!
//! Everything here panics instead of returning errors, and never skips: a test that cannot run has
//! failed.

mod census;
mod certificates;
mod dice;
mod double;
mod emulator;
pub mod figures;
pub mod http;
pub mod kinds;
pub mod model;
mod openapi;
mod proxy;
mod request;
mod tree;
pub mod world;

pub use census::{Census, Counts, counts};
pub use certificates::{Certificates, certificates};
pub use dice::Dice;
pub use double::{Calls, Double};
pub use emulator::{Builder, Emulator};
pub use proxy::{
    Act, Call, Checked, Deviation, Endpoint, Entry, Operation, Point, Proxy, Refusal, Rules,
    by_seed, read_log, replay, write_log,
};
pub use tree::{cache, python, python_path};
