//! From what went wrong to an exit code: decided here and nowhere else.

use stackwright_engine::execute::Failure;
use stackwright_engine::kind::Fault;
use stackwright_engine::{session, state};

use crate::error::Error;

/// The exit codes.
pub mod code {
    pub const OTHER: u8 = 1;
    pub const CHANGES: u8 = 2;
    pub const CLOUD: u8 = 3;
    pub const RESOURCE: u8 = 4;
    pub const CHECK: u8 = 5;
    pub const LOCKED: u8 = 6;
    pub const USAGE: u8 = 64;
    pub const INVALID: u8 = 65;
    pub const INTERRUPTED: u8 = 130;
    pub const TERMINATED: u8 = 143;
}

/// The exit code of a command that failed.
pub fn of(error: &Error) -> u8 {
    match error {
        Error::NoStackFile | Error::NoSuchPath(_) | Error::Usage(_) | Error::NeedsYes(_) => {
            code::USAGE
        }
        Error::Invalid(_) => code::INVALID,
        Error::Local(_) | Error::Refused(..) => code::CLOUD,
        Error::Cloud { error, .. } => of_fault(&error.fault),
        Error::State(error) if matches!(**error, state::Error::Locked { .. }) => code::LOCKED,
        Error::Session { error, .. } => of_session(error),
        Error::Hinted { error, .. } => of(error),
        _ => code::OTHER,
    }
}

/// The exit code of a command whose output could not be written: an error, unless there is a worse one.
pub fn without_output(code: u8) -> u8 {
    match code {
        0 | code::CHANGES => code::OTHER,
        other => other,
    }
}

/// The exit code of a call that failed.
pub fn of_fault(fault: &Fault) -> u8 {
    match fault {
        Fault::Credentials | Fault::Unreachable => code::CLOUD,
        _ => code::RESOURCE,
    }
}

/// The exit code of a step that failed.
pub fn of_failure(failure: &Failure) -> u8 {
    failure.fault().map_or(code::RESOURCE, of_fault)
}

fn of_session(error: &session::Error) -> u8 {
    match error {
        session::Error::Unseen(unseen) => {
            unseen.iter().map(|unseen| of_fault(&unseen.error.fault)).min().unwrap_or(code::OTHER)
        }
        session::Error::Recovery { failure, .. } => of_failure(failure),
        session::Error::Import { error, .. } => of_fault(&error.fault),
        session::Error::Unprepared(failed) => {
            let mut faults = failed.iter().map(|(_, error)| &error.fault);
            faults.find(|fault| **fault != Fault::Terminal).map_or(code::INVALID, of_fault)
        }
        session::Error::NoSuch(_) => code::USAGE,
        session::Error::Blocked(_)
        | session::Error::Foreign(_)
        | session::Error::State(_)
        | session::Error::Unclaimed(_) => code::OTHER,
    }
}
