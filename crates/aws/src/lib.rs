//! The kinds on the AWS SDK. The only place that names an AWS SDK.

pub mod cloud;
pub mod fault;
pub mod function;
pub mod invoke;
pub mod log_group;
pub mod logs;
pub mod package;
pub mod vendor;
