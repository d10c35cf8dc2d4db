//! The local cloud: finds an AWS emulator on a port, or installs, starts and supervises one.
//!
//! This library never touches the terminal and never reads the environment: its settings are in
//! [`Config`], and it reports progress as [`Event`]s. Stacks on AWS itself do not use it.
//!
//! | file | idea |
//! |---|---|
//! | `config` | ports, folders, the pinned version |
//! | `probe` | finds out what listens on a port |
//! | `python` | finds a Python interpreter that is new enough |
//! | `install` | installs the emulator once, also when runs are parallel |
//! | `daemon` | one emulator process: its lock, its start, its stop |
//! | `cloud` | the operations: up, down, status, reset |
//! | `expose` | a proxy for deployed APIs, the only port that may be public |

mod cloud;
mod config;
mod daemon;
mod error;
mod event;
pub mod expose;
mod install;
mod probe;
mod python;

pub use cloud::{Endpoint, Status, down, reset, status, up};
pub use config::{Config, VERSION};
pub use daemon::Running;
pub use error::{Error, Result};
pub use event::{Event, Report};
pub use probe::{PortUse, probe};
