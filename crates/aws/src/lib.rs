//! The kinds on the AWS SDK. The only place that names an AWS SDK.

pub mod cloud;
pub mod fault;
pub mod function;
pub mod instance;
pub mod invoke;
pub mod log_group;
pub mod logs;
pub mod once;
pub mod package;
pub mod policy;
pub mod role;
pub mod tags;
pub mod vendor;
