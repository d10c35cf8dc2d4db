//! The local cloud: finds an AWS emulator on a port, or installs, starts and supervises one.
//!
//! A library that knows no terminal and reads no environment: what it needs is in [`Config`], what
//! it has to say while it works goes out as [`Event`]s. Nothing here is used for AWS itself.
//!
//! | file | idea |
//! |---|---|
//! | `config` | ports, folders, the pinned version |
//! | `probe` | who listens on a port? |
//! | `python` | an interpreter that is new enough |
//! | `install` | once, also with parallel runs |
//! | `daemon` | one process, its lock, its end |
//! | `cloud` | up, down, status, reset |
//! | `expose` | the only door that may be public |

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
pub use probe::{What, probe};
